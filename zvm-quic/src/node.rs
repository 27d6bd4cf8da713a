//! What a server serves: the chain behind the protocol, as a trait. Knows no stream.

use std::future::Future;

use ghost_wasm::Interrupt;

use crate::proto::frame::Refusal;
use crate::proto::message::{
    AccountAnswer, Address, ChainAnswer, Hash, ProofAnswer, QueryAnswer, SimulateAnswer,
};
use crate::proto::pace::Peer;
use crate::proto::sink::ModuleSink;

/// What became of a signed call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// It is in a block; its id and record.
    Included(Hash, Vec<u8>),
    /// It was executed before; its id and stored record.
    Duplicate(Hash, Vec<u8>),
    /// It waits for its block; its id.
    Accepted(Hash),
}

/// A node. Methods may block: the server calls them off its event loop, except [`sink`](Node::sink) and
/// [`stop`](Node::stop), which must be quick, and [`submit`](Node::submit). What only reads must not wait for a call that runs. A refusal goes to the client as it is.
pub trait Node: Send + Sync + 'static {
    /// Validates modules as they arrive.
    type Sink: ModuleSink<Module: Send> + Send + 'static;

    /// A validator for the profile with this hash, if the node accepts it.
    fn sink(&self, profile: &Hash) -> Option<Self::Sink>;

    /// Whether a deploy could name this module now; if so, it stays as if this peer had uploaded it.
    ///
    /// # Errors
    /// A fault of the node.
    fn claim(&self, peer: Peer, code_hash: &Hash) -> Result<bool, Refusal>;

    /// Keeps a module that is whole and valid, durably, for a deploy to name it. It counts for this peer's quota.
    /// `bytes` come from the disk: that they are those with this hash is for the node to see.
    ///
    /// # Errors
    /// `StagingFull`, `StoreFailed`, or a fault of the node; nothing is kept then.
    fn stage(
        &self,
        peer: Peer,
        code_hash: &Hash,
        module: <Self::Sink as ModuleSink>::Module,
        bytes: Vec<u8>,
    ) -> Result<(), Refusal>;

    /// How many modules are kept that no deploy has named.
    ///
    /// # Errors
    /// A fault of the node.
    fn staged(&self) -> Result<u32, Refusal>;

    /// Takes a signed call of a peer; with `wait`, answers when it is in a block. It does not block: thousands may
    /// wait at once.
    ///
    /// # Errors
    /// `CallRefused`, `AuthenticationFailed`, `Busy`, or a fault of the node.
    fn submit(
        &self,
        peer: Peer,
        envelope: Vec<u8>,
        wait: bool,
    ) -> impl Future<Output = Result<Submitted, Refusal>> + Send;

    /// Runs a contract's `query`, beside everything else; `gas_limit` 0 is what the node allows. It ends soon
    /// after `interrupt` is set.
    ///
    /// # Errors
    /// `QueryFailed`, `ShuttingDown` when interrupted, or a fault of the node.
    fn query(
        &self,
        target: &Address,
        gas_limit: u64,
        input: &[u8],
        interrupt: &Interrupt,
    ) -> Result<QueryAnswer, Refusal>;

    /// What a call would lead to, beside everything else; as with [`query`](Node::query).
    ///
    /// # Errors
    /// `CallRefused` when it could not be in a block, `ShuttingDown`, or a fault of the node.
    fn simulate(&self, envelope: &[u8], interrupt: &Interrupt) -> Result<SimulateAnswer, Refusal>;

    /// What a state holds under a key, with the proof; `u64::MAX` is the newest state.
    ///
    /// # Errors
    /// `NotFound` for a state that is not kept, or a fault of the node.
    fn proof(&self, height: u64, key: &[u8]) -> Result<ProofAnswer, Refusal>;

    /// The record of an executed call, if there is one.
    ///
    /// # Errors
    /// A fault of the node.
    fn receipt(&self, call_id: &Hash) -> Result<Option<Vec<u8>>, Refusal>;

    /// An account.
    ///
    /// # Errors
    /// A fault of the node.
    fn account(&self, address: &Address) -> Result<AccountAnswer, Refusal>;

    /// The chain.
    ///
    /// # Errors
    /// A fault of the node.
    fn chain(&self) -> Result<ChainAnswer, Refusal>;

    /// The node is to end: calls under way may be broken off, without an outcome, and none begins any more. The
    /// server calls this when it closes.
    fn stop(&self);
}
