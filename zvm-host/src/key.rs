//! Keys of people: derivation from a passphrase (`RealID-v1`), the address and QID of a key, and the
//! encrypted file that keeps one. Knows nothing of calls. Secrets are wiped when dropped.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::net::Ipv6Addr;
use std::path::Path;

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::crypto::{SigningKey, keccak256, sha256_parts};
use crate::types::Address;

const REAL_ID_ROUNDS: u32 = 100_000;

/// The key that a passphrase stands for: `RealID-v1`.
pub fn from_passphrase(passphrase: &[u8]) -> SigningKey {
    let salt = sha256_parts(&[b"RealID-v1", passphrase]);
    let mut okm = Zeroizing::new([0u8; 64]);
    pbkdf2::pbkdf2_hmac::<sha2::Sha256>(passphrase, &salt, REAL_ID_ROUNDS, okm.as_mut());
    let mut seed = Zeroizing::new([0u8; 32]);
    seed.iter_mut().zip(okm.iter()).for_each(|(to, from)| *to = *from);
    SigningKey::from_seed(&seed)
}

/// A new key from the operating system's randomness.
pub fn generate() -> Result<SigningKey, KeyFileError> {
    let mut seed = Zeroizing::new([0u8; 32]);
    getrandom::fill(seed.as_mut()).map_err(|_| KeyFileError::NoRandomness)?;
    Ok(SigningKey::from_seed(&seed))
}

/// The address of a public key: the first 20 bytes of its Keccak-256.
pub fn address(key: &[u8; 32]) -> Address {
    let hash = keccak256(key);
    Address(hash.first_chunk().copied().unwrap_or_default())
}

/// The QID of a public key: an IPv6 address of the prefix `fd00::/16`.
pub fn qid(key: &[u8; 32]) -> Ipv6Addr {
    let hash = sha256_parts(&[b"RealID-QID-v1", key]);
    let mut octets = [0u8; 16];
    octets.iter_mut().zip([0xfd, 0].iter().chain(hash.iter())).for_each(|(to, from)| *to = *from);
    Ipv6Addr::from(octets)
}

/// Why a key file could not be written or read.
#[derive(Debug)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The file system refused.
    Io(std::io::Error),
    /// Not a key file, cut, or of another version.
    Malformed,
    /// The password is wrong, or the file was changed.
    WrongPassword,
    /// The file can be read by others than its owner.
    TooOpen,
    /// The operating system gave no randomness.
    NoRandomness,
}

impl fmt::Display for KeyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyFileError::Io(error) => write!(f, "key file: {error}"),
            KeyFileError::Malformed => f.write_str("not a key file of version 1 or 2"),
            KeyFileError::WrongPassword => f.write_str("wrong password, or the key file was changed"),
            KeyFileError::TooOpen => {
                f.write_str("the key file can be read by others; make it private (chmod 600)")
            }
            KeyFileError::NoRandomness => f.write_str("the operating system gave no randomness"),
        }
    }
}

impl std::error::Error for KeyFileError {}

impl From<std::io::Error> for KeyFileError {
    fn from(error: std::io::Error) -> KeyFileError {
        KeyFileError::Io(error)
    }
}

/// What a file begins with; authenticated with the rest of the header. Version 1 has no public key.
const MAGIC_V1: &[u8; 8] = b"zvm-key\x01";
const MAGIC: &[u8; 8] = b"zvm-key\x02";
const PUBLIC_LEN: usize = 32;
const SALT_LEN: usize = 16;
const NONCE_LEN: usize = 24;
const SEALED_LEN: usize = 32 + 16;
const FILE_LEN_V1: usize = 8 + 4 + 4 + SALT_LEN + NONCE_LEN + SEALED_LEN;
const FILE_LEN: usize = FILE_LEN_V1 + PUBLIC_LEN;

/// How much memory and time a guess of the password costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hardness {
    /// KiB of memory.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Hardness {
    /// 64 MiB, three passes.
    pub const DEFAULT: Hardness = Hardness { memory_kib: 64 * 1024, passes: 3 };
    /// What a file may ask of its reader: 1 GiB, sixteen passes.
    const MAX: Hardness = Hardness { memory_kib: 1024 * 1024, passes: 16 };
}

