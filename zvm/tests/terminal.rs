//! Passwords as README has them: asked for on the terminal, without echo, twice when they are new.
#![cfg(target_os = "linux")]

mod common;

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{program, write, zvm};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use tempfile::tempdir;

/// Runs the program on a terminal of its own and types an answer after each prompt. What was on the screen, and
/// the exit code.
fn typed(args: &[&str], answers: &[(&str, &str)]) -> (String, i32) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&master).expect("granted");
    unlockpt(&master).expect("unlocked");
    let name = ptsname(&master, Vec::new()).expect("a name");
    let path = Path::new(name.to_str().expect("UTF-8"));
    let open = || Stdio::from(File::options().read(true).write(true).open(path).expect("opens"));
    let ours = program();
    // Prompts go to the controlling terminal, which a process gets from `setsid`.
    let mut command = Command::new("setsid");
    command.args(["--ctty", "--wait"]).arg(ours.get_program()).args(args);
    ours.get_envs().for_each(|(name, _)| {
        command.env_remove(name);
    });
    command.env("NO_COLOR", "1").stdin(open()).stdout(open()).stderr(open());
    let mut child = command.spawn().expect("starts");
    drop(command);
    let mut master = File::from(master);
    let (mut screen, mut seen, mut answers) = (String::new(), 0, answers.iter());
    let mut next = answers.next();
    let mut part = [0; 1024];
    // Reading ends with an error once nobody holds the other end.
    while let Ok(len @ 1..) = master.read(&mut part) {
        screen += std::str::from_utf8(&part[..len]).expect("UTF-8");
        if let Some((prompt, answer)) = next
            && let Some(at) = screen[seen..].find(prompt)
        {
            seen += at + prompt.len();
            // As fast as nobody types: before the program has turned the echo off.
            let hidden = (0..6_000).any(|_| {
                std::thread::sleep(Duration::from_millis(5));
                settings(path).contains(" -echo ")
            });
            assert!(hidden, "what is typed would be shown: {screen}");
            master.write_all(format!("{answer}\n").as_bytes()).expect("typed");
            next = answers.next();
        }
    }
    assert!(next.is_none(), "it did not ask `{next:?}`: {screen}");
    (screen, child.wait().expect("ends").code().expect("not killed"))
}

/// The terminal's settings in words.
fn settings(terminal: &Path) -> String {
    let output = Command::new("stty").arg("-a").arg("-F").arg(terminal).output().expect("stty runs");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn passwords_are_asked_for_and_not_shown() {
    let dir = tempdir().expect("a folder");
    let key = dir.path().join("alice.key");
    let key = key.to_str().expect("UTF-8");
    let (new, again, old) = ("Password for the key file: ", "The same again: ", "Password of the key file: ");

    let (screen, code) = typed(&["key", "new", key], &[(new, "one of mine"), (again, "another one")]);
    assert_eq!(code, 2, "{screen}");
    assert!(screen.contains("the two are not the same") && !Path::new(key).exists(), "{screen}");
    let (screen, code) = typed(&["key", "new", key], &[(new, "one of mine"), (again, "one of mine")]);
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains("address  0x") && !screen.contains("mine"), "{screen}");

    // What was typed is what a file may hold; something else does not open it.
    let address = screen.lines().find(|line| line.starts_with("address")).expect("a line").trim().to_string();
    let file = write(dir.path(), "password", "one of mine\n");
    let call =
        ["call", &format!("0x{}", "11".repeat(20)), "--pin", &"00".repeat(32), "--node", "127.0.0.1:9"];
    let to_sign = [&call[..], &["--key", key, "--timeout", "1"]].concat();
    let (screen, code) = typed(&to_sign, &[(old, "a wrong one")]);
    assert_eq!(code, 1, "{screen}");
    assert!(screen.contains("wrong password") && !screen.contains("a wrong one"), "{screen}");
    let (screen, code) = typed(&to_sign, &[(old, "one of mine")]);
    assert_eq!(code, 5, "the key opens, then nobody answers: {screen}");
    let shown = ["key", "show", key, "--password-file", file.to_str().expect("UTF-8")];
    assert!(zvm(shown).expect_code(0).out.contains(&address));
    // Without a terminal nothing waits for an answer.
    let ended = zvm(to_sign).expect_code(2);
    assert!(ended.err.contains("no terminal to ask on"), "{ended:?}");
}
