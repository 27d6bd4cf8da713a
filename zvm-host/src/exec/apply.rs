//! What becomes of a signed call: admit, pay, run, settle. The order is consensus.

use std::sync::Arc;

use ghost_wasm::Interrupt;

use super::auth;
use super::code;
use super::deploy;
use super::frames::{Begin, Code, FrameEnd, Frames, charge_account, is_taken};
use super::host::{Entry, FrameContext, HostEnd};
use super::instance::Instances;
use super::policy::{self, Policy};
use super::transaction::{Budget, Origin, Transaction, take_move};
use crate::admission::{self, Place, RefusalCode, Refused};
use crate::block::BlockSums;
use crate::cache::ModuleCache;
use crate::contract::ContractModule;
use crate::envelope::{Envelope, Kind, contract_address};
use crate::natives::Natives;
use crate::receipt::{Diagnostics, LogEntry, Status};
use crate::state::{Account, JournalError, StoreError};
use crate::table::host_gas;
use crate::types::{Address, Hash};

/// What is needed to run contracts.
#[derive(Debug)]
pub struct Machine {
    /// Modules.
    pub cache: ModuleCache,
    /// Instances of them.
    pub instances: Instances,
    /// Native modules of the chain.
    pub natives: Natives,
    /// What the chain allows beyond the rules of all chains.
    pub policy: Option<Arc<dyn Policy>>,
    /// Ends signed calls: the one under way and each later one. Queries have their own.
    pub stop: Interrupt,
}

/// Why a call has no receipt.
#[derive(Debug)]
pub enum ApplyError {
    /// The call must not be in this block.
    NotIncludable(Refused),
    /// The module a deploy names is not here.
    MissingCode(Hash),
    /// This node could not finish; another might.
    Fault(String),
    /// It was ended from outside: it has no outcome.
    Interrupted,
    /// The store failed.
    Store(StoreError),
}

impl From<StoreError> for ApplyError {
    fn from(error: StoreError) -> ApplyError {
        ApplyError::Store(error)
    }
}

/// Outside of frames a limit cannot be met: what the host itself does is bounded.
impl From<JournalError> for ApplyError {
    fn from(error: JournalError) -> ApplyError {
        match error {
            JournalError::Store(error) => ApplyError::Store(error),
            JournalError::Limit(_) => ApplyError::Fault(error.to_string()),
        }
    }
}

/// What a call leads to, before it has a place in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub status: Status,
    /// The contract's own code.
    pub revert_code: i32,
    /// Which trap.
    pub trap_code: u8,
    /// Gas paid for.
    pub gas_used: u64,
    /// Of it, for code outside the hot set.
    pub cold_gas: u64,
    /// The contract made.
    pub created: Address,
    /// What was returned.
    pub return_data: Vec<u8>,
    /// What was logged.
    pub logs: Vec<LogEntry>,
    /// For people.
    pub diagnostics: Diagnostics,
    /// A module that came into the state: its hash.
    pub deployed: Option<Hash>,
}

/// A call with its signer and place.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The signed call; its signature counts.
    pub envelope: &'a Envelope,
    /// Its name.
    pub call_id: Hash,
    /// Who signed.
    pub signer: Address,
    /// Gas that the calls before it leave of the block's.
    pub block_gas_left: u64,
}

/// Gas of one signed call.
#[derive(Debug)]
pub struct Meter {
    limit: u64,
    used: u64,
}

impl Meter {
    /// Nothing used.
    pub fn new(limit: u64) -> Meter {
        Meter { limit, used: 0 }
    }

    /// What is left.
    pub fn left(&self) -> u64 {
        self.limit.saturating_sub(self.used)
    }

    /// What was used.
    pub fn used(&self) -> u64 {
        self.used
    }

    /// Uses gas, all that is left if it does not suffice.
    pub fn charge(&mut self, gas: u64) -> Result<(), HostEnd> {
        let used = self.used.saturating_add(gas);
        self.used = used.min(self.limit);
        if used <= self.limit { Ok(()) } else { Err(HostEnd::OutOfGas) }
    }
}

/// Why the frame of a signed call did not begin, or has no end.
#[derive(Debug)]
pub enum Stop {
    /// It ended before it began.
    Ended(Status),
    /// The chain's policy refused by this rule.
    Refused(u32),
    /// As a host function ends a call.
    Host(HostEnd),
    /// The call has no outcome.
    Error(ApplyError),
}

