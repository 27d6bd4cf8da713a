//! Accounts that are contracts: whether a call that names one as its signer is the account's. The account's code
//! decides, at the call's place in the block, and the account pays for it.

use super::apply::{ApplyError, Call, Done, Machine, Meter, Stop};
use super::code;
use super::frames::{Begin, Code, Frames};
use super::host::{Entry, FrameContext};
use super::transaction::{Budget, Origin, Transaction};
use crate::admission::{RefusalCode, Refused};
use crate::block::Ready;
use crate::hot;
use crate::receipt::Status;
use crate::state::Account;
use crate::types::Address;

/// Gas of `check_auth` at most.
pub const CHECK_AUTH_GAS_MAX: u64 = 1_000_000;

/// Whether the account can judge now: its code is hot, so that what a node does before it is paid stays small.
///
/// # Errors
/// `NotIncludable`; the store.
pub fn is_ready(tx: &mut Transaction, account: &Account) -> Result<(), ApplyError> {
    if hot::is_hot(&mut tx.journal, &account.code_hash)? {
        return Ok(());
    }
    let text = "the code of the signing account has not been used for long: have somebody call it first";
    Err(ApplyError::NotIncludable(Refused::new(RefusalCode::Authentication, text)))
}

/// Whether the account would agree to the call over this state, which is thrown away.
///
/// # Errors
/// What leaves a call without an outcome.
pub fn agrees(
    machine: &Machine,
    mut tx: Box<Transaction>,
    call: &Ready,
) -> Result<Result<(), Refused>, ApplyError> {
    tx.begin_call(Origin { address: call.signer, key: None });
    let account = tx.journal.account(&call.signer)?;
    let no = |text: String| Ok(Err(Refused::new(RefusalCode::Authentication, text)));
    if !account.has_code() {
        return no(format!("{} has no code that could judge", call.signer));
    }
    match is_ready(&mut tx, &account) {
        Err(ApplyError::NotIncludable(refused)) => return Ok(Err(refused)),
        other => other?,
    }
    let mut meter = Meter::new(CHECK_AUTH_GAS_MAX);
    let frames = Frames { machine, interrupt: &machine.stop };
    let call =
        Call { envelope: &call.envelope, call_id: call.call_id, signer: call.signer, block_gas_left: 0 };
    match check(&frames, tx, &call, &mut meter) {
        (_, Ok(())) => Ok(Ok(())),
        (_, Err(Stop::Error(error))) => Err(error),
        (tx, Err(_)) => {
            no(tx.diagnostics.texts.first().cloned().unwrap_or_else(|| "it does not agree".into()))
        }
    }
}

/// Has the account judge the call; what `check_auth` wrote stays if it agrees.
pub fn check(
    frames: &Frames<'_>,
    mut tx: Box<Transaction>,
    call: &Call<'_>,
    meter: &mut Meter,
) -> Done<Result<(), Stop>> {
    let begin = match begin(frames, &mut tx, call, meter) {
        Ok(begin) => begin,
        Err(stop) => return (tx, Err(stop)),
    };
    let gas = begin.gas;
    let (mut tx, ended) = frames.run(tx, begin);
    let agreed = ended.map_err(Stop::from).and_then(|end| {
        meter.charge(end.gas_used.min(gas))?;
        if end.status == Status::Success {
            return Ok(());
        }
        tx.diagnostics.note(format!("`check_auth` of {} does not agree: {}", call.signer, end.status));
        Err(Stop::Ended(Status::PolicyDenied))
    });
    tx.budget = Budget::FULL;
    (tx, agreed)
}

fn begin(frames: &Frames<'_>, tx: &mut Transaction, call: &Call<'_>, meter: &Meter) -> Result<Begin, Stop> {
    let account = tx.journal.account(&call.signer)?;
    let leaf = code::leaf_of_contract(&mut tx.journal, &account.code_hash)?;
    code::touch(tx, &account.code_hash, &leaf)?;
    let module = code::module(frames.machine, &mut tx.journal, &account.code_hash)?;
    let frame = FrameContext {
        entry: Entry::CheckAuth,
        is_static: false,
        is_query: false,
        address: call.signer,
        caller: Address::ZERO,
        value: 0,
        input: [&call.call_id[..], call.envelope.proof()].concat().into(),
    };
    let gas = meter.left().min(CHECK_AUTH_GAS_MAX);
    Ok(Begin { frame, code: Code::Module(module), gas, mark: tx.mark(), budget: Budget::FULL.half() })
}
