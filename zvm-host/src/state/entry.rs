//! What stands in a table of the store: a value and a checksum of it, of its key and of the table's name.
//! A damaged page of the file then never becomes an answer, in whichever byte of an entry the damage is.

use super::backend::StoreError;
use crate::types::hex;

/// Bytes of the checksum at the end of each entry. It is against damage, not against somebody who writes to
/// the file: 64 bits leave a damaged entry unnoticed once in 2⁶⁴.
pub const SUM_LEN: usize = 8;

/// Bytes of a key that are shown; the rest is left out.
const SHOWN_LEN_MAX: usize = 40;

/// A place in the store, for people.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The table's name.
    pub table: &'a str,
    /// The key in it; nothing for the table as a whole.
    pub key: Option<&'a [u8]>,
}

/// The place of what concerns no table.
pub const FILE: Place<'static> = Place { table: "", key: None };

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.table.is_empty() {
            return f.write_str("the file");
        }
        write!(f, "table `{}`", self.table)?;
        match self.key {
            None => Ok(()),
            Some(key) if key.len() <= SHOWN_LEN_MAX => write!(f, ", key 0x{}", hex(key)),
            Some(key) => write!(f, ", key 0x{}…", hex(key.get(..SHOWN_LEN_MAX).unwrap_or_default())),
        }
    }
}

impl Place<'_> {
    /// The error of damage at this place.
    pub fn corrupt(&self, what: &str) -> StoreError {
        StoreError::Corrupt(format!("{self}: {what}"))
    }
}

/// The bytes that are stored for a value.
pub fn seal(table: &str, key: &[u8], value: &[u8]) -> Vec<u8> {
    [value, &sum(table, key, value)].concat()
}

/// The value of an entry.
///
/// # Errors
/// `Corrupt`, with the place, if one bit of the value, the checksum, the key or the table's name is another.
pub fn open<'a>(table: &str, key: &[u8], stored: &'a [u8]) -> Result<&'a [u8], StoreError> {
    let place = Place { table, key: Some(key) };
    let (value, found) = stored.split_last_chunk::<SUM_LEN>().ok_or_else(|| place.corrupt("it is cut"))?;
    if sum(table, key, value) != *found {
        return Err(place.corrupt("its bytes are not those that were written"));
    }
    Ok(value)
}

/// The first 8 bytes of BLAKE3 over `table length u32 ‖ table ‖ key length u32 ‖ key ‖ value`.
fn sum(table: &str, key: &[u8], value: &[u8]) -> [u8; SUM_LEN] {
    let mut hasher = blake3::Hasher::new();
    for part in [table.as_bytes(), key] {
        // Names and keys are far shorter than 4 GiB.
        hasher.update(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
        hasher.update(part);
    }
    hasher.update(value);
    hasher.finalize().as_bytes().first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_entry() {
        let stored = seal("records", b"key", b"value");
        let words = [&7u32.to_le_bytes()[..], b"records", &3u32.to_le_bytes(), b"key", b"value"].concat();
        assert_eq!(stored, [&b"value"[..], &blake3::hash(&words).as_bytes()[..8]].concat());
        assert_eq!(open("records", b"key", &stored).unwrap(), b"value");
        assert_eq!(open("t", b"", &seal("t", b"", b"")).unwrap(), b"");
    }

    /// Any one bit of name, key, value or checksum; and any cut.
    #[test]
    fn every_bit_counts() {
        let (table, key, value) = ("calls", &[0u8, 0, 0, 0, 0, 0, 1, 2][..], &[0x5a; 70][..]);
        let stored = seal(table, key, value);
        for bit in 0..8 * stored.len() {
            let mut bad = stored.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let error = open(table, key, &bad).unwrap_err().to_string();
            assert!(error.contains("table `calls`, key 0x0000000000000102"), "{error}");
        }
        for bit in 0..8 * key.len() {
            let mut bad = key.to_vec();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(open(table, &bad, &stored).is_err());
        }
        for len in 0..stored.len() {
            assert!(open(table, key, &stored[..len]).is_err());
        }
        assert!(open("headers", key, &stored).is_err());
        // Bytes that move from the key to the value are other bytes.
        assert!(open(table, &key[..7], &[&key[7..], &stored].concat()).is_err());
    }
}
