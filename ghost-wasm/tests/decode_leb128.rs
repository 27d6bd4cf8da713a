//! The LEB128 readers against the `leb128` crate: ours accepts an N-bit value exactly if the crate accepts,
//! the length is at most ceil(N/7) bytes and the value fits in N bits; then both give the same value.

use ghost_wasm::internals::{Cursor, Fault};
use proptest::prelude::*;

fn fits_unsigned(value: u64, bits: u32) -> bool {
    bits == 64 || value >> bits == 0
}

fn fits_signed(value: i64, bits: u32) -> bool {
    let unused = 64 - bits;
    value << unused >> unused == value
}

/// The value and how many bytes it took, by the crate.
fn unsigned(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut rest = bytes;
    let value = leb128::read::unsigned(&mut rest).ok()?;
    Some((value, bytes.len() - rest.len()))
}

fn signed(bytes: &[u8]) -> Option<(i64, usize)> {
    let mut rest = bytes;
    let value = leb128::read::signed(&mut rest).ok()?;
    Some((value, bytes.len() - rest.len()))
}

fn ours<T>(bytes: &[u8], read: impl FnOnce(&mut Cursor<'_>) -> Result<T, Fault>) -> Option<(T, usize)> {
    let mut c = Cursor::new(bytes);
    let value = read(&mut c).ok()?;
    Some((value, c.consumed()))
}

fn allowed(len: usize, bits: u32) -> bool {
    len <= bits.div_ceil(7) as usize
}

fn check(bytes: &[u8]) {
    let u = unsigned(bytes);
    let s = signed(bytes);
    let want = |bits| u.filter(|&(value, len)| allowed(len, bits) && fits_unsigned(value, bits));
    let want_signed = |bits| s.filter(|&(value, len)| allowed(len, bits) && fits_signed(value, bits));
    assert_eq!(ours(bytes, |c| c.u32()).map(|(v, len)| (u64::from(v), len)), want(32), "u32 {bytes:x?}");
    assert_eq!(ours(bytes, |c| c.u64()), want(64), "u64 {bytes:x?}");
    assert_eq!(ours(bytes, |c| c.s32()), want_signed(32), "s32 {bytes:x?}");
    assert_eq!(ours(bytes, |c| c.s33()), want_signed(33), "s33 {bytes:x?}");
    assert_eq!(ours(bytes, |c| c.s64()), want_signed(64), "s64 {bytes:x?}");
}

/// Bytes as numbers have them: long runs that go on, ends near the limits.
fn number() -> impl Strategy<Value = Vec<u8>> {
    let middle = prop_oneof![Just(0x80_u8), Just(0xff), any::<u8>().prop_map(|byte| byte | 0x80)];
    let last =
        prop_oneof![0_u8..0x80, Just(0x7f), Just(0x40), Just(0x0f), Just(0x70), Just(0x08), Just(0x78)];
    (prop::collection::vec(middle, 0..11), last).prop_map(|(mut bytes, last)| {
        bytes.push(last);
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn numbers_read_as_the_crate_reads_them(bytes in number()) {
        check(&bytes);
    }

    #[test]
    fn any_bytes_read_as_the_crate_reads_them(bytes in prop::collection::vec(any::<u8>(), 0..12)) {
        check(&bytes);
    }

    #[test]
    fn what_the_crate_writes_comes_back(value in any::<u64>(), shift in 0_u32..64) {
        let value = value >> shift;
        let mut bytes = Vec::new();
        leb128::write::unsigned(&mut bytes, value).expect("a vector");
        check(&bytes);
        bytes.clear();
        leb128::write::signed(&mut bytes, value as i64).expect("a vector");
        check(&bytes);
    }
}

#[test]
fn all_short_encodings() {
    for first in 0..=u8::MAX {
        check(&[first]);
        for second in 0..=u8::MAX {
            check(&[first, second]);
        }
    }
}

#[test]
fn padding_ends_at_the_width() {
    assert_eq!(ours(&[0x81, 0x80, 0x80, 0x80, 0x00], |c| c.u32()), Some((1, 5)));
    assert_eq!(ours(&[0x81, 0x80, 0x80, 0x80, 0x80, 0x00], |c| c.u32()), None);
    assert_eq!(ours(&[0xff, 0xff, 0xff, 0xff, 0x7f], |c| c.s33()), Some((-1, 5)));
}

#[test]
fn running_out_is_not_malformed() {
    let mut c = Cursor::new(&[0x80, 0x80]);
    assert_eq!(c.u32(), Err(Fault::More));
}