impl From<HostEnd> for Stop {
    fn from(end: HostEnd) -> Stop {
        Stop::Host(end)
    }
}

impl From<ApplyError> for Stop {
    fn from(error: ApplyError) -> Stop {
        Stop::Error(error)
    }
}

impl From<JournalError> for Stop {
    fn from(error: JournalError) -> Stop {
        match error {
            JournalError::Store(error) => Stop::Error(error.into()),
            limit => Stop::Host(limit.into()),
        }
    }
}

/// The transaction, which comes back whatever happens, and what happened.
pub type Done<T> = (Box<Transaction>, T);

/// Applies a call to the state of a block, until `interrupt` is set. On an error nothing happened.
pub fn apply(
    machine: &Machine,
    interrupt: &Interrupt,
    mut tx: Box<Transaction>,
    call: &Call<'_>,
) -> Done<Result<Outcome, ApplyError>> {
    let body = &call.envelope.body;
    tx.begin_call(Origin { address: call.signer, key: call.envelope.key() });
    let paid = match pay(&mut tx, call) {
        Ok(paid) => paid,
        Err(error) => {
            tx.journal.leave_out_call();
            return (tx, Err(error));
        }
    };
    let mut meter = Meter::new(body.gas_limit);
    let frames = Frames { machine, interrupt };
    let (tx, agreed) = authorise(&frames, tx, call, &mut meter);
    let start = tx.mark();
    let mut made = Made::default();
    let (mut tx, ran) = match agreed {
        Ok(()) => run(&frames, tx, call, &mut meter, &mut made),
        Err(stop) => (tx, Err(stop)),
    };
    let end = match ended(&mut tx, ran) {
        Ok(end) => end,
        Err(error) => {
            tx.journal.leave_out_call();
            return (tx, Err(error));
        }
    };
    if end.status == Status::OutOfGas {
        meter.used = meter.limit;
    }
    if end.status != Status::Success {
        tx.undo(start);
        made = Made::default();
    }
    if let Err(error) = settle(&mut tx, call, paid, meter.used) {
        tx.journal.leave_out_call();
        return (tx, Err(error));
    }
    tx.journal.end_call();
    let outcome = Outcome {
        status: end.status,
        revert_code: end.revert_code,
        trap_code: end.trap_code,
        gas_used: meter.used,
        cold_gas: tx.cold_gas,
        created: made.address,
        return_data: end.return_data.to_vec(),
        logs: std::mem::take(&mut tx.logs),
        diagnostics: std::mem::take(&mut tx.diagnostics),
        deployed: made.code,
    };
    (tx, Ok(outcome))
}

/// What a call brought into the state.
#[derive(Default)]
struct Made {
    address: Address,
    code: Option<Hash>,
}

/// How the frame ended; nothing that it did is left if it never began.
fn ended(tx: &mut Transaction, ran: Result<FrameEnd, Stop>) -> Result<FrameEnd, ApplyError> {
    let end = match ran {
        Ok(end) => return Ok(end),
        Err(Stop::Error(error)) => return Err(error),
        Err(Stop::Ended(status)) => return Ok(FrameEnd::plain(status)),
        Err(Stop::Refused(rule)) => return Ok(policy::refused(rule)),
        Err(Stop::Host(end)) => end,
    };
    let (status, trap_code) = match end {
        HostEnd::OutOfGas => (Status::OutOfGas, 0),
        HostEnd::Trap(trap, text) => {
            tx.diagnostics.note(text);
            (Status::RuntimeError, trap as u8)
        }
        HostEnd::Denied(text) => {
            tx.diagnostics.note(text);
            (Status::PolicyDenied, 0)
        }
        HostEnd::Fault(text) => return Err(ApplyError::Fault(text)),
        HostEnd::Revert(_) | HostEnd::Ask(_) => {
            return Err(ApplyError::Fault("no frame has begun that could end so".into()));
        }
    };
    Ok(FrameEnd { trap_code, ..FrameEnd::plain(status) })
}

