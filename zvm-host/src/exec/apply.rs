//! What becomes of a signed call: payment, intrinsic gas, the frame, refund. The order is consensus.

use std::sync::Arc;

use ghost_wasm::Interrupt;

use super::deploy;
use super::host::{BlockContext, Entry, FrameContext, HostState};
use super::instance::{End, Instances, Run};
use crate::admission::{self, Place, Refused};
use crate::cache::{ModuleCache, Verdict};
use crate::contract::ContractModule;
use crate::crypto;
use crate::envelope::{Envelope, Kind, contract_address};
use crate::receipt::{Diagnostics, LogEntry, Status};
use crate::state::{Account, Journal, StateView, StoreError, account_key, code_key};
use crate::table::host_gas;
use crate::types::{Address, Hash, hex};

/// What is needed to run contracts.
#[derive(Debug)]
pub struct Machine {
    /// Modules.
    pub cache: ModuleCache,
    /// Instances of them.
    pub instances: Instances,
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
    /// The contract made.
    pub created: Address,
    /// What was returned.
    pub return_data: Vec<u8>,
    /// What was logged.
    pub logs: Vec<LogEntry>,
    /// For people.
    pub diagnostics: Diagnostics,
}

/// What a call leads to, with what it changed.
#[derive(Debug)]
pub struct Applied {
    /// The changes; the sealer's fee is not yet among them.
    pub journal: Journal,
    /// The rest.
    pub outcome: Outcome,
    /// The module of the contract that was made.
    pub deployed: Option<ContractModule>,
}

/// A call with its signer and place.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The signed call; its signature counts.
    pub envelope: &'a Envelope,
    /// Who signed.
    pub signer: Address,
    /// The block.
    pub block: BlockContext,
    /// Gas that the calls before it leave of the block's.
    pub block_gas_left: u64,
}

/// Gas of one signed call.
struct Meter {
    limit: u64,
    used: u64,
}

/// The gas is gone.
struct OutOfGas;

impl Meter {
    fn left(&self) -> u64 {
        self.limit.saturating_sub(self.used)
    }

    fn charge(&mut self, gas: u64) -> Result<(), OutOfGas> {
        let used = self.used.saturating_add(gas);
        self.used = used.min(self.limit);
        if used <= self.limit { Ok(()) } else { Err(OutOfGas) }
    }
}

/// How the frame ended, without what it put out.
struct Ended {
    status: Status,
    revert_code: i32,
    trap_code: u8,
}

impl Ended {
    const fn plain(status: Status) -> Ended {
        Ended { status, revert_code: 0, trap_code: 0 }
    }
}

/// What a frame put out.
#[derive(Default)]
struct Output {
    return_data: Vec<u8>,
    logs: Vec<LogEntry>,
    diagnostics: Diagnostics,
}

enum Stop {
    OutOfGas,
    Error(ApplyError),
}

impl From<OutOfGas> for Stop {
    fn from(_: OutOfGas) -> Stop {
        Stop::OutOfGas
    }
}

