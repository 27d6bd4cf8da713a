//! Receipts for people and for programs, and the exit code a call's end leads to.

use serde_json::{Value, json};
use zvm_host::{LogEntry, Record, Status, hex};

use crate::abi;
use crate::client::Sent;
use crate::failure::Exit;
use crate::foreign::foreign;
use crate::output::{BAD, DIM, GOOD, Output, styled};
use crate::trace::Trace;

/// Bytes of data shown to people before the rest is left out.
const SHOWN_LEN: usize = 64;

/// What the program exits with after a call that ended like this.
pub fn exit(status: Status) -> Exit {
    match status {
        Status::Success => Exit::Ok,
        Status::RuntimeError => Exit::Trap,
        Status::OutOfGas => Exit::OutOfGas,
        _ => Exit::Failed,
    }
}

/// What the program exits with after a call was sent.
pub fn exit_of(sent: &Sent) -> Exit {
    if sent.duplicate { Exit::Duplicate } else { exit(sent.record.receipt.status) }
}

/// What became of a call that was sent, as lines.
pub fn show_sent(out: &Output, sent: &Sent) {
    if sent.duplicate {
        out.line(styled(
            BAD,
            "this call was executed before; nothing was executed now, the receipt is that of then",
        ));
    }
    show(out, &sent.record);
}

/// The receipt as lines.
pub fn show(out: &Output, record: &Record) {
    let receipt = &record.receipt;
    let style = if receipt.status == Status::Success { GOOD } else { BAD };
    let line = |name: &str, value: String| out.line(format_args!("  {name:<13} {value}"));
    line(
        "status_code",
        format!("{} {}", receipt.status as u8, styled(style, receipt.status.name())) + &cause(record),
    );
    line("gas_used", receipt.gas_used.to_string());
    line("return_data", data(&record.return_data));
    if record.logs.is_empty() {
        line("logs", styled(DIM, "none"));
    }
    for entry in &record.logs {
        line("log", log(entry));
    }
    if !receipt.created.is_zero() {
        line("created", receipt.created.to_string());
    }
    line("block", format!("{}  call {}", record.height, styled(DIM, hex(&receipt.call_id))));
    line(
        "state root",
        if record.pre_state_root == record.state_root {
            format!("{} (as before)", hex(&record.state_root))
        } else {
            format!("{} → {}", short(&record.pre_state_root), hex(&record.state_root))
        },
    );
    for text in &record.diagnostics.texts {
        line("note", foreign(text));
    }
    if record.diagnostics.texts_left_out > 0 {
        line("", styled(DIM, format_args!("… {} notes left out", record.diagnostics.texts_left_out)));
    }
    for (_, text) in trace(record).lines() {
        line("at", text);
    }
}

fn trace(record: &Record) -> Trace {
    Trace::of_diagnostics(&record.diagnostics, record.receipt.status == Status::OutOfGas)
}

/// Why a call has no success, as far as the receipt says.
fn cause(record: &Record) -> String {
    let receipt = &record.receipt;
    match receipt.status {
        Status::Reverted => match abi::revert_text(&record.return_data) {
            Some(text) => format!(" with code {}: {}", receipt.revert_code, styled(BAD, foreign(&text))),
            None => format!(" with code {}", receipt.revert_code),
        },
        Status::RuntimeError => match ghost_wasm::TrapCode::from_u8(receipt.trap_code) {
            Some(trap) => format!(": {}", trap.text()),
            None => String::new(),
        },
        _ => String::new(),
    }
}

/// Bytes as hex digits, cut.
pub fn data(bytes: &[u8]) -> String {
    match bytes.get(..SHOWN_LEN) {
        _ if bytes.is_empty() => styled(DIM, "empty"),
        Some(shown) if bytes.len() > SHOWN_LEN => format!("0x{}… {} bytes", hex(shown), bytes.len()),
        _ => format!("0x{}", hex(bytes)),
    }
}

fn log(entry: &LogEntry) -> String {
    let topics: Vec<String> = entry.topics.iter().map(topic).collect();
    format!("{} [{}] {}", entry.address, topics.join(" "), data(&entry.data))
}

/// A topic, cut; an address in it is shown without the zeros in front.
fn topic(topic: &[u8; 32]) -> String {
    match topic.strip_prefix(&[0; 12]) {
        Some(address) if topic != &[0; 32] => {
            format!("0x{}…", address.first_chunk::<4>().map(|first| hex(first)).unwrap_or_default())
        }
        _ => short(topic),
    }
}

/// The first digits of a hash.
pub fn short(hash: &[u8; 32]) -> String {
    format!("{}…", hash.first_chunk::<4>().map(|first| hex(first)).unwrap_or_default())
}

/// The shape in `docs/cli.md`.
pub fn to_json(record: &Record) -> Value {
    let receipt = &record.receipt;
    let trace = trace(record);
    json!({
        "call_id": hex(&receipt.call_id),
        "status_code": receipt.status as u8,
        "status": receipt.status.name(),
        "revert_code": receipt.revert_code,
        "revert_text": abi::revert_text(&record.return_data),
        "trap_code": receipt.trap_code,
        "gas_used": receipt.gas_used.to_string(),
        "created": (!receipt.created.is_zero()).then(|| receipt.created.to_string()),
        "return_data": format!("0x{}", hex(&record.return_data)),
        "logs": record.logs.iter().map(|entry| json!({
            "address": entry.address.to_string(),
            "topics": entry.topics.iter().map(|topic| hex(topic)).collect::<Vec<_>>(),
            "data": format!("0x{}", hex(&entry.data)),
        })).collect::<Value>(),
        "height": record.height.to_string(),
        "block_hash": hex(&record.block_hash),
        "pre_state_root": hex(&record.pre_state_root),
        "state_root": hex(&record.state_root),
        "reads": record.diagnostics.reads,
        "writes": record.diagnostics.writes,
        "notes": record.diagnostics.texts,
        "notes_left_out": record.diagnostics.texts_left_out,
        "backtrace": trace.json(),
        "backtrace_left_out": trace.left_out_json(),
    })
}
