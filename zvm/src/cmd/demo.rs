//! `zvm demo`: the whole way in one command. A node on loopback, the token contract streamed to it, calls
//! that end in every way a call can end, and a restart on the same store. Every outcome is checked against
//! what it must be; the exit code is 0 only if all are.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::runtime::Runtime;
use zvm_host::crypto::{self, SigningKey};
use zvm_host::envelope::contract_address;
use zvm_host::table::host_gas;
use zvm_host::{Address, Auth, Body, Genesis, Hash, Record, Status, hex, key};
use zvm_quic::UploadOptions;
use zvm_quic::proto::message::UploadAnswer;
use zvm_quic::proto::table::AnswerCode;

use crate::abi::{self, Type};
use crate::client::{Offer, Session, runtime, show_upload};
use crate::cmd::node::{Running, Settings, holds_chain, new_genesis};
use crate::failure::{Exit, Failure};
use crate::output::{BAD, BOLD, BREAK, DIM, Done, GOOD, Output, styled};
use crate::receipt;

/// The contract, as it is committed.
const TOKEN: &[u8] = include_bytes!("../../../contracts/token/token.wasm");
const TOKEN_PATH: &str = "contracts/token/token.wasm";
/// What the token's contract says when somebody spends more than he has.
const NO_BALANCE: (i32, &str) = (5, "token: insufficient balance");
const SUPPLY: u128 = 1_000_000;
/// Base units of the native coin that each signer begins with: enough for any gas.
const COINS: u128 = 1_000_000_000_000_000_000;
/// More than an instance costs, less than a transfer does.
const TOO_LITTLE_GAS: u64 = 25_000;
const CHUNK_BYTES: usize = 512;
const PATIENCE: Duration = Duration::from_secs(10);

/// Show the whole way
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Keep the chain in this new folder; without it a temporary one is used and removed
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,

    /// Milliseconds between the chunks of the upload, so that a person can watch it
    #[arg(long, value_name = "MS", default_value_t = 10)]
    pace: u64,
}

/// Runs the command.
pub fn run(args: Args, out: &Output) -> Result<Done, Failure> {
    let temporary = match &args.dir {
        Some(_) => None,
        None => Some(tempfile::tempdir().map_err(|error| Failure::new(Exit::Usage, "io", error))?),
    };
    let dir = match (&args.dir, &temporary) {
        (Some(dir), _) => dir.as_path(),
        (None, Some(temporary)) => temporary.path(),
        (None, None) => Path::new("."),
    };
    std::fs::create_dir_all(dir).map_err(|error| Failure::io(dir, &error))?;
    if holds_chain(dir) {
        let text = format!("{} holds a chain already", dir.display());
        return Err(Failure::usage(text).with_help("the demo begins a new one; choose another folder"));
    }
    let demo = Demo::start(dir, Duration::from_millis(args.pace), out)?;
    demo.play()
}

/// Somebody with a key. The seeds are public: these keys are for showing only.
struct Person {
    name: &'static str,
    key: SigningKey,
}

impl Person {
    fn new(name: &'static str) -> Person {
        Person { name, key: SigningKey::from_seed(&crypto::sha256_parts(&[b"zvm demo: ", name.as_bytes()])) }
    }

    fn address(&self) -> Address {
        key::address(&self.key.public())
    }
}

/// How a step must end.
enum Expected {
    /// Success, with so many logs.
    Success { logs: usize },
    /// Reverted, with this code and text.
    Reverted(i32, &'static str),
    /// All gas used, nothing else done.
    OutOfGas,
    /// Never in a block.
    NotAuthentic,
}

impl Expected {
    fn name(&self) -> &'static str {
        match self {
            Expected::Success { .. } => Status::Success.name(),
            Expected::Reverted(..) => Status::Reverted.name(),
            Expected::OutOfGas => Status::OutOfGas.name(),
            Expected::NotAuthentic => Status::AuthenticationFailed.name(),
        }
    }

    fn fits(&self, record: &Record, gas_limit: u64) -> bool {
        let receipt = &record.receipt;
        match *self {
            Expected::Success { logs } => {
                receipt.status == Status::Success
                    && record.return_data.is_empty()
                    && record.logs.len() == logs
            }
            Expected::Reverted(code, text) => {
                receipt.status == Status::Reverted
                    && receipt.revert_code == code
                    && abi::revert_text(&record.return_data).as_deref() == Some(text)
                    && record.logs.is_empty()
            }
            Expected::OutOfGas => {
                receipt.status == Status::OutOfGas && receipt.gas_used == gas_limit && record.logs.is_empty()
            }
            Expected::NotAuthentic => false,
        }
    }
}

