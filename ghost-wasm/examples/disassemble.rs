//! Prints the internal code of a module: `cargo run -p ghost-wasm --features internals --example disassemble FILE`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: disassemble FILE.wasm")?;
    let engine = ghost_wasm::Engine::new(&ghost_wasm::Config::new(ghost_wasm::Profile::WASM_2_EXT));
    print!("{}", ghost_wasm::internals::disassemble(&engine, &std::fs::read(path)?)?);
    Ok(())
}
