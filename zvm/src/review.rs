//! Every reason why bytes would not become a contract, and what would make one dear. Judges nothing itself: the
//! rules of the engine and the host are asked again and again, each time with what they found before forgiven.
//!
//! Forgiven is: a refused import or export (passed over), a limit (raised to the web's), a proposal (switched
//! on, if the engine knows it), and what is wrong within a function (its body becomes `unreachable`, of the same
//! length, so that offsets stay). Anything else ends the review: what lies behind it cannot be read.

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use ghost_wasm::internals::module_data;
use ghost_wasm::table::features::Feature;
use ghost_wasm::table::limits::{Limit, Limits};
use ghost_wasm::{
    Config, Engine, Error, ErrorCode, ErrorKind, ExternType, Item, Linker, Module, ModuleStream, Profile,
    Store, Translation,
};
use serde_json::{Value, json};
use wast_runner::nearest::{self, quoted};
use zvm_host::contract::{self, ContractRule};
use zvm_host::table::host_fns::{HOST_FNS, MODULE};
use zvm_host::table::host_gas::{GROWTH_BYTE, INSTANCE_PAGES, MEMORY_PAGE};
use zvm_host::{ContractModule, exec};

use crate::cmd::validate::invalid;
use crate::failure::{Code, Exit, Failure};
use crate::scan::{self, Section};
use crate::types::ShortExtern;

/// Reasons that are told: nobody mends more at once.
pub const REASONS_MAX: usize = 64;
/// Bytes that are read in all, over and over: some seconds at most.
const BYTES_READ_MAX: usize = 256 << 20;
/// Bytes of a module of which the rest is looked at all the same if it is too long: as long as debug builds are.
const LEN_MAX: usize = 32 << 20;
/// Bytes of custom sections that are worth a word, unless they are for debuggers.
const CUSTOM_BYTES_MAX: usize = 16 << 10;
/// Gas for the try to make an instance, start function included.
const TRY_GAS: u64 = 1_000_000_000;

/// What would not keep a module from being deployed.
#[derive(Clone, Debug)]
pub struct Warning {
    /// One word.
    pub kind: &'static str,
    /// The message.
    pub text: String,
    /// What could be done.
    pub help: String,
    /// What it costs.
    pub gas: Option<u64>,
}

impl Warning {
    /// The shape in `docs/cli.md`.
    pub fn json(&self) -> Value {
        json!({
            "kind": self.kind,
            "text": self.text,
            "help": self.help,
            "gas": self.gas.map(|gas| gas.to_string()),
        })
    }
}

/// What is known about a module.
#[derive(Clone, Debug)]
pub struct Review {
    /// Why it would not be deployed, in the order of the module.
    pub errors: Vec<Failure>,
    /// What would make it dear.
    pub warnings: Vec<Warning>,
    /// Whether all of the module was looked at.
    pub complete: bool,
    /// Gas of a deploy without arguments, and without what the start function and `init` use.
    pub deploy_gas: Option<u64>,
    /// The module's length without custom sections.
    pub stripped_len: usize,
}

/// Looks at all of a module.
pub fn review(bytes: &[u8], path: &Path) -> Review {
    let sections = scan::sections(bytes);
    let customs: Vec<_> = sections.iter().filter(|section| section.id == scan::CUSTOM).collect();
    let custom_len = customs.iter().map(|section| section.content.end.saturating_sub(section.offset)).sum();
    let stripped_len = bytes.len().saturating_sub(custom_len);

    let mut search = Search::new(bytes, path, stripped_len);
    let module = search.run();
    let mut errors = search.errors;
    let complete = module.is_some();
    let mut warnings = Vec::new();
    if let Some(module) = &module {
        let exports = || module.exports().map(|export| (export.name().to_owned(), text_of(export.ty())));
        errors.extend(contract::lacks(module).map(|(name, refusal)| {
            let meant = nearest::closest(name, module.exports().map(|export| export.name()));
            let meant = meant.map(|meant| format!("is {} meant? ", quoted(meant))).unwrap_or_default();
            let mut failure = refused(ContractRule::MissingExport as u32, refusal.text).in_file(path);
            failure.help = Some(format!("{meant}{}", nearest::exports(name, exports())));
            failure
        }));
        warnings.extend(dear_memory(module));
        warnings.extend(start_function(module));
    }
    warnings.extend(needless(&customs, custom_len, bytes.len(), stripped_len));
    let contract = errors.is_empty().then(|| ContractModule::new(&contract::engine(), bytes).ok()).flatten();
    if let Some(error) = contract.as_ref().and_then(|contract| no_instance(contract.module())) {
        errors.push(cannot_begin(&error, path));
    }
    let deploy_gas = contract
        .filter(|_| errors.is_empty())
        .map(|contract| exec::deploy::least_gas(zvm_host::envelope::FIXED_LEN.saturating_add(32), &contract));
    Review { errors, warnings, complete, deploy_gas, stripped_len }
}