/// The node, and a client of it.
struct Live {
    running: Running,
    session: Session,
}

impl Live {
    fn start(runtime: &Arc<Runtime>, dir: &Path, genesis: &Genesis) -> Result<Live, Failure> {
        let listen = [(Ipv4Addr::LOCALHOST, 0).into()];
        let running = Running::start(runtime, dir, &listen, Settings::default(), |_| Ok(genesis.clone()))?;
        let (address, pin) = (running.server.address(), running.server.pin());
        let session = Session::connect(runtime.clone(), address, pin, PATIENCE)?;
        Ok(Live { running, session })
    }

    fn stop(self, runtime: &Runtime) {
        self.session.close();
        self.running.stop(runtime);
    }
}

struct Demo<'a> {
    out: &'a Output,
    dir: &'a Path,
    pace: Duration,
    runtime: Arc<Runtime>,
    genesis: Genesis,
    alice: Person,
    bob: Person,
    carol: Person,
    steps: Vec<Value>,
    unexpected: u32,
}

impl<'a> Demo<'a> {
    fn start(dir: &'a Path, pace: Duration, out: &'a Output) -> Result<Demo<'a>, Failure> {
        let (alice, bob, carol) = (Person::new("alice"), Person::new("bob"), Person::new("carol"));
        // With a fixed time of the genesis, every run has the same state roots.
        let genesis = new_genesis(1, 0, [(alice.address(), COINS), (bob.address(), COINS)]);
        let runtime = runtime()?;
        Ok(Demo { out, dir, pace, runtime, genesis, alice, bob, carol, steps: Vec::new(), unexpected: 0 })
    }

    fn play(mut self) -> Result<Done, Failure> {
        let out = self.out;
        let live = Live::start(&self.runtime, self.dir, &self.genesis)?;
        let root_before = live.session.chain()?.state_root;
        self.title("A node on loopback");
        out.line(format_args!("  listening     {}", live.running.server.address()));
        out.line(format_args!("  fingerprint   {}", live.running.server.pin()));
        out.line(format_args!("  state root    {}", hex(&root_before)));

        let upload = self.upload(&live)?;
        let contract = self.deploy(&live, &upload)?;
        self.calls(&live, &contract)?;

        let balances = self.balances(&live, &contract)?;
        let root_after = live.session.chain()?.state_root;
        self.title("The state");
        self.show_balances(&balances);
        out.line(format_args!("  root before   {}", hex(&root_before)));
        out.line(format_args!("  root after    {}", hex(&root_after)));
        let right = balances == [SUPPLY - 300, 180, 120] && root_before != root_after;
        self.verdict(right, "balances of 999700, 180 and 120, and a new root");

        let restarted = self.restart(live, &contract, &balances, &root_after)?;
        let all = self.steps.len();
        if self.unexpected == 0 {
            out.line(format_args!("{BREAK}{} Every outcome is the expected one.", styled(GOOD, "✓")));
        } else {
            out.line(format_args!(
                "{BREAK}{} {} outcomes are not the expected ones.",
                styled(BAD, "✗"),
                self.unexpected
            ));
        }
        Ok(Done::new(
            if self.unexpected == 0 { Exit::Ok } else { Exit::Failed },
            json!({
                "contract": contract.to_string(),
                "code_hash": hex(&upload.code_hash),
                "upload": {
                    "bytes": upload.bytes,
                    "work": upload.work.to_string(),
                    "functions_total": upload.functions_total,
                    "functions_valid_before_last_chunk": upload.functions_valid_before_last_chunk,
                },
                "calls": all,
                "unexpected": self.unexpected,
                "steps": self.steps,
                "state_root_before": hex(&root_before),
                "state_root_after": hex(&root_after),
                "balances": self.balances_json(&balances),
                "restart": restarted,
            }),
        ))
    }

    fn title(&self, text: &str) {
        self.out.line(format_args!("{BREAK}{}", styled(BOLD, text)));
    }

    /// Whether something is as it must be, said and counted.
    fn verdict(&mut self, right: bool, expected: &str) {
        if right {
            self.out.line(format_args!("  {}", styled(GOOD, "✓ as expected")));
        } else {
            self.unexpected = self.unexpected.saturating_add(1);
            self.out.line(format_args!("  {}", styled(BAD, format_args!("✗ expected {expected}"))));
        }
    }

    fn upload(&mut self, live: &Live) -> Result<UploadAnswer, Failure> {
        self.title(&format!("{TOKEN_PATH}, streamed over QUIC in chunks of {CHUNK_BYTES} bytes"));
        let options = UploadOptions { sha256: true, chunk_bytes: CHUNK_BYTES, ..UploadOptions::default() };
        let answer = live.session.upload(TOKEN, options, self.pace, Path::new(TOKEN_PATH), self.out)?;
        show_upload(self.out, &answer);
        let early = answer.functions_valid_before_last_chunk;
        let right = answer.code_hash == crypto::blake3(TOKEN) && early > 0 && answer.functions_total >= early;
        self.verdict(right, "its BLAKE3, and functions that were valid before the end");
        Ok(answer)
    }

    fn deploy(&mut self, live: &Live, upload: &UploadAnswer) -> Result<Address, Failure> {
        let args = ["Ghost", "GST", "0", "1000000"].map(String::from);
        let types = [Type::Text, Type::Text, Type::Uint(1), Type::Uint(16)];
        let init = abi::encode_args(&types, &args).map_err(Failure::usage)?;
        let body = Body::deploy(0, &upload.code_hash, &init);
        let contract = contract_address(&self.alice.address(), 0, &upload.code_hash);
        let title = format!("alice: deploy, init(\"Ghost\", \"GST\", 0, {SUPPLY})");
        let record = self.signed(
            live,
            &title,
            Signed::new(body, Person::new("alice")),
            Expected::Success { logs: 1 },
        )?;
        let created = record.map(|record| record.receipt.created);
        if created != Some(contract) {
            self.verdict(false, &format!("the contract {contract}"));
        }
        Ok(contract)
    }

    fn calls(&mut self, live: &Live, contract: &Address) -> Result<(), Failure> {
        let (alice, bob, carol) = (self.alice.address(), self.bob.address(), self.carol.address());
        let transfer = |from: &'static str, to: Address, amount: u128| {
            let args = [to.to_string(), amount.to_string()];
            let input = abi::encode_call("transfer(address,uint128)", &args).map_err(Failure::usage)?;
            Ok::<_, Failure>(Signed::new(Body::call(0, *contract, &input), Person::new(from)))
        };
        let (code, text) = NO_BALANCE;
        let success = || Expected::Success { logs: 1 };

        self.signed(live, "alice: transfer 300 to bob", transfer("alice", bob, 300)?, success())?;
        self.signed(live, "bob: transfer 120 to carol", transfer("bob", carol, 120)?, success())?;
        self.signed(
            live,
            "bob: transfer 1000000 to alice, which he does not have",
            transfer("bob", alice, 1_000_000)?,
            Expected::Reverted(code, text),
        )?;
        let mut cheap = transfer("alice", bob, 1)?;
        cheap.spare_gas = Some(TOO_LITTLE_GAS);
        self.signed(live, "alice: transfer 1 to bob, with too little gas", cheap, Expected::OutOfGas)?;
        let mut forged = transfer("alice", bob, 1)?;
        forged.forged = true;
        self.signed(live, "alice: transfer 1 to bob, with a bad signature", forged, Expected::NotAuthentic)?;
        Ok(())
    }

    /// Signs, sends, shows, judges.
    fn signed(
        &mut self,
        live: &Live,
        title: &str,
        call: Signed,
        expected: Expected,
    ) -> Result<Option<Record>, Failure> {
        self.title(title);
        let root_before = live.session.chain()?.state_root;
        let offer = Offer::default();
        let (mut body, chain) = live.session.complete(call.body, &offer, &call.person.key)?;
        let mut envelope = body.clone().sign(&call.person.key, &chain.genesis_hash);
        if let Some(spare) = call.spare_gas {
            body.gas_limit = host_gas::intrinsic(envelope.wire_len()).saturating_add(spare);
            envelope = body.clone().sign(&call.person.key, &chain.genesis_hash);
        }
        if call.forged
            && let Auth::Key { signature: [first, ..], .. } = &mut envelope.auth
        {
            *first ^= 1;
        }
        let mut step = json!({ "step": title, "signer": call.person.name, "expected": expected.name() });
        let (right, record) = match live.session.send(&envelope.encode()) {
            Ok(record) => {
                receipt::show(self.out, &record);
                step["receipt"] = receipt::to_json(&record);
                let chained = record.pre_state_root == root_before && record.state_root != root_before;
                (chained && expected.fits(&record, body.gas_limit), Some(record))
            }
            Err(failure) if failure.code.is_some() => {
                let wanted = AnswerCode::AuthenticationFailed;
                let found = failure.code.as_ref().map_or(0, |code| code.number);
                self.out.line(format_args!(
                    "  status_code   {} {}: {}",
                    Status::AuthenticationFailed as u8,
                    styled(BAD, Status::AuthenticationFailed.name()),
                    failure.text
                ));
                self.out.line(styled(DIM, "  no receipt: the call is in no block"));
                step["refused"] = failure.json();
                let unchanged = live.session.chain()?.state_root == root_before;
                let refused =
                    matches!(expected, Expected::NotAuthentic) && found == u32::from(wanted.number());
                (unchanged && refused, None)
            }
            Err(failure) => return Err(failure),
        };
        self.verdict(right, expected.name());
        step["as_expected"] = json!(right);
        self.steps.push(step);
        Ok(record)
    }

    fn restart(
        &mut self,
        live: Live,
        contract: &Address,
        balances: &[u128],
        root: &Hash,
    ) -> Result<Value, Failure> {
        let (height, pin) = (live.session.chain()?.height, live.running.server.pin());
        live.stop(&self.runtime);
        let live = Live::start(&self.runtime, self.dir, &self.genesis)?;
        let chain = live.session.chain()?;
        let found = self.balances(&live, contract)?;
        self.title("The node, restarted on the same store");
        self.show_balances(&found);
        self.out.line(format_args!("  height        {}", chain.height));
        self.out.line(format_args!("  state root    {}", hex(&chain.state_root)));
        let same_key = pin == live.running.server.pin();
        let right = found == balances && chain.state_root == *root && chain.height == height && same_key;
        self.verdict(right, "the balances, height, root and fingerprint of before");
        live.stop(&self.runtime);
        Ok(json!({
            "height": chain.height.to_string(),
            "state_root": hex(&chain.state_root),
            "balances": self.balances_json(&found),
            "as_expected": right,
        }))
    }

    fn people(&self) -> [&Person; 3] {
        [&self.alice, &self.bob, &self.carol]
    }

    /// Asked of the contract, one query a person.
    fn balances(&self, live: &Live, contract: &Address) -> Result<Vec<u128>, Failure> {
        let ask = |person: &Person| {
            let args = [person.address().to_string()];
            let input = abi::encode_call("balance_of(address)", &args).map_err(Failure::usage)?;
            let asked = live.session.query(contract, 0, &input)?;
            let value = <[u8; 16]>::try_from(&*asked.return_data).ok().map(u128::from_le_bytes);
            value.filter(|_| asked.status == Status::Success as u8).ok_or_else(|| {
                let text = format!("balance_of: status {}, {}", asked.status, asked.text);
                Failure::new(Exit::Failed, "query", text)
            })
        };
        self.people().into_iter().map(ask).collect()
    }

    fn show_balances(&self, balances: &[u128]) {
        for (person, balance) in self.people().into_iter().zip(balances) {
            let address = styled(DIM, person.address());
            self.out.line(format_args!("  {:<8} {balance:>9} GST  {address}", person.name));
        }
    }

    fn balances_json(&self, balances: &[u128]) -> Value {
        let pairs = self.people().into_iter().zip(balances);
        pairs.map(|(person, balance)| (person.name.to_string(), json!(balance.to_string()))).collect()
    }
}

/// A call about to be signed.
struct Signed {
    body: Body,
    person: Person,
    /// Gas above the price of the envelope; none: as much as the node suggests.
    spare_gas: Option<u64>,
    forged: bool,
}

impl Signed {
    fn new(body: Body, person: Person) -> Signed {
        Signed { body, person, spare_gas: None, forged: false }
    }
}
