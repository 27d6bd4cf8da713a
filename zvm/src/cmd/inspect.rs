//! `zvm inspect`: sections, imports, exports, functions, work, and how much of each limit a module uses.

use std::path::PathBuf;

use ghost_wasm::internals::{ModuleData, module_data};
use ghost_wasm::table::limits::{Limit, Limits};
use ghost_wasm::{Config, Engine, ExternType, FuncType, Module, Profile};
use serde_json::{Value, json};

use crate::cmd::validate::invalid;
use crate::failure::Failure;
use crate::foreign::foreign;
use crate::module;
use crate::output::{BOLD, BREAK, DIM, Done, Output, styled};
use crate::scan::{self, Body, Section};

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
struct Use {
    limit: Limit,
    used: u64,
}

/// Runs the command.
pub fn run(args: Args, out: &Output) -> Result<Done, Failure> {
    let bytes = module::read(&args.file)?;
    let engine = Engine::new(&Config::new(args.profile));
    let module = Module::new(&engine, &bytes).map_err(|error| invalid(&error, &args.file, &bytes))?;
    let data = module_data(&module);
    let sections = scan::sections(&bytes);
    let bodies = scan::bodies(&bytes, &sections);
    let uses = uses(data, &bodies, bytes.len());

    out.line(format_args!(
        "{}  {} bytes, work {}, profile {}",
        styled(BOLD, foreign(&args.file.display().to_string())),
        bytes.len(),
        module.work(),
        engine.profile().name()
    ));
    show_sections(out, &sections);
    show_links(out, &module);
    show_functions(out, data, &bodies, &module, args.functions);
    show_limits(out, &uses, engine.profile().limits());

    Ok(Done::ok(json!({
        "file": args.file.display().to_string(),
        "bytes": bytes.len(),
        "work": module.work(),
        "profile": engine.profile().name(),
        "sections": sections.iter().map(section_json).collect::<Value>(),
        "imports": module.imports().map(|import| {
            json!({ "module": import.module(), "name": import.name(), "type": extern_json(import.ty()) })
        }).collect::<Value>(),
        "exports": module.exports().map(|export| {
            json!({ "name": export.name(), "type": extern_json(export.ty()) })
        }).collect::<Value>(),
        "start": data.start,
        "functions": {
            "imported": data.env.imported_funcs,
            "defined": bodies.len(),
            "list": bodies.iter().map(|body| function_json(body, data, &module)).collect::<Value>(),
        },
        "limits": uses.iter().map(|row| json!({
            "name": row.limit.name(),
            "unit": row.limit.unit(),
            "used": row.used,
            "allowed": engine.profile().limits().of(row.limit),
            "contract_v1": Limits::CONTRACT_V1.of(row.limit),
        })).collect::<Value>(),
    })))
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

fn show_links(out: &Output, module: &Module) {
    out.line(format_args!("{BREAK}{}", styled(BOLD, "imports")));
    if module.imports().len() == 0 {
        out.line(styled(DIM, "  none"));
    }
    for import in module.imports() {
        out.line(format_args!(
            "  {}.{}  {}",
            foreign(import.module()),
            foreign(import.name()),
            extern_text(import.ty())
        ));
    }
    out.line(format_args!("{BREAK}{}", styled(BOLD, "exports")));
    if module.exports().len() == 0 {
        out.line(styled(DIM, "  none"));
    }
    for export in module.exports() {
        out.line(format_args!("  {}  {}", foreign(export.name()), extern_text(export.ty())));
    }
}

fn show_functions(out: &Output, data: &ModuleData, bodies: &[Body], module: &Module, all: bool) {
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
        let name = module
            .function_name(body.function)
            .map(|name| format!("  {}", foreign(name)))
            .unwrap_or_default();
        let ty = data.env.func_type(body.function).map(FuncType::to_string).unwrap_or_default();
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

fn function_json(body: &Body, data: &ModuleData, module: &Module) -> Value {
    json!({
        "index": body.function,
        "name": module.function_name(body.function),
        "type": data.env.func_type(body.function).map(func_json),
        "offset": body.range.start,
        "bytes": body.range.len(),
    })
}

fn func_json(ty: &FuncType) -> Value {
    let names = |types: &[ghost_wasm::ValType]| types.iter().map(|ty| ty.text()).collect::<Vec<_>>();
    json!({ "params": names(ty.params()), "results": names(ty.results()) })
}

fn extern_json(ty: &ExternType) -> Value {
    match ty {
        ExternType::Func(ty) => {
            let mut object = func_json(ty);
            object["kind"] = json!("func");
            object
        }
        ExternType::Table(ty) => {
            json!({ "kind": "table", "element": ty.element.text(), "min": ty.min, "max": ty.max })
        }
        ExternType::Memory(ty) => json!({ "kind": "memory", "min": ty.min, "max": ty.max }),
        ExternType::Global(ty) => {
            json!({ "kind": "global", "content": ty.content.text(), "mutable": ty.mutable })
        }
    }
}

/// A type as people read it.
pub fn extern_text(ty: &ExternType) -> String {
    let limits = |min: u32, max: Option<u32>| match max {
        Some(max) => format!("{min}..{max}"),
        None => format!("{min}.."),
    };
    match ty {
        ExternType::Func(ty) => format!("func {ty}"),
        ExternType::Table(ty) => format!("table {} of {}", limits(ty.min, ty.max), ty.element),
        ExternType::Memory(ty) => format!("memory {} pages", limits(ty.min, ty.max)),
        ExternType::Global(ty) if ty.mutable => format!("global mut {}", ty.content),
        ExternType::Global(ty) => format!("global {}", ty.content),
    }
}
