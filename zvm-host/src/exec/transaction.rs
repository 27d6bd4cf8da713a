//! What all frames of one signed call share: the journal, the logs, and what is left of the limits of a call. It
//! is handed from frame to frame, and knows none of them.

use super::host::{BlockContext, HostEnd, HostTrap};
use crate::diagnostics::Diagnostics;
use crate::receipt::{LOG_DATA_TOTAL_MAX, LOG_ENTRIES_MAX, LogEntry};
use crate::state::{Account, Checkpoint, Journal, JournalError, Value};
use crate::types::Address;

/// Bytes of keys, values and accounts that one signed call may write.
pub const JOURNAL_LEN_MAX: u64 = 4 * 1024 * 1024;
/// Contracts that one signed call may create.
pub const CREATIONS_MAX: u64 = 64;

/// What a frame may still use. A callee gets at most half of what is left; an undone frame's comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Bytes of keys, values and accounts written.
    pub journal_len: u64,
    /// Log entries.
    pub log_entries: u64,
    /// Bytes of their data.
    pub log_len: u64,
    /// Contracts created.
    pub creations: u64,
}

impl Budget {
    /// What a signed call begins with.
    pub const FULL: Budget = Budget {
        journal_len: JOURNAL_LEN_MAX,
        log_entries: LOG_ENTRIES_MAX as u64,
        log_len: LOG_DATA_TOTAL_MAX as u64,
        creations: CREATIONS_MAX,
    };

    /// What a callee gets.
    pub const fn half(self) -> Budget {
        Budget {
            journal_len: self.journal_len / 2,
            log_entries: self.log_entries / 2,
            log_len: self.log_len / 2,
            creations: self.creations / 2,
        }
    }

    /// Without what a callee has used of `given`, of which `left` is left.
    pub const fn without(self, given: Budget, left: Budget) -> Budget {
        const fn used(all: u64, given: u64, left: u64) -> u64 {
            all.saturating_sub(given.saturating_sub(left))
        }
        Budget {
            journal_len: used(self.journal_len, given.journal_len, left.journal_len),
            log_entries: used(self.log_entries, given.log_entries, left.log_entries),
            log_len: used(self.log_len, given.log_len, left.log_len),
            creations: used(self.creations, given.creations, left.creations),
        }
    }
}

/// Bytes that an account counts for in the journal.
pub const ACCOUNT_LEN: u64 = 1 + 20 + Account::LEN as u64;

/// Takes the two accounts that a value moves between.
pub fn take_move(budget: &mut Budget, value: u128) -> Result<(), HostEnd> {
    if value == 0 { Ok(()) } else { take(&mut budget.journal_len, 2 * ACCOUNT_LEN, "bytes of accounts") }
}

/// Takes from one part of a budget.
pub fn take(left: &mut u64, amount: u64, what: &str) -> Result<(), HostEnd> {
    match left.checked_sub(amount) {
        Some(rest) => {
            *left = rest;
            Ok(())
        }
        None => {
            let text = format!("{amount} {what}, this frame may use {left}");
            Err(HostEnd::Trap(HostTrap::Limit, text))
        }
    }
}

/// Who signed; the same for all frames of a call.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origin {
    /// The signer; zero in a query.
    pub address: Address,
    /// The signer's key; nothing in a query, or if the signer is a contract.
    pub key: Option<[u8; 32]>,
}

/// A point that a frame can be undone to.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    journal: Checkpoint,
    logs: usize,
}

/// What all frames of one signed call share.
#[derive(Debug)]
pub struct Transaction {
    /// The state.
    pub journal: Journal,
    /// Log entries so far.
    pub logs: Vec<LogEntry>,
    /// What the running frame may still use.
    pub budget: Budget,
    /// For people.
    pub diagnostics: Diagnostics,
    /// Bytes of `debug` texts read so far.
    pub debug_len: usize,
    /// Gas paid for code outside the hot set.
    pub cold_gas: u64,
    /// Who signed.
    pub origin: Origin,
    /// The block.
    pub block: BlockContext,
}

impl Transaction {
    /// Nothing yet, over the changes of a block so far.
    pub fn new(journal: Journal, block: BlockContext) -> Transaction {
        Transaction {
            journal,
            logs: Vec::new(),
            budget: Budget::FULL,
            diagnostics: Diagnostics::default(),
            debug_len: 0,
            cold_gas: 0,
            origin: Origin::default(),
            block,
        }
    }

