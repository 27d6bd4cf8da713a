//! Where the time of a block goes: `cargo run --release -p bench-micro --bin chain [KEYS]`.
//!
//! Blocks of 1,000 signed token transfers of 1,000 signers on a store on disk, one thread: each part by itself, and
//! the whole, in microseconds a call. Then calls between contracts, proofs, and opening a store of KEYS keys
//! (1,000,000 by default). Time is the wall's, since storing waits for the disk; of each figure the best of some runs.

use std::sync::Arc;
use std::time::Instant;

use zvm_host::authenticate::Authenticator;
use zvm_host::block::{Builder, Env, Ready};
use zvm_host::cache::ModuleCache;
use zvm_host::crypto::ed25519;
use zvm_host::crypto::{SigningKey, selector};
use zvm_host::exec::apply::Machine;
use zvm_host::exec::instance::Instances;
use zvm_host::natives::Natives;
use zvm_host::state::{Commit, StateBackend, Tree};
use zvm_host::{
    Address, Admitted, Answer, Body, Chain, ChainConfig, ContractModule, Decided, Envelope, Genesis, Owner,
    RedbBackend, Status, key,
};

/// Signers, and calls of a block.
const CALLS: usize = 1_000;
const ROUNDS: usize = 7;
const GAS: u64 = 1 << 50;
const TOKEN: &[u8] = include_bytes!("../../../../../contracts/token/token.wasm");

type Failed = Box<dyn std::error::Error>;

fn main() -> Result<(), Failed> {
    let keys = std::env::args().nth(1).map_or(Ok(1_000_000), |text| text.parse::<usize>())?;
    println!("{}", cpu());
    let mut bench = Bench::new()?;
    bench.transfers()?;
    bench.calls_between_contracts()?;
    large_store(keys)
}

fn cpu() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        text.lines()
            .find(|line| line.starts_with(name))
            .and_then(|line| line.split(": ").nth(1))
            .unwrap_or("?")
    };
    format!("{}, family {}, model {}", field("model name"), field("cpu family"), field("model\t"))
}

/// Microseconds that `f` takes, and what it gives.
fn timed<T>(f: impl FnOnce() -> T) -> (f64, T) {
    let began = Instant::now();
    let done = f();
    (began.elapsed().as_secs_f64() * 1e6, done)
}

fn line(name: &str, us: f64) {
    println!("{name:<58} {us:>9.2} µs");
}

/// Keeps the least.
#[derive(Clone, Copy)]
struct Best(f64);

impl Best {
    fn take(&mut self, us: f64) {
        self.0 = self.0.min(us);
    }
}

struct Bench {
    chain: Chain,
    signers: Vec<SigningKey>,
    nonces: Vec<u64>,
    genesis_hash: [u8; 32],
    authenticator: Authenticator,
    _dir: tempfile::TempDir,
}

fn open(path: &std::path::Path, genesis: &Genesis) -> Result<Chain, Failed> {
    let store: Arc<dyn StateBackend> = Arc::new(RedbBackend::open(path)?);
    Ok(Chain::open(store, genesis, ChainConfig::default())?)
}

impl Bench {
    fn new() -> Result<Bench, Failed> {
        let dir = tempfile::tempdir()?;
        let seed = |n: usize| {
            let mut seed = [1; 32];
            seed[..8].copy_from_slice(&n.to_le_bytes());
            seed
        };
        let signers: Vec<SigningKey> = (0..CALLS).map(|n| SigningKey::from_seed(&seed(n))).collect();
        let balances = signers.iter().map(|signer| (key::address(&signer.public()), 10_u128.pow(30)));
        let genesis =
            Genesis { chain_id: 1, timestamp: 0, gas_limit: GAS, sealer: Address([9; 20]), balances: vec![] }
                .with_balances(balances);
        let chain = open(&dir.path().join("chain.redb"), &genesis)?;
        let genesis_hash = chain.info().genesis_hash;
        let (nonces, authenticator) = (vec![0; CALLS], Authenticator::new(genesis_hash));
        Ok(Bench { chain, signers, nonces, genesis_hash, authenticator, _dir: dir })
    }

