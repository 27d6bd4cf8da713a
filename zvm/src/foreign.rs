//! Text that did not come from this program: names in modules, revert and debug texts, a node's words, file
//! names. On a terminal or in a log its control characters would move the cursor, change the colours or forge
//! lines, and invisible ones would hide what it says.

use std::fmt::Write;

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// The text as it may be shown: letters, marks and symbols of every script as they are, a backslash doubled,
/// anything that is not seen as `\n`, `\r`, `\t` or `\u{1b}`. One line, and no two texts become the same.
pub fn foreign(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => shown.push_str("\\\\"),
            c => push(&mut shown, c),
        }
    }
    shown
}

/// Appends a character, or its escape if it is not seen.
pub fn push(shown: &mut String, c: char) {
    match c {
        '\n' => shown.push_str("\\n"),
        '\r' => shown.push_str("\\r"),
        '\t' => shown.push_str("\\t"),
        c if is_unseen(c) => {
            // Writing to a string does not fail.
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
        }
        c => shown.push(c),
    }
}

/// Whether a character is seen by what it does and not by itself: controls, the marks that turn the direction
/// of writing, separators of lines, tags, and code points without a meaning. The two joiners are no such: they
/// hold emoji and the letters of some scripts together.
pub fn is_unseen(c: char) -> bool {
    const JOINERS: [char; 2] = ['\u{200c}', '\u{200d}'];
    let without_glyph = matches!(c, '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}');
    let by_category = matches!(
        c.general_category(),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
            | GeneralCategory::Surrogate
            | GeneralCategory::PrivateUse
            | GeneralCategory::Unassigned
    );
    without_glyph || (by_category && !JOINERS.contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_stays_and_what_acts_is_told() {
        for readable in ["transfer", "é", "e\u{301}", "漢字", "हिन्दी", "می‌خواهم", "👩‍👩‍👧", "a b", "\"quoted\""]
        {
            assert_eq!(foreign(readable), readable);
        }
        let cases = [
            ("\u{1b}[31m", "\\u{1b}[31m"),
            ("\u{1b}]0;title\u{7}", "\\u{1b}]0;title\\u{7}"),
            ("a\nerror: forged", "a\\nerror: forged"),
            ("50%\r60%", "50%\\r60%"),
            ("\u{202e}cba", "\\u{202e}cba"),
            ("\u{2066}\u{2069}\u{200f}\u{61c}", "\\u{2066}\\u{2069}\\u{200f}\\u{61c}"),
            ("\u{85}\u{9b}31m\u{7f}\0", "\\u{85}\\u{9b}31m\\u{7f}\\u{0}"),
            ("\u{2028}\u{2029}", "\\u{2028}\\u{2029}"),
            ("a\u{200b}b\u{feff}\u{ad}", "a\\u{200b}b\\u{feff}\\u{ad}"),
            ("\u{fdd0}\u{fddf}\u{e000}\u{e0041}", "\\u{fdd0}\\u{fddf}\\u{e000}\\u{e0041}"),
            ("\\u{1b}", "\\\\u{1b}"),
        ];
        for (text, shown) in cases {
            assert_eq!(foreign(text), shown);
        }
    }

    /// Every code point: what is left as it is is neither a control nor one of the marks that turn text.
    #[test]
    fn no_control_is_left() {
        for c in (0..=0x10_ffff).filter_map(char::from_u32) {
            let shown = foreign(&c.to_string());
            assert!(shown.chars().all(|c| !c.is_control() && !('\u{202a}'..='\u{202e}').contains(&c)));
            assert!(!shown.is_empty());
        }
    }
}
