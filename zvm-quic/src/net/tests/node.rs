//! A node for the tests, with a validator and a chain that are just enough.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ghost_wasm::Interrupt;

use crate::node::{Node, Submitted};
use crate::proto::codec::{Blob, Text};
use crate::proto::frame::Refusal;
use crate::proto::message::{
    AccountAnswer, Address, ChainAnswer, Hash, ProofAnswer, QueryAnswer, SimulateAnswer,
};
use crate::proto::pace::Peer;
use crate::proto::sink::{ModuleSink, RejectInfo, SinkProgress};
use crate::proto::table::AnswerCode;

/// The only profile.
pub const PROFILE: Hash = [4; 32];

fn leb(mut value: usize) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            out.push(byte);
            return out;
        }
        out.push(byte | 0x80);
    }
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id][..], &leb(content.len()), content].concat()
}

/// A valid module of this many functions, behind a custom section of `padding` bytes.
pub fn module(functions: usize, padding: usize) -> Vec<u8> {
    let custom = [&[1, b'p'][..], &vec![0x5a; padding]].concat();
    let types = [leb(functions), vec![0; functions]].concat();
    // Each: no locals, `nop`, `end`.
    let bodies = [leb(functions), [3, 0, 0x01, 0x0b].repeat(functions)].concat();
    [
        b"\0asm\x01\0\0\0".to_vec(),
        section(0, &custom),
        section(1, &[1, 0x60, 0, 0]),
        section(3, &types),
        section(10, &bodies),
    ]
    .concat()
}

/// The same with a stack underflow in its last function, and `more` bytes of custom section behind it: the
/// bytes and the place of the fault.
pub fn garbage_at(functions: usize, more: usize) -> (Vec<u8>, u64) {
    let mut bytes = module(functions, 100);
    let at = bytes.len() - 2;
    bytes[at] = 0x1a; // drop
    bytes.extend(section(0, &[&[1, b'p'][..], &vec![0x5a; more]].concat()));
    (bytes, at as u64)
}

/// Knows just the modules made here: counts their bodies and finds the fault.
#[derive(Debug, Default)]
pub struct TestSink {
    last: [u8; 2],
    seen: u64,
    bodies: u32,
}

impl ModuleSink for TestSink {
    type Module = ();

    fn feed(&mut self, bytes: &[u8], _: u64) -> Result<usize, RejectInfo> {
        for &byte in bytes {
            match (self.last, byte) {
                ([_, 0x00], 0x1a) => {
                    let text = "type mismatch".into();
                    return Err(RejectInfo { code: 0x201, offset: self.seen, text });
                }
                ([0x00, 0x01], 0x0b) => self.bodies += 1,
                _ => {}
            }
            self.last = [self.last[1], byte];
            self.seen += 1;
        }
        Ok(bytes.len())
    }

    fn progress(&self) -> SinkProgress {
        SinkProgress { functions_valid: self.bodies, work: self.seen }
    }

    fn finish(self, _: &Hash) -> Result<(), RejectInfo> {
        Ok(())
    }
}

#[derive(Debug)]
pub struct TestNode {
    staged: Mutex<BTreeMap<Hash, Vec<u8>>>,
    records: Mutex<BTreeMap<Hash, Vec<u8>>>,
}

impl TestNode {
    pub fn new() -> Arc<TestNode> {
        Arc::new(TestNode { staged: Mutex::default(), records: Mutex::default() })
    }

    /// What is staged, in the order of the hashes.
    pub fn staged_hashes(&self) -> Vec<Hash> {
        self.staged.lock().unwrap().keys().copied().collect()
    }
}

impl Node for TestNode {
    type Sink = TestSink;

    fn sink(&self, profile: &Hash) -> Option<TestSink> {
        (*profile == PROFILE).then(TestSink::default)
    }

    fn claim(&self, _: Peer, code_hash: &Hash) -> Result<bool, Refusal> {
        Ok(self.staged.lock().unwrap().contains_key(code_hash))
    }

    fn stage(&self, _: Peer, code_hash: &Hash, (): (), bytes: Vec<u8>) -> Result<(), Refusal> {
        assert_eq!(Hash::from(blake3::hash(&bytes)), *code_hash);
        self.staged.lock().unwrap().insert(*code_hash, bytes);
        Ok(())
    }

    fn staged(&self) -> Result<u32, Refusal> {
        Ok(self.staged.lock().unwrap().len() as u32)
    }

    async fn submit(&self, _: Peer, envelope: Vec<u8>, wait: bool) -> Result<Submitted, Refusal> {
        if envelope == b"forged" {
            return Err(Refusal::new(AnswerCode::AuthenticationFailed, "forged"));
        }
        let id = Hash::from(blake3::hash(&envelope));
        if !wait {
            return Ok(Submitted::Accepted(id));
        }
        let record = [b"record of ", &envelope[..]].concat();
        match self.records.lock().unwrap().insert(id, record.clone()) {
            Some(stored) => Ok(Submitted::Duplicate(id, stored)),
            None => Ok(Submitted::Included(id, record)),
        }
    }

    fn query(
        &self,
        _: &Address,
        gas_limit: u64,
        input: &[u8],
        _: &Interrupt,
    ) -> Result<QueryAnswer, Refusal> {
        Ok(QueryAnswer {
            status: 0,
            code: 0,
            gas_used: gas_limit,
            return_data: Blob::new(input.to_vec()).unwrap(),
            text: Text::default(),
            diagnostics: Blob::default(),
        })
    }

    fn simulate(&self, envelope: &[u8], _: &Interrupt) -> Result<SimulateAnswer, Refusal> {
        Ok(SimulateAnswer { cold_gas: 1, record: Blob::new(envelope.to_vec()).unwrap() })
    }

    fn proof(&self, _: u64, key: &[u8]) -> Result<ProofAnswer, Refusal> {
        let (value, empty) = (Blob::new(key.to_vec()).unwrap(), Blob::default());
        Ok(ProofAnswer { header: Blob::default(), has_value: 1, value, proof: empty })
    }

    fn receipt(&self, call_id: &Hash) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(self.records.lock().unwrap().get(call_id).cloned())
    }

    fn account(&self, address: &Address) -> Result<AccountAnswer, Refusal> {
        Ok(AccountAnswer { nonce: u64::from(address[0]), balance: 1, code_hash: [0; 32] })
    }

    fn chain(&self) -> Result<ChainAnswer, Refusal> {
        Ok(ChainAnswer {
            chain_id: 7,
            genesis_hash: [1; 32],
            height: 2,
            block_hash: [2; 32],
            state_root: [3; 32],
            timestamp: 4,
            gas_price_floor: 1,
            block_gas_limit: 1 << 40,
            profile: PROFILE,
            module_bytes_max: 4 << 20,
            envelope_bytes_max: 100,
        })
    }

    fn stop(&self) {}
}