    fn sign(&mut self, at: usize, mut body: Body) -> Envelope {
        body.nonce = self.nonces[at];
        (body.gas_limit, body.gas_price, body.valid_until) = (GAS >> 12, 1, 60_000);
        self.nonces[at] += 1;
        body.sign(&self.signers[at], &self.genesis_hash)
    }

    fn send(&mut self, body: Body) -> Result<zvm_host::Record, Failed> {
        let wire = self.sign(0, body).encode();
        match self.chain.submit(&wire, 0)? {
            Answer::Included(record) if record.receipt.status == Status::Success => Ok(*record),
            other => Err(format!("{other:?}").into()),
        }
    }

    fn deploy(&mut self, bytes: &[u8], input: &[u8]) -> Result<Address, Failed> {
        let module = ContractModule::new(self.chain.engine(), bytes)?;
        let hash = self.chain.stage_module(Owner::default(), module, bytes, 0)?;
        Ok(self.send(Body::deploy(0, &hash, input))?.receipt.created)
    }

    fn machine(&self) -> Result<Machine, Failed> {
        Ok(Machine {
            cache: ModuleCache::new(self.chain.engine().clone(), 1 << 28),
            instances: Instances::new(self.chain.engine(), 1 << 28)?,
            natives: Natives::NONE,
            policy: None,
            stop: ghost_wasm::Interrupt::new(),
        })
    }

    /// A block's transfers, each signer to the next.
    fn block(&mut self, token: Address) -> Vec<Envelope> {
        (0..CALLS)
            .map(|at| {
                let to = key::address(&self.signers[(at + 1) % CALLS].public());
                let input =
                    [&selector("transfer(address,uint128)")[..], &to.0, &amount(at).to_le_bytes()].concat();
                self.sign(at, Body::call(0, token, &input))
            })
            .collect()
    }

    fn transfers(&mut self) -> Result<(), Failed> {
        let token = self.deploy(TOKEN, &token_init(10_u128.pow(24)))?;
        for at in 0..CALLS {
            let to = key::address(&self.signers[at].public());
            let input =
                [&selector("transfer(address,uint128)")[..], &to.0, &1_000_000_u128.to_le_bytes()].concat();
            self.send(Body::call(0, token, &input))?;
        }
        let machine = self.machine()?;
        let mut tree = rebuilt(&self.chain)?;
        let [mut strict, mut batch, mut apply, mut root, mut record, mut commit, mut whole] =
            [Best(f64::MAX); 7];
        let n = CALLS as f64;
        for round in 0..ROUNDS {
            let calls = self.block(token);
            strict.take(timed(|| check_each(&calls, &self.genesis_hash)).0 / n);
            let (us, verdicts) = timed(|| self.authenticator.check(calls));
            // The first batch has keys to decompress.
            if round > 0 {
                batch.take(us / n);
            }
            let calls: Vec<Ready> =
                verdicts.into_iter().collect::<Result<_, _>>().map_err(|refused| refused.text)?;
            // The parts, beside the chain.
            let reader = self.chain.reader()?;
            let info = reader.info();
            let env = Env { timestamp: info.timestamp + 1, sealer: Address([9; 20]) };
            let mut builder =
                Builder::new(&machine, reader.head(), info.head_hash, reader.view().clone(), env);
            let (us, added) = timed(|| calls.iter().try_for_each(|call| builder.add(call).map(drop)));
            added.map_err(|error| format!("{error:?}"))?;
            if builder.count() != CALLS
                || builder.outcomes().iter().any(|outcome| outcome.status != Status::Success)
            {
                return Err("not every transfer succeeded".into());
            }
            apply.take(us / n);
            let outline = builder.end().map_err(|error| format!("{error:?}"))?;
            let (us, after) =
                timed(|| tree.with(outline.changes.iter().map(|(key, value)| (&key[..], value.as_deref()))));
            root.take(us / n);
            let keys = outline.changes.len();
            let (us, built) = timed(|| outline.seal(after.root()));
            let (us_encode, _) =
                timed(|| built.records.iter().map(|record| record.encode().len()).sum::<usize>());
            record.take((us + us_encode) / n);
            tree = after;
            if round == 0 {
                println!("{keys} keys change in a block of {CALLS} transfers");
            }
            // The whole: the same block through the chain.
            for call in calls {
                match self.chain.admit(call)? {
                    Admitted::Waits(_) => {}
                    other => return Err(format!("{other:?}").into()),
                }
            }
            let began = Instant::now();
            let job = self.chain.begin_block(0, CALLS).ok_or("no block")?;
            let sealed = job.run();
            let (Some(commitment), _) = self.chain.sealed(sealed) else { return Err("no block".into()) };
            let (us, stored) = timed(|| commitment.run());
            stored?;
            commit.take(us / n);
            let decisions = self.chain.committed(commitment);
            whole.take(began.elapsed().as_secs_f64() * 1e6 / n);
            if !decisions.iter().all(|(_, decided)| matches!(decided, Decided::Included(_))) {
                return Err("not every transfer is in the block".into());
            }
        }
        line("signature, alone, with decompression", strict.0);
        line("signature, in a batch of 1,000, keys kept", batch.0);
        println!("{:<58} {:>9.2}", "  batch with call ids / alone", batch.0 / strict.0);
        line("the transaction in memory", apply.0);
        line("the tree", root.0);
        line("receipts, header, records", record.0);
        line("storing the block, durably (bar 6.8)", commit.0);
        let sum = batch.0 + apply.0 + root.0 + record.0 + commit.0;
        line("all parts", sum);
        line("a block through the chain, without signatures", whole.0);
        let one = batch.0 + whole.0;
        println!("{:<58} {:>9.0}", "transfers a second, one core", 1e6 / one);
        println!(
            "{:<58} {:>9.2}",
            "  of what the parts allow (bar 0.85)",
            (batch.0 + apply.0 + root.0 + commit.0) / one
        );
        println!("{:<58} {:>9.0}", "without signatures", 1e6 / whole.0);
        Ok(())
    }