/// Nonce + 1 and the price of all gas; never undone. Gives what was paid.
fn pay(tx: &mut Transaction, call: &Call<'_>) -> Result<u128, ApplyError> {
    let mut signer = tx.journal.account(&call.signer)?;
    let place = Place { height: tx.block.height, gas_left: call.block_gas_left };
    let paid = admission::conditions(call.envelope, &call.signer, &signer, place, 0)
        .map_err(ApplyError::NotIncludable)?;
    if call.envelope.is_by_contract() {
        auth::is_ready(tx, &signer)?;
    }
    cover_code(tx, call)?;
    signer.nonce = signer.nonce.saturating_add(1);
    signer.balance = signer.balance.saturating_sub(paid);
    tx.journal.set_account(&call.signer, &signer)?;
    Ok(paid)
}

/// A call that names a module is in a block only if the module is here, and if its gas covers the module's bytes:
/// every node keeps them from then on, whatever becomes of the call.
fn cover_code(tx: &mut Transaction, call: &Call<'_>) -> Result<(), ApplyError> {
    let Some((code_hash, _)) = call.envelope.body.code_parts() else { return Ok(()) };
    let named = code::named(&mut tx.journal, &code_hash)?;
    let needed = host_gas::intrinsic(call.envelope.wire_len())
        .saturating_add(deploy::bytes_gas(named.bytes.len() as u64));
    if call.envelope.body.gas_limit < needed {
        let text =
            format!("a gas limit of {} does not cover the module: {needed}", call.envelope.body.gas_limit);
        return Err(ApplyError::NotIncludable(Refused::new(RefusalCode::GasLimit, text)));
    }
    if named.is_new {
        code::compare(&named, &code_hash)?;
        tx.journal.add_code(code_hash, named.bytes);
    }
    Ok(())
}

/// Gives back what was not used; the rest waits for the sealer.
fn settle(tx: &mut Transaction, call: &Call<'_>, paid: u128, gas_used: u64) -> Result<(), ApplyError> {
    let price = u128::from(call.envelope.body.gas_price);
    let cost = u128::from(gas_used).saturating_mul(price);
    tx.journal.unlimited(|journal| {
        let mut signer = journal.account(&call.signer)?;
        signer.balance = signer.balance.saturating_add(paid.saturating_sub(cost));
        journal.set_account(&call.signer, &signer)
    })?;
    // Gas for cold code is burned: whoever seals must not gain by having code leave the hot set.
    let fee = u128::from(gas_used.saturating_sub(tx.cold_gas)).saturating_mul(price);
    BlockSums::add(&mut tx.journal, gas_used, fee)
}

/// What the envelope itself costs, and whether the account that signed agrees; what that wrote is not undone with
/// the call.
fn authorise(
    frames: &Frames<'_>,
    tx: Box<Transaction>,
    call: &Call<'_>,
    meter: &mut Meter,
) -> Done<Result<(), Stop>> {
    if let Err(end) = meter.charge(host_gas::intrinsic(call.envelope.wire_len())) {
        return (tx, Err(end.into()));
    }
    if !call.envelope.is_by_contract() {
        return (tx, Ok(()));
    }
    auth::check(frames, tx, call, meter)
}

/// What the call itself does.
fn run(
    frames: &Frames<'_>,
    mut tx: Box<Transaction>,
    call: &Call<'_>,
    meter: &mut Meter,
    made: &mut Made,
) -> Done<Result<FrameEnd, Stop>> {
    let machine = frames.machine;
    if let Some(policy) = &machine.policy
        && let Err(stop) = policy::admit(&**policy, &mut tx, call, meter)
    {
        return (tx, Err(stop));
    }
    let mark = tx.mark();
    let begin = match prepare(machine, &mut tx, call, meter, made) {
        Ok(Prepared::Frame(begin)) => *begin,
        Ok(Prepared::Sent) => {
            let judged = judge(machine, &mut tx, call, meter, mark, FrameEnd::plain(Status::Success));
            return (tx, judged);
        }
        Err(stop) => return (tx, Err(stop)),
    };
    let (mut tx, ended) = frames.run(tx, Begin { gas: meter.left(), ..begin });
    let judged = ended.map_err(Stop::from).and_then(|end| {
        meter.charge(end.gas_used)?;
        judge(machine, &mut tx, call, meter, mark, end)
    });
    (tx, judged)
}