/// What has been found and forgiven.
struct Search<'a> {
    path: &'a Path,
    original: &'a [u8],
    /// With the bodies replaced that had something wrong in them.
    bytes: Cow<'a, [u8]>,
    bodies: Option<Vec<Range<usize>>>,
    stripped_len: usize,
    profile: Profile,
    /// Refused imports and exports that pass.
    items: usize,
    /// Proposals that are named already, and in how many functions more they were found.
    proposals: Vec<(Feature, usize, usize)>,
    read: usize,
    errors: Vec<Failure>,
}

/// An import or export that was refused.
#[derive(Clone, Debug)]
struct Refused {
    /// The module of an import.
    from: Option<String>,
    name: String,
}

impl<'a> Search<'a> {
    fn new(bytes: &'a [u8], path: &'a Path, stripped_len: usize) -> Search<'a> {
        Search {
            path,
            original: bytes,
            bytes: Cow::Borrowed(bytes),
            bodies: None,
            stripped_len,
            profile: Profile::CONTRACT_V1,
            items: 0,
            proposals: Vec::new(),
            read: 0,
            errors: Vec::new(),
        }
    }

    /// Forgives until the module is whole; nothing if it never is.
    fn run(&mut self) -> Option<Module> {
        let module = loop {
            self.read = self.read.saturating_add(self.bytes.len());
            let (error, item) = match self.attempt() {
                Ok(module) => break Some(module),
                Err(failed) => failed,
            };
            self.note(&error, item.as_ref());
            let enough = self.errors.len() >= REASONS_MAX || self.read > BYTES_READ_MAX;
            if enough || !self.forgive(&error) {
                break None;
            }
        };
        for &(_, at, more) in &self.proposals {
            if let (Some(failure), 1..) = (self.errors.get_mut(at), more) {
                let functions = if more == 1 { "function" } else { "functions" };
                failure.text += &format!("; and in {more} more {functions}");
            }
        }
        module
    }

    /// The check itself.
    fn attempt(&self) -> Result<Module, (Error, Option<Refused>)> {
        let mut config = Config::new(self.profile.clone());
        config.translation(Translation::Lazy).names(false);
        let seen = Arc::new(Mutex::new(None));
        let (mut passing, last) = (self.items, Arc::clone(&seen));
        let mut stream = ModuleStream::new(&Engine::new(&config)).with_policy(move |item| {
            let Err(refusal) = contract::check_item(&item) else { return Ok(()) };
            if passing > 0 {
                passing = passing.saturating_sub(1);
                return Ok(());
            }
            *last.lock().unwrap_or_else(PoisonError::into_inner) = match item {
                Item::Import { module, name, .. } => {
                    Some(Refused { from: Some(module.into()), name: name.into() })
                }
                Item::Export { name, .. } => Some(Refused { from: None, name: name.into() }),
                Item::Custom { .. } => None,
            };
            Err(refusal)
        });
        stream
            .feed(&self.bytes)
            .and_then(|()| stream.finish())
            .map_err(|error| (error, seen.lock().unwrap_or_else(PoisonError::into_inner).take()))
    }

    /// Writes a reason down.
    fn note(&mut self, error: &Error, item: Option<&Refused>) {
        let at = self.errors.len();
        if let Some(proposal) = error.proposal() {
            if let Some(known) = self.proposals.iter_mut().find(|known| known.0 == proposal) {
                known.2 = known.2.saturating_add(1);
                return;
            }
            self.proposals.push((proposal, at, 0));
        }
        let mut failure = invalid(error, self.path, self.original);
        // Not what it was forgiven for before.
        failure.exit = Exit::Failed;
        if let (Some(rule), ErrorCode::Refused) = (error.operand(), error.code()) {
            failure.excerpt = None;
            failure.code = refused(rule, String::new()).code.clone();
            failure.help = item.map(|item| help_for_item(rule, item));
        }
        if let Some(proposal) = error.proposal() {
            let link = proposal.link().trim_matches(['<', '>']);
            failure.help = Some(format!("contracts do not have it; compile without it: {link}"));
        }
        if let Some((limit, _)) = error.exceeded_limit() {
            failure.help = Some(help_for_limit(limit, self.original.len(), self.stripped_len));
        }
        self.errors.push(failure);
    }

    /// Lets the same thing pass the next time; false if that cannot be done.
    fn forgive(&mut self, error: &Error) -> bool {
        if error.code() == ErrorCode::Refused {
            self.items = self.items.saturating_add(1);
            return true;
        }
        if let Some((limit, most)) = error.exceeded_limit() {
            let raised = Limits::JS_API.of(limit);
            self.profile =
                self.profile.clone().with_limits(self.profile.limits().clone().with(limit, raised));
            return u64::from(raised) > most && self.bytes.len() <= LEN_MAX;
        }
        if let Some(profile) =
            error.proposal().and_then(|proposal| self.profile.clone().with_feature(proposal))
        {
            let is_new = profile != self.profile;
            self.profile = profile;
            return is_new;
        }
        error.offset().and_then(|offset| usize::try_from(offset).ok()).is_some_and(|at| self.replace_body(at))
    }

    /// Makes `unreachable` of the function body that holds a byte: valid whatever its type, and as long.
    fn replace_body(&mut self, at: usize) -> bool {
        let (original, sections) = (self.original, || scan::sections(self.original));
        let bodies = self.bodies.get_or_insert_with(|| {
            scan::bodies(original, &sections()).into_iter().map(|body| body.range).collect()
        });
        // An `end` that is missing is told at the place behind the body.
        let found = bodies.iter().rposition(|body| body.start <= at && at <= body.end && body.len() >= 3);
        let Some(found) = found else { return false };
        // Each once: what is wrong with it now is not within it.
        let range = bodies.remove(found);
        let Some(body) = self.bytes.to_mut().get_mut(range) else { return false };
        let last = body.len().saturating_sub(1);
        for (index, byte) in body.iter_mut().enumerate() {
            // No locals, `unreachable`, `nop` and `end`.
            *byte = match index {
                0 | 1 => 0x00,
                _ if index == last => 0x0b,
                _ => 0x01,
            };
        }
        true
    }
}

