//! The frames of one signed call. A contract that calls another one is suspended, the callee runs in a store of
//! its own, and then the caller goes on: no native frames are nested, so depth is bounded by a rule and not by the
//! stack of the thread. What may be called, and what it costs, is decided here and nowhere else.

use std::sync::Arc;

use ghost_wasm::Interrupt;

use super::apply::{ApplyError, Machine};
use super::code;
use super::deploy;
use super::host::{Entry, FrameContext, HostEnd, HostState, Request};
use super::instance::{End, Run, Step, Suspended};
use super::transaction::{ACCOUNT_LEN, Budget, Mark, Transaction, take, take_move};
use crate::contract::ContractModule;
use crate::envelope::contract_address;
use crate::natives::{NativeCall, NativeEnd};
use crate::receipt::Status;
use crate::state::{Account, account_key};
use crate::table::host_gas;
use crate::types::{Address, Hash, hex};

/// Frames of a signed call that may be under way at once.
pub const DEPTH_MAX: usize = 16;

/// How a frame ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameEnd {
    /// The status.
    pub status: Status,
    /// The contract's own code.
    pub revert_code: i32,
    /// Which trap.
    pub trap_code: u8,
    /// What it returned: nothing, unless it succeeded or was reverted.
    pub return_data: Arc<[u8]>,
    /// Gas it took of what it was given.
    pub gas_used: u64,
}

impl FrameEnd {
    /// Nothing but a status.
    pub fn plain(status: Status) -> FrameEnd {
        FrameEnd { status, revert_code: 0, trap_code: 0, return_data: Arc::default(), gas_used: 0 }
    }
}

/// A frame that shall begin. Its value has moved, its code is warm.
#[derive(Debug)]
pub struct Begin {
    /// What it knows.
    pub frame: FrameContext,
    /// Its code.
    pub code: Code,
    /// Gas at most, the instance's among it.
    pub gas: u64,
    /// Where it goes back to.
    pub mark: Mark,
    /// What it may use.
    pub budget: Budget,
}

/// What runs.
#[derive(Clone, Debug)]
pub enum Code {
    /// A contract.
    Module(ContractModule),
    /// A module of the node.
    Native(crate::natives::Entry),
}

/// A frame that has begun.
struct Active {
    address: Address,
    mark: Mark,
    given: Budget,
    gas: u64,
    /// Gas of the instance, paid already.
    instance_gas: u64,
    /// Who waits for it; nobody for the outermost frame.
    caller: Option<Waiting>,
}

/// A caller that waits.
struct Waiting {
    suspended: Box<Suspended>,
    budget: Budget,
    /// Of `create`: the new address and where it goes.
    created: Option<(Address, std::ops::Range<usize>)>,
}

/// What a request leads to.
enum Prepared {
    /// Nothing began; this is the answer.
    Answer(Status),
    /// A frame begins.
    Frame(Box<Begin>, Option<(Address, std::ops::Range<usize>)>),
}

/// Transactions that stand in for the one that runs. Boxed, as they are exchanged with it.
type Spares = Vec<Box<Transaction>>;

/// Runs frames.
#[derive(Clone, Copy, Debug)]
pub struct Frames<'a> {
    /// What is needed to run contracts.
    pub machine: &'a Machine,
    /// Ends whatever runs.
    pub interrupt: &'a Interrupt,
}

