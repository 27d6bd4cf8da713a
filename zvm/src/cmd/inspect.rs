//! `zvm inspect`: sections, imports, exports, functions, work, and how much of each limit a module uses.

use std::path::PathBuf;

use ghost_wasm::internals::{ExternKind, ModuleData, module_data};
use ghost_wasm::table::limits::{Limit, Limits};
use ghost_wasm::{Config, Engine, ExternType, FuncType, Module, Profile, ValType};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

use crate::cmd::validate::invalid;
use crate::failure::Failure;
use crate::foreign::foreign;
use crate::module;
use crate::output::{BOLD, BREAK, DIM, Done, Each, Output, styled};
use crate::scan::{self, Body, Section};
use crate::types::{ShortExtern, is_long};

/// The version of this command's JSON shapes. In version 1 each function had its type written out, which made
/// 122 MB of a module of 81 KB.
pub const SHAPE: u32 = 2;

/// Show what a module is made of
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A module: .wasm or .wat; - is standard input
    file: PathBuf,

    /// List every function
    #[arg(long)]
    functions: bool,

    /// The rules to read it by
    #[arg(long, default_value = Profile::WASM_2_EXT.name(), value_parser = module::profiles())]
    profile: Profile,
}

/// What a module uses of a limit, and what contracts may use of it.
#[derive(Debug)]
struct Use {
    limit: Limit,
    used: u64,
}

/// A module and what was found in it. Everything is written item by item: nothing here grows faster than the
/// module.
#[derive(Debug)]
struct Inspection {
    file: String,
    len_bytes: usize,
    module: Module,
    sections: Vec<Section>,
    bodies: Vec<Body>,
    uses: Vec<Use>,
}

/// Runs the command.
pub fn run(args: Args, out: &Output) -> Result<Done, Failure> {
    let bytes = module::read(&args.file)?;
    let engine = Engine::new(&Config::new(args.profile));
    let module = Module::new(&engine, &bytes).map_err(|error| invalid(&error, &args.file, &bytes))?;
    let sections = scan::sections(&bytes);
    let bodies = scan::bodies(&bytes, &sections);
    let found = Inspection {
        file: args.file.display().to_string(),
        len_bytes: bytes.len(),
        uses: uses(module_data(&module), &bodies, bytes.len()),
        module,
        sections,
        bodies,
    };
    found.show(out, args.functions);
    Ok(Done::ok(found))
}

impl Inspection {
    fn data(&self) -> &ModuleData {
        module_data(&self.module)
    }

    fn profile(&self) -> &Profile {
        self.module.engine().profile()
    }

    fn show(&self, out: &Output, all: bool) {
        out.line(format_args!(
            "{}  {} bytes, work {}, profile {}",
            styled(BOLD, foreign(&self.file)),
            self.len_bytes,
            self.module.work(),
            self.profile().name()
        ));
        show_sections(out, &self.sections);
        show_long_types(out, self.data());
        show_links(out, self.data());
        show_functions(out, self.data(), &self.bodies, all);
        show_limits(out, &self.uses, self.profile().limits());
    }
}

/// The shape in `docs/cli.md`.
impl Serialize for Inspection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let data = self.data();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("file", &self.file)?;
        map.serialize_entry("bytes", &self.len_bytes)?;
        map.serialize_entry("work", &self.module.work())?;
        map.serialize_entry("profile", self.profile().name())?;
        map.serialize_entry("sections", &Each(|| self.sections.iter().map(section_json)))?;
        map.serialize_entry("types", &Each(|| data.env.types.iter().map(func_json)))?;
        map.serialize_entry(
            "imports",
            &Each(|| {
                data.imports.iter().map(|import| {
                    let ty = extern_json(data, import.kind, import.index);
                    json!({ "module": import.module, "name": import.name, "type": ty })
                })
            }),
        )?;
        map.serialize_entry(
            "exports",
            &Each(|| {
                data.exports.iter().map(|export| {
                    json!({ "name": export.name, "type": extern_json(data, export.kind, export.index) })
                })
            }),
        )?;
        map.serialize_entry("start", &data.start)?;
        map.serialize_entry("functions", &Functions(self))?;
        let allowed = self.profile().limits();
        map.serialize_entry("limits", &Each(|| self.uses.iter().map(|row| use_json(row, allowed))))?;
        map.end()
    }
}