    /// Stands in for the transaction in a frame that waits; nothing uses it.
    pub fn idle(&self) -> Transaction {
        Transaction::new(Journal::new(self.journal.view().clone()), self.block)
    }

    /// Starts a signed call, or a query.
    pub fn begin_call(&mut self, origin: Origin) {
        self.journal.begin_call();
        self.logs.clear();
        self.diagnostics = Diagnostics::default();
        (self.budget, self.debug_len, self.cold_gas, self.origin) = (Budget::FULL, 0, 0, origin);
    }

    /// A point to go back to.
    pub fn mark(&self) -> Mark {
        Mark { journal: self.journal.checkpoint(), logs: self.logs.len() }
    }

    /// Undoes what was written and logged since.
    pub fn undo(&mut self, to: Mark) {
        self.journal.rollback(to.journal);
        self.logs.truncate(to.logs);
    }

    /// Keys written since a point.
    pub fn written_since(&self, mark: Mark) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.journal.written_since(mark.journal)
    }

    /// Entries logged since a point.
    pub fn logged_since(&self, mark: Mark) -> &[LogEntry] {
        self.logs.get(mark.logs..).unwrap_or_default()
    }

    /// Sets a key of the state within the budget.
    pub fn write(&mut self, full_key: &[u8], value: Value) -> Result<(), HostEnd> {
        let len = full_key.len().saturating_add(value.as_ref().map_or(0, |value| value.len()));
        take(&mut self.budget.journal_len, len as u64, "bytes of keys and values")?;
        Ok(self.journal.write(full_key, value)?)
    }

    /// Sets a transient value within the budget.
    pub fn write_transient(&mut self, address: &Address, key: &[u8], value: Value) -> Result<(), HostEnd> {
        let len = key.len().saturating_add(value.as_ref().map_or(0, |value| value.len()));
        take(&mut self.budget.journal_len, len as u64, "bytes of keys and values")?;
        Ok(self.journal.write_transient(address, key, value)?)
    }

    /// Sets an account within the budget.
    pub fn set_account(&mut self, address: &Address, account: &Account) -> Result<(), HostEnd> {
        take(&mut self.budget.journal_len, ACCOUNT_LEN, "bytes of accounts")?;
        Ok(self.journal.set_account(address, account)?)
    }

    /// Adds a log entry within the budget.
    pub fn log(&mut self, entry: LogEntry) -> Result<(), HostEnd> {
        take(&mut self.budget.log_entries, 1, "log entry")?;
        take(&mut self.budget.log_len, entry.data.len() as u64, "bytes of log data")?;
        self.logs.push(entry);
        Ok(())
    }

    /// Moves base units from one account to another. The giver has them, and whoever sends them has the accounts
    /// paid for and [taken](take_move) from a budget.
    pub fn move_value(&mut self, from: &Address, to: &Address, value: u128) -> Result<(), HostEnd> {
        if value == 0 || from == to {
            return Ok(());
        }
        let mut giver = self.journal.account(from)?;
        giver.balance = giver
            .balance
            .checked_sub(value)
            .ok_or_else(|| HostEnd::Fault(format!("{from} does not have the {value} that it sends")))?;
        self.journal.set_account(from, &giver)?;
        let mut taker = self.journal.account(to)?;
        // All balances together are the genesis's, which fit.
        taker.balance = taker.balance.saturating_add(value);
        Ok(self.journal.set_account(to, &taker)?)
    }
}

impl From<JournalError> for HostEnd {
    fn from(error: JournalError) -> HostEnd {
        match error {
            JournalError::Limit(_) => HostEnd::Trap(HostTrap::Limit, error.to_string()),
            JournalError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callee_gets_half_and_gives_back_what_it_did_not_use() {
        let all = Budget { journal_len: 101, log_entries: 3, log_len: 10, creations: 1 };
        let given = all.half();
        assert_eq!(given, Budget { journal_len: 50, log_entries: 1, log_len: 5, creations: 0 });
        let left = Budget { journal_len: 20, log_entries: 1, log_len: 0, creations: 0 };
        let after = Budget { journal_len: 71, log_entries: 3, log_len: 5, creations: 1 };
        assert_eq!(all.without(given, left), after);
        assert_eq!(all.without(given, given), all);
    }
}
