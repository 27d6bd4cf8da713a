//! Every message's fields, declared once. Knows neither streams nor state.

use super::codec::{Blob, Malformed, Reader, Text, Wire, messages};
use super::table::{
    DIAGNOSTICS_BYTES_MAX, ENVELOPE_BYTES_MAX, HEADER_BYTES_MAX, KEY_BYTES_MAX, PROOF_BYTES_MAX,
    QUERY_INPUT_BYTES_MAX, RECORD_BYTES_MAX, RETURN_DATA_BYTES_MAX, TEXT_BYTES_MAX, VALUE_BYTES_MAX,
};

/// A 32-byte hash.
pub type Hash = [u8; 32];
/// The address of a key or a contract.
pub type Address = [u8; 20];

/// Flag of an upload: a SHA-256 follows the fixed fields.
pub const UPLOAD_SHA256: u8 = 1 << 0;
/// Flag of a call: answer at once, without waiting for its block.
pub const CALL_NO_WAIT: u8 = 1 << 0;
/// `offset` of an error that has no place.
pub const NO_OFFSET: u64 = u64::MAX;

messages! {
    /// The fixed part of an upload's header, behind kind and version. With flag bit 0 the module's SHA-256,
    /// 32 bytes, follows; then exactly `length` bytes of module and the end of the stream. Flag bits 1 to 7
    /// are reserved (bit 1: a list of 16 KiB group hashes follows) and refused.
    UploadHeader {
        flags: u8, "bit 0: a SHA-256 follows";
        length: u64, "bytes of the module, 1 up to the node's limit";
        profile: Hash, "the profile to validate by, as the chain answer gives it; zeros: the chain's own";
        digest: Hash, "BLAKE3-256 of the module: its identity";
    }
    /// A module is staged.
    UploadAnswer {
        known: u8, "1: the node had it already and took nothing; the counts are then 0";
        functions_valid_before_last_chunk: u32, "functions found valid before the last bytes arrived";
        functions_total: u32, "functions in the module";
        bytes: u64, "bytes taken";
        work: u64, "units of validation done";
        code_hash: Hash, "the module's identity";
    }
    /// A signed call.
    CallRequest {
        flags: u8, "bit 0: answer `accepted` at once";
        envelope: Blob<ENVELOPE_BYTES_MAX>, "the signed call";
    }
    /// The id of a call that waits for its block.
    CallId {
        call_id: Hash, "the call's id";
    }
    /// What an executed call left: the body of a call's and a receipt's answer.
    RecordAnswer {
        record: Blob<RECORD_BYTES_MAX>, "the host's record: receipt, return data, logs, roots, texts";
    }
    /// Ask a contract.
    QueryRequest {
        target: Address, "the contract";
        gas_limit: u64, "gas at most; 0: what the node allows";
        input: Blob<QUERY_INPUT_BYTES_MAX>, "its input";
    }
    /// What the contract said.
    QueryAnswer {
        status: u8, "as in a receipt";
        code: i32, "the contract's own code";
        gas_used: u64, "gas used; nobody pays it";
        return_data: Blob<RETURN_DATA_BYTES_MAX>, "its answer";
        text: Text<TEXT_BYTES_MAX>, "an explanation for people";
        diagnostics: Blob<DIAGNOSTICS_BYTES_MAX>, "texts and backtrace, as a record has them";
    }
    /// Ask what a call would lead to.
    SimulateRequest {
        envelope: Blob<ENVELOPE_BYTES_MAX>, "the call; its signature may be anything";
    }
    /// What it would lead to as the only call of the next block. Gas above the node's cap for queries is not given.
    SimulateAnswer {
        cold_gas: u64, "of the gas used, for code outside the hot set";
        record: Blob<RECORD_BYTES_MAX>, "as of an executed call; block hash and new state root are zeros";
    }
    /// Ask what a state holds under a key.
    ProofRequest {
        height: u64, "the block whose state is asked; 2^64 - 1: the newest";
        key: Blob<KEY_BYTES_MAX>, "the full key";
    }
    /// What the state holds, and what shows it. Check the proof against the header's state root, and the header's hash.
    ProofAnswer {
        header: Blob<HEADER_BYTES_MAX>, "the block's header";
        has_value: u8, "1: the key is there and `value` is what it holds; 0: it is absent, or the state is not the newest";
        value: Blob<VALUE_BYTES_MAX>, "the value";
        proof: Blob<PROOF_BYTES_MAX>, "the proof, as `zvm-proof` reads it";
    }
    /// Ask for the record of a call.
    ReceiptRequest {
        call_id: Hash, "the call's id";
    }
    /// Ask for an account.
    AccountRequest {
        address: Address, "the account";
    }
    /// An account; all defaults when the chain has never seen it.
    AccountAnswer {
        nonce: u64, "the next call's nonce";
        balance: u128, "base units";
        code_hash: Hash, "the contract's module; zeros: none";
    }
    /// Ask for the chain.
    ChainRequest {}
    /// The chain.
    ChainAnswer {
        chain_id: u64, "the chain's number";
        genesis_hash: Hash, "hash of block 0";
        height: u64, "of the latest block";
        block_hash: Hash, "of the latest block";
        state_root: Hash, "after the latest block";
        timestamp: u64, "of the latest block, unix milliseconds";
        gas_price_floor: u64, "what admission asks for";
        block_gas_limit: u64, "gas of one block";
        profile: Hash, "hash of the chain's profile";
        module_bytes_max: u64, "what an upload may announce";
        envelope_bytes_max: u32, "what a call may weigh";
    }
    /// Ask whether the node answers.
    HealthRequest {}
    /// It does.
    HealthAnswer {
        height: u64, "of the latest block";
        uploads: u32, "under way";
        staged: u32, "modules in the staging store";
    }
    /// The body of every answer with a code from 0x0100 on.
    ErrorBody {
        detail: u32, "a finer code whose meaning the answer's code says; 0: none";
        offset: u64, "the byte at fault; 2^64 - 1: none";
        text: Text<TEXT_BYTES_MAX>, "an explanation for people";
    }
}

/// The bytes of a message.
pub fn encode(message: &impl Wire) -> Vec<u8> {
    let mut out = Vec::new();
    message.put(&mut out);
    out
}

/// Reads a message that is all of `bytes`, whose first byte has the number `offset`.
pub fn decode<M: Wire>(bytes: &[u8], offset: usize) -> Result<M, Malformed> {
    let mut reader = Reader::new(bytes, offset);
    let message = M::take(&mut reader)?;
    reader.end()?;
    Ok(message)
}
