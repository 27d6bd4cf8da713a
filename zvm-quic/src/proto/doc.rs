//! `docs/protocol.md`: the tables, every layout and a golden vector of each message, as text. The page in
//! the repository is compared with this by a test; `ZVM_BLESS=1` rewrites it.

use core::fmt::Write;

use super::codec::{Blob, Text};
use super::frame::{Refusal, Request, UPLOAD_HEADER_BYTES, UploadStart, encode_answer, encode_refusal};
use super::message::{
    AccountAnswer, AccountRequest, CallId, CallRequest, ChainAnswer, ChainRequest, HealthAnswer,
    HealthRequest, ProofAnswer, ProofRequest, QueryAnswer, QueryRequest, ReceiptRequest, RecordAnswer,
    SimulateAnswer, SimulateRequest, UPLOAD_SHA256, UploadAnswer, UploadHeader, layouts,
};
use super::table::{ALPN, AnswerCode, CloseCode, GROUP_BYTES, Kind, Limits, StopCode, VERSION};

/// A frame with its bytes.
#[derive(Clone, Debug)]
pub struct Golden {
    /// What it is.
    pub name: &'static str,
    /// All of its bytes.
    pub bytes: Vec<u8>,
}

fn blob<const MAX: usize>(bytes: &[u8]) -> Blob<MAX> {
    // The samples below are short.
    Blob::new(bytes.to_vec()).unwrap_or_default()
}

fn sample_header(flags: u8) -> UploadHeader {
    UploadHeader { flags, length: 8, profile: [0; 32], digest: blake3::hash(b"\0asm\x01\0\0\0").into() }
}

/// One sample of every frame.
pub fn golden() -> Vec<Golden> {
    let request = |name, request: Request| Golden { name, bytes: request.encode() };
    let answer = |name, bytes| Golden { name, bytes };
    let upload = UploadStart { header: sample_header(0), sha256: None };
    let upload_sha = UploadStart { header: sample_header(UPLOAD_SHA256), sha256: Some([0xab; 32]) };
    let refusal = Refusal::new(AnswerCode::ModuleRefused, "type mismatch").with_detail(0x0201).at(0x1234);
    let staged = UploadAnswer {
        known: 0,
        functions_valid_before_last_chunk: 40,
        functions_total: 41,
        bytes: 9_000,
        work: 21_000,
        code_hash: [0x11; 32],
    };
    let record = RecordAnswer { record: blob(&[1, 2, 3]) };
    let query = QueryAnswer {
        status: 8,
        code: -1,
        gas_used: 500,
        return_data: blob(&[9]),
        text: Text::clipped("no"),
        diagnostics: blob(&[0; 28]),
    };
    let simulated = SimulateAnswer { cold_gas: 7, record: blob(&[1, 2, 3]) };
    let proof =
        ProofAnswer { header: blob(&[4; 5]), has_value: 1, value: blob(&[6]), proof: blob(&[1, 1, 0]) };
    let account = AccountAnswer { nonce: 3, balance: 1 << 70, code_hash: [0; 32] };
    let chain = ChainAnswer {
        chain_id: 7,
        genesis_hash: [1; 32],
        height: 2,
        block_hash: [2; 32],
        state_root: [3; 32],
        timestamp: 1_700_000_000_000,
        gas_price_floor: 1,
        block_gas_limit: 1 << 40,
        profile: [4; 32],
        module_bytes_max: 2 << 20,
        envelope_bytes_max: 132_096,
    };
    let health = HealthAnswer { height: 2, uploads: 1, staged: 5 };
    vec![
        answer("upload, header", upload.encode()),
        answer("upload, header with SHA-256", upload_sha.encode()),
        request("call", Request::Call(CallRequest { flags: 0, envelope: blob(&[0xee; 5]) })),
        request(
            "query",
            Request::Query(QueryRequest { target: [5; 20], gas_limit: 1_000, input: blob(b"in") }),
        ),
        request("simulate", Request::Simulate(SimulateRequest { envelope: blob(&[0xee; 5]) })),
        request("proof", Request::Proof(ProofRequest { height: 9, key: blob(&[1; 21]) })),
        request("receipt", Request::Receipt(ReceiptRequest { call_id: [6; 32] })),
        request("account", Request::Account(AccountRequest { address: [7; 20] })),
        request("chain", Request::Chain(ChainRequest {})),
        request("health", Request::Health(HealthRequest {})),
        answer("answer: staged", encode_answer(AnswerCode::Ok, &staged)),
        answer("answer: record", encode_answer(AnswerCode::Ok, &record)),
        answer("answer: duplicate", encode_answer(AnswerCode::Duplicate, &record)),
        answer("answer: accepted", encode_answer(AnswerCode::Accepted, &CallId { call_id: [8; 32] })),
        answer("answer: query", encode_answer(AnswerCode::Ok, &query)),
        answer("answer: simulate", encode_answer(AnswerCode::Ok, &simulated)),
        answer("answer: proof", encode_answer(AnswerCode::Ok, &proof)),
        answer("answer: account", encode_answer(AnswerCode::Ok, &account)),
        answer("answer: chain", encode_answer(AnswerCode::Ok, &chain)),
        answer("answer: health", encode_answer(AnswerCode::Ok, &health)),
        answer("answer: refusal", encode_refusal(&refusal)),
    ]
}

