//! What may wait for a block: a node's own conditions, and those of the block itself at the newest state that was
//! built.

use super::{Answer, Chain, ChainError, Decided, RefusalCode, Refused};
use crate::admission::{self, Place};
use crate::block::Ready;
use crate::envelope::Envelope;
use crate::pool::{NONCES_AHEAD_MAX, Queued};
use crate::receipt::Record;
use crate::state::{Account, read_account};
use crate::types::{Address, Hash};

/// What became of an authentic call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admitted {
    /// It waits for a block.
    Waits(Hash),
    /// It was executed before; this is what came of it then.
    Duplicate(Box<Record>),
    /// It was not admitted.
    Refused(Refused),
}

/// The conditions that need neither the signature nor the state.
#[derive(Clone, Copy, Debug)]
pub struct Gate {
    /// Base units per gas that a call must offer.
    pub gas_price_floor: u64,
    /// Gas of a block.
    pub gas_limit: u64,
}

impl Gate {
    /// Whether a call may be looked at further.
    ///
    /// # Errors
    /// `PriceTooLow`, `GasLimit`.
    pub fn check(&self, envelope: &Envelope) -> Result<(), Refused> {
        let (price, floor) = (envelope.body.gas_price, self.gas_price_floor);
        if price < floor {
            let text = format!("gas price {price} is below the floor of {floor}");
            return Err(Refused::new(RefusalCode::PriceTooLow, text));
        }
        admission::gas(envelope, self.gas_limit)
    }

    /// Reads a call, and checks what can be seen so.
    ///
    /// # Errors
    /// `Malformed`, and as [`Gate::check`].
    pub fn decode(&self, wire: &[u8]) -> Result<Envelope, Refused> {
        let envelope = Envelope::decode(wire)
            .map_err(|error| Refused::new(RefusalCode::Malformed, error.to_string()))?;
        self.check(&envelope).map(|()| envelope)
    }
}

impl Chain {
    /// What is asked of a call before its signature is looked at.
    pub fn gate(&self) -> Gate {
        Gate { gas_price_floor: self.config.gas_price_floor, gas_limit: self.tip.header.gas_limit }
    }

    /// Lets an authentic call wait for a block.
    ///
    /// # Errors
    /// The store.
    pub fn admit(&mut self, call: Ready) -> Result<Admitted, ChainError> {
        if let Some(record) = self.receipt(&call.call_id)? {
            return Ok(Admitted::Duplicate(Box::new(record)));
        }
        // It is in a block that is being stored: as good as waiting.
        let is_storing = self.storing.as_ref().is_some_and(|(_, calls)| calls.contains(&call.call_id));
        if is_storing || self.pool.has(&call.call_id) {
            return Ok(Admitted::Waits(call.call_id));
        }
        self.see_staged();
        if self.tip.tree.len() >= self.config.keys_max {
            let text = format!("the state has {} keys, which is all this node keeps", self.tip.tree.len());
            return Ok(Admitted::Refused(Refused::new(RefusalCode::StateFull, text)));
        }
        let account = read_account(&*self.tip.view, &call.signer)?;
        if let Err(refused) = self.conditions(&call.envelope, &call.signer, &account) {
            return Ok(Admitted::Refused(refused));
        }
        let call_id = call.call_id;
        Ok(match self.pool.add(call, &account) {
            Queued::Now | Queued::Before => Admitted::Waits(call_id),
            Queued::Refused(refused) => Admitted::Refused(refused),
        })
    }

    /// The conditions of a block at the next one, but for nonces ahead, which may wait.
    fn conditions(&self, envelope: &Envelope, signer: &Address, account: &Account) -> Result<(), Refused> {
        let height = self.tip.header.height.saturating_add(1);
        let place = Place { height, gas_left: self.tip.header.gas_limit };
        admission::conditions(envelope, signer, account, place, NONCES_AHEAD_MAX).map(drop)
    }

    /// Whether calls before this nonce of a signer are neither in a block nor waiting.
    pub fn has_gap(&self, signer: &Address, nonce: u64) -> bool {
        self.pool.has_gap(signer, nonce)
    }

    /// How many calls wait.
    pub fn waiting(&self) -> usize {
        self.pool.count()
    }

    /// Whether a block could be made now.
    pub fn has_ready(&self) -> bool {
        self.pool.has_ready()
    }

    /// Takes a signed call: into a block of its own, into the queue, or not at all. `now_ms` is the node's clock; a
    /// block's time is later than its parent's, whatever the clock says. Calls that waited for this one are executed
    /// behind it.
    ///
    /// # Errors
    /// A fault of the node; nothing has changed.
    pub fn submit(&mut self, wire: &[u8], now_ms: u64) -> Result<Answer, ChainError> {
        let envelope = match self.gate().decode(wire) {
            Ok(envelope) => envelope,
            Err(refused) => return Ok(Answer::Refused(refused)),
        };
        if let Some(record) = self.receipt(&envelope.call_id(&self.genesis_hash))? {
            return Ok(Answer::Duplicate(Box::new(record)));
        }
        let authenticator = self.authenticator();
        let call = match authenticator.check(vec![envelope]).pop() {
            Some(Ok(call)) => call,
            Some(Err(refused)) => return Ok(Answer::Refused(refused)),
            None => return Err(ChainError::Fault("a signature has no verdict".into())),
        };
        if let Err(refused) = self.reader()?.check_auth(&call)? {
            return Ok(Answer::Refused(refused));
        }
        let call_id = match self.admit(call)? {
            Admitted::Waits(call_id) => call_id,
            Admitted::Duplicate(record) => return Ok(Answer::Duplicate(record)),
            Admitted::Refused(refused) => return Ok(Answer::Refused(refused)),
        };
        self.seal_ready(call_id, now_ms)
    }

    /// Makes blocks of one call each until no call is ready; the answer is that of one of them.
    fn seal_ready(&mut self, call_id: Hash, now_ms: u64) -> Result<Answer, ChainError> {
        let mut answer = None;
        while let Some(job) = self.begin_block(now_ms, 1) {
            for (id, decided) in self.seal_now(job) {
                if id != call_id {
                    // The answer is true whatever becomes of the calls behind it; trouble shows at their own answers.
                    if let Decided::Failed(error) = decided {
                        tracing::error!(%error, "a waiting call could not be executed");
                    }
                    continue;
                }
                answer = Some(match decided {
                    Decided::Included(record) => Answer::Included(record),
                    Decided::Refused(refused) => Answer::Refused(refused),
                    Decided::Failed(error) => return Err(error),
                });
            }
        }
        Ok(answer.unwrap_or(Answer::Queued(call_id)))
    }
}
