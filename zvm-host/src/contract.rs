//! What a module must be to be a contract, checked item by item while it streams in: what it imports, what
//! it exports, and at the end what it lacks. The engine checks the profile; nothing here runs code.

use std::fmt;

use ghost_wasm::{
    Config, Engine, ErrorCode, ExternType, FuncType, Item, Module, ModuleStream, Profile, Progress, Refusal,
    Translation, ValType,
};

use crate::crypto;
use crate::state::CodeLeaf;
use crate::table::host_fns::{MODULE, host_fn};
use crate::types::Hash;

/// An engine under the contract profile.
pub fn engine() -> Engine {
    Engine::new(&Config::new(Profile::CONTRACT_V1))
}

/// An engine that judges modules as [`engine`] does, without making code of them: for uploads, which are dropped
/// when they are found valid. Many are under way at once, and nobody has paid for them.
pub fn judging_engine() -> Engine {
    let mut config = Config::new(Profile::CONTRACT_V1);
    config.translation(Translation::Lazy);
    Engine::new(&config)
}

macro_rules! rules {
    ($(#[doc = $doc:literal] $name:ident = $code:literal;)*) => {
        /// Which rule a module breaks; the number is the refusal's code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u32)]
        pub enum ContractRule { $(#[doc = $doc] $name = $code,)* }

        impl ContractRule {
            /// All rules.
            pub const ALL: &'static [ContractRule] = &[$(ContractRule::$name),*];

            /// What breaks it.
            pub const fn doc(self) -> &'static str {
                match self { $(ContractRule::$name => $doc.trim_ascii(),)* }
            }
        }
    };
}

rules! {
    /// An import from another module than `env`.
    UnknownImportModule = 1;
    /// A function that the host does not have.
    UnknownImport = 2;
    /// A host function with another type, or an import that is no function.
    ImportType = 3;
    /// An entry point or `memory` that is something else.
    ExportType = 4;
    /// `memory`, `init` or `invoke` is missing.
    MissingExport = 5;
}

/// A global that a contract exports with the value 1 if it may be called while it runs.
const REENTRANT: &str = "zvm_reentrant";

/// Exports with a meaning: name, whether a contract must have it.
const ENTRY_POINTS: &[(&str, bool)] =
    &[("init", true), ("invoke", true), ("query", false), ("migrate", false), ("check_auth", false)];

fn refusal(rule: ContractRule, text: String) -> Refusal {
    Refusal { code: rule as u32, text }
}

/// Whether an item may be part of a contract.
pub fn check_item(item: &Item<'_>) -> Result<(), Refusal> {
    match item {
        Item::Import { module, name, ty } => check_import(module, name, ty),
        Item::Export { name, ty } => check_export(name, ty),
        Item::Custom { .. } => Ok(()),
    }
}

fn check_import(module: &str, name: &str, ty: &ExternType) -> Result<(), Refusal> {
    let shown = || format!("{}.{}", cut(module), cut(name));
    if module != MODULE {
        let text = format!("import `{}`: contracts import from `{MODULE}` only", shown());
        return Err(refusal(ContractRule::UnknownImportModule, text));
    }
    let Some(row) = host_fn(name) else {
        let text = format!("import `{}`: there is no such host function", shown());
        return Err(refusal(ContractRule::UnknownImport, text));
    };
    match ty {
        ExternType::Func(found) if *found == row.ty() => Ok(()),
        ExternType::Func(found) => {
            let text = format!("import `{}` has type {found}, the host's has {}", shown(), row.ty());
            Err(refusal(ContractRule::ImportType, text))
        }
        _ => {
            let text = format!("import `{}` is not a function", shown());
            Err(refusal(ContractRule::ImportType, text))
        }
    }
}

/// A name as messages show it: modules have names of up to 100,000 bytes.
fn cut(name: &str) -> String {
    const CHARS_MAX: usize = 60;
    match name.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", name.get(..end).unwrap_or_default()),
        None => name.into(),
    }
}

fn check_export(name: &str, ty: &ExternType) -> Result<(), Refusal> {
    let is_entry = ENTRY_POINTS.iter().any(|(entry, _)| *entry == name);
    let entry_type = || FuncType::new([], [ValType::I32]);
    let (fits, wanted) = match ty {
        _ if name == "memory" => (matches!(ty, ExternType::Memory(_)), "a memory"),
        ExternType::Func(found) if is_entry => (*found == entry_type(), "a function [] -> [i32]"),
        _ => (!is_entry, "a function [] -> [i32]"),
    };
    if fits {
        return Ok(());
    }
    Err(refusal(ContractRule::ExportType, format!("export `{name}` must be {wanted}")))
}

/// Everything that a whole module lacks to be a contract: the export's name, and the refusal.
pub fn lacks(module: &Module) -> impl Iterator<Item = (&'static str, Refusal)> {
    let required = ENTRY_POINTS.iter().filter(|(_, required)| *required).map(|(name, _)| *name);
    std::iter::once("memory").chain(required).filter_map(|name| {
        let has = module.exports().any(|export| export.name() == name);
        let refuse = || refusal(ContractRule::MissingExport, format!("a contract must export `{name}`"));
        (!has).then(|| (name, refuse()))
    })
}

/// Pages that the one memory of a contract begins with; it is exported.
pub fn first_pages(module: &Module) -> u32 {
    let memory = module.exports().find_map(|export| match export.ty() {
        ExternType::Memory(memory) => Some(memory.min),
        _ => None,
    });
    memory.unwrap_or(0)
}

/// What any module weighs.
pub const WEIGHT_BASE: u64 = 256;
/// What each of its bytes weighs: an operator of one byte can become sixteen bytes of code.
pub const WEIGHT_BYTE: u64 = 2;
/// What each type, import, function, global, export, segment and custom section weighs besides.
pub const WEIGHT_ITEM: u64 = 16;
/// Units of work that weigh one: some operators become more code, the more values they move.
pub const WEIGHT_WORK: u64 = 8;

/// What a module counts for in the hot set. Ready to run it takes at most eight times as many bytes of memory, without
/// instances.
pub fn weight(module: &Module, len: u64) -> u32 {
    let parts = [
        WEIGHT_BASE,
        WEIGHT_BYTE.saturating_mul(len),
        WEIGHT_ITEM.saturating_mul(module.item_count()),
        module.work() / WEIGHT_WORK,
    ];
    let weight = parts.into_iter().fold(0, u64::saturating_add);
    u32::try_from(weight).unwrap_or(u32::MAX)
}

/// Why bytes are not a contract.
#[derive(Debug)]
pub enum ContractError {
    /// Not a module within the profile, or an item of it was refused by the policy.
    Module(ghost_wasm::Error),
    /// A module, but it lacks something.
    Incomplete(Refusal),
}

impl fmt::Display for ContractError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ContractError::Module(error) => write!(f, "{error}"),
            ContractError::Incomplete(refusal) => f.write_str(&refusal.text),
        }
    }
}