fn codes(out: &mut String, rows: impl Iterator<Item = (String, &'static str, &'static str)>) {
    out.push_str("| number | name | meaning |\n|---|---|---|\n");
    for (number, name, doc) in rows {
        let _ = writeln!(out, "| {number} | `{name}` | {doc} |");
    }
}

/// The whole page.
pub fn page() -> String {
    let mut out = String::new();
    let alpn = String::from_utf8_lossy(ALPN);
    let _ = write!(
        out,
        "# The protocol\n\n\
        Generated from `zvm-quic/src/proto`; a test compares. `ZVM_BLESS=1 cargo test -p zvm-quic` rewrites it.\n\n\
        QUIC version 1, TLS 1.3, ALPN `{alpn}`, no early data. The client pins the SHA-256 of the server's \
        SubjectPublicKeyInfo; the handshake must be signed by that key. Each request is one bidirectional stream \
        of the client:\n\n\
        ```text\n\
        request = kind u8 ‖ version u8 = {VERSION} ‖ body, then the end of the stream\n\
        answer  = code u16 ‖ length u32 ‖ body, then the end of the stream\n\
        ```\n\n\
        Integers are little-endian. Every length is compared with its bound before anything is allocated. Bytes \
        behind a whole message are an error.\n\n## Kinds\n\n"
    );
    codes(&mut out, Kind::ALL.iter().map(|k| (format!("{:#04x}", k.number()), k.name(), k.doc())));
    out.push_str("\n0x13 subscribe, 0x14 fetch and 0x1a block are reserved; ");
    out.push_str("0x20 to 0x2f stay free.\n\n| kind | body at most |\n|---|---|\n");
    for kind in Kind::ALL {
        let _ = writeln!(out, "| `{}` | {} bytes |", kind.name(), kind.body_bytes_max());
    }
    out.push_str("\n## Answer codes\n\n");
    codes(&mut out, AnswerCode::ALL.iter().map(|c| (format!("{:#06x}", c.number()), c.name(), c.doc())));
    let transient: Vec<String> =
        AnswerCode::ALL.iter().filter(|c| c.is_transient()).map(|c| format!("`{c}`")).collect();
    let _ = writeln!(out, "\nThe client tries again by itself after {}.", transient.join(", "));
    out.push_str("\n## Stop and reset codes\n\n");
    codes(&mut out, StopCode::ALL.iter().map(|c| (c.number().to_string(), c.name(), c.doc())));
    out.push_str("\n## Close codes\n\n");
    codes(&mut out, CloseCode::ALL.iter().map(|c| (c.number().to_string(), c.name(), c.doc())));
    let _ = write!(
        out,
        "\n## Upload\n\n\
        The header is {UPLOAD_HEADER_BYTES} bytes, 32 more with a SHA-256; the module's bytes follow at once, \
        without waiting for an answer. They are validated as they come and written aside in groups of \
        {GROUP_BYTES} bytes. The first byte at fault ends the upload: the server stops the stream (`refused`) \
        and answers with code, validator's code and offset. Operators among the last 15 bytes that have come of \
        an unfinished function body are judged with what comes next, or at the stream's end. A module that the \
        node has ends it too (`already_have`, `known` = 1). Nothing can be run or named before the length, the \
        BLAKE3 digest, the SHA-256 if announced, and the validator agree, and the file is in place on disk. After a \
        cut the client begins again, with growing pauses.\n\n\
        When all places for uploads are taken, a newcomer waits on its open stream, one of each peer, in the order \
        of arrival. The upload that lags most then gives its place up (`too_slow`) if it lags more than \
        `fair_lag_ms`. Lag is the time that the node waited for an upload's bytes beyond what they take at \
        `fair_bytes_per_s`; faster bytes make up for it and earn no credit. A sender at the fair rate keeps its \
        place, and `uploads_total` senders below half of it give theirs up every 4 s. The same happens while the \
        spool is full. While nobody waits, only `idle_ms`, `pace_bytes` and `pace_ms` bound slowness.\n\n\
        Room for what comes later: flag bit 1 announces a list of BLAKE3 chaining values, one of 32 bytes for \
        each {GROUP_BYTES} bytes, between the header and the module, by which groups are checked one by one; \
        bit 2 a module split into groups that name their place, to resume. This version refuses both \
        (`unsupported`).\n\n\
        ## Queries\n\n\
        A query runs over the state of the newest block, beside the chain and all other requests, up to the node's \
        cap of gas. It ends early when its stream is stopped, its connection is gone, or the node ends. At most \
        `queries_at_once` run and `queries_waiting` wait, in the order of arrival, `queries_per_peer` of one peer; \
        others hear `busy` at once. Each has a thread, \
        so the kernel takes turns between them and everything else.\n\n## Messages\n"
    );
    for (name, doc, fields) in layouts() {
        let _ = write!(out, "\n### {name}\n\n{doc}\n");
        if fields.is_empty() {
            out.push_str("\nNo fields.\n");
        } else {
            out.push_str("\n| field | bytes | meaning |\n|---|---|---|\n");
        }
        for (field, layout, what) in fields {
            let _ = writeln!(out, "| `{field}` | {layout} | {what} |");
        }
    }
    out.push_str(
        "\n## Limits\n\nAll configurable.\n\n| limit | default | unit | what |\n|---|---|---|---|\n",
    );
    for (name, default, unit, reason) in Limits::rows() {
        let _ = writeln!(out, "| `{name}` | {default} | {unit} | {reason} |");
    }
    out.push_str("\n## Golden vectors\n\nWhole frames, in hex.\n\n```text\n");
    for golden in golden() {
        let _ = writeln!(out, "{}", golden.name);
        for line in golden.bytes.chunks(32) {
            out.push_str("  ");
            for byte in line {
                let _ = write!(out, "{byte:02x}");
            }
            out.push('\n');
        }
    }
    out.push_str("```\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::codec::Wire;

    #[test]
    fn the_page_is_fresh() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/protocol.md");
        if std::env::var_os("ZVM_BLESS").is_some() {
            std::fs::write(&path, page()).unwrap();
        }
        let there = std::fs::read_to_string(&path).unwrap();
        assert!(there == page(), "docs/protocol.md is old: ZVM_BLESS=1 cargo test -p zvm-quic");
    }

    #[test]
    fn layouts_name_their_bounds() {
        assert_eq!(<Blob<7>>::layout(), "u32 length ≤ 7, then as many bytes");
        assert!(layouts().iter().any(|(name, ..)| *name == "UploadHeader"));
    }
}
