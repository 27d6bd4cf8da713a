//! `show INPUT OUTPUT.wasm`: the module that the target `execute` makes of an input.

use std::process::ExitCode;

fn main() -> ExitCode {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let [input, output] = paths.as_slice() else {
        eprintln!("usage: show INPUT OUTPUT.wasm");
        return ExitCode::from(2);
    };
    let done = std::fs::read(input).and_then(|data| match ghost_wasm_fuzz::execute::program_of(&data) {
        Some((program, seed, chunk)) => {
            println!("nan_free {}, seed {seed}, pieces of {chunk} bytes", program.nan_free);
            std::fs::write(output, program.bytes)
        }
        None => Err(std::io::Error::other("the input makes no program")),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