impl std::error::Error for ContractError {}

impl ContractError {
    /// The number of the error: the engine's, or for a refusal `0x0500` + the broken rule.
    pub fn code(&self) -> u32 {
        const REFUSED: u32 = 0x0500;
        match self {
            ContractError::Module(error) => match error.operand() {
                Some(rule) if error.code() == ErrorCode::Refused => REFUSED.saturating_add(rule),
                _ => u32::from(error.code().number()),
            },
            ContractError::Incomplete(refusal) => REFUSED.saturating_add(refusal.code),
        }
    }

    /// The byte at fault; nothing for what is missing at the end.
    pub fn offset(&self) -> Option<u64> {
        match self {
            ContractError::Module(error) => error.offset(),
            ContractError::Incomplete(_) => None,
        }
    }
}

/// A stream that takes contracts only, and knows their identity when the last byte is in.
#[derive(Debug)]
pub struct ContractStream {
    stream: ModuleStream,
    len: u64,
}

/// A stream for one upload.
pub fn contract_stream(engine: &Engine) -> ContractStream {
    ContractStream { stream: ModuleStream::new(engine).with_policy(|item| check_item(&item)), len: 0 }
}

impl ContractStream {
    /// Takes the next bytes; the first item at fault ends the stream.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), ContractError> {
        self.stream.feed(bytes).map_err(ContractError::Module)?;
        self.count(bytes);
        Ok(())
    }

    /// Takes bytes until about `work` more is done; says how many it took.
    pub fn feed_bounded(&mut self, bytes: &[u8], work: u64) -> Result<usize, ContractError> {
        let taken = self.stream.feed_bounded(bytes, work).map_err(ContractError::Module)?;
        self.count(bytes.get(..taken).unwrap_or_default());
        Ok(taken)
    }

    fn count(&mut self, bytes: &[u8]) {
        self.len = self.len.saturating_add(bytes.len() as u64);
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        self.stream.progress()
    }

    /// Ends the stream: the contract, or what it lacks. `code_hash` is the BLAKE3 of all bytes: whoever had them
    /// first has hashed them, and they are not hashed again here.
    pub fn finish(self, code_hash: Hash) -> Result<ContractModule, ContractError> {
        let module = self.stream.finish().map_err(ContractError::Module)?;
        if let Some((_, refusal)) = lacks(&module).next() {
            return Err(ContractError::Incomplete(refusal));
        }
        let memory_pages = first_pages(&module);
        let resident_bytes = module.resident_bytes().saturating_add(ENTRY_LEN);
        let is_reentrant = module.exported_i32(REENTRANT) == Some(1);
        Ok(ContractModule { module, code_hash, resident_bytes, len: self.len, memory_pages, is_reentrant })
    }
}