/// Encrypts `key` under `password` into a new file of mode 0600. An existing file is not touched.
pub fn save(path: &Path, key: &SigningKey, password: &[u8], hardness: Hardness) -> Result<(), KeyFileError> {
    let mut salt = [0u8; SALT_LEN];
    let mut nonce = [0u8; NONCE_LEN];
    getrandom::fill(&mut salt).map_err(|_| KeyFileError::NoRandomness)?;
    getrandom::fill(&mut nonce).map_err(|_| KeyFileError::NoRandomness)?;
    let mut file = Vec::with_capacity(FILE_LEN);
    file.extend_from_slice(MAGIC);
    file.extend_from_slice(&key.public());
    file.extend_from_slice(&hardness.memory_kib.to_le_bytes());
    file.extend_from_slice(&hardness.passes.to_le_bytes());
    file.extend_from_slice(&salt);
    file.extend_from_slice(&nonce);
    let seed = key.seed();
    let sealed = cipher(password, &salt, hardness)?
        .encrypt(&XNonce::from(nonce), Payload { msg: seed.as_ref(), aad: &file })
        .map_err(|_| KeyFileError::Malformed)?;
    file.extend_from_slice(&sealed);
    let mut out = private_file(path)?;
    out.write_all(&file)?;
    out.sync_all()?;
    Ok(())
}

/// A key file, not yet opened.
struct Sealed {
    bytes: Vec<u8>,
    /// In clear from version 2 on.
    public: Option<[u8; PUBLIC_LEN]>,
    hardness: Hardness,
    salt: [u8; SALT_LEN],
    nonce: [u8; NONCE_LEN],
}

impl Sealed {
    fn read(path: &Path) -> Result<Sealed, KeyFileError> {
        let file = File::open(path)?;
        refuse_open_modes(&file)?;
        let mut bytes = Vec::new();
        file.take(1 + FILE_LEN as u64).read_to_end(&mut bytes)?;
        Sealed::parse(bytes).ok_or(KeyFileError::Malformed)
    }

    fn parse(bytes: Vec<u8>) -> Option<Sealed> {
        let mut reader = crate::codec::Reader::new(&bytes);
        let public = match &reader.array::<8>().ok()? {
            MAGIC => Some(reader.array().ok()?),
            MAGIC_V1 => None,
            _ => return None,
        };
        let hardness = Hardness { memory_kib: reader.u32().ok()?, passes: reader.u32().ok()? };
        let (salt, nonce) = (reader.array().ok()?, reader.array().ok()?);
        reader.bytes(SEALED_LEN).ok()?;
        reader.end().ok()?;
        let most = Hardness::MAX;
        let bearable = hardness.memory_kib <= most.memory_kib && hardness.passes <= most.passes;
        bearable.then_some(Sealed { bytes, public, hardness, salt, nonce })
    }
}

/// Reads a file written by [`save`], or by an earlier version.
pub fn load(path: &Path, password: &[u8]) -> Result<SigningKey, KeyFileError> {
    let file = Sealed::read(path)?;
    let (aad, sealed) = file.bytes.split_at(file.bytes.len().saturating_sub(SEALED_LEN));
    let opened = cipher(password, &file.salt, file.hardness)?
        .decrypt(&XNonce::from(file.nonce), Payload { msg: sealed, aad })
        .map_err(|_| KeyFileError::WrongPassword)?;
    let opened = Zeroizing::new(opened);
    let seed: &[u8; 32] = opened.as_slice().try_into().map_err(|_| KeyFileError::Malformed)?;
    let key = SigningKey::from_seed(seed);
    // Authentic, but of a maker who wrote another key's name on it.
    if file.public.is_some_and(|public| public != key.public()) {
        return Err(KeyFileError::Malformed);
    }
    Ok(key)
}

/// The public key that stands in a key file in clear; nothing in a file of version 1. Only [`load`] finds out
/// whether somebody changed it.
pub fn public_of(path: &Path) -> Result<Option<[u8; 32]>, KeyFileError> {
    Sealed::read(path).map(|file| file.public)
}

