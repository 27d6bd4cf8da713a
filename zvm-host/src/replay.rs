//! Running a block again without its chain: a [`Witness`] has what the block has read, and shows that it is so; a
//! [`Bundle`] is a file with all that is needed. No store, no network, no clock.
//!
//! ```text
//! witness = version u8 ‖ state_root 32 ‖ values ‖ codes ‖ proof u32-sized
//! values  = count u32 ‖ (key u32-sized ‖ 0 u8 | key u32-sized ‖ 1 u8 ‖ value u32-sized)*   in the order of paths
//! codes   = count u32 ‖ module u32-sized*                                            in the order of hashes
//! bundle  = "zvmr" ‖ version u8 ‖ genesis_hash 32 ‖ parent header ‖ header ‖ calls ‖ records ‖ witness   all u32-sized
//! ```
//! The values are exactly those that the block reads, and the modules those that it uses: more or less is refused, so
//! each block has one witness.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use zvm_proof::{Entry, PartialTree, ProofError, tree};

use crate::block::{self, Added, BuildError, Builder, Built, CheckError, Env, Outline, Ready};
use crate::chain::{Chain, ChainConfig, ChainError};
use crate::codec::{CodecError, Reader, Writer};
use crate::crypto;
use crate::envelope::WIRE_LEN_MAX;
use crate::exec::apply::Machine;
use crate::genesis::Genesis;
use crate::receipt::{Header, Record};
use crate::state::{Bytes, MemoryBackend, Pair, StateBackend, StateView, StoreError, Tree, Value, ValueView};
use crate::types::{Hash, hex};

/// The version of witnesses and bundles.
pub const VERSION: u8 = 1;
/// Keys of a witness at most: those of a block's calls, and the host's own.
const KEYS_MAX: usize = 1 << 22;
/// Bytes of a key, a value, a module at most.
const PART_LEN_MAX: usize = 4 << 20;
/// Bytes of a proof, or of a witness, at most.
const WHOLE_LEN_MAX: usize = 1 << 30;
const MAGIC: &[u8; 4] = b"zvmr";

/// What a block has read, and the proof of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The root of the state before the block.
    pub state_root: Hash,
    /// Full keys with what they held, in the order of their paths.
    pub values: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// Modules that were used, in the order of their hashes.
    pub codes: Vec<Bytes>,
    /// The part of the tree that the keys touch.
    pub proof: Vec<u8>,
}

/// Why a block could not be replayed.
#[derive(Debug)]
pub enum ReplayError {
    /// The witness is not that of the block; the text says why.
    Witness(String),
    /// The block is not what its header or records say; the text says where.
    Block(String),
    /// Bytes that are no witness or bundle.
    Malformed(CodecError),
    /// This machine could not finish.
    Fault(String),
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReplayError::Witness(text) => write!(f, "the witness is not that of the block: {text}"),
            ReplayError::Block(text) => write!(f, "the block is not what it says: {text}"),
            ReplayError::Malformed(error) => write!(f, "malformed bundle: {error}"),
            ReplayError::Fault(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for ReplayError {}

impl From<CodecError> for ReplayError {
    fn from(error: CodecError) -> ReplayError {
        ReplayError::Malformed(error)
    }
}

impl From<ProofError> for ReplayError {
    fn from(error: ProofError) -> ReplayError {
        ReplayError::Witness(error.to_string())
    }
}

impl Witness {
    /// The witness of a block that was built with its reads kept, over the state that `tree` and `view` have.
    ///
    /// # Errors
    /// The store.
    pub fn of(outline: &Outline, tree: &Tree, view: &dyn ValueView) -> Result<Witness, StoreError> {
        let after = tree.with(outline.changes.iter().map(|(key, value)| (&key[..], value.as_deref())));
        let mut values = outline.reads.clone();
        values.sort_by_cached_key(|(key, _)| tree::path(key));
        let proof = tree.prove_many(values.iter().map(|(key, _)| &key[..]), &after);
        let mut hashes = outline.used_codes.clone();
        hashes.sort_unstable();
        let codes = hashes.iter().map(|hash| {
            let found = match view.code(hash)? {
                Some(bytes) => Some(bytes),
                None => view.staged(hash)?,
            };
            found.ok_or_else(|| StoreError::Corrupt(format!("the code {} is missing", hex(hash))))
        });
        let codes = codes.collect::<Result<_, _>>()?;
        Ok(Witness { state_root: tree.root(), values, codes, proof })
    }

    /// The bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.u8(VERSION).bytes(&self.state_root).count(self.values.len());
        for (key, value) in &self.values {
            out.sized(key).u8(value.is_some().into());
            if let Some(value) = value {
                out.sized(value);
            }
        }
        out.count(self.codes.len());
        for code in &self.codes {
            out.sized(code);
        }
        out.sized(&self.proof);
        out.finish()
    }

    /// Reads the bytes.
    ///
    /// # Errors
    /// Bytes that [`Witness::encode`] does not write.
    pub fn decode(bytes: &[u8]) -> Result<Witness, CodecError> {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != VERSION {
            return Err(CodecError::BadValue("witness version"));
        }
        let state_root = reader.array()?;
        let values = reader.list(KEYS_MAX, "values", |reader| {
            let key = reader.sized(PART_LEN_MAX, "key")?.to_vec();
            let value = match reader.u8()? {
                0 => None,
                1 => Some(reader.sized(PART_LEN_MAX, "value")?.to_vec()),
                _ => return Err(CodecError::BadValue("presence")),
            };
            Ok((key, value))
        })?;
        let codes =
            reader.list(KEYS_MAX, "codes", |reader| Ok(reader.sized(PART_LEN_MAX, "module")?.into()))?;
        let proof = reader.sized(WHOLE_LEN_MAX, "proof")?.to_vec();
        reader.end()?;
        Ok(Witness { state_root, values, codes, proof })
    }
}

/// The state as a witness has it. What it does not have cannot be read.
struct WitnessView {
    values: BTreeMap<Vec<u8>, Option<Bytes>>,
    codes: BTreeMap<Hash, Bytes>,
}

fn outside(what: &str) -> StoreError {
    StoreError::Corrupt(format!("the witness has not {what}"))
}

impl ValueView for WitnessView {
    fn value(&self, full_key: &[u8]) -> Result<Value, StoreError> {
        match self.values.get(full_key) {
            Some(value) => Ok(value.clone()),
            None => Err(outside(&format!("the key {}", hex(full_key)))),
        }
    }