fn refused(rule: u32, text: String) -> Failure {
    let mut failure = Failure::new(Exit::Failed, ErrorKind::Refused.text(), text);
    let number = u32::from(ErrorCode::Refused.number() & 0xff00).saturating_add(rule);
    failure.code = Some(Code { name: ErrorCode::Refused.name().into(), number });
    failure
}

fn text_of(ty: &ExternType) -> String {
    ShortExtern(ty.clone()).to_string()
}

/// What to do about an import or export that is refused.
fn help_for_item(rule: u32, item: &Refused) -> String {
    let name = item.name.as_str();
    let host = || HOST_FNS.iter().map(|row| row.name);
    let Some(from) = &item.from else {
        return "`memory` is the memory, and the entry points take nothing and return an i32".into();
    };
    match from.as_str() {
        "wasi_snapshot_preview1" | "wasi_unstable" => {
            return "built for WASI, which contracts do not have: build for wasm32-unknown-unknown or \
                    wasm32-freestanding, without a standard library that needs files, clocks or randomness"
                .into();
        }
        "__wbindgen_placeholder__" | "wbg" => {
            return "wasm-bindgen is for browsers: a contract declares its host functions itself".into();
        }
        _ => {}
    }
    if rule == ContractRule::ImportType as u32 {
        let ty = HOST_FNS.iter().find(|row| row.name == name).map(|row| row.ty());
        return match ty {
            Some(ty) => format!("declare it as a function of type {ty}: docs/host_functions.md"),
            None => "docs/host_functions.md has all host functions".into(),
        };
    }
    if from != MODULE && host().any(|known| known == name) {
        return format!(
            "import it from `{MODULE}`: in C `import_module(\"{MODULE}\")`, in Rust \
                        `#[link(wasm_import_module = \"{MODULE}\")]`"
        );
    }
    match (name, nearest::closest(name, host())) {
        (_, Some(meant)) => format!("is `{meant}` meant? docs/host_functions.md has all host functions"),
        ("memory", None) => {
            "a contract has its own memory and exports it: link without --import-memory".into()
        }
        ("abort", None) => {
            "AssemblyScript: compile with `--use abort=` and a function of the contract".into()
        }
        _ => "a function that nobody defines is imported by the linker: define it, or see \
              docs/host_functions.md for what there is"
            .into(),
    }
}