/// A module that is a contract. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ContractModule {
    module: Module,
    code_hash: Hash,
    len: u64,
    memory_pages: u32,
    resident_bytes: u64,
    is_reentrant: bool,
}

/// Bytes that a list of modules takes for each beside it.
const ENTRY_LEN: u64 = 256;

impl ContractModule {
    /// Checks bytes that are all there.
    pub fn new(engine: &Engine, bytes: &[u8]) -> Result<ContractModule, ContractError> {
        ContractModule::hashed(engine, bytes, crypto::blake3(bytes))
    }

    /// Checks bytes that are all there and have been hashed.
    pub(crate) fn hashed(
        engine: &Engine,
        bytes: &[u8],
        code_hash: Hash,
    ) -> Result<ContractModule, ContractError> {
        let mut stream = contract_stream(engine);
        stream.feed(bytes)?;
        stream.finish(code_hash)
    }

    /// Bytes of memory that it takes; clones share them.
    pub fn resident_bytes(&self) -> u64 {
        self.resident_bytes
    }

    /// The module.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// The BLAKE3 of its bytes.
    pub fn code_hash(&self) -> Hash {
        self.code_hash
    }

    /// How many bytes came.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it may be called while it runs: it exports `zvm_reentrant`, an immutable `i32` of 1.
    pub fn is_reentrant(&self) -> bool {
        self.is_reentrant
    }

    /// What the state keeps of it beside its bytes.
    pub fn leaf(&self) -> CodeLeaf {
        CodeLeaf {
            len: u32::try_from(self.len).unwrap_or(u32::MAX),
            work: self.module.work(),
            weight: weight(&self.module, self.len),
            pages: self.memory_pages,
        }
    }

    /// Pages that the memory of an instance begins with.
    pub fn memory_pages(&self) -> u32 {
        self.memory_pages
    }

    /// Never: a contract has exports.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ghost_wasm::{GlobalType, MemoryType};

    fn rule(item: &Item<'_>) -> Option<u32> {
        check_item(item).err().map(|refusal| refusal.code)
    }

    fn func(params: &[ValType], results: &[ValType]) -> ExternType {
        ExternType::Func(FuncType::new(params.iter().copied(), results.iter().copied()))
    }

    #[test]
    fn imports_are_rows_of_the_table() {
        use ValType::{I32, I64};
        let memory = ExternType::Memory(MemoryType { min: 1, max: None });
        let global = ExternType::Global(GlobalType { content: I32, mutable: false });
        let cases = [
            ("env", "storage_len", func(&[I32, I32], &[I32]), None),
            ("env", "storage_len", func(&[I32, I32], &[I64]), Some(3)),
            ("env", "storage_len", func(&[I32], &[I32]), Some(3)),
            ("env", "storage_len", global, Some(3)),
            ("env", "memory", memory, Some(2)),
            ("env", "storage_iterate", func(&[I32, I32], &[I32]), Some(2)),
            ("env", "", func(&[], &[]), Some(2)),
            ("wasi_snapshot_preview1", "fd_write", func(&[I32; 4], &[I32]), Some(1)),
            ("", "storage_len", func(&[I32, I32], &[I32]), Some(1)),
        ];
        for (module, name, ty, want) in cases {
            assert_eq!(rule(&Item::Import { module, name, ty }), want, "{module}.{name}");
        }
        for row in crate::table::host_fns::HOST_FNS {
            let ty = ExternType::Func(row.ty());
            assert_eq!(rule(&Item::Import { module: "env", name: row.name, ty }), None);
        }
    }

    #[test]
    fn a_message_has_the_beginning_of_a_name() {
        let name = "ä".repeat(40_000);
        let refusal =
            check_item(&Item::Import { module: "env", name: &name, ty: func(&[], &[]) }).unwrap_err();
        assert_eq!(refusal.text, format!("import `env.{}…`: there is no such host function", "ä".repeat(60)));
    }

    #[test]
    fn entry_points_have_one_type() {
        use ValType::I32;
        let memory = || ExternType::Memory(MemoryType { min: 1, max: None });
        for name in ["init", "invoke", "query", "migrate", "check_auth"] {
            for (ty, want) in [
                (func(&[], &[I32]), None),
                (func(&[], &[]), Some(4)),
                (func(&[I32], &[I32]), Some(4)),
                (func(&[], &[ValType::I64]), Some(4)),
                (memory(), Some(4)),
            ] {
                assert_eq!(rule(&Item::Export { name, ty: ty.clone() }), want, "{name}: {ty:?}");
            }
        }
        assert_eq!(rule(&Item::Export { name: "memory", ty: memory() }), None);
        assert_eq!(rule(&Item::Export { name: "memory", ty: func(&[], &[I32]) }), Some(4));
        // Anything else may be exported.
        assert_eq!(rule(&Item::Export { name: "__heap_base", ty: func(&[I32], &[]) }), None);
        assert_eq!(rule(&Item::Custom { name: "producers" }), None);
    }
}
