//! What a call leaves behind: status, receipt, log entries, the block header and their hashes. And the
//! record that people see, which has more than is hashed. Nothing here decides anything.

use std::fmt;

use crate::codec::{CodecError, Reader, Writer};
use crate::crypto;
pub use crate::diagnostics::{Diagnostics, TEXT_LEN_MAX, TEXTS_MAX};
use crate::exec::apply::Outcome;
use crate::types::{Address, Hash};

/// The version of receipts and headers.
pub const VERSION: u8 = 1;
/// Bytes of return data at most.
pub const RETURN_DATA_LEN_MAX: usize = 64 * 1024;
/// Bytes of one log entry's data at most.
pub const LOG_DATA_LEN_MAX: usize = 16 * 1024;
/// Log entries of a signed call at most.
pub const LOG_ENTRIES_MAX: usize = 256;
/// Bytes of log data of a signed call at most.
pub const LOG_DATA_TOTAL_MAX: usize = 256 * 1024;
/// Topics of a log entry at most.
pub const TOPICS_MAX: usize = 4;
macro_rules! statuses {
    ($(#[doc = $doc:literal] $name:ident = $number:literal, $text:literal;)*) => {
        /// How a call ended.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Status { $(#[doc = $doc] $name = $number,)* }

        impl Status {
            /// The name in texts and JSON.
            pub const fn name(self) -> &'static str {
                match self { $(Status::$name => $text,)* }
            }

            /// When it is given.
            pub const fn doc(self) -> &'static str {
                match self { $(Status::$name => $doc.trim_ascii(),)* }
            }

            /// The status with this number.
            pub const fn from_u8(number: u8) -> Option<Status> {
                match number { $($number => Some(Status::$name),)* _ => None }
            }

            /// All of them.
            pub const ALL: &'static [Status] = &[$(Status::$name),*];
        }
    };
}

statuses! {
    /// The entry point returned 0.
    Success = 0, "success";
    /// The gas of the outermost frame did not suffice.
    OutOfGas = 1, "out_of_gas";
    /// Reserved, never emitted.
    OutOfMemory = 2, "out_of_memory";
    /// Reserved, never emitted.
    Timeout = 3, "timeout";
    /// An entry point is missing, or a payload went to an address without code.
    InvalidFunction = 4, "invalid_function";
    /// A trap, stack exhaustion and `abort` included.
    RuntimeError = 5, "runtime_error";
    /// A deploy outside the profile.
    InvalidModule = 6, "invalid_module";
    /// In answers only: the call is not in a block.
    AuthenticationFailed = 7, "authentication_failed";
    /// The entry point returned something else than 0, or called `revert`.
    Reverted = 8, "reverted";
    /// Something the entry point may not do, such as a write in a query.
    PolicyDenied = 9, "policy_denied";
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One `log` or `emit`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// The contract.
    pub address: Address,
    /// At most four.
    pub topics: Vec<Hash>,
    /// The data.
    pub data: Vec<u8>,
}

impl LogEntry {
    /// The hashed bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.bytes(&self.address.0).u8(u8::try_from(self.topics.len()).unwrap_or(u8::MAX));
        for topic in &self.topics {
            out.bytes(topic);
        }
        out.sized(&self.data);
        out.finish()
    }

    fn decode(reader: &mut Reader<'_>) -> Result<LogEntry, CodecError> {
        let address = Address(reader.array()?);
        let count = usize::from(reader.u8()?);
        if count > TOPICS_MAX {
            return Err(CodecError::TooLong("topics"));
        }
        let topics = (0..count).map(|_| reader.array()).collect::<Result<_, _>>()?;
        let data = reader.sized(LOG_DATA_LEN_MAX, "log data")?.to_vec();
        Ok(LogEntry { address, topics, data })
    }
}

/// The root of a list of log entries.
pub fn logs_root(logs: &[LogEntry]) -> Hash {
    let leaves: Vec<Vec<u8>> = logs.iter().map(LogEntry::encode).collect();
    crypto::merkle_root(&leaves)
}

/// What consensus keeps of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The call's name.
    pub call_id: Hash,
    /// How it ended.
    pub status: Status,
    /// The contract's own code; 0 unless reverted.
    pub revert_code: i32,
    /// Which trap; 0 unless the status is `runtime_error`.
    pub trap_code: u8,
    /// Gas the signer paid for.
    pub gas_used: u64,
    /// The contract a deploy made; zero if none.
    pub created: Address,
    /// SHA-256 of the return data.
    pub return_data_hash: Hash,
    /// Root of the log entries.
    pub logs_root: Hash,
}

