//! Addresses, hashes and their text form. Owns no rule about where they come from.

use std::fmt;
use std::str::FromStr;

/// A 32-byte hash.
pub type Hash = [u8; 32];

/// The address of a key or a contract: 20 bytes, shown as `0x` and 40 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Address(pub [u8; 20]);

impl Address {
    /// The address that neither signs nor holds code.
    pub const ZERO: Address = Address([0; 20]);

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// Whether this is the zero address.
    pub fn is_zero(&self) -> bool {
        *self == Address::ZERO
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{}", hex(&self.0))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// What was expected.
    pub expected: &'static str,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}", self.expected)
    }
}

impl std::error::Error for ParseError {}

impl FromStr for Address {
    type Err = ParseError;

    /// Reads `0x` and 40 hex digits; the prefix may be left out.
    fn from_str(text: &str) -> Result<Address, ParseError> {
        let expected = ParseError { expected: "an address: 0x and 40 hex digits" };
        let bytes = unhex(text.strip_prefix("0x").unwrap_or(text)).ok_or(expected.clone())?;
        Ok(Address(bytes.try_into().map_err(|_| expected)?))
    }
}

/// Reads 64 hex digits, with or without `0x`.
pub fn parse_hash(text: &str) -> Result<Hash, ParseError> {
    let expected = ParseError { expected: "a hash: 64 hex digits" };
    let bytes = unhex(text.strip_prefix("0x").unwrap_or(text)).ok_or(expected.clone())?;
    bytes.try_into().map_err(|_| expected)
}

/// Lower-case hex digits of `bytes`.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The bytes of hex digits in either case; nothing for an odd count or another character.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits
        .chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => Some(high << 4 | low),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_round_trips_and_refuses_what_it_must() {
        assert_eq!(hex(&[0, 0x0f, 0xa5]), "000fa5");
        assert_eq!(unhex("000Fa5"), Some(vec![0, 0x0f, 0xa5]));
        for bad in ["0", "0g", "é0", "+1"] {
            assert_eq!(unhex(bad), None, "{bad}");
        }
    }

    #[test]
    fn addresses_are_shown_as_they_are_read() {
        let text = "0x9c949ba1bc36b62185b5a3cf399b20a1bcad6cc9";
        assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        assert_eq!(text.trim_start_matches("0x").parse::<Address>().unwrap().to_string(), text);
        for bad in ["", "0x", "0x9c949ba1bc36b62185b5a3cf399b20a1bcad6cc", "0x0x", &format!("{text}00")] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
        assert!(parse_hash(&"ab".repeat(32)).is_ok());
        assert!(parse_hash(&"ab".repeat(31)).is_err());
    }
}
