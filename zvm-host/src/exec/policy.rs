//! What one chain allows beyond the rules of all chains: a policy is asked before a call runs, and again about what
//! it has done. It is part of the chain's rules, so every node asks it the same.

use std::fmt;
use std::sync::Arc;

use super::apply::{Call, Meter, Stop};
use super::frames::FrameEnd;
use super::host::{HostEnd, HostTrap};
use super::transaction::{Mark, Transaction};
use crate::envelope::Body;
use crate::receipt::{LogEntry, Status};
use crate::table::host_gas;
use crate::types::Address;

/// Gas that `admit` and `judge` may each use.
pub const POLICY_GAS_MAX: u64 = 1_000_000;

/// What a policy says of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may go on.
    Allow,
    /// It may not: by the rule with this number, which becomes the return data.
    Refuse(u32),
}

/// The policy of a chain. It must say the same on every machine: nothing but its arguments may decide.
pub trait Policy: fmt::Debug + Send + Sync {
    /// Its name and version; part of the hash of the chain's rules.
    fn id(&self) -> &str;

    /// Whether a call may run. It has paid already, and pays for this.
    ///
    /// # Errors
    /// Gas, limits, the store.
    fn admit(&self, state: &mut PolicyView<'_>, call: &Proposed<'_>) -> Result<Verdict, HostEnd>;

    /// Whether what a successful call has done may stay.
    ///
    /// # Errors
    /// Gas, limits, the store.
    fn judge(
        &self,
        state: &mut PolicyView<'_>,
        call: &Proposed<'_>,
        effects: &Effects,
    ) -> Result<Verdict, HostEnd>;
}

/// The call that a policy is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Proposed<'a> {
    /// Who signed.
    pub signer: Address,
    /// What was signed.
    pub body: &'a Body,
}

/// A key and its new value.
pub type Write = (Vec<u8>, Option<Vec<u8>>);

/// What a call has done: without undone frames, nonce and fee.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    /// Full keys with their new values, in order, each once.
    pub writes: Vec<Write>,
    /// Log entries, in order.
    pub logs: Vec<LogEntry>,
}

/// The state as a policy reads it; reads are paid.
#[derive(Debug)]
pub struct PolicyView<'a> {
    tx: &'a mut Transaction,
    left: u64,
    used: u64,
}

impl PolicyView<'_> {
    /// The value of a full key, at the price of `storage_read`.
    ///
    /// # Errors
    /// Gas, limits, the store.
    pub fn value(&mut self, full_key: &[u8]) -> Result<Option<Arc<[u8]>>, HostEnd> {
        self.charge(host_gas::READ.base)?;
        let value = self.tx.journal.read(full_key)?;
        let len = full_key.len().saturating_add(value.as_ref().map_or(0, |value| value.len()));
        self.charge(host_gas::READ.by_len(len as u64))?;
        Ok(value)
    }

    /// Pays for work before it is done.
    ///
    /// # Errors
    /// The gas is gone.
    pub fn charge(&mut self, gas: u64) -> Result<(), HostEnd> {
        let used = self.used.saturating_add(gas);
        self.used = used.min(self.left);
        if used <= self.left { Ok(()) } else { Err(HostEnd::OutOfGas) }
    }
}

/// Asks before the call runs.
pub fn admit(
    policy: &dyn Policy,
    tx: &mut Transaction,
    call: &Call<'_>,
    meter: &mut Meter,
) -> Result<(), Stop> {
    let proposed = Proposed { signer: call.signer, body: &call.envelope.body };
    match ask(tx, meter, |view| policy.admit(view, &proposed))? {
        Verdict::Allow => Ok(()),
        Verdict::Refuse(rule) => {
            tx.diagnostics.note(format!("the chain's policy refuses the call by rule {rule}"));
            Err(Stop::Refused(rule))
        }
    }
}

/// Asks about what a successful call has done.
pub fn judge(
    policy: &dyn Policy,
    tx: &mut Transaction,
    call: &Call<'_>,
    meter: &mut Meter,
    mark: Mark,
    end: FrameEnd,
) -> Result<FrameEnd, Stop> {
    let mut writes: Vec<Write> =
        tx.written_since(mark).map(|(key, value)| (key.to_vec(), value.map(<[u8]>::to_vec))).collect();
    writes.sort_by(|(a, _), (b, _)| a.cmp(b));
    writes.dedup_by(|(a, _), (b, _)| a == b);
    let effects = Effects { writes, logs: tx.logged_since(mark).to_vec() };
    let proposed = Proposed { signer: call.signer, body: &call.envelope.body };
    match ask(tx, meter, |view| policy.judge(view, &proposed, &effects))? {
        Verdict::Allow => Ok(end),
        Verdict::Refuse(rule) => {
            tx.diagnostics.note(format!("the chain's policy refuses what the call does by rule {rule}"));
            Err(Stop::Refused(rule))
        }
    }
}

fn ask(
    tx: &mut Transaction,
    meter: &mut Meter,
    ask: impl FnOnce(&mut PolicyView<'_>) -> Result<Verdict, HostEnd>,
) -> Result<Verdict, Stop> {
    let mut view = PolicyView { left: meter.left().min(POLICY_GAS_MAX), used: 0, tx };
    let said = ask(&mut view);
    let used = view.used;
    meter.charge(used)?;
    Ok(said.map_err(|end| match end {
        HostEnd::Fault(_) | HostEnd::OutOfGas | HostEnd::Trap(..) => end,
        other => HostEnd::Trap(HostTrap::Argument, other.to_string()),
    })?)
}

/// How a refused call ends: the rule's number is its return data.
pub fn refused(rule: u32) -> FrameEnd {
    FrameEnd { return_data: rule.to_le_bytes().as_slice().into(), ..FrameEnd::plain(Status::PolicyDenied) }
}
