//! The same bytes cut anywhere give the same module or the same error.
#![no_main]

use arbitrary::Unstructured;
use ghost_fuzz::{decode, module};
use ghost_wasm::{Config, Engine, Profile};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut u = Unstructured::new(data);
    let mut run = || -> arbitrary::Result<()> {
        let profile = u.choose(Profile::ALL)?.clone();
        let cuts: Vec<u8> = u.arbitrary()?;
        let bytes = module(&mut u)?;
        let engine = Engine::new(&Config::new(profile));
        let whole = decode(&engine, &bytes, || (usize::MAX, u64::MAX));
        let mut at = 0;
        let pieces = decode(&engine, &bytes, || {
            let cut = cuts.get(at % cuts.len().max(1)).copied().unwrap_or(1);
            at += 1;
            // No piece may be empty for ever.
            let len = usize::from(cut >> 2).max(usize::from(at % 7 == 0));
            (len, if cut & 3 == 0 { u64::from(cut) } else { u64::MAX })
        });
        assert_eq!(whole, pieces, "{bytes:02x?}");
        Ok(())
    };
    // Too few bytes for a case are none.
    let _case = run();
});