/// Asks the chain's policy about what a successful call has done.
fn judge(
    machine: &Machine,
    tx: &mut Transaction,
    call: &Call<'_>,
    meter: &mut Meter,
    mark: super::transaction::Mark,
    end: FrameEnd,
) -> Result<FrameEnd, Stop> {
    match &machine.policy {
        Some(policy) if end.status == Status::Success => policy::judge(&**policy, tx, call, meter, mark, end),
        _ => Ok(end),
    }
}

enum Prepared {
    Frame(Box<Begin>),
    /// Base units went to an address without code; that was all.
    Sent,
}

fn prepare(
    machine: &Machine,
    tx: &mut Transaction,
    call: &Call<'_>,
    meter: &mut Meter,
    made: &mut Made,
) -> Result<Prepared, Stop> {
    let body = &call.envelope.body;
    match body.kind {
        Kind::Deploy => {
            let Some((code_hash, input)) = body.code_parts() else {
                return Err(Stop::Ended(Status::InvalidModule));
            };
            let (module, named) = named_module(machine, tx, &code_hash, meter)?;
            let address = contract_address(&call.signer, body.nonce, &code_hash);
            let before = tx.journal.account(&address)?;
            if is_taken(&address, &before) {
                tx.diagnostics.note(format!("there is already a contract at {address}"));
                return Err(Stop::Ended(Status::Reverted));
            }
            charge_account(tx, &address, |gas| meter.charge(gas))?;
            keep(tx, &code_hash, &named, &module, made)?;
            let account = Account { code_hash, admin: call.signer, ..before };
            tx.set_account(&address, &account)?;
            made.address = address;
            frame(tx, call, Entry::Init, address, Code::Module(module), input, meter)
        }
        Kind::Migrate => {
            let Some((code_hash, input)) = body.code_parts() else {
                return Err(Stop::Ended(Status::InvalidModule));
            };
            let account = tx.journal.account(&body.target)?;
            if !account.has_code() || account.admin != call.signer {
                tx.diagnostics.note(format!("{} does not administer {}", call.signer, body.target));
                return Err(Stop::Ended(Status::PolicyDenied));
            }
            let (module, named) = named_module(machine, tx, &code_hash, meter)?;
            keep(tx, &code_hash, &named, &module, made)?;
            tx.set_account(&body.target, &Account { code_hash, ..account })?;
            frame(tx, call, Entry::Migrate, body.target, Code::Module(module), input, meter)
        }
        Kind::Call => {
            let to = body.target;
            if let Some(native) = machine.natives.find(&to) {
                meter.charge(native.price(body.payload.len()))?;
                return frame(tx, call, Entry::Invoke, to, Code::Native(native.entry), &body.payload, meter);
            }
            let account = tx.journal.account(&to)?;
            if !account.has_code() {
                if !body.payload.is_empty() {
                    tx.diagnostics.note(format!("{to} has no code to take the payload"));
                    return Err(Stop::Ended(Status::InvalidFunction));
                }
                send(tx, call, &to, meter)?;
                return Ok(Prepared::Sent);
            }
            let leaf = code::leaf_of_contract(&mut tx.journal, &account.code_hash)?;
            code::warm(tx, &account.code_hash, &leaf, |gas| meter.charge(gas))?;
            let module = code::module(machine, &mut tx.journal, &account.code_hash)?;
            frame(tx, call, Entry::Invoke, to, Code::Module(module), &body.payload, meter)
        }
    }
}

/// The module that a deploy or a migration names, paid for: its bytes first, so that nobody has a node hash and
/// validate a large module for the price of an envelope; then the work, whoever validated it before.
fn named_module(
    machine: &Machine,
    tx: &mut Transaction,
    code_hash: &Hash,
    meter: &mut Meter,
) -> Result<(ContractModule, code::Named), Stop> {
    let named = code::named(&mut tx.journal, code_hash)?;
    meter.charge(deploy::bytes_gas(named.bytes.len() as u64))?;
    let module = match machine.cache.validate(code_hash, &named.bytes) {
        Ok(module) => module,
        Err(error) => {
            // Every node has validated it for nothing, and how far it came is not a price: all gas is gone.
            meter.used = meter.limit;
            tx.diagnostics.note(error.to_string());
            return Err(Stop::Ended(Status::InvalidModule));
        }
    };
    meter.charge(deploy::work_gas(module.module().work()))?;
    Ok((module, named))
}