impl Frames<'_> {
    /// Runs a frame, and those that it calls, to its end. When it did not succeed, all that it did is undone.
    /// An error leaves the signed call without an outcome, and nothing is undone.
    pub fn run(
        &self,
        tx: Box<Transaction>,
        begin: Begin,
    ) -> (Box<Transaction>, Result<FrameEnd, ApplyError>) {
        let mut stack = Vec::new();
        // What stands in for the transaction in frames that wait.
        let mut spares = Spares::new();
        let mut step = self.begin(&mut stack, tx, begin, None);
        loop {
            step = match step {
                Step::Asked(request, suspended) => self.answer(&mut stack, &mut spares, request, suspended),
                Step::Ended(run) => {
                    let Some(active) = stack.pop() else {
                        let fault = ApplyError::Fault("a frame ended that had not begun".into());
                        return (run.state.tx, Err(fault));
                    };
                    match (end(run, &active), active.caller) {
                        ((tx, Ok(end)), Some(waiting)) => {
                            self.go_on(&mut spares, tx, end, (active.given, active.gas), waiting)
                        }
                        (done, _) => return done,
                    }
                }
            };
        }
    }

    /// Starts a frame's instance, which its own gas pays.
    fn begin(
        &self,
        stack: &mut Vec<Active>,
        mut tx: Box<Transaction>,
        begin: Begin,
        caller: Option<Waiting>,
    ) -> Step {
        let Begin { frame, code, gas, mark, budget } = begin;
        tx.budget = budget;
        let address = frame.address;
        let instance_gas = match &code {
            Code::Module(module) => host_gas::instance(module.memory_pages()),
            Code::Native(_) => 0,
        };
        stack.push(Active { address, mark, given: budget, gas, instance_gas, caller });
        let state = HostState::new(frame, tx);
        let Some(gas) = gas.checked_sub(instance_gas) else {
            return Step::Ended(Run { end: End::OutOfGas, gas_used: 0, state });
        };
        match code {
            Code::Module(module) => self.machine.instances.start(&module, state, gas, self.interrupt),
            Code::Native(entry) => Step::Ended(run_native(entry, state, gas)),
        }
    }

    /// Does what a frame asks for.
    fn answer(
        &self,
        stack: &mut Vec<Active>,
        spares: &mut Spares,
        request: Request,
        mut suspended: Box<Suspended>,
    ) -> Step {
        let spare = spares.pop().unwrap_or_else(|| Box::new(suspended.state().tx.idle()));
        let mut tx = std::mem::replace(&mut suspended.state_mut().tx, spare);
        match self.prepare(stack, &mut tx, request, &mut suspended) {
            Ok(Prepared::Frame(begin, created)) => {
                let budget = tx.budget;
                self.begin(stack, tx, *begin, Some(Waiting { suspended, budget, created }))
            }
            Ok(Prepared::Answer(status)) => {
                let state = suspended.state_mut();
                spares.push(std::mem::replace(&mut state.tx, tx));
                state.returned = Arc::default();
                self.machine.instances.resume(suspended, i32::from(status as u8))
            }
            Err(end) => {
                spares.push(std::mem::replace(&mut suspended.state_mut().tx, tx));
                Step::Ended(self.machine.instances.abandon(suspended, End::from(&end)))
            }
        }
    }

    /// Gives a caller what its callee left.
    fn go_on(
        &self,
        spares: &mut Spares,
        mut tx: Box<Transaction>,
        end: FrameEnd,
        (given, gas): (Budget, u64),
        waiting: Waiting,
    ) -> Step {
        let Waiting { mut suspended, budget, created } = waiting;
        // What was undone is not used.
        tx.budget = match end.status {
            Status::Success => budget.without(given, tx.budget),
            _ => budget,
        };
        if let (Status::Success, Some((address, out))) = (end.status, created) {
            suspended.put(out, &address.0);
        }
        let state = suspended.state_mut();
        spares.push(std::mem::replace(&mut state.tx, tx));
        state.returned = end.return_data;
        match suspended.refund(gas.saturating_sub(end.gas_used)) {
            Ok(()) => self.machine.instances.resume(suspended, i32::from(end.status as u8)),
            Err(end) => Step::Ended(self.machine.instances.abandon(suspended, End::from(&end))),
        }
    }

    /// Decides whether a frame begins. An error ends the frame that asked.
    fn prepare(
        &self,
        stack: &[Active],
        tx: &mut Transaction,
        request: Request,
        suspended: &mut Suspended,
    ) -> Result<Prepared, HostEnd> {
        let asker = suspended.state().frame.clone();
        match request {
            Request::Call { to, value, gas, input, is_static, is_query } => {
                let is_static = asker.is_static || is_static;
                let entry = if is_query { Entry::Query } else { Entry::Invoke };
                let frame = FrameContext {
                    entry,
                    is_static,
                    is_query: asker.is_query,
                    address: to,
                    caller: asker.address,
                    value,
                    input,
                };
                self.prepare_call(stack, tx, frame, gas, suspended)
            }
            Request::Create { code_hash, value, gas, input, out } => {
                self.prepare_create(stack, tx, &asker, &code_hash, value, gas, input, out, suspended)
            }
            Request::Migrate { to, code_hash, input } => {
                self.prepare_migrate(stack, tx, &asker, to, &code_hash, input, suspended)
            }
        }
    }

    fn prepare_call(
        &self,
        stack: &[Active],
        tx: &mut Transaction,
        frame: FrameContext,
        gas: u64,
        suspended: &mut Suspended,
    ) -> Result<Prepared, HostEnd> {
        let (to, value) = (frame.address, frame.value);
        if stack.len() >= DEPTH_MAX {
            return Ok(denied(tx, format!("a call at depth {DEPTH_MAX} cannot call")));
        }
        if value != 0 && (frame.is_static || frame.entry == Entry::Query) {
            return Ok(denied(tx, "a static call moves no base units".into()));
        }
        if let Some(native) = self.machine.natives.find(&to) {
            suspended.charge(native.price(frame.input.len()))?;
            return self.prepare_frame(tx, frame, Code::Native(native.entry), gas, suspended);
        }
        let account = tx.journal.account(&to)?;
        if !account.has_code() {
            return self.send(tx, &frame, suspended);
        }
        let module = self.module(tx, &account.code_hash, suspended)?;
        if !module.is_reentrant() && stack.iter().any(|active| active.address == to) {
            return Ok(denied(tx, format!("{to} runs already and does not allow to be called again")));
        }
        self.prepare_frame(tx, frame, Code::Module(module), gas, suspended)
    }

    /// The module of code, which is warmed first, at the caller's expense.
    fn module(
        &self,
        tx: &mut Transaction,
        code_hash: &Hash,
        suspended: &mut Suspended,
    ) -> Result<ContractModule, HostEnd> {
        let leaf = code::leaf_of_contract(&mut tx.journal, code_hash)?;
        code::warm(tx, code_hash, &leaf, |gas| suspended.charge(gas))?;
        code::module(self.machine, &mut tx.journal, code_hash)
    }

    /// Base units to an address without code.
    fn send(
        &self,
        tx: &mut Transaction,
        frame: &FrameContext,
        suspended: &mut Suspended,
    ) -> Result<Prepared, HostEnd> {
        if !frame.input.is_empty() {
            tx.diagnostics.note(format!("{} has no code to take the input", frame.address));
            return Ok(Prepared::Answer(Status::InvalidFunction));
        }
        if !covers(tx, &frame.caller, frame.value)? {
            return Ok(Prepared::Answer(Status::Reverted));
        }
        if frame.value != 0 {
            charge_account(tx, &frame.address, |gas| suspended.charge(gas))?;
            take_move(&mut tx.budget, frame.value)?;
            tx.move_value(&frame.caller, &frame.address, frame.value)?;
        }
        Ok(Prepared::Answer(Status::Success))
    }

    /// The last checks of a frame; its gas is taken from the caller.
    fn prepare_frame(
        &self,
        tx: &mut Transaction,
        frame: FrameContext,
        code: Code,
        gas: u64,
        suspended: &mut Suspended,
    ) -> Result<Prepared, HostEnd> {
        if !covers(tx, &frame.caller, frame.value)? {
            return Ok(Prepared::Answer(Status::Reverted));
        }
        if frame.value != 0 {
            charge_account(tx, &frame.address, |gas| suspended.charge(gas))?;
        }
        let Some(gas) = cap(&code, gas, suspended) else { return Ok(Prepared::Answer(Status::OutOfGas)) };
        let mut budget = tx.budget.half();
        take_move(&mut budget, frame.value)?;
        suspended.charge(gas)?;
        let mark = tx.mark();
        tx.move_value(&frame.caller, &frame.address, frame.value)?;
        Ok(Prepared::Frame(Box::new(Begin { frame, code, gas, mark, budget }), None))
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of the request, used here only")]
    fn prepare_create(
        &self,
        stack: &[Active],
        tx: &mut Transaction,
        asker: &FrameContext,
        code_hash: &Hash,
        value: u128,
        gas: u64,
        input: Arc<[u8]>,
        out: std::ops::Range<usize>,
        suspended: &mut Suspended,
    ) -> Result<Prepared, HostEnd> {
        if stack.len() >= DEPTH_MAX {
            return Ok(denied(tx, format!("a call at depth {DEPTH_MAX} cannot create")));
        }
        if code::leaf(&mut tx.journal, code_hash)?.is_none() {
            tx.diagnostics.note(format!("the code {} is not in the state", hex(code_hash)));
            return Ok(Prepared::Answer(Status::InvalidModule));
        }
        let module = self.module(tx, code_hash, suspended)?;
        if !covers(tx, &asker.address, value)? {
            return Ok(Prepared::Answer(Status::Reverted));
        }
        suspended.charge(deploy::account_gas())?;
        let code = Code::Module(module);
        let Some(gas) = cap(&code, gas, suspended) else { return Ok(Prepared::Answer(Status::OutOfGas)) };
        take(&mut tx.budget.creations, 1, "contract created")?;
        // Counted also when the child fails.
        let mut maker = tx.journal.account(&asker.address)?;
        let address = contract_address(&asker.address, maker.created, code_hash);
        maker.created = maker.created.saturating_add(1);
        tx.set_account(&asker.address, &maker)?;
        let before = tx.journal.account(&address)?;
        if is_taken(&address, &before) {
            tx.diagnostics.note(format!("there is already a contract at {address}"));
            return Ok(Prepared::Answer(Status::Reverted));
        }
        let frame = FrameContext {
            entry: Entry::Init,
            is_static: false,
            is_query: false,
            address,
            caller: asker.address,
            value,
            input,
        };
        let mut budget = tx.budget.half();
        take(&mut budget.journal_len, ACCOUNT_LEN, "bytes of accounts")?;
        take_move(&mut budget, value)?;
        suspended.charge(gas)?;
        let mark = tx.mark();
        let account = Account { code_hash: *code_hash, admin: asker.address, ..before };
        tx.journal.set_account(&address, &account)?;
        tx.move_value(&asker.address, &address, value)?;
        let begin = Begin { frame, code, gas, mark, budget };
        Ok(Prepared::Frame(Box::new(begin), Some((address, out))))
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of the request, used here only")]
    fn prepare_migrate(
        &self,
        stack: &[Active],
        tx: &mut Transaction,
        asker: &FrameContext,
        to: Address,
        code_hash: &Hash,
        input: Arc<[u8]>,
        suspended: &mut Suspended,
    ) -> Result<Prepared, HostEnd> {
        let account = tx.journal.account(&to)?;
        if stack.len() >= DEPTH_MAX {
            return Ok(denied(tx, format!("a call at depth {DEPTH_MAX} cannot migrate")));
        }
        if !account.has_code() || account.admin != asker.address {
            return Ok(denied(tx, format!("{} does not administer {to}", asker.address)));
        }
        if stack.iter().any(|active| active.address == to) {
            return Ok(denied(tx, format!("{to} runs, so it cannot migrate")));
        }
        if code::leaf(&mut tx.journal, code_hash)?.is_none() {
            tx.diagnostics.note(format!("the code {} is not in the state", hex(code_hash)));
            return Ok(Prepared::Answer(Status::InvalidModule));
        }
        let code = Code::Module(self.module(tx, code_hash, suspended)?);
        let Some(gas) = cap(&code, u64::MAX, suspended) else {
            return Ok(Prepared::Answer(Status::OutOfGas));
        };
        let frame = FrameContext {
            entry: Entry::Migrate,
            is_static: false,
            is_query: false,
            address: to,
            caller: asker.address,
            value: 0,
            input,
        };
        let mut budget = tx.budget.half();
        take(&mut budget.journal_len, ACCOUNT_LEN, "bytes of accounts")?;
        suspended.charge(gas)?;
        let mark = tx.mark();
        tx.journal.set_account(&to, &Account { code_hash: *code_hash, ..account })?;
        Ok(Prepared::Frame(Box::new(Begin { frame, code, gas, mark, budget }), None))
    }
}

/// Sorts a frame's end, and undoes what it did if it did not succeed.
fn end(run: Run, active: &Active) -> (Box<Transaction>, Result<FrameEnd, ApplyError>) {
    let Run { end, gas_used, state } = run;
    let HostState { mut tx, return_data, frame, .. } = state;
    let gas_used = gas_used.saturating_add(active.instance_gas);
    let plain = |status| (status, 0, 0);
    let (status, revert_code, trap_code) = match end {
        End::Returned(0) => plain(Status::Success),
        End::Returned(code) | End::Reverted(code) => (Status::Reverted, code, 0),
        End::Denied(text) => {
            tx.diagnostics.note(text);
            plain(Status::PolicyDenied)
        }
        End::MissingEntry => {
            tx.diagnostics.note(format!("the contract has no `{}`", frame.entry.export()));
            plain(Status::InvalidFunction)
        }
        End::Trapped(code, text) => {
            tx.diagnostics.note(text);
            (Status::RuntimeError, 0, code)
        }
        End::OutOfGas => plain(Status::OutOfGas),
        End::Fault(text) => return (tx, Err(ApplyError::Fault(text))),
        End::Interrupted => return (tx, Err(ApplyError::Interrupted)),
    };
    let gas_used = if status == Status::OutOfGas { active.gas } else { gas_used };
    if status != Status::Success {
        tx.undo(active.mark);
    }
    let keeps_data = matches!(status, Status::Success | Status::Reverted);
    let return_data = if keeps_data { return_data.into() } else { Arc::default() };
    (tx, Ok(FrameEnd { status, revert_code, trap_code, return_data, gas_used }))
}

/// A request that is not allowed; the frame that asked goes on.
fn denied(tx: &mut Transaction, text: String) -> Prepared {
    tx.diagnostics.note(text);
    Prepared::Answer(Status::PolicyDenied)
}

/// Whether an address cannot become a contract's. Storage without code or nonce cannot be: a contract is never
/// removed.
pub fn is_taken(address: &Address, account: &Account) -> bool {
    account.has_code() || account.nonce != 0 || address.is_zero()
}

/// Gas for a callee: what was asked for, at most 63/64 of what is left; nothing if that does not cover the instance.
fn cap(code: &Code, asked: u64, suspended: &Suspended) -> Option<u64> {
    let left = suspended.gas_left();
    let gas = asked.min(left.saturating_sub(left / 64));
    let needed = match code {
        Code::Module(module) => host_gas::instance(module.memory_pages()),
        Code::Native(_) => 0,
    };
    (gas >= needed).then_some(gas)
}

fn covers(tx: &mut Transaction, from: &Address, value: u128) -> Result<bool, HostEnd> {
    if value == 0 || tx.journal.account(from)?.balance >= value {
        return Ok(true);
    }
    tx.diagnostics.note(format!("the balance of {from} does not cover the value {value}"));
    Ok(false)
}

/// An account that comes into being grows the state.
pub fn charge_account(
    tx: &mut Transaction,
    address: &Address,
    charge: impl FnOnce(u64) -> Result<(), HostEnd>,
) -> Result<(), HostEnd> {
    if tx.journal.read(&account_key(address))?.is_none() { charge(deploy::account_gas()) } else { Ok(()) }
}

fn run_native(entry: crate::natives::Entry, mut state: HostState, gas: u64) -> Run {
    let mut call = NativeCall::new(&mut state, gas);
    let ended = entry(&mut call);
    let gas_used = call.gas_used();
    let end = match ended {
        Ok(()) => End::Returned(0),
        Err(NativeEnd::Reverted(code)) => End::Reverted(code),
        Err(NativeEnd::Host(end)) => End::from(&end),
    };
    Run { end, gas_used, state }
}
