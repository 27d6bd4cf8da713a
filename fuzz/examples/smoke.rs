//! Every property on pseudo-random input, on a stable compiler, without coverage: `smoke [SECONDS]` for each
//! property, `smoke SECONDS TARGET` for one. The same seconds try the same inputs in the same order.

use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use ghost_wasm_fuzz::TARGETS;

fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn input(round: u64) -> Vec<u8> {
    let mut state = round;
    let len = [64, 600, 3_000, 8_000][(next(&mut state) & 3) as usize];
    (0..len).map(|_| next(&mut state) as u8).collect()
}

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let seconds = args.next().map_or(Some(15), |text| text.parse().ok());
    let Some(seconds) = seconds else {
        eprintln!("usage: smoke [SECONDS [TARGET]]");
        return ExitCode::from(2);
    };
    let only = args.next();
    for (name, check) in TARGETS.iter().filter(|(name, _)| only.as_deref().is_none_or(|only| only == *name)) {
        let start = Instant::now();
        let mut round = 0;
        while start.elapsed() < Duration::from_secs(seconds) {
            let data = input(round);
            if std::panic::catch_unwind(|| check(&data)).is_err() {
                let path = format!("smoke-{name}-{round}");
                let kept = std::fs::File::create(&path).and_then(|mut file| file.write_all(&data));
                eprintln!("{name}: round {round} fails; its input: {path} ({kept:?})");
                return ExitCode::FAILURE;
            }
            round += 1;
        }
        println!("{name}: {round} inputs in {:.0?}", start.elapsed());
    }
    ExitCode::SUCCESS
}
