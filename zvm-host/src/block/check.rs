//! Checks a block that somebody else built: builds it again and compares.

use std::fmt;
use std::sync::Arc;

use super::{Added, BuildError, Builder, Built, Env, Ready};
use crate::admission::RefusalCode;
use crate::crypto;
use crate::envelope::Envelope;
use crate::exec::apply::Machine;
use crate::receipt::Header;
use crate::state::{StoreError, Tree, ValueView};
use crate::types::{Hash, hex};

/// The first thing that a block has and should not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which call, if it is one.
    pub call: Option<usize>,
    /// What differs.
    pub field: &'static str,
    /// What it should be.
    pub ours: String,
    /// What the block has.
    pub theirs: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.call {
            Some(call) => write!(f, "call {call}: ")?,
            None => f.write_str("header: ")?,
        }
        write!(f, "{} is {}, it should be {}", self.field, self.theirs, self.ours)
    }
}

/// Why a block was not taken.
#[derive(Debug)]
pub enum CheckError {
    /// It is wrong.
    Difference(Box<Difference>),
    /// A call of it names code that is not here: it can be neither taken nor refused.
    MissingCode(String),
    /// This node could not check it.
    Build(BuildError),
}

impl From<BuildError> for CheckError {
    fn from(error: BuildError) -> CheckError {
        CheckError::Build(error)
    }
}

fn differs(
    call: Option<usize>,
    field: &'static str,
    ours: impl fmt::Display,
    theirs: impl fmt::Display,
) -> CheckError {
    let (ours, theirs) = (ours.to_string(), theirs.to_string());
    CheckError::Difference(Box::new(Difference { call, field, ours, theirs }))
}

/// Checks a block behind `parent` against its header: signatures, conditions, gas and all roots. Gives what is to be
/// committed.
///
/// # Errors
/// `Difference` for a wrong block; a fault of this node, or code that it does not have.
pub fn check(
    machine: &Machine,
    genesis_hash: &Hash,
    (parent, parent_hash): (&Header, Hash),
    (view, tree): (Arc<dyn ValueView>, &Tree),
    header: &Header,
    calls: &[Vec<u8>],
) -> Result<(Built, Tree), CheckError> {
    check_header(parent, parent_hash, header, calls)?;
    let env = Env { timestamp: header.timestamp, sealer: header.sealer };
    let mut builder = Builder::new(machine, parent, parent_hash, view, env);
    for (at, wire) in calls.iter().enumerate() {
        match builder.add(&authentic(genesis_hash, at, wire)?)? {
            Added::Included => {}
            Added::LeftOut(refused) if refused.code == RefusalCode::MissingCode => {
                return Err(CheckError::MissingCode(refused.text));
            }
            Added::LeftOut(refused) => {
                return Err(differs(Some(at), "the call", "one that may be here", refused));
            }
            Added::Full => return Err(differs(Some(at), "the call", "within the block's limits", "beyond")),
        }
    }
    let (built, tree) = builder.end()?.seal_with(tree);
    compare(&built.header, header)?;
    Ok((built, tree))
}

/// A call of a block, if its signature counts.
pub(crate) fn authentic(genesis_hash: &Hash, at: usize, wire: &[u8]) -> Result<Ready, CheckError> {
    let envelope =
        Envelope::decode(wire).map_err(|error| differs(Some(at), "the call", "a signed call", error))?;
    let signer = envelope
        .authenticate(genesis_hash)
        .map_err(|error| differs(Some(at), "the signature", "one that counts", error))?;
    Ok(Ready::new(envelope, signer, genesis_hash))
}

/// What needs no call to be run.
pub(crate) fn check_header(
    parent: &Header,
    parent_hash: Hash,
    header: &Header,
    calls: &[Vec<u8>],
) -> Result<(), CheckError> {
    if header.timestamp <= parent.timestamp {
        let ours = format!("after {}", parent.timestamp);
        return Err(differs(None, "timestamp", ours, header.timestamp));
    }
    let height = parent.height.saturating_add(1);
    if header.height != height {
        return Err(differs(None, "height", height, header.height));
    }
    if header.parent != parent_hash {
        return Err(differs(None, "parent", hex(&parent_hash), hex(&header.parent)));
    }
    let calls_root = crypto::merkle_root(calls);
    if header.calls_root != calls_root {
        return Err(differs(None, "calls_root", hex(&calls_root), hex(&header.calls_root)));
    }
    Ok(())
}

/// All fields of a header.
pub(crate) fn compare(ours: &Header, theirs: &Header) -> Result<(), CheckError> {
    macro_rules! same {
        ($($field:ident: $shown:expr;)*) => {
            $(if ours.$field != theirs.$field {
                return Err(differs(None, stringify!($field), $shown(&ours.$field), $shown(&theirs.$field)));
            })*
        };
    }
    let number = |number: &u64| number.to_string();
    let hash = |hash: &Hash| hex(hash);
    same! {
        chain_id: number;
        height: number;
        timestamp: number;
        parent: hash;
        pre_state_root: hash;
        gas_used: number;
        receipts_root: hash;
        state_root: hash;
        calls_root: hash;
        profile_hash: hash;
        gas_limit: number;
        sealer: |address: &crate::types::Address| address.to_string();
    }
    Ok(())
}

impl From<StoreError> for CheckError {
    fn from(error: StoreError) -> CheckError {
        CheckError::Build(error.into())
    }
}