    fn next(&self, _: &[u8]) -> Result<Option<Pair>, StoreError> {
        Err(outside("what iteration would find"))
    }

    fn code(&self, code_hash: &Hash) -> Result<Value, StoreError> {
        match self.codes.get(code_hash) {
            Some(bytes) => Ok(Some(Arc::clone(bytes))),
            None => Err(outside(&format!("the code {}", hex(code_hash)))),
        }
    }

    fn staged(&self, code_hash: &Hash) -> Result<Value, StoreError> {
        self.code(code_hash)
    }
}

/// Runs a block again over its witness, behind `parent`, and compares it with `header`.
///
/// # Errors
/// As [`ReplayError`] says.
pub fn replay(
    machine: &Machine,
    genesis_hash: &Hash,
    parent: &Header,
    header: &Header,
    calls: &[Vec<u8>],
    witness: &Witness,
) -> Result<Built, ReplayError> {
    if witness.state_root != parent.state_root {
        return Err(ReplayError::Witness("it is of another state".into()));
    }
    let entries: Vec<Entry<'_>> =
        witness.values.iter().map(|(key, value)| Entry { key, value: value.as_deref() }).collect();
    let partial = PartialTree::verify(&parent.state_root, &entries, &witness.proof)?;
    let codes: BTreeMap<Hash, Bytes> =
        witness.codes.iter().map(|code| (crypto::blake3(code), Arc::clone(code))).collect();
    let is_ordered = codes.len() == witness.codes.len()
        && codes.values().zip(&witness.codes).all(|(ordered, given)| ordered == given);
    if !is_ordered {
        return Err(ReplayError::Witness("its modules are not in order, each once".into()));
    }
    let hashes: Vec<Hash> = codes.keys().copied().collect();
    let values = witness.values.iter().map(|(key, value)| (key.clone(), value.as_deref().map(Into::into)));
    let view: Arc<dyn ValueView> = Arc::new(WitnessView { values: values.collect(), codes });
    block::check_header(parent, parent.hash(), header, calls).map_err(unchecked)?;
    let env = Env { timestamp: header.timestamp, sealer: header.sealer };
    let mut builder = Builder::new(machine, parent, parent.hash(), view, env).keep_reads();
    for (at, wire) in calls.iter().enumerate() {
        let call = block::authentic(genesis_hash, at, wire).map_err(unchecked)?;
        add(&mut builder, at, &call)?;
    }
    let outline = builder.end().map_err(unbuilt)?;
    compare_reads(&outline, witness, hashes)?;
    let root = partial.root_after(outline.changes.iter().map(|(key, value)| (&key[..], value.as_deref())))?;
    let built = outline.seal(root);
    block::compare(&built.header, header).map_err(unchecked)?;
    Ok(built)
}

fn add(builder: &mut Builder<'_>, at: usize, call: &Ready) -> Result<(), ReplayError> {
    match builder.add(call).map_err(unbuilt)? {
        Added::Included => Ok(()),
        Added::LeftOut(refused) => Err(ReplayError::Block(format!("call {at} may not be in it: {refused}"))),
        Added::Full => Err(ReplayError::Block(format!("call {at} is beyond the block's limits"))),
    }
}

/// The block reads the listed keys and uses the listed modules, and no others.
fn compare_reads(outline: &Outline, witness: &Witness, hashes: Vec<Hash>) -> Result<(), ReplayError> {
    if outline.reads.len() != witness.values.len() {
        // Each read was in the witness, so it has more.
        return Err(ReplayError::Witness("it has keys that the block does not read".into()));
    }
    let mut used = outline.used_codes.clone();
    used.sort_unstable();
    if used != hashes {
        return Err(ReplayError::Witness("it has modules that the block does not use".into()));
    }
    Ok(())
}

fn unbuilt(error: BuildError) -> ReplayError {
    match error {
        BuildError::Store(StoreError::Corrupt(text)) => ReplayError::Witness(text),
        BuildError::Store(error) => ReplayError::Fault(error.to_string()),
        // What a contract reads beyond the witness comes so.
        BuildError::Fault(text) => ReplayError::Witness(text),
        BuildError::Interrupted => ReplayError::Fault("ended before its outcome".into()),
    }
}

fn unchecked(error: CheckError) -> ReplayError {
    match error {
        CheckError::Difference(difference) => ReplayError::Block(difference.to_string()),
        CheckError::MissingCode(text) => ReplayError::Witness(text),
        CheckError::Build(error) => unbuilt(error),
    }
}

/// A block with all that is needed to run it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// The chain.
    pub genesis_hash: Hash,
    /// The header of the block before.
    pub parent: Header,
    /// The header.
    pub header: Header,
    /// Wire bytes of the calls.
    pub calls: Vec<Vec<u8>>,
    /// What came of each.
    pub records: Vec<Record>,
    /// What the block has read.
    pub witness: Witness,
}

