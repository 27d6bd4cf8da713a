//! A chain in memory with two rich keys, and short ways to deploy and call.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

pub mod medium;

use std::sync::Arc;

use zvm_host::crypto::SigningKey;
use zvm_host::state::StateBackend;
use zvm_host::{
    Address, Answer, Body, Chain, ChainConfig, ContractModule, Genesis, MemoryBackend, Owner, QueryResult,
    Record, RefusalCode, Status,
};

pub const SUPPLY: u128 = 1_000_000_000_000_000_000;
pub const SEALER: Address = Address([0x5e; 20]);
pub const GAS: u64 = 1_000_000_000;

pub fn alice() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

pub fn bob() -> SigningKey {
    SigningKey::from_seed(&[2; 32])
}

pub fn address(key: &SigningKey) -> Address {
    zvm_host::key::address(&key.public())
}

pub fn genesis() -> Genesis {
    Genesis { chain_id: 7, timestamp: 1_000, gas_limit: 10_000_000_000, sealer: SEALER, balances: vec![] }
        .with_balances([(address(&alice()), SUPPLY), (address(&bob()), SUPPLY)])
}

pub struct Net {
    pub chain: Chain,
    pub store: Arc<dyn StateBackend>,
}

impl Net {
    pub fn new() -> Net {
        Net::over(Arc::new(MemoryBackend::new()))
    }

    pub fn over(store: Arc<dyn StateBackend>) -> Net {
        let chain = Chain::open(Arc::clone(&store), &genesis(), ChainConfig::default()).unwrap();
        Net { chain, store }
    }

    pub fn nonce(&self, key: &SigningKey) -> u64 {
        self.chain.account(&address(key)).unwrap().nonce
    }

    pub fn balance(&self, address: &Address) -> u128 {
        self.chain.account(address).unwrap().balance
    }

    /// Fills in what the tests do not care for, and signs.
    pub fn sign(&self, key: &SigningKey, mut body: Body) -> Vec<u8> {
        let info = self.chain.info();
        if body.gas_limit == 0 {
            body.gas_limit = GAS;
        }
        if body.gas_price == 0 {
            body.gas_price = 1;
        }
        if body.valid_until == 0 {
            body.valid_until = info.height + 100;
        }
        body.sign(key, &info.genesis_hash).encode()
    }

    pub fn submit(&mut self, key: &SigningKey, body: Body) -> Answer {
        let wire = self.sign(key, body);
        self.chain.submit(&wire, 0).unwrap()
    }

    pub fn included(&mut self, key: &SigningKey, body: Body) -> Record {
        match self.submit(key, body) {
            Answer::Included(record) => *record,
            other => panic!("not included: {other:?}"),
        }
    }

    pub fn stage(&mut self, wasm: &[u8]) -> [u8; 32] {
        let module = ContractModule::new(self.chain.engine(), wasm).unwrap();
        self.chain.stage_module(Owner::default(), module, wasm, 0).unwrap()
    }

    pub fn deploy(&mut self, key: &SigningKey, wasm: &[u8], input: &[u8]) -> Record {
        let hash = self.stage(wasm);
        self.included(key, Body::deploy(self.nonce(key), &hash, input))
    }

    pub fn deployed(&mut self, wasm: &[u8], input: &[u8]) -> Address {
        let record = self.deploy(&alice(), wasm, input);
        assert_eq!(record.receipt.status, Status::Success, "{:?}", record.diagnostics);
        record.receipt.created
    }

    pub fn call(&mut self, key: &SigningKey, to: Address, input: &[u8]) -> Record {
        self.included(key, Body::call(self.nonce(key), to, input))
    }

    pub fn query(&self, to: Address, input: &[u8]) -> QueryResult {
        self.chain.query(&to, input, GAS).unwrap()
    }

    /// All balances: what the genesis gave must always be there.
    pub fn all_balances(&self) -> u128 {
        let mut sum = 0;
        let mut add = |key: &[u8], value: &[u8]| {
            if key[0] == 1 {
                sum += zvm_host::Account::decode(value).unwrap().balance;
            }
            Ok(())
        };
        self.store.snapshot().unwrap().values(&mut add).unwrap();
        sum
    }
}

pub fn refusal(answer: Answer) -> RefusalCode {
    match answer {
        Answer::Refused(refused) => refused.code,
        other => panic!("not refused: {other:?}"),
    }
}

/// A contract from the bodies of its functions; one page, `$input` helpers left to the bodies.
pub fn contract(imports: &str, init: &str, invoke: &str, query: &str) -> Vec<u8> {
    let text = format!(
        r#"(module {imports}
            (memory (export "memory") 1)
            (func (export "init") (result i32) {init})
            (func (export "invoke") (result i32) {invoke})
            (func (export "query") (result i32) {query}))"#
    );
    wat::parse_str(text).unwrap()
}
