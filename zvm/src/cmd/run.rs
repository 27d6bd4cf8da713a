//! `zvm run`: instantiates a module without imports and calls one of its functions under a gas limit.

use std::path::PathBuf;

use ghost_wasm::{
    Config, Engine, ErrorKind, Extern, ExternType, Func, FuncType, Instance, Linker, Module, Profile, Store,
    Val,
};
use serde_json::{Value, json};
use wast_runner::nearest::{self, quoted};

use crate::cmd::validate::invalid;
use crate::failure::{Exit, Failure};
use crate::module;
use crate::output::{DIM, Done, Output, styled};
use crate::types::{Short, ShortExtern};
use crate::values;

/// Run a function of a module
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A module: .wasm or .wat; - is standard input
    file: PathBuf,

    /// The exported function to call; without it the module is only instantiated, its start function run
    #[arg(long, value_name = "NAME")]
    invoke: Option<String>,

    /// Its arguments; what begins with a minus and is no decimal number goes behind `--`
    #[arg(requires = "invoke", allow_negative_numbers = true)]
    args: Vec<String>,

    /// Gas for instantiation and call together
    #[arg(long, value_name = "GAS")]
    gas: Option<u64>,

    /// Features, limits and gas schedule
    #[arg(long, default_value = Profile::WASM_2_EXT.name(), value_parser = module::profiles())]
    profile: Profile,
}

/// Runs the command.
pub fn run(args: Args, out: &Output) -> Result<Done, Failure> {
    let bytes = module::read(&args.file)?;
    let engine = Engine::new(&Config::new(args.profile));
    let module = Module::new(&engine, &bytes).map_err(|error| invalid(&error, &args.file, &bytes))?;
    // Before anything runs: a wrong name or argument must not cost a run of the start function.
    let call = args.invoke.as_deref().map(|name| prepare(&module, name, &args.args)).transpose()?;

    let mut store = Store::new(&engine, ());
    if let Some(gas) = args.gas {
        store.set_gas(gas);
    }
    let results = execute(&mut store, &module, args.invoke.as_deref().zip(call.as_ref()));
    let gas_used = store.gas_used();
    let results = results.map_err(|error| {
        out.note(styled(DIM, format_args!("gas used {gas_used}")));
        let mut failure = Failure::engine(&error).in_file(&args.file);
        failure.gas_used = Some(gas_used);
        match error.kind() {
            ErrorKind::Link => {
                failure.help = Some(
                    "`run` gives a module nothing to import; a contract is run by a node (`zvm deploy`)"
                        .into(),
                );
            }
            ErrorKind::OutOfGas => {
                failure.help = Some(format!("{gas_used} gas was not enough; give more with --gas"));
            }
            _ => {}
        }
        failure
    })?;
    for value in &results {
        out.line(values::text(value));
    }
    out.note(styled(DIM, format_args!("gas used {gas_used}")));
    Ok(Done::ok(json!({
        "file": args.file.display().to_string(),
        "invoked": args.invoke,
        "results": results.iter().map(values::to_json).collect::<Value>(),
        "gas_used": gas_used.to_string(),
    })))
}

/// A call whose arguments fit.
struct Call {
    args: Vec<Val>,
    results: usize,
}

fn prepare(module: &Module, name: &str, args: &[String]) -> Result<Call, Failure> {
    let export = module.exports().find(|export| export.name() == name);
    let Some(export) = export else {
        return Err(Failure::new(
            Exit::Failed,
            "unknown export",
            format_args!("no export is called {}", quoted(name)),
        )
        .with_help(exports(module, name)));
    };
    let ExternType::Func(ty) = export.ty() else {
        let text =
            format!("the export {} is no function but a {}", quoted(name), ShortExtern(export.ty().clone()));
        return Err(Failure::new(Exit::Failed, "unknown export", text).with_help(exports(module, name)));
    };
    let args = parse_args(name, ty, args)?;
    Ok(Call { args, results: ty.results().len() })
}

fn parse_args(name: &str, ty: &FuncType, args: &[String]) -> Result<Vec<Val>, Failure> {
    if args.len() != ty.params().len() {
        let (params, given) = (ty.params().len(), args.len());
        let text = format!("{} takes {params} arguments, {given} given: {}", quoted(name), Short(ty));
        return Err(Failure::usage(text));
    }
    let parse = |(text, ty): (&String, _)| values::parse(text, ty).map_err(Failure::usage);
    args.iter().zip(ty.params().iter().copied()).map(parse).collect()
}

/// What there is, the names closest to `wanted` first.
fn exports(module: &Module, wanted: &str) -> String {
    nearest::exports(
        wanted,
        module.exports().map(|export| (export.name().to_owned(), ShortExtern(export.ty().clone()))),
    )
}

/// Links against nothing: what a module imports is a link error, whatever it is.
fn execute(
    store: &mut Store<()>,
    module: &Module,
    call: Option<(&str, &Call)>,
) -> Result<Vec<Val>, ghost_wasm::Error> {
    let instance: Instance = Linker::new(module.engine()).instantiate(&mut *store, module)?;
    let Some((name, call)) = call else { return Ok(Vec::new()) };
    let func: Option<Func> = instance.get_export(&*store, name).and_then(Extern::into_func);
    let Some(func) = func else {
        return Err(ghost_wasm::Error::new(ghost_wasm::ErrorCode::UnknownExport).with_detail(name));
    };
    let mut results = vec![Val::I32(0); call.results];
    func.call(&mut *store, &call.args, &mut results)?;
    Ok(results)
}