impl Receipt {
    /// The receipt of a call that led to this.
    pub(crate) fn of(call_id: Hash, outcome: &Outcome) -> Receipt {
        Receipt {
            call_id,
            status: outcome.status,
            revert_code: outcome.revert_code,
            trap_code: outcome.trap_code,
            gas_used: outcome.gas_used,
            created: outcome.created,
            return_data_hash: crypto::sha256(&outcome.return_data),
            logs_root: logs_root(&outcome.logs),
        }
    }

    /// The hashed bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::with_capacity(131);
        out.u8(VERSION).bytes(&self.call_id).u8(self.status as u8).bytes(&self.revert_code.to_le_bytes());
        out.u8(self.trap_code).u64(self.gas_used).bytes(&self.created.0);
        out.bytes(&self.return_data_hash).bytes(&self.logs_root);
        out.finish()
    }

    /// Reads what [`Receipt::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Receipt, CodecError> {
        let mut reader = Reader::new(bytes);
        let receipt = Receipt::read(&mut reader)?;
        reader.end()?;
        Ok(receipt)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Receipt, CodecError> {
        if reader.u8()? != VERSION {
            return Err(CodecError::BadValue("receipt version"));
        }
        Ok(Receipt {
            call_id: reader.array()?,
            status: Status::from_u8(reader.u8()?).ok_or(CodecError::BadValue("status"))?,
            revert_code: i32::from_le_bytes(reader.array()?),
            trap_code: reader.u8()?,
            gas_used: reader.u64()?,
            created: Address(reader.array()?),
            return_data_hash: reader.array()?,
            logs_root: reader.array()?,
        })
    }
}

/// A receipt with everything that is shown with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The hashed part.
    pub receipt: Receipt,
    /// The block.
    pub height: u64,
    /// Its hash.
    pub block_hash: Hash,
    /// The state root before the block.
    pub pre_state_root: Hash,
    /// The state root after it.
    pub state_root: Hash,
    /// What the contract returned.
    pub return_data: Vec<u8>,
    /// What it logged.
    pub logs: Vec<LogEntry>,
    /// For people.
    pub diagnostics: Diagnostics,
}

impl Record {
    /// The bytes of a record, for the store and the wire.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.bytes(&self.receipt.encode()).u64(self.height).bytes(&self.block_hash);
        out.bytes(&self.pre_state_root).bytes(&self.state_root).sized(&self.return_data);
        out.count(self.logs.len());
        for entry in &self.logs {
            out.bytes(&entry.encode());
        }
        self.diagnostics.write(&mut out);
        out.finish()
    }

    /// Reads what [`Record::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Record, CodecError> {
        let mut reader = Reader::new(bytes);
        let record = Record {
            receipt: Receipt::read(&mut reader)?,
            height: reader.u64()?,
            block_hash: reader.array()?,
            pre_state_root: reader.array()?,
            state_root: reader.array()?,
            return_data: reader.sized(RETURN_DATA_LEN_MAX, "return data")?.to_vec(),
            logs: reader.list(LOG_ENTRIES_MAX, "logs", LogEntry::decode)?,
            diagnostics: Diagnostics::read(&mut reader)?,
        };
        reader.end()?;
        Ok(record)
    }
}

/// A block's header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The chain.
    pub chain_id: u64,
    /// 0 for the genesis block.
    pub height: u64,
    /// Unix milliseconds, greater than the parent's.
    pub timestamp: u64,
    /// Hash of the parent; of the genesis block: SHA-256 of the genesis file's canonical bytes.
    pub parent: Hash,
    /// The state root the calls start from.
    pub pre_state_root: Hash,
    /// The state root they lead to.
    pub state_root: Hash,
    /// Root over the wire bytes of the signed calls.
    pub calls_root: Hash,
    /// Root over the receipts.
    pub receipts_root: Hash,
    /// Hash of the profile: engine and host rules.
    pub profile_hash: Hash,
    /// Gas of all calls.
    pub gas_used: u64,
    /// Gas they may use.
    pub gas_limit: u64,
    /// Who gets the fees.
    pub sealer: Address,
}

impl Header {
    /// Bytes of a header.
    pub const LEN: usize = 1 + 3 * 8 + 6 * 32 + 2 * 8 + 20;