/// The functions of a module.
struct Functions<'a>(&'a Inspection);

impl Serialize for Functions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (data, bodies) = (self.0.data(), &self.0.bodies);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("imported", &data.env.imported_funcs)?;
        map.serialize_entry("defined", &bodies.len())?;
        map.serialize_entry("list", &Each(|| bodies.iter().map(|body| function_json(body, data))))?;
        map.end()
    }
}

fn show_sections(out: &Output, sections: &[Section]) {
    out.line(format_args!("{BREAK}{}", styled(BOLD, "sections")));
    for section in sections {
        let custom =
            section.custom.as_deref().map(|name| format!(" \"{}\"", foreign(name))).unwrap_or_default();
        out.line(format_args!(
            "  {:#08x}  {:>9} bytes  {}{custom}",
            section.offset,
            section.content.len(),
            section.name()
        ));
    }
}

/// The types that the other lists name by their index.
fn show_long_types(out: &Output, data: &ModuleData) {
    let mut heading = Some("long types");
    for (index, ty) in data.env.types.iter().enumerate().filter(|(_, ty)| is_long(ty)) {
        if let Some(heading) = heading.take() {
            out.line(format_args!("{BREAK}{}", styled(BOLD, heading)));
        }
        out.line(format_args!("  type {index}  {ty}"));
    }
}

fn show_links(out: &Output, data: &ModuleData) {
    out.line(format_args!("{BREAK}{}", styled(BOLD, "imports")));
    if data.imports.is_empty() {
        out.line(styled(DIM, "  none"));
    }
    for import in &data.imports {
        out.line(format_args!(
            "  {}.{}  {}",
            foreign(&import.module),
            foreign(&import.name),
            extern_text(data, import.kind, import.index)
        ));
    }
    out.line(format_args!("{BREAK}{}", styled(BOLD, "exports")));
    if data.exports.is_empty() {
        out.line(styled(DIM, "  none"));
    }
    for export in &data.exports {
        out.line(format_args!(
            "  {}  {}",
            foreign(&export.name),
            extern_text(data, export.kind, export.index)
        ));
    }
}

fn show_functions(out: &Output, data: &ModuleData, bodies: &[Body], all: bool) {
    let code: usize = bodies.iter().map(|body| body.range.len()).sum();
    out.line(format_args!(
        "{BREAK}{}{BREAK}  {} imported, {} defined, {code} bytes of code",
        styled(BOLD, "functions"),
        data.env.imported_funcs,
        bodies.len()
    ));
    if let Some(start) = data.start {
        out.line(format_args!("  start: function {start}"));
    }
    if !all {
        return;
    }
    for body in bodies {
        let name = data.names.function(body.function);
        let name = name.map(|name| format!("  {}", foreign(name))).unwrap_or_default();
        let ty = func_text(data, body.function);
        out.line(format_args!(
            "  {:>6}  {:#08x}  {:>7} bytes  {ty}{}",
            body.function,
            body.range.start,
            body.range.len(),
            styled(DIM, name)
        ));
    }
}

fn show_limits(out: &Output, uses: &[Use], allowed: &Limits) {
    out.line(format_args!("{BREAK}{}  used / allowed (contracts)", styled(BOLD, "limits")));
    for row in uses {
        let contract = Limits::CONTRACT_V1.of(row.limit);
        let beyond = if row.used > u64::from(contract) { "  too much for a contract" } else { "" };
        out.line(format_args!(
            "  {:<15} {:>9} / {} ({contract}) {}{beyond}",
            row.limit.name(),
            row.used,
            allowed.of(row.limit),
            row.limit.unit()
        ));
    }
}

