//! Hashes and signatures.

use super::super::host::{Guest, HostEnd};
use super::charge_len;
use crate::crypto;
use crate::table::host_fns::{HostFn, row};
use crate::types::Hash;

pub fn hash(guest: &mut impl Guest, data: u32, len: u32, out: u32) -> Result<(), HostEnd> {
    put_hash(guest, &row::hash, crypto::blake3, data, len, out)
}

pub fn blake3(guest: &mut impl Guest, data: u32, len: u32, out: u32) -> Result<(), HostEnd> {
    put_hash(guest, &row::blake3, crypto::blake3, data, len, out)
}

pub fn sha256(guest: &mut impl Guest, data: u32, len: u32, out: u32) -> Result<(), HostEnd> {
    put_hash(guest, &row::sha256, crypto::sha256, data, len, out)
}

pub fn keccak256(guest: &mut impl Guest, data: u32, len: u32, out: u32) -> Result<(), HostEnd> {
    put_hash(guest, &row::keccak256, crypto::keccak256, data, len, out)
}

pub fn ed25519_verify(
    guest: &mut impl Guest,
    key: u32,
    signature: u32,
    message: u32,
    len: u32,
) -> Result<i32, HostEnd> {
    let key = guest.range(key, 32)?;
    let signature = guest.range(signature, 64)?;
    let message = guest.range(message, len)?;
    charge_len(guest, &row::ed25519_verify, message.len())?;
    let valid = crypto::verify(&guest.array(key), &guest.array(signature), guest.bytes(message));
    Ok(i32::from(valid.is_ok()))
}

pub fn secp256k1_recover(
    guest: &mut impl Guest,
    hash: u32,
    signature: u32,
    recovery_id: i32,
    out: u32,
) -> Result<i32, HostEnd> {
    let hash = guest.range(hash, 32)?;
    let signature = guest.range(signature, 64)?;
    let out = guest.range(out, 64)?;
    let recovered = u8::try_from(recovery_id)
        .ok()
        .and_then(|id| crypto::secp256k1::recover(&guest.array(hash), &guest.array(signature), id));
    let Some(key) = recovered else { return Ok(0) };
    guest.put(out, &key);
    Ok(1)
}

fn put_hash(
    guest: &mut impl Guest,
    row: &HostFn,
    hash: fn(&[u8]) -> Hash,
    data: u32,
    len: u32,
    out: u32,
) -> Result<(), HostEnd> {
    let data = guest.range(data, len)?;
    let out = guest.range(out, 32)?;
    charge_len(guest, row, data.len())?;
    let hash = hash(guest.bytes(data));
    guest.put(out, &hash);
    Ok(())
}