    /// The hashed bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::with_capacity(Header::LEN);
        out.u8(VERSION).u64(self.chain_id).u64(self.height).u64(self.timestamp).bytes(&self.parent);
        out.bytes(&self.pre_state_root).bytes(&self.state_root).bytes(&self.calls_root);
        out.bytes(&self.receipts_root).bytes(&self.profile_hash);
        out.u64(self.gas_used).u64(self.gas_limit).bytes(&self.sealer.0);
        out.finish()
    }

    /// Reads what [`Header::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Header, CodecError> {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != VERSION {
            return Err(CodecError::BadValue("header version"));
        }
        let header = Header {
            chain_id: reader.u64()?,
            height: reader.u64()?,
            timestamp: reader.u64()?,
            parent: reader.array()?,
            pre_state_root: reader.array()?,
            state_root: reader.array()?,
            calls_root: reader.array()?,
            receipts_root: reader.array()?,
            profile_hash: reader.array()?,
            gas_used: reader.u64()?,
            gas_limit: reader.u64()?,
            sealer: Address(reader.array()?),
        };
        reader.end()?;
        Ok(header)
    }

    /// The block's name.
    pub fn hash(&self) -> Hash {
        crypto::sha256_parts(&[b"zvm-block-v1", &self.encode()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::hex;

    fn receipt() -> Receipt {
        Receipt {
            call_id: [1; 32],
            status: Status::Reverted,
            revert_code: -2,
            trap_code: 0,
            gas_used: 0x0102_0304,
            created: Address([5; 20]),
            return_data_hash: crypto::sha256(b"hi"),
            logs_root: logs_root(&[]),
        }
    }

    fn record() -> Record {
        let entry =
            LogEntry { address: Address([9; 20]), topics: vec![[1; 32], [2; 32]], data: b"abc".to_vec() };
        let mut diagnostics = Diagnostics { reads: 1, writes: 2, ..Diagnostics::default() };
        diagnostics.note("what went wrong");
        diagnostics.debug("a text of the contract");
        Record {
            receipt: receipt(),
            height: 7,
            block_hash: [2; 32],
            pre_state_root: [3; 32],
            state_root: [4; 32],
            return_data: b"hi".to_vec(),
            logs: vec![entry],
            diagnostics,
        }
    }

    #[test]
    fn golden_receipt() {
        let want = [
            "01",
            &"01".repeat(32),
            "08",
            "feffffff",
            "00",
            "0403020100000000",
            &"05".repeat(20),
            "8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ]
        .concat();
        assert_eq!(hex(&receipt().encode()), want);
        assert_eq!(Receipt::decode(&receipt().encode()), Ok(receipt()));
    }

    #[test]
    fn golden_log_entry() {
        let entry = LogEntry { address: Address([9; 20]), topics: vec![[1; 32]], data: b"abc".to_vec() };
        let want = ["09".repeat(20), "01".into(), "01".repeat(32), "03000000616263".into()].concat();
        assert_eq!(hex(&entry.encode()), want);
        assert_eq!(logs_root(std::slice::from_ref(&entry)), crypto::sha256_parts(&[&[0], &entry.encode()]));
    }

    #[test]
    fn golden_header() {
        let header = Header {
            chain_id: 1,
            height: 2,
            timestamp: 3,
            parent: [1; 32],
            pre_state_root: [2; 32],
            state_root: [3; 32],
            calls_root: [4; 32],
            receipts_root: [5; 32],
            profile_hash: [6; 32],
            gas_used: 4,
            gas_limit: 5,
            sealer: Address([7; 20]),
        };
        let word = |n: u8| format!("{n:02x}00000000000000");
        let mut want = ["01".to_string(), word(1), word(2), word(3)].concat();
        (1..=6).for_each(|n| want += &format!("{n:02x}").repeat(32));
        want += &[word(4), word(5), "07".repeat(20)].concat();
        let bytes = header.encode();
        assert_eq!(hex(&bytes), want);
        assert_eq!(bytes.len(), 1 + 24 + 192 + 16 + 20);
        assert_eq!(header.hash(), crypto::sha256(&[b"zvm-block-v1", &bytes[..]].concat()));
        assert_eq!(Header::decode(&bytes), Ok(header));
    }

    #[test]
    fn records_round_trip_and_cuts_are_refused() {
        let bytes = record().encode();
        assert_eq!(Record::decode(&bytes), Ok(record()));
        for len in 0..bytes.len() {
            assert!(Record::decode(&bytes[..len]).is_err(), "cut at {len}");
        }
        assert_eq!(Record::decode(&[&bytes[..], &[0]].concat()), Err(CodecError::TrailingBytes));
    }

    #[test]
    fn status_numbers_are_dense() {
        for (index, status) in Status::ALL.iter().enumerate() {
            assert_eq!(*status as usize, index);
            assert_eq!(Status::from_u8(index as u8), Some(*status));
        }
        assert_eq!(Status::from_u8(10), None);
    }
}