/// Moves the module into the state, and into the hot set.
fn keep(
    tx: &mut Transaction,
    code_hash: &Hash,
    named: &code::Named,
    module: &ContractModule,
    made: &mut Made,
) -> Result<(), Stop> {
    let leaf = code::keep(tx, code_hash, named, module)?;
    code::touch(tx, code_hash, &leaf)?;
    made.code = Some(*code_hash);
    Ok(())
}

/// Moves the call's value from the signer. `pay` saw that it is there.
fn send(tx: &mut Transaction, call: &Call<'_>, to: &Address, meter: &mut Meter) -> Result<(), Stop> {
    let value = call.envelope.body.value;
    if value == 0 {
        return Ok(());
    }
    charge_account(tx, to, |gas| meter.charge(gas))?;
    take_move(&mut tx.budget, value)?;
    tx.move_value(&call.signer, to, value)?;
    Ok(())
}

/// The outermost frame.
fn frame(
    tx: &mut Transaction,
    call: &Call<'_>,
    entry: Entry,
    address: Address,
    code: Code,
    input: &[u8],
    meter: &mut Meter,
) -> Result<Prepared, Stop> {
    let mark = tx.mark();
    send(tx, call, &address, meter)?;
    let frame = FrameContext {
        entry,
        is_static: false,
        is_query: false,
        address,
        caller: call.signer,
        value: call.envelope.body.value,
        input: input.into(),
    };
    let budget = tx.budget;
    Ok(Prepared::Frame(Box::new(Begin { frame, code, gas: 0, mark, budget })))
}

/// What a query asks.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Whom.
    pub address: Address,
    /// What.
    pub input: &'a [u8],
    /// Gas at most.
    pub gas: u64,
}

/// Asks a contract's `query` over a state that it cannot change, until `interrupt` is set.
pub fn query(
    machine: &Machine,
    mut tx: Box<Transaction>,
    question: Question<'_>,
    interrupt: &Interrupt,
) -> Result<Outcome, ApplyError> {
    let mut meter = Meter::new(question.gas);
    tx.begin_call(Origin::default());
    let frames = Frames { machine, interrupt };
    let (mut tx, ran) = match ask(machine, &mut tx, question, &mut meter) {
        Ok(begin) => {
            let (tx, ended) = frames.run(tx, begin);
            (tx, ended.map_err(Stop::from).and_then(|end| Ok(meter.charge(end.gas_used).map(|()| end)?)))
        }
        Err(stop) => (tx, Err(stop)),
    };
    let end = ended(&mut tx, ran)?;
    if end.status == Status::OutOfGas {
        meter.used = meter.limit;
    }
    Ok(Outcome {
        status: end.status,
        revert_code: end.revert_code,
        trap_code: end.trap_code,
        gas_used: meter.used,
        cold_gas: tx.cold_gas,
        created: Address::ZERO,
        return_data: end.return_data.to_vec(),
        logs: Vec::new(),
        diagnostics: std::mem::take(&mut tx.diagnostics),
        deployed: None,
    })
}

fn ask(
    machine: &Machine,
    tx: &mut Transaction,
    question: Question<'_>,
    meter: &mut Meter,
) -> Result<Begin, Stop> {
    let Question { address, input, .. } = question;
    let code = match machine.natives.find(&address) {
        Some(native) => {
            meter.charge(native.price(input.len()))?;
            Code::Native(native.entry)
        }
        None => {
            let account = tx.journal.account(&address)?;
            if !account.has_code() {
                tx.diagnostics.note(format!("{address} has no code"));
                return Err(Stop::Ended(Status::InvalidFunction));
            }
            let leaf = code::leaf_of_contract(&mut tx.journal, &account.code_hash)?;
            code::warm(tx, &account.code_hash, &leaf, |gas| meter.charge(gas))?;
            Code::Module(code::module(machine, &mut tx.journal, &account.code_hash)?)
        }
    };
    let frame = FrameContext {
        entry: Entry::Query,
        is_static: true,
        is_query: true,
        address,
        caller: Address::ZERO,
        value: 0,
        input: input.into(),
    };
    Ok(Begin { frame, code, gas: meter.left(), mark: tx.mark(), budget: Budget::FULL })
}