impl From<ApplyError> for Stop {
    fn from(error: ApplyError) -> Stop {
        Stop::Error(error)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Stop {
        Stop::Error(error.into())
    }
}

/// Applies a call. On an error nothing happened.
pub fn apply(machine: &Machine, view: &Arc<dyn StateView>, call: &Call<'_>) -> Result<Applied, ApplyError> {
    let mut journal = Journal::new(Arc::clone(view));
    let body = &call.envelope.body;
    let paid = debit(&mut journal, call)?;
    let mut meter = Meter { limit: body.gas_limit, used: 0 };
    let mut output = Output::default();
    let mut deployed = None;
    let frame = journal.checkpoint();
    let ended = match run_frame(machine, &mut journal, call, &mut meter, &mut output, &mut deployed) {
        Ok(ended) => ended,
        Err(Stop::OutOfGas) => Ended::plain(Status::OutOfGas),
        Err(Stop::Error(error)) => return Err(error),
    };
    if ended.status == Status::OutOfGas {
        meter.used = meter.limit;
    }
    if ended.status != Status::Success {
        journal.rollback(frame);
        output.logs.clear();
        deployed = None;
        if ended.status != Status::Reverted {
            output.return_data.clear();
        }
    }
    let cost = u128::from(meter.used).saturating_mul(u128::from(body.gas_price));
    let mut signer = journal.account(&call.signer)?;
    signer.balance = signer.balance.saturating_add(paid.saturating_sub(cost));
    journal.set_account(&call.signer, &signer);
    let (created, deployed) = deployed.map_or((Address::ZERO, None), |(at, module)| (at, Some(module)));
    let outcome = Outcome {
        status: ended.status,
        revert_code: ended.revert_code,
        trap_code: ended.trap_code,
        gas_used: meter.used,
        created,
        return_data: output.return_data,
        logs: output.logs,
        diagnostics: output.diagnostics,
    };
    Ok(Applied { journal, outcome, deployed })
}

/// Nonce + 1 and the price of all gas; never undone. Gives what was paid.
fn debit(journal: &mut Journal, call: &Call<'_>) -> Result<u128, ApplyError> {
    let mut signer = journal.account(&call.signer)?;
    let place = Place { height: call.block.height, gas_left: call.block_gas_left };
    let paid = admission::conditions(call.envelope, &call.signer, &signer, place, 0)
        .map_err(ApplyError::NotIncludable)?;
    signer.nonce = signer.nonce.saturating_add(1);
    signer.balance = signer.balance.saturating_sub(paid);
    journal.set_account(&call.signer, &signer);
    Ok(paid)
}

fn run_frame(
    machine: &Machine,
    journal: &mut Journal,
    call: &Call<'_>,
    meter: &mut Meter,
    output: &mut Output,
    deployed: &mut Option<(Address, ContractModule)>,
) -> Result<Ended, Stop> {
    meter.charge(host_gas::intrinsic(call.envelope.wire_len()))?;
    let body = &call.envelope.body;
    match body.kind {
        Kind::Deploy => {
            let Some((code_hash, input)) = body.deploy_parts() else {
                return Ok(Ended::plain(Status::InvalidModule));
            };
            let (address, module) = match place_code(machine, journal, call, &code_hash, meter, output)? {
                Placed::Contract(address, module) => (address, module),
                Placed::Refused(status) => return Ok(Ended::plain(status)),
            };
            *deployed = Some((address, module.clone()));
            enter(machine, journal, call, Entry::Init, address, &module, input, meter, output)
        }
        Kind::Call => {
            let account = journal.account(&body.target)?;
            if !account.has_code() {
                move_value(journal, call, &body.target, meter)?;
                let status = if body.payload.is_empty() { Status::Success } else { Status::InvalidFunction };
                if status != Status::Success {
                    output.diagnostics.note(format!("{} has no code to take the payload", body.target));
                }
                return Ok(Ended::plain(status));
            }
            let module = load_code(machine, journal, &account.code_hash)?;
            enter(machine, journal, call, Entry::Invoke, body.target, &module, &body.payload, meter, output)
        }
    }
}

enum Placed {
    Contract(Address, ContractModule),
    Refused(Status),
}

/// Makes the account of a new contract and moves its module into the state.
fn place_code(
    machine: &Machine,
    journal: &mut Journal,
    call: &Call<'_>,
    code_hash: &Hash,
    meter: &mut Meter,
    output: &mut Output,
) -> Result<Placed, Stop> {
    let stored = journal.read(&code_key(code_hash))?;
    let is_new = stored.is_none();
    let bytes = match stored {
        Some(bytes) => bytes,
        None => staged(journal, code_hash)?.ok_or(ApplyError::MissingCode(*code_hash))?,
    };
    // Whoever stored it before, each deploy pays for the bytes: first, so that nobody has a node hash and
    // validate a large module for the price of an envelope.
    meter.charge(deploy::bytes_gas(bytes.len() as u64))?;
    // The border between the disk that keeps uploads and the state; also when the module is ready in memory.
    if crypto::blake3(&bytes) != *code_hash {
        let text = format!("the module {} has other bytes", hex(code_hash));
        return Err(StoreError::Corrupt(text).into());
    }
    let module = match machine.cache.validate(code_hash, &bytes) {
        Ok(module) => module,
        Err(error) => {
            // Every node has validated it for nothing, and how far it came is not a price: all gas is gone.
            meter.used = meter.limit;
            output.diagnostics.note(error.to_string());
            return Ok(Placed::Refused(Status::InvalidModule));
        }
    };
    // And for the work, whoever validated it before.
    meter.charge(deploy::work_gas(module.module().work()))?;
    let address = contract_address(&call.signer, call.envelope.body.nonce, code_hash);
    let before = journal.account(&address)?;
    // Storage without code or nonce cannot be: a contract is never removed.
    if before.has_code() || before.nonce != 0 || address.is_zero() {
        output.diagnostics.note(format!("there is already a contract at {address}"));
        return Ok(Placed::Refused(Status::Reverted));
    }
    charge_new_account(journal, &address, meter)?;
    if is_new {
        journal.set(&code_key(code_hash), Some(bytes));
    }
    journal.set_account(&address, &Account { code_hash: *code_hash, admin: call.signer, ..before });
    Ok(Placed::Contract(address, module))
}

/// The bytes of a staged module, not yet hashed.
fn staged(journal: &Journal, code_hash: &Hash) -> Result<Option<Vec<u8>>, StoreError> {
    journal.view().staged(code_hash)
}

fn load_code(machine: &Machine, journal: &Journal, code_hash: &Hash) -> Result<ContractModule, ApplyError> {
    let corrupt = |text: String| ApplyError::Store(StoreError::Corrupt(text));
    match machine.cache.module(code_hash, || journal.read(&code_key(code_hash)))? {
        Verdict::Valid(module) => Ok(module),
        Verdict::Invalid(text) => Err(corrupt(format!("the code of a contract is not a contract: {text}"))),
        Verdict::Missing => Err(corrupt("the code of a contract is missing".into())),
    }
}

/// An account that comes into being grows the state.
fn charge_new_account(journal: &Journal, address: &Address, meter: &mut Meter) -> Result<(), Stop> {
    let key = account_key(address);
    if journal.read(&key)?.is_none() {
        meter.charge(deploy::account_gas())?;
    }
    Ok(())
}

/// Moves the call's value from the signer. `debit` saw that it is there.
fn move_value(journal: &mut Journal, call: &Call<'_>, to: &Address, meter: &mut Meter) -> Result<(), Stop> {
    let value = call.envelope.body.value;
    if value == 0 {
        return Ok(());
    }
    charge_new_account(journal, to, meter)?;
    let mut from = journal.account(&call.signer)?;
    from.balance = from
        .balance
        .checked_sub(value)
        .ok_or_else(|| ApplyError::Fault("the value is not covered".into()))?;
    journal.set_account(&call.signer, &from);
    let mut account = journal.account(to)?;
    // All balances together are the genesis's, which fit.
    account.balance = account.balance.saturating_add(value);
    journal.set_account(to, &account);
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "the parts of one frame, used here only")]
fn enter(
    machine: &Machine,
    journal: &mut Journal,
    call: &Call<'_>,
    entry: Entry,
    address: Address,
    module: &ContractModule,
    input: &[u8],
    meter: &mut Meter,
    output: &mut Output,
) -> Result<Ended, Stop> {
    move_value(journal, call, &address, meter)?;
    let frame = FrameContext {
        entry,
        address,
        caller: call.signer,
        origin: call.signer,
        origin_key: Some(call.envelope.key),
        value: call.envelope.body.value,
        input: input.into(),
        block: call.block,
    };
    run(machine, &machine.stop, journal, frame, module, meter, output)
}

