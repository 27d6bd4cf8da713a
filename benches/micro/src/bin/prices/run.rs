//! Runs the loops on a chain with a store on disk, and measures them in CPU time.

use std::sync::Arc;

use rustix::time::{ClockId, clock_gettime};
use zvm_host::crypto::SigningKey;
use zvm_host::state::FIRST_READS_MAX;
use zvm_host::table::host_fns::HOST_FNS;
use zvm_host::{
    Address, Answer, Body, Chain, ChainConfig, ContractModule, Genesis, Owner, Record, RedbBackend, Status,
    key,
};

use crate::loops::Loop;

/// Keys in the state before anything is measured. The tree over them is as deep as the logarithm says, so that
/// one over 2^24 keys costs a third more.
const KEYS: u32 = 1 << 18;
/// Turns of a loop that touches a key in each: half of what one signed call may touch.
pub const KEYS_TURNS: u32 = FIRST_READS_MAX / 2;
/// Gas of a block: enough that no loop runs out.
const GAS: u64 = 1 << 50;

/// CPU time of the process in nanoseconds.
fn now() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// The processor's name and family.
pub fn cpu() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        text.lines()
            .find(|line| line.starts_with(name))
            .and_then(|line| line.split(": ").nth(1))
            .unwrap_or("?")
    };
    format!("{}, family {}, model {}", field("model name"), field("cpu family"), field("model\t"))
}

/// A chain on disk with many keys, and a signer.
pub struct Bench {
    chain: Chain,
    signer: SigningKey,
    nonce: u64,
    _dir: tempfile::TempDir,
}

impl Bench {
    /// Fills the store.
    #[expect(clippy::expect_used, reason = "a bench that cannot begin has failed")]
    pub fn new() -> Bench {
        let dir = tempfile::tempdir().expect("a folder");
        let signer = SigningKey::from_seed(&[1; 32]);
        let genesis =
            Genesis { chain_id: 1, timestamp: 0, gas_limit: GAS, sealer: Address([9; 20]), balances: vec![] }
                .with_balances([(key::address(&signer.public()), u128::MAX / 2)]);
        let store = RedbBackend::open(&dir.path().join("chain.redb")).expect("a store");
        let chain = Chain::open(Arc::new(store), &genesis, ChainConfig::default()).expect("a chain");
        let mut bench = Bench { chain, signer, nonce: 0, _dir: dir };
        let fill = Loop {
            name: "fill".into(),
            class: "state",
            body: "(i32.store (i32.const 1024) (i32.add (local.get $i) (local.get $base)))
                (call $storage_write (i32.const 1024) (i32.const 4) (i32.const 0) (i32.const 1))"
                .into(),
            turns: KEYS_TURNS,
            setup: String::new(),
            prelude: String::new(),
        };
        let at = bench.deploy(&wat(&fill));
        for first in (0..KEYS).step_by(KEYS_TURNS as usize) {
            bench.call(at, &first.to_le_bytes());
        }
        // The chain keeps the trees of the last states; those of the filling go now, and not in what is measured.
        let nobody = Address([7; 20]);
        for _ in 0..2 * ChainConfig::default().states_kept {
            bench.call(nobody, &[]);
        }
        bench
    }

    /// CPU time and gas of one turn of a loop: the least of some samples, less the least of a call without turns.
    pub fn measure(&mut self, of: &Loop, samples: usize) -> (f64, f64) {
        let full = self.deploy(&wat(of));
        let empty = self.deploy(&wat(&Loop { turns: 0, ..of.clone() }));
        let (mut least_idle, mut least_busy, mut gas) = (f64::INFINITY, f64::INFINITY, 0.0);
        for _ in 0..samples {
            let (idle, idle_gas) = self.sample(empty);
            let (busy, busy_gas) = self.sample(full);
            (least_idle, least_busy) = (least_idle.min(idle), least_busy.min(busy));
            gas = (busy_gas - idle_gas) as f64;
        }
        let turns = f64::from(of.turns);
        ((least_busy - least_idle).max(0.0) / turns, gas / turns)
    }

    fn sample(&mut self, at: Address) -> (f64, u64) {
        let began = now();
        let record = self.call(at, &[0; 4]);
        (now() - began, record.receipt.gas_used)
    }

    #[expect(clippy::panic, reason = "a loop that does not run is a fault of this bench")]
    fn send(&mut self, mut body: Body) -> Record {
        let info = self.chain.info();
        (body.nonce, body.gas_limit, body.gas_price) = (self.nonce, GAS >> 1, 1);
        body.valid_until = info.height + 100;
        self.nonce += 1;
        let wire = body.sign(&self.signer, &info.genesis_hash).encode();
        match self.chain.submit(&wire, 0) {
            Ok(Answer::Included(record)) if record.receipt.status == Status::Success => *record,
            other => panic!("{other:?}"),
        }
    }

    fn call(&mut self, at: Address, input: &[u8]) -> Record {
        self.send(Body::call(0, at, input))
    }

    #[expect(clippy::expect_used, reason = "a loop that is no contract is a fault of this bench")]
    fn deploy(&mut self, text: &str) -> Address {
        let bytes = wat::parse_str(text).expect(text);
        let module = ContractModule::new(self.chain.engine(), &bytes).expect(text);
        let hash = self.chain.stage_module(Owner::default(), module, &bytes, 0).expect("staged");
        self.send(Body::deploy(0, &hash, &[])).receipt.created
    }
}

/// The contract of a loop. It imports every host function under its own name; `$i` counts the turns, `$base` is the
/// input's number.
pub fn wat(of: &Loop) -> String {
    let imports: String = HOST_FNS
        .iter()
        .map(|row| {
            let params: String = row.params.iter().map(|(_, role)| format!(" {}", role.val_type())).collect();
            let result = row.result.map_or(String::new(), |ty| format!("(result {ty})"));
            format!("(import \"env\" \"{0}\" (func ${0} (param{params}) {result}))\n", row.name)
        })
        .collect();
    let Loop { body, turns, setup, prelude, .. } = of;
    format!(
        r#"(module {imports}
        (memory (export "memory") 64)
        {prelude}
        (func $turns (param $base i32) (local $i i32) (local $a i32) (local $l i64) (local $f f64) (local $g f32)
            (if (i32.eqz (i32.const {turns})) (then (return)))
            (loop $again
                {body}
                (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const {turns})))))
        (func (export "init") (result i32) (i32.const 0))
        (func (export "invoke") (result i32)
            (drop (call $input_read (i32.const 512) (i32.const 4)))
            {setup}
            (call $turns (i32.load (i32.const 512)))
            (i32.const 0)))"#
    )
}
