//! `docs/host_codes.md` is made from the tables of codes.

use std::fmt::Write as _;

use zvm_host::contract::ContractRule;
use zvm_host::exec::host::HostTrap;
use zvm_host::{RefusalCode, Status};

fn table(
    page: &mut String,
    title: &str,
    intro: &str,
    rows: impl Iterator<Item = (u32, String, &'static str)>,
) {
    let _ = write!(page, "\n## {title}\n{intro}\n\n| number | name | when |\n|---:|---|---|\n");
    for (number, name, doc) in rows {
        let _ = writeln!(page, "| {number} | `{name}` | {doc} |");
    }
}

/// The limits of a call that a contract can meet.
fn limits(page: &mut String) {
    use zvm_host::exec::transaction;
    use zvm_host::{diagnostics, envelope, receipt, state};
    page.push_str("\n## Limits\nOf one signed call or query. More is a trap, `Limit`, unless it says otherwise; limits of\n");
    page.push_str("modules are in [limits.md](limits.md).\n\n");
    page.push_str("| at most | unit | of |\n|---:|---|---|\n");
    for (limit, unit, of) in [
        (envelope::PAYLOAD_LEN_MAX, "bytes", "the input; a longer call is refused as `malformed`"),
        (state::USER_KEY_LEN_MAX, "bytes", "a key of the storage"),
        (state::VALUE_LEN_MAX, "bytes", "a value of the storage"),
        (receipt::RETURN_DATA_LEN_MAX, "bytes", "return data, also of a revert"),
        (receipt::LOG_DATA_LEN_MAX, "bytes", "data of one log entry"),
        (receipt::TOPICS_MAX, "topics", "a log entry; a topic has 32 bytes"),
        (receipt::LOG_ENTRIES_MAX, "entries", "logs of a call"),
        (receipt::LOG_DATA_TOTAL_MAX, "bytes", "data of all log entries of a call"),
        (
            transaction::JOURNAL_LEN_MAX as usize,
            "bytes",
            "keys, values and accounts written; a callee may write half of what is left, and what is undone does not count",
        ),
        (state::UNDO_LEN_MAX, "bytes", "kept to undo what was written"),
        (state::FIRST_READS_MAX as usize, "keys", "touched, each counted once"),
        (state::FIRST_READS_LEN_MAX, "bytes", "of keys and values touched, each counted once"),
        (
            transaction::CREATIONS_MAX as usize,
            "contracts",
            "created; a callee may create half of what is left",
        ),
        (zvm_host::exec::DEPTH_MAX, "frames", "under way at once: contracts that call contracts"),
        (diagnostics::TEXT_LEN_MAX, "bytes", "a text given to `debug`; the rest is not read"),
        (diagnostics::TEXTS_MAX, "texts", "notes of a call; the rest is not kept"),
    ] {
        let _ = writeln!(page, "| {limit} | {unit} | {of} |");
    }
}

fn page() -> String {
    let mut page = String::from(
        "# Codes of the host\n\nGenerated from the tables in `zvm-host`; a test keeps it fresh.\n",
    );
    let statuses = Status::ALL.iter().map(|row| (*row as u32, row.name().to_string(), row.doc()));
    table(&mut page, "Status", "How a call ended; in its receipt.", statuses);
    let refusals = RefusalCode::ALL.iter().map(|row| (*row as u32, row.name().to_string(), row.doc()));
    table(
        &mut page,
        "Refusals",
        "Why a signed call was not admitted: no receipt, nothing changed.",
        refusals,
    );
    let traps = HostTrap::ALL.iter().map(|row| (*row as u32, format!("{row:?}"), row.doc()));
    let intro = "The `trap_code` of a receipt with status 5. Numbers below 128 are the engine's.";
    table(&mut page, "Traps of the host", intro, traps);
    let rules = ContractRule::ALL.iter().map(|row| (*row as u32, format!("{row:?}"), row.doc()));
    table(&mut page, "Rules for contracts", "The code of a refused import or export.", rules);
    limits(&mut page);
    page
}

#[test]
fn the_page_of_codes_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/host_codes.md");
    if std::env::var_os("ZVM_BLESS").is_some() {
        std::fs::write(path, page()).expect("docs can be written");
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(found == page(), "docs/host_codes.md is stale: run this test with ZVM_BLESS=1");
}

#[test]
fn the_traps_of_engine_and_host_do_not_meet() {
    assert!(ghost_wasm::TrapCode::ALL.iter().all(|code| (*code as u8) < 128));
    assert!(HostTrap::ALL.iter().all(|code| (*code as u8) >= 128));
}
