//! Asking an engine in another process: one that may take the process down, and all whose memory is measured.

use std::process::Command;

use crate::engine::Engine;
use crate::measure::{Failed, Subject};
use crate::what::{Case, Group, What};

/// Instances that stay alive while their memory is measured.
const LIVE_COUNT: u64 = 1000;

/// In the process that was started for it: one call, or the measurement of memory. Prints the figure.
pub fn answer(engine: &'static Engine, group: &'static Group, case: &Case) -> Result<String, Failed> {
    let mut work = Subject::new(engine, group, case).work?;
    let mut call = || {
        let returned = work().map_err(|why| Failed::Unable(why.to_string()))?;
        if returned.value == case.expected {
            return Ok(());
        }
        Err(Failed::Wrong(format!("returned {}, expected {}", returned.value, case.expected)))
    };
    // Whatever the engine sets up once, it has set up now.
    call()?;
    if group.what != What::Memory {
        return Ok(String::new());
    }
    let before = resident_bytes()?;
    for _ in 0..LIVE_COUNT {
        call()?;
    }
    let grown = resident_bytes()?.saturating_sub(before) / LIVE_COUNT;
    Ok(grown.saturating_sub(case.touched_bytes).to_string())
}

/// Anonymous memory of this process that is in core.
fn resident_bytes() -> Result<u64, Failed> {
    let unable = |why: String| Failed::Unable(format!("/proc/self/smaps_rollup: {why}"));
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").map_err(|why| unable(why.to_string()))?;
    let line = text.lines().find_map(|line| line.strip_prefix("Anonymous:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kib.map(|kib| kib * 1024).ok_or_else(|| unable("no line `Anonymous`".into()))
}

/// Asks in a process of its own.
pub fn ask(engine: &'static Engine, group: &'static Group, case: &Case) -> Result<String, Failed> {
    let unable = |why: String| Failed::Unable(why);
    let program = std::env::current_exe().map_err(|why| unable(why.to_string()))?;
    let what = format!("{:?}", group.what).to_lowercase();
    let output = Command::new(program)
        .args(["--probe", "--what", &what, "--engines", engine.name, "--cases", case.name])
        .output()
        .map_err(|why| unable(why.to_string()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_string());
    }
    if let Some(why) = said.lines().find_map(|line| line.strip_prefix("wrong: ")) {
        return Err(Failed::Wrong(why.to_string()));
    }
    if let Some(why) = said.lines().find_map(|line| line.strip_prefix("unable: ")) {
        return Err(unable(why.to_string()));
    }
    let words: Vec<_> =
        said.lines().filter(|line| !line.starts_with("note:") && !line.is_empty()).take(2).collect();
    let words = without_machine(&words.join(" "));
    Err(unable(format!("took its process down ({}): {words}", output.status)))
}

/// A message without the folder that a package was built in: that is of this machine alone.
fn without_machine(message: &str) -> String {
    let package =
        |word: &str| match word.split_once("/registry/src/").and_then(|(_, rest)| rest.split_once('/')) {
            Some((_registry, place)) => place.to_string(),
            None => word.to_string(),
        };
    message.split(' ').map(package).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn places_in_packages_begin_with_the_package() {
        let told = "panicked at /home/me/.cargo/registry/src/some.host-1949cf8c/stitch-0.1.0/src/compile.rs:175:22: why";
        assert_eq!(super::without_machine(told), "panicked at stitch-0.1.0/src/compile.rs:175:22: why");
        assert_eq!(super::without_machine("no place at all"), "no place at all");
    }
}