/// The limits whose use can be read off a module; the others concern its run.
fn uses(data: &ModuleData, bodies: &[Body], byte_len: usize) -> Vec<Use> {
    let env = &data.env;
    let count = |len: usize| u64::try_from(len).unwrap_or(u64::MAX);
    let most = |counts: &mut dyn Iterator<Item = usize>| count(counts.max().unwrap_or(0));
    let sum = |sizes: &mut dyn Iterator<Item = u32>| u64::from(sizes.max().unwrap_or(0));
    let rows = [
        (Limit::ModuleBytes, count(byte_len)),
        (Limit::Types, count(env.types.len())),
        (Limit::Functions, count(env.funcs.len())),
        (Limit::Imports, count(data.imports.len())),
        (Limit::Exports, count(data.exports.len())),
        (Limit::Globals, count(env.globals.len())),
        (Limit::DataSegments, count(data.datas.count())),
        (Limit::ElemSegments, count(data.elems.len())),
        (Limit::Tables, count(env.tables.len())),
        (Limit::TableEntries, sum(&mut env.tables.iter().map(|table| table.min))),
        (Limit::Memories, count(env.memories.len())),
        (Limit::MemoryPages, sum(&mut env.memories.iter().map(|memory| memory.min))),
        (Limit::Params, most(&mut env.types.iter().map(|ty| ty.params().len()))),
        (Limit::Results, most(&mut env.types.iter().map(|ty| ty.results().len()))),
        (Limit::BodyBytes, most(&mut bodies.iter().map(|body| body.range.len()))),
    ];
    rows.into_iter().map(|(limit, used)| Use { limit, used }).collect()
}

fn section_json(section: &Section) -> Value {
    json!({
        "id": section.id,
        "name": section.name(),
        "custom": section.custom,
        "offset": section.offset,
        "bytes": section.content.len(),
    })
}

fn use_json(row: &Use, allowed: &Limits) -> Value {
    json!({
        "name": row.limit.name(),
        "unit": row.limit.unit(),
        "used": row.used,
        "allowed": allowed.of(row.limit),
        "contract_v1": Limits::CONTRACT_V1.of(row.limit),
    })
}

fn function_json(body: &Body, data: &ModuleData) -> Value {
    json!({
        "index": body.function,
        "name": data.names.function(body.function),
        "type": type_index(data, body.function),
        "offset": body.range.start,
        "bytes": body.range.len(),
    })
}

fn func_json(ty: &FuncType) -> Value {
    let names = |types: &[ValType]| types.iter().map(|ty| ty.text()).collect::<Vec<_>>();
    json!({ "params": names(ty.params()), "results": names(ty.results()) })
}

fn type_index(data: &ModuleData, function: u32) -> Option<u32> {
    data.env.funcs.get(usize::try_from(function).ok()?).copied()
}

fn extern_json(data: &ModuleData, kind: ExternKind, index: u32) -> Value {
    data.extern_type(kind, index).map_or(Value::Null, |ty| match ty {
        ExternType::Func(_) => json!({ "kind": "func", "type": type_index(data, index) }),
        ExternType::Table(ty) => {
            json!({ "kind": "table", "element": ty.element.text(), "min": ty.min, "max": ty.max })
        }
        ExternType::Memory(ty) => json!({ "kind": "memory", "min": ty.min, "max": ty.max }),
        ExternType::Global(ty) => {
            json!({ "kind": "global", "content": ty.content.text(), "mutable": ty.mutable })
        }
    })
}

/// The type of a function; a long one is named by its index.
fn func_text(data: &ModuleData, function: u32) -> String {
    match (data.env.func_type(function), type_index(data, function)) {
        (Some(ty), Some(index)) if is_long(ty) => format!("type {index}"),
        (ty, _) => ty.map(FuncType::to_string).unwrap_or_default(),
    }
}

fn extern_text(data: &ModuleData, kind: ExternKind, index: u32) -> String {
    match kind {
        ExternKind::Func => format!("func {}", func_text(data, index)),
        _ => data.extern_type(kind, index).map(|ty| ShortExtern(ty).to_string()).unwrap_or_default(),
    }
}
