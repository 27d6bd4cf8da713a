//! Runs the program as a user would.
#![allow(dead_code, reason = "each test file uses its part")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use serde_json::Value;

/// How a run of the program ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Ended {
        Ended {
            code: output.status.code().expect("not killed"),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

impl Ended {
    /// The JSON object; there is exactly one line.
    pub fn json(&self) -> Value {
        let mut lines = self.out.lines();
        let object = serde_json::from_str(lines.next().expect("a line")).expect("JSON");
        assert_eq!(lines.next(), None, "one object: {}", self.out);
        object
    }

    #[track_caller]
    pub fn expect_code(self, code: i32) -> Ended {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }
}

pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zvm"));
    for name in ["ZVM_NODE", "ZVM_PIN", "ZVM_KEY", "ZVM_PASSWORD_FILE", "ZVM_LOG"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

pub fn zvm<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Ended {
    finish(program().args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts"))
}

/// Waits, but not for ever: a node that starts where it must not would never end.
fn finish(child: Child) -> Ended {
    let id = child.id().to_string();
    let (send, ended) = channel();
    let waiting = std::thread::spawn(move || send.send(child.wait_with_output()));
    let Ok(output) = ended.recv_timeout(Duration::from_secs(120)) else {
        let _ = Command::new("kill").arg(id).status();
        let _ = waiting.join();
        panic!("still running after two minutes: {:?}", ended.try_recv());
    };
    output.expect("output").into()
}

pub fn contract(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    root.join(format!("contracts/{name}/{name}.wasm"))
}

pub fn write(dir: &Path, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, content).expect("written");
    path
}

/// A node in its own process; killed when dropped.
pub struct Node {
    child: Child,
    pub address: String,
    pub pin: String,
    pub started: Value,
}

impl Node {
    pub fn start(dir: &Path, more: &[&str]) -> Node {
        Node::spawn(
            program().args(["node", "--json", "--listen", "127.0.0.1:0", "--dir"]).arg(dir).args(more),
        )
    }

    pub fn spawn(command: &mut Command) -> Node {
        Node::spawned(command.stderr(Stdio::inherit()))
    }

    /// With its log in a file.
    pub fn spawn_logging(command: &mut Command, log: &Path) -> Node {
        Node::spawned(command.stderr(std::fs::File::create(log).expect("a file")))
    }

    /// With standard error as the command has it.
    pub fn spawned(command: &mut Command) -> Node {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("starts");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("piped")).read_line(&mut line).expect("a line");
        let started: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no start: {line}"));
        assert_eq!(started["event"], "listening", "{started}");
        let text = |name: &str| started["result"][name].as_str().expect("text").to_string();
        Node { address: text("address"), pin: text("pin"), child, started: started["result"].clone() }
    }

    /// Runs a command against this node.
    pub fn zvm(&self, args: &[&str]) -> Ended {
        let to = ["--node", &self.address, "--pin", &self.pin];
        zvm(args.iter().take(1).chain(&to).chain(args.iter().skip(1)))
    }

    /// The number of its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    pub fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("reaped");
    }

    /// Asks it to stop and waits.
    #[cfg(unix)]
    pub fn terminate(mut self) -> i32 {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill runs").success());
        self.child.wait().expect("reaped").code().expect("not killed")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
