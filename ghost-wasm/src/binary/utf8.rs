//! UTF-8 that comes in pieces.

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadUtf8 {
    /// Where the sequence at fault starts, counted from the text's first byte.
    pub at: usize,
}

/// Checks what was appended to `text` since it was checked up to `checked`; returns how far it is checked
/// now: all of it but a sequence that may still become whole. With `last`, nothing may be left over.
pub fn check(text: &[u8], checked: usize, last: bool) -> Result<usize, BadUtf8> {
    let rest = text.get(checked..).unwrap_or_default();
    match core::str::from_utf8(rest) {
        Ok(_) => Ok(text.len()),
        Err(error) => {
            let at = checked.saturating_add(error.valid_up_to());
            match error.error_len() {
                None if !last => Ok(at),
                _ => Err(BadUtf8 { at }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_may_be_cut_anywhere() {
        let text = "a\u{e9}\u{20ac}\u{10348}z".as_bytes();
        for first in 0..text.len() {
            let checked = check(&text[..first], 0, false).expect("a prefix of UTF-8");
            assert!(checked <= first);
            assert_eq!(check(text, checked, true), Ok(text.len()));
        }
    }

    #[test]
    fn a_bad_sequence_is_placed_at_its_first_byte() {
        assert_eq!(check(b"ab\xe2\x28", 0, false), Err(BadUtf8 { at: 2 }));
        assert_eq!(check(b"ab\xe2\x82", 0, false), Ok(2));
        assert_eq!(check(b"ab\xe2\x82", 2, true), Err(BadUtf8 { at: 2 }));
    }
}