fn cipher(
    password: &[u8],
    salt: &[u8; SALT_LEN],
    hardness: Hardness,
) -> Result<XChaCha20Poly1305, KeyFileError> {
    let params = Params::new(hardness.memory_kib, hardness.passes, 1, Some(32))
        .map_err(|_| KeyFileError::Malformed)?;
    let mut key = Zeroizing::new([0u8; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password, salt, key.as_mut())
        .map_err(|_| KeyFileError::Malformed)?;
    Ok(XChaCha20Poly1305::new(&(*key).into()))
}

#[cfg(unix)]
fn private_file(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn private_file(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

#[cfg(unix)]
fn refuse_open_modes(file: &File) -> Result<(), KeyFileError> {
    use std::os::unix::fs::PermissionsExt;
    if file.metadata()?.permissions().mode() & 0o077 == 0 { Ok(()) } else { Err(KeyFileError::TooOpen) }
}

#[cfg(not(unix))]
fn refuse_open_modes(_: &File) -> Result<(), KeyFileError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::hex;

    const EASY: Hardness = Hardness { memory_kib: 64, passes: 1 };

    #[test]
    fn real_id_vector() {
        let key = from_passphrase(b"ghost");
        let public = key.public();
        assert_eq!(
            hex(key.seed().as_ref()),
            "cb653820d4bd90d8238305243c14ac27ab8ce92104b53abd0a9e791e072bcf9d"
        );
        assert_eq!(hex(&public), "5eca5a32724cf1baf9dcb6611d39769c2bd7963aec39eec7bcedbfca6ba4272a");
        assert_eq!(address(&public).to_string(), "0x9c949ba1bc36b62185b5a3cf399b20a1bcad6cc9");
        assert_eq!(qid(&public).to_string(), "fd00:763d:2f43:fe27:67f6:e076:70bc:b68b");
    }

    #[test]
    fn a_key_file_gives_its_key_back_to_the_right_password_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let key = generate().unwrap();
        save(&path, &key, b"password", EASY).unwrap();
        assert_eq!(load(&path, b"password").unwrap().seed(), key.seed());
        assert!(matches!(load(&path, b"passwore"), Err(KeyFileError::WrongPassword)));
        // Never overwritten.
        assert!(matches!(save(&path, &key, b"x", EASY), Err(KeyFileError::Io(_))));
        assert_eq!(load(&path, b"password").unwrap().seed(), key.seed());
        assert_eq!(format!("{key:?}"), "SigningKey(..)");
    }

    #[test]
    fn a_changed_key_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        save(&path, &generate().unwrap(), b"password", EASY).unwrap();
        let good = std::fs::read(&path).unwrap();
        for index in 0..good.len() {
            // Bytes of the hardness would ask for more work than a test should do.
            if (41..44).contains(&index) || (45..48).contains(&index) {
                continue;
            }
            let mut bad = good.clone();
            bad[index] ^= 1;
            std::fs::write(&path, &bad).unwrap();
            assert!(load(&path, b"password").is_err(), "byte {index}");
        }
        for bad in [&good[..good.len() - 1], &[&good[..], &[0]].concat(), b""] {
            std::fs::write(&path, bad).unwrap();
            assert!(matches!(load(&path, b"password"), Err(KeyFileError::Malformed)));
        }
        let mut greedy = good.clone();
        greedy[40..44].copy_from_slice(&u32::MAX.to_le_bytes());
        std::fs::write(&path, &greedy).unwrap();
        assert!(matches!(load(&path, b"password"), Err(KeyFileError::Malformed)));
    }

    #[test]
    fn what_is_public_needs_no_password() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let (key, other) = (generate().unwrap(), generate().unwrap());
        save(&path, &key, b"password", EASY).unwrap();
        assert_eq!(public_of(&path).unwrap(), Some(key.public()));
        // Changed, it is told, and no longer opens.
        let mut forged = std::fs::read(&path).unwrap();
        forged[8..40].copy_from_slice(&other.public());
        std::fs::write(&path, forged).unwrap();
        assert_eq!(public_of(&path).unwrap(), Some(other.public()));
        assert!(matches!(load(&path, b"password"), Err(KeyFileError::WrongPassword)));
        std::fs::write(&path, b"zvm-key\x02").unwrap();
        assert!(matches!(public_of(&path), Err(KeyFileError::Malformed)));
    }

    /// Written by version 1 of the format: the key of the passphrase `ghost`, the password `old`.
    #[cfg(unix)]
    #[test]
    fn a_file_of_version_1_opens() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let file = crate::types::unhex(V1_FILE).unwrap();
        std::fs::write(&path, &file).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(load(&path, b"old").unwrap().seed(), from_passphrase(b"ghost").seed());
        assert!(matches!(load(&path, b"new"), Err(KeyFileError::WrongPassword)));
        assert_eq!(public_of(&path).unwrap(), None);
        // It is not taken for version 2, whatever stands in it.
        std::fs::write(&path, [&b"zvm-key\x02"[..], &file[8..]].concat()).unwrap();
        assert!(matches!(load(&path, b"old"), Err(KeyFileError::Malformed)));
    }

    const V1_FILE: &str = concat!(
        "7a766d2d6b65790140000000010000000750abc4abe302649f8709d67c49266a8c5749b5e147d7a347cbb8e20c204aaf",
        "564ba004c75dce8a0584fd7ba04625077089e563bc0a6c075aec8c86d4b8d33386338c7da30289426437c731fa03c460",
        "daeb02d652215020",
    );

    #[cfg(unix)]
    #[test]
    fn a_key_file_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        save(&path, &generate().unwrap(), b"password", EASY).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(load(&path, b"password"), Err(KeyFileError::TooOpen)));
    }
}