fn run(
    machine: &Machine,
    interrupt: &Interrupt,
    journal: &mut Journal,
    frame: FrameContext,
    module: &ContractModule,
    meter: &mut Meter,
    output: &mut Output,
) -> Result<Ended, Stop> {
    meter.charge(host_gas::instance(module.memory_pages()))?;
    let entry = frame.entry;
    let mut state = HostState::new(frame, journal.take());
    state.diagnostics = std::mem::take(&mut output.diagnostics);
    let Run { end, gas_used, state } = machine.instances.run(module, state, meter.left(), interrupt);
    *journal = state.journal;
    output.return_data = state.return_data;
    output.logs = state.logs;
    output.diagnostics = state.diagnostics;
    meter.charge(gas_used)?;
    Ok(match end {
        End::Returned(0) => Ended::plain(Status::Success),
        End::Returned(code) | End::Reverted(code) => {
            Ended { status: Status::Reverted, revert_code: code, trap_code: 0 }
        }
        End::Denied(text) => {
            output.diagnostics.note(text);
            Ended::plain(Status::PolicyDenied)
        }
        End::MissingEntry => {
            output.diagnostics.note(format!("the contract has no `{}`", entry.export()));
            Ended::plain(Status::InvalidFunction)
        }
        End::Trapped(code, text) => {
            output.diagnostics.note(text);
            Ended { status: Status::RuntimeError, revert_code: 0, trap_code: code }
        }
        End::OutOfGas => Ended::plain(Status::OutOfGas),
        End::Fault(text) => return Err(ApplyError::Fault(text).into()),
        End::Interrupted => return Err(ApplyError::Interrupted.into()),
    })
}

/// Asks a contract's `query` over a state that it cannot change, until `interrupt` is set.
pub fn query(
    machine: &Machine,
    view: &Arc<dyn StateView>,
    address: Address,
    input: &[u8],
    block: BlockContext,
    gas: u64,
    interrupt: &Interrupt,
) -> Result<Outcome, ApplyError> {
    let mut journal = Journal::new(Arc::clone(view));
    let mut meter = Meter { limit: gas, used: 0 };
    let mut output = Output::default();
    let account = journal.account(&address)?;
    let ended = if account.has_code() {
        let module = load_code(machine, &journal, &account.code_hash)?;
        let frame = FrameContext {
            entry: Entry::Query,
            address,
            caller: Address::ZERO,
            origin: Address::ZERO,
            origin_key: None,
            value: 0,
            input: input.into(),
            block,
        };
        run(machine, interrupt, &mut journal, frame, &module, &mut meter, &mut output)
    } else {
        output.diagnostics.note(format!("{address} has no code"));
        Ok(Ended::plain(Status::InvalidFunction))
    };
    let ended = match ended {
        Ok(ended) => ended,
        Err(Stop::OutOfGas) => Ended::plain(Status::OutOfGas),
        Err(Stop::Error(error)) => return Err(error),
    };
    if ended.status == Status::OutOfGas {
        meter.used = meter.limit;
    }
    if !matches!(ended.status, Status::Success | Status::Reverted) {
        output.return_data.clear();
    }
    Ok(Outcome {
        status: ended.status,
        revert_code: ended.revert_code,
        trap_code: ended.trap_code,
        gas_used: meter.used,
        created: Address::ZERO,
        return_data: output.return_data,
        logs: Vec::new(),
        diagnostics: output.diagnostics,
    })
}