    /// A contract that calls an empty one 20,000 times, less one that does not.
    fn calls_between_contracts(&mut self) -> Result<(), Failed> {
        const TURNS: u32 = 20_000;
        let empty = self.deploy(
            &wat::parse_str(
                r#"(module (memory (export "memory") 1) (func (export "init") (result i32) (i32.const 0))
                (func (export "invoke") (result i32) (i32.const 0)))"#,
            )?,
            &[],
        )?;
        let turns = |body: &str| {
            format!(
                r#"(module (import "env" "call" (func $call (param i32 i32 i64 i32 i32 i32) (result i32)))
                (import "env" "input_read" (func $input (param i32 i32) (result i32)))
                (import "env" "block_height" (func $height (result i64)))
                (memory (export "memory") 1)
                (func (export "init") (result i32) (i32.const 0))
                (func (export "invoke") (result i32) (local $i i32)
                    (drop (call $input (i32.const 0) (i32.const 20)))
                    (loop $again {body}
                        (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const {TURNS}))))
                    (i32.const 0)))"#
            )
        };
        let call = "(if (call $call (i32.const 0) (i32.const 64) (i64.const 1000000) (i32.const 0) (i32.const 0) (i32.const 0)) (then unreachable))";
        let mut figures = [Best(f64::MAX); 3];
        let contracts = ["", call, "(drop (call $height))"].map(|body| wat::parse_str(turns(body)));
        for (figure, bytes) in figures.iter_mut().zip(contracts) {
            let at = self.deploy(&bytes?, &[])?;
            for _ in 0..ROUNDS {
                let (us, sent) = timed(|| self.send(Body::call(0, at, &empty.0)));
                sent?;
                figure.take(us);
            }
        }
        let turns = f64::from(TURNS);
        line("a call of an empty contract and its return (bar 1.0)", (figures[1].0 - figures[0].0) / turns);
        line("a host function without arguments", (figures[2].0 - figures[0].0) / turns);
        Ok(())
    }
}