impl Bundle {
    /// The bytes of the file.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.bytes(MAGIC).u8(VERSION).bytes(&self.genesis_hash);
        out.sized(&self.parent.encode()).sized(&self.header.encode()).count(self.calls.len());
        for call in &self.calls {
            out.sized(call);
        }
        out.count(self.records.len());
        for record in &self.records {
            out.sized(&record.encode());
        }
        out.sized(&self.witness.encode());
        out.finish()
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Bytes that [`Bundle::encode`] does not write.
    pub fn decode(bytes: &[u8]) -> Result<Bundle, CodecError> {
        let mut reader = Reader::new(bytes);
        if reader.array::<4>()? != *MAGIC {
            return Err(CodecError::BadValue("file"));
        }
        if reader.u8()? != VERSION {
            return Err(CodecError::BadValue("bundle version"));
        }
        let genesis_hash = reader.array()?;
        let parent = Header::decode(reader.sized(Header::LEN, "header")?)?;
        let header = Header::decode(reader.sized(Header::LEN, "header")?)?;
        let calls = reader.list(block::CALLS_MAX, "calls", |reader| {
            Ok(reader.sized(WIRE_LEN_MAX, "signed call")?.to_vec())
        })?;
        let records = reader.list(block::CALLS_MAX, "records", |reader| {
            Record::decode(reader.sized(PART_LEN_MAX, "record")?)
        })?;
        let witness = Witness::decode(reader.sized(WHOLE_LEN_MAX, "witness")?)?;
        reader.end()?;
        Ok(Bundle { genesis_hash, parent, header, calls, records, witness })
    }

    /// The bundle of a block of a store, at any height: the chain is run again in memory up to it. `progress` hears of
    /// each height.
    ///
    /// # Errors
    /// The store, or a block of it that does not check.
    pub fn make(
        store: &dyn StateView,
        genesis: &Genesis,
        config: ChainConfig,
        height: u64,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Bundle, ChainError> {
        let memory = Arc::new(MemoryBackend::new());
        let mut chain = Chain::open(memory.clone(), genesis, config)?;
        store.codes(&mut |hash, bytes| match Hash::try_from(hash) {
            Ok(hash) => memory.stage(&hash, bytes, &[]),
            Err(_) => Err(StoreError::Corrupt("the hash of a module is cut".into())),
        })?;
        let block = |height: u64| {
            let header = store
                .header(height)?
                .ok_or_else(|| StoreError::Medium(format!("there is no block {height}")))?;
            let header = Header::decode(&header)
                .map_err(|_| StoreError::Corrupt(format!("the header of block {height} cannot be read")))?;
            Ok::<_, ChainError>((header, store.calls(height)?))
        };
        for height in 1..height {
            progress(height);
            let (header, calls) = block(height)?;
            chain.take_block(&header, &calls)?;
        }
        let (header, calls) = block(height)?;
        chain.bundle(&header, &calls)
    }

    /// Runs the block again, and compares header and records: all of them that is hashed.
    ///
    /// # Errors
    /// As [`replay`].
    pub fn replay(&self, machine: &Machine) -> Result<Built, ReplayError> {
        let Bundle { genesis_hash, parent, header, calls, records, witness } = self;
        let built = replay(machine, genesis_hash, parent, header, calls, witness)?;
        if built.records.len() != records.len() {
            return Err(ReplayError::Block("it has another number of records".into()));
        }
        for (at, (ours, theirs)) in built.records.iter().zip(records).enumerate() {
            let same = ours.receipt == theirs.receipt
                && ours.return_data == theirs.return_data
                && ours.logs == theirs.logs
                && ours.block_hash == theirs.block_hash;
            if !same {
                return Err(ReplayError::Block(format!("the record of call {at} is another")));
            }
        }
        Ok(built)
    }
}