fn help_for_limit(limit: Limit, len: usize, stripped_len: usize) -> String {
    match limit {
        Limit::ModuleBytes if stripped_len < len => {
            let enough = stripped_len <= Limits::CONTRACT_V1.module_bytes as usize;
            let enough = if enough { "" } else { ", which is not enough" };
            format!("{stripped_len} bytes without custom sections{enough}: {STRIP}")
        }
        Limit::ModuleBytes => "compile for size, without what the contract does not need".into(),
        Limit::BodyBytes => "split the function, or keep the compiler from inlining so much into it".into(),
        Limit::MemoryPages => {
            let most = Limits::CONTRACT_V1.memory_pages;
            format!("let the memory begin with at most {most} pages of 64 KiB, and grow no further")
        }
        Limit::TableEntries => "let the table begin smaller".into(),
        Limit::Imports => "contracts need no more imports than there are host functions".into(),
        _ => format!("it limits {}", limit.reason()),
    }
}

/// How to leave custom sections out.
const STRIP: &str = "strip it: `-C strip=symbols` (rustc), `-fstrip` (zig), `-Wl,--strip-all` (clang), without \
                     `--debug` (asc), or `wasm-strip FILE`";

/// A memory for which every call pays.
fn dear_memory(module: &Module) -> Option<Warning> {
    let pages = contract::first_pages(module);
    let beyond = u64::from(pages).checked_sub(INSTANCE_PAGES).filter(|&beyond| beyond > 0)?;
    let gas = MEMORY_PAGE.saturating_mul(beyond);
    Some(Warning {
        kind: "memory",
        text: format!(
            "the memory begins with {pages} pages of 64 KiB: each call pays {gas} gas for the {beyond} beyond \
             {INSTANCE_PAGES}"
        ),
        help: "let it begin smaller and grow: a smaller stack (`-z stack-size=N`), smaller static buffers"
            .into(),
        gas: Some(gas),
    })
}

fn start_function(module: &Module) -> Option<Warning> {
    let start = module_data(module).start?;
    Some(Warning {
        kind: "start",
        text: format!("function {start} is the start function: it runs, and is paid, before every call"),
        help: "do it in `init` and keep the result in the storage, or compile it away".into(),
        gas: None,
    })
}

/// Custom sections: no call needs them, and they are paid for like code.
fn needless(customs: &[&Section], custom_len: usize, len: usize, stripped_len: usize) -> Option<Warning> {
    let is_debug = |section: &&&Section| {
        let name = section.custom.as_deref().unwrap_or_default();
        name.starts_with(".debug_") || matches!(name, "external_debug_info" | "sourceMappingURL")
    };
    let debug = customs.iter().filter(is_debug).count();
    if debug == 0 && custom_len <= CUSTOM_BYTES_MAX {
        return None;
    }
    let largest = customs.iter().max_by_key(|section| section.content.len());
    let largest = quoted(largest.and_then(|section| section.custom.as_deref()).unwrap_or_default());
    let gas = GROWTH_BYTE.saturating_mul(custom_len as u64);
    let what = if debug > 0 { "custom sections, some for debuggers," } else { "custom sections" };
    Some(Warning {
        kind: "custom sections",
        text: format!(
            "{what} are {custom_len} of {len} bytes, {largest} the largest: {gas} gas of a deploy, {stripped_len} \
             bytes without them"
        ),
        help: STRIP.into(),
        gas: Some(gas),
    })
}

/// Why no instance of a contract can be made; nothing if one can. Host functions that the start function calls
/// are not there: whether it fails in them is not known.
fn no_instance(contract: &Module) -> Option<Error> {
    let engine = contract.engine();
    let mut linker = Linker::new(engine);
    for row in HOST_FNS {
        let absent = |_: ghost_wasm::Caller<'_, ()>, _: &[ghost_wasm::Val], _: &mut [ghost_wasm::Val]| {
            Err(Error::new(ErrorCode::HostError))
        };
        if let Err(error) = linker.func_new(MODULE, row.name, row.ty(), absent) {
            return Some(error);
        }
    }
    let mut store = Store::new(engine, ());
    store.set_gas(TRY_GAS);
    let error = linker.instantiate(&mut store, contract).err()?;
    (error.kind() != ErrorKind::Host).then_some(error)
}

fn cannot_begin(error: &Error, path: &Path) -> Failure {
    let mut failure = Failure::engine(error).in_file(path);
    failure.exit = Exit::Failed;
    failure.text = format!("no call can begin, the deploy included: {error}");
    if let Some((limit, _)) = error.exceeded_limit() {
        failure.help = Some(help_for_limit(limit, 0, 0));
    }
    failure
}