fn token_init(supply: u128) -> Vec<u8> {
    // Name, symbol, decimals, supply.
    [&5_u32.to_le_bytes()[..], b"Token", &3_u32.to_le_bytes(), b"TOK", &[18], &supply.to_le_bytes()].concat()
}

/// What a signer sends: as much as nobody gets back, so that every balance changes.
fn amount(at: usize) -> u128 {
    1 + (at % 7) as u128
}

fn check_each(calls: &[Envelope], genesis_hash: &[u8; 32]) -> bool {
    calls.iter().all(|call| {
        let zvm_host::Auth::Key { key, signature } = &call.auth else { return false };
        ed25519::verify(key, signature, &call.signed_bytes(genesis_hash)).is_ok()
    })
}

fn rebuilt(chain: &Chain) -> Result<Tree, Failed> {
    let mut all = Vec::new();
    chain.reader()?.view().values(&mut |key, value| {
        all.push((key.to_vec(), value.to_vec()));
        Ok(())
    })?;
    Ok(Tree::default().with(all.iter().map(|(key, value)| (&key[..], Some(&value[..])))))
}

/// Proofs of a state of many keys, and opening its store.
fn large_store(keys: usize) -> Result<(), Failed> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("chain.redb");
    let signer = SigningKey::from_seed(&[1; 32]);
    let genesis =
        Genesis { chain_id: 1, timestamp: 0, gas_limit: GAS, sealer: Address([9; 20]), balances: vec![] }
            .with_balances([(key::address(&signer.public()), 1)]);
    drop(open(&path, &genesis)?);
    // Filled behind the chain's back; its header is made to fit.
    let full_key = |n: usize| [&[2][..], &[7; 20], &n.to_le_bytes()].concat();
    let pairs: Vec<_> = (0..keys).map(|n| (full_key(n), n.to_le_bytes())).collect();
    let base = {
        let chain = open(&path, &genesis)?;
        rebuilt(&chain)?
    };
    let (us, tree) = timed(|| base.with(pairs.iter().map(|(key, value)| (&key[..], Some(&value[..])))));
    line(&format!("a tree of {keys} keys, each"), us / keys as f64);
    {
        let store = RedbBackend::open(&path)?;
        let head = store.snapshot()?.head()?.ok_or("no head")?;
        let genesis_hash = head.genesis_hash;
        let mut header =
            zvm_host::receipt::Header::decode(&head.header).map_err(|error| error.to_string())?;
        header.pre_state_root = header.state_root;
        (header.parent, header.height) = (genesis_hash, 1);
        (header.state_root, header.timestamp) = (tree.root(), 1);
        let values = pairs.iter().map(|(key, value)| (key[..].into(), Some(value[..].into()))).collect();
        let head = zvm_host::state::Head { header: header.encode(), ..head };
        store.commit(&Commit { values, height: 1, head, ..Commit::default() })?;
    }
    let [mut make, mut verify] = [Best(f64::MAX); 2];
    let root = tree.root();
    for _ in 0..ROUNDS {
        const PROOFS: usize = 10_000;
        let wanted: Vec<Vec<u8>> = (0..PROOFS).map(|n| full_key(n * 7_919 % keys.max(1))).collect();
        let (us, proofs) = timed(|| wanted.iter().map(|key| tree.prove(key)).collect::<Vec<_>>());
        make.take(us / PROOFS as f64);
        let values: Vec<[u8; 8]> = (0..PROOFS).map(|n| (n * 7_919 % keys.max(1)).to_le_bytes()).collect();
        let (us, good) = timed(|| {
            let mut all = proofs.iter().zip(&wanted).zip(&values);
            all.all(|((proof, key), value)| proof.verify(&root, key, Some(value)).is_ok())
        });
        if !good {
            return Err("a proof does not hold".into());
        }
        verify.take(us / PROOFS as f64);
    }
    line("a proof made (bar 10)", make.0);
    line("a proof verified (bar 20)", verify.0);
    let (us, chain) = timed(|| open(&path, &genesis));
    drop(chain?);
    println!("{:<58} {:>9.2} s", format!("a store of {keys} keys opened (bar 2)"), us / 1e6);
    Ok(())
}
