//! Runs the pages. Each command in a fenced `sh` block of README.md, docs/ and contracts/README.md runs in order,
//! each page in a folder and a shell of its own, and a page's text is compared with what happens:
//!
//! - `# → TEXT` behind a command is all that it prints; on lines below it, lines of its output in this order; `…`
//!   stands for any text;
//! - `# … exit code N …` is how it ends, 0 otherwise;
//! - `# … prints … NAME …` takes a value out of the output, for the commands that have NAME in them.
//!
//! `zvm node` runs in the background, at a free port. Commands that do not run here are in [`ELSEWHERE`].
#![cfg(unix)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use common::{program, zvm};
use tempfile::{TempDir, tempdir};

/// Commands that these tests do not run: the page, the command, why, and the file and the text in it that do.
const ELSEWHERE: &[(&str, &str, &str, (&str, &str))] = &[
    (
        "README.md",
        "cargo run --release -p zvm -- demo",
        "a release build of its own; the step `demo` runs it",
        (".ci/run", "cargo run --locked --release -p zvm -- demo"),
    ),
    (
        "README.md",
        "cargo test",
        "this test is a part of it; the step `test` runs it",
        (".ci/run", "cargo test --locked --no-fail-fast"),
    ),
];

/// Pages whose commands go on where another page's ended: the commands of that one run first.
const AFTER: &[(&str, &str)] = &[("docs/cli.md", "README.md"), ("docs/write-a-contract.md", "README.md")];

/// What a page may let a command print for later ones: the name, the line's first word, the value's beginning,
/// its hex digits.
const VALUES: &[(&str, &str, &str, usize)] = &[
    ("ADDRESS", "address", "0x", 40),
    ("FINGERPRINT", "fingerprint", "", 64),
    ("CONTRACT", "created", "0x", 40),
];

/// Languages of blocks that hold no commands.
const NOT_COMMANDS: &[&str] = &["text", "json", "toml", "wat", "c", "zig", "rust", "rust,no_run", "ts"];

/// How long a command, or a node until it listens, may take. Far more than any needs.
const WAIT: Duration = Duration::from_secs(180);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

fn read(page: &str) -> String {
    fs::read_to_string(root().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"))
}

/// README.md, contracts/README.md and every page below docs/.
fn pages() -> Vec<String> {
    fn search(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                search(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    let mut found = vec![root().join("README.md"), root().join("contracts/README.md")];
    search(&root().join("docs"), &mut found);
    found.sort();
    let name = |path: PathBuf| path.strip_prefix(root()).expect("below").to_str().expect("UTF-8").to_string();
    found.into_iter().map(name).collect()
}

/// A line before a block that shows a file of the repository: this, its path, ` -->`. A build script that a page
/// shows so is not run here: `contracts/build.sh`, a step of `.ci/run`, runs it with the compilers.
const SOURCE: &str = "<!-- source: ";

/// A page's fenced blocks that show no file: line, language, content; and the text outside of blocks.
fn blocks(page: &str) -> (Vec<(usize, String, String)>, String) {
    let (mut blocks, mut prose) = (Vec::new(), String::new());
    let mut open: Option<(usize, String, String)> = None;
    let text = read(page);
    let (mut shows_file, mut before) = (false, "");
    for (at, line) in text.lines().enumerate() {
        match (&mut open, line.trim_start().strip_prefix("```")) {
            (None, Some(language)) => {
                open = Some((at + 2, language.trim().into(), String::new()));
                shows_file = before.starts_with(SOURCE);
            }
            (Some(_), Some(_)) => blocks.extend(open.take().filter(|_| !shows_file)),
            (Some((_, _, content)), None) => *content += &format!("{line}\n"),
            (None, None) => prose += &format!("{line}\n"),
        }
        before = line;
    }
    assert!(open.is_none(), "{page}: a block has no end");
    (blocks, prose)
}

/// One command of a page and what the page says about it.
#[derive(Debug)]
struct Step {
    line: usize,
    command: String,
    output: Vec<String>,
    code: i32,
    prints: Vec<&'static str>,
    /// Whether the output is all there is.
    alone: bool,
}

impl Step {
    /// What a comment says; `behind`: behind the command, not below it.
    fn note(&mut self, comment: &str, behind: bool) {
        let comment = comment.trim();
        if let Some(text) = comment.strip_prefix('→') {
            self.output.push(text.trim().into());
            self.alone = behind && !text.contains('…');
            return;
        }
        assert!(!behind || comment.contains(' '), "line {}: is `# {comment}` a result? `# → …`", self.line);
        if let Some(code) = comment.split_once("exit code ").map(|(_, rest)| rest) {
            let digits = code.split(|c: char| !c.is_ascii_digit()).next().expect("one");
            self.code = digits.parse().expect("a number");
        }
        if let Some((_, rest)) = comment.split_once("prints") {
            let has = |name: &str| rest.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == name);
            self.prints.extend(VALUES.iter().map(|row| row.0).filter(|name| has(name)));
        }
    }
}

/// Where a comment begins: a `#` between blanks, outside of quotes.
fn comment_at(line: &str) -> Option<usize> {
    let mut quote = None;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None, '#') if before == ' ' => return Some(at),
            _ => {}
        }
        before = c;
    }
    None
}

/// The commands of a page in order.
fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (first, language, content) in blocks(page).0 {
        if language != "sh" {
            continue;
        }
        let mut lines = content.lines().enumerate();
        let mut here = 0;
        while let Some((at, line)) = lines.next() {
            if let Some(comment) = line.trim_start().strip_prefix('#') {
                if let Some(step) = steps.last_mut().filter(|_| here > 0) {
                    step.note(comment, false);
                }
                continue;
            }
            if line.trim().is_empty() {
                continue;
            }
            let (command, comment) = comment_at(line).map_or((line, None), |cut| {
                let (command, comment) = line.split_at(cut);
                (command, Some(&comment[1..]))
            });
            let mut step = Step {
                line: first + at,
                command: command.trim_end().into(),
                output: Vec::new(),
                code: 0,
                prints: Vec::new(),
                alone: false,
            };
            if let Some(comment) = comment {
                step.note(comment, true);
            }
            while step.command.ends_with('\\') {
                let (_, more) = lines.next().unwrap_or_else(|| panic!("{page}: nothing behind a backslash"));
                step.command += &format!("\n{more}");
            }
            if let Some((_, rest)) = step.command.split_once("<<'EOF'") {
                assert!(rest.trim().is_empty(), "{page}:{}: text behind the mark", step.line);
                loop {
                    let (_, more) = lines.next().unwrap_or_else(|| panic!("{page}: a text without EOF"));
                    step.command += &format!("\n{more}");
                    if more == "EOF" {
                        break;
                    }
                }
            }
            here += 1;
            steps.push(step);
        }
    }
    steps
}

fn elsewhere(page: &str, command: &str) -> bool {
    ELSEWHERE.iter().any(|row| (row.0, row.1) == (page, command))
}

/// The words of a command that may be names.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
}

/// Whether `text` is `pattern`, in which `…` stands for any text.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('…');
    let Some(mut rest) = text.strip_prefix(parts.next().expect("one")) else { return false };
    let Some(last) = pattern.rsplit_once('…').map(|(_, last)| last) else { return rest.is_empty() };
    let mut parts: Vec<_> = parts.collect();
    parts.pop();
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// A shell with `zvm` on its PATH in a folder that looks like a checkout.
struct Shell {
    child: Child,
    commands: Option<ChildStdin>,
    answers: Receiver<String>,
    nodes: Vec<String>,
    known: BTreeMap<&'static str, String>,
    dir: TempDir,
}

impl Shell {
    fn new() -> Shell {
        let dir = tempdir().expect("a folder");
        fs::write(dir.path().join("password"), "a password for tests\n").expect("written");
        let work = dir.path().join("work");
        fs::create_dir(&work).expect("made");
        for name in ["contracts", "spec-tests", "docs"] {
            std::os::unix::fs::symlink(root().join(name), work.join(name)).expect("a link");
        }
        let of_zvm = program();
        let bin = Path::new(of_zvm.get_program()).parent().expect("a folder").to_path_buf();
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").expect("a PATH"));
        let mut command = std::process::Command::new("bash");
        for (name, _) in of_zvm.get_envs() {
            command.env_remove(name);
        }
        command.env("PATH", path).env("ZVM_PASSWORD_FILE", dir.path().join("password")).current_dir(&work);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("bash starts");
        let (send, answers) = channel();
        let out = BufReader::new(child.stdout.take().expect("piped"));
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        let commands = child.stdin.take();
        Shell { child, commands, answers, nodes: Vec::new(), known: BTreeMap::new(), dir }
    }

    /// Hands lines to the shell; the last one writes a line, which is the answer.
    fn ask(&mut self, script: &str) -> Result<String, String> {
        let pipe = self.commands.as_mut().expect("open");
        writeln!(pipe, "{script}").and_then(|()| pipe.flush()).map_err(|error| error.to_string())?;
        self.answers.recv_timeout(WAIT).map_err(|error| format!("the shell does not answer: {error}"))
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.dir.path().join(name)).unwrap_or_default()
    }

    /// Puts values in the place of their names.
    fn with_values(&self, text: &str) -> Result<String, String> {
        let mut text = text.to_string();
        for (name, ..) in VALUES {
            if words(&text).any(|word| word == *name) {
                let value = self.known.get(name).ok_or(format!("no command before has printed {name}"))?;
                text = text.replace(name, value);
            }
        }
        Ok(text)
    }

    fn run(&mut self, step: &Step) -> Result<(), String> {
        let command = self.with_values(&step.command)?;
        // A node goes on writing.
        let count = if command.starts_with("zvm node") { self.nodes.len() + 1 } else { 0 };
        let (out, err) = (format!("out{count}"), format!("err{count}"));
        let path = |name: &str| self.dir.path().join(name).display().to_string();
        let to = format!(">'{}' 2>'{}' </dev/null", path(&out), path(&err));
        let shown = if let Some(args) = command.strip_prefix("zvm node") {
            let listen = if args.contains("--listen") { "" } else { "--listen 127.0.0.1:0" };
            let id = self.ask(&format!("zvm node {listen} {args} {to} &\necho $!"))?;
            self.nodes.push(id);
            let began = Instant::now();
            // The fingerprint comes after the address.
            while !self.file(&out).contains("\nheight") {
                if began.elapsed() > WAIT {
                    return Err(format!("no node: {}{}", self.file(&out), self.file(&err)));
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            let shown = self.file(&out);
            let line = shown.lines().find_map(|line| line.strip_prefix("listening"));
            let address = line.ok_or(format!("no address: {shown}"))?.trim();
            self.ask(&format!("export ZVM_NODE={address}\necho"))?;
            shown
        } else {
            let code = self.ask(&format!("{{ {command}\n}} {to}\necho $?"))?;
            let both = self.file(&out) + &self.file(&err);
            if code != step.code.to_string() {
                return Err(format!("exit code {code}, not {}\n{both}", step.code));
            }
            both
        };
        let expected: Vec<_> =
            step.output.iter().map(|line| self.with_values(line)).collect::<Result<_, _>>()?;
        for name in &step.prints {
            let row = VALUES.iter().find(|row| row.0 == *name).expect("one of them");
            let value = value(&shown, row).ok_or(format!("it does not print {name}:\n{shown}"))?;
            self.known.insert(name, value.into());
        }
        if step.alone {
            if self.file(&out).trim_end() != expected.join("\n") {
                return Err(format!("it does not print `{}` alone:\n{shown}", expected.join("\n")));
            }
            return Ok(());
        }
        let mut lines = shown.lines();
        for expected in &expected {
            if !lines.any(|line| fits(expected, line.trim())) {
                return Err(format!("no line is `{expected}`, or not in this order:\n{shown}"));
            }
        }
        Ok(())
    }
}

/// The value on the line whose first word is that of the row.
fn value<'a>(text: &'a str, (_, word, begin, digits): &(&str, &str, &str, usize)) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let mut list = line.split_whitespace();
        let value = list.next().filter(|first| first == word).and_then(|_| list.next())?;
        let hex = value.strip_prefix(begin)?;
        (hex.len() == *digits && hex.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(value)
    })
}

impl Drop for Shell {
    fn drop(&mut self) {
        for id in &self.nodes {
            let _ = std::process::Command::new("kill").arg(id).status();
        }
        drop(self.commands.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a page's commands; how many there were, and the first failure.
fn run(page: &str, shell: &mut Shell) -> Result<usize, String> {
    let mut count = 0;
    if let Some((_, before)) = AFTER.iter().find(|row| row.0 == page) {
        run(before, shell)?;
    }
    for step in steps(page) {
        if !elsewhere(page, &step.command) {
            shell.run(&step).map_err(|why| format!("{page}:{}: `{}`: {why}", step.line, step.command))?;
            count += 1;
        }
    }
    Ok(count)
}

#[test]
fn every_command_of_the_pages_does_what_they_say() {
    let pages = pages();
    let with_steps: Vec<_> = pages.iter().filter(|page| !steps(page).is_empty()).collect();
    assert!(with_steps.iter().any(|page| *page == "README.md"), "{with_steps:?}");
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let run = |page: &'static str| scope.spawn(move || run(page, &mut Shell::new()));
        let running: Vec<_> = with_steps.iter().map(|page| run(page.to_string().leak())).collect();
        running.into_iter().map(|page| page.join().expect("no panic")).collect()
    });
    let failures: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    assert!(failures.is_empty(), "{}", failures.iter().map(|why| format!("{why}\n")).collect::<String>());
    assert!(outcomes.iter().flatten().sum::<usize>() >= 12, "the pages have become short: {outcomes:?}");
}

#[test]
fn what_does_not_run_here_runs_elsewhere() {
    for (page, command, why, (file, text)) in ELSEWHERE {
        assert!(!why.is_empty());
        assert!(
            steps(page).iter().any(|step| step.command == *command),
            "{page} has no `{command}` any more"
        );
        assert!(read(file).contains(text), "{file} does not run `{text}`");
    }
    let pages = pages();
    for (page, before) in AFTER {
        assert!(pages.iter().any(|name| name == page) && pages.iter().any(|name| name == before));
    }
}

#[test]
fn no_command_hides_in_another_kind_of_block() {
    for page in pages() {
        for (line, language, content) in blocks(&page).0 {
            if language == "sh" {
                continue;
            }
            assert!(NOT_COMMANDS.contains(&&*language), "{page}:{line}: is a block of `{language}` run?");
            for text in content.lines() {
                let command = ["$ ", "zvm ", "cargo ", "./"].iter().any(|begin| text.starts_with(begin));
                assert!(!command, "{page}:{line}: a command outside of a `sh` block: {text}");
            }
        }
    }
}

/// What `zvm COMMAND --help` prints, for each command; those of `zvm key` as `key new`.
fn helps() -> BTreeMap<String, String> {
    fn listed(help: &str) -> Vec<String> {
        let list = help.split_once("\nCommands:\n").map_or("", |(_, rest)| rest);
        let list = list.split_once("\n\n").map_or(list, |(list, _)| list);
        let first = |line: &str| line.split_whitespace().next().map(str::to_string);
        list.lines().filter(|line| !line.starts_with("   ")).filter_map(first).collect()
    }
    let mut helps = BTreeMap::new();
    for name in listed(&zvm(["--help"]).expect_code(0).out).into_iter().filter(|name| name != "help") {
        let help = zvm([&*name, "--help"]).expect_code(0).out;
        for below in listed(&help).into_iter().filter(|below| below != "help") {
            helps.insert(format!("{name} {below}"), zvm([&*name, &below, "--help"]).expect_code(0).out);
        }
        helps.insert(name, help);
    }
    helps
}

#[test]
fn commands_and_options_in_running_text_exist() {
    let helps = helps();
    assert!(helps.contains_key("key new") && helps.contains_key("deploy"), "{:?}", helps.keys());
    let mut seen = BTreeSet::new();
    for page in pages() {
        let (_, prose) = blocks(&page);
        // A span may go over the end of a line.
        for span in prose.split('`').skip(1).step_by(2) {
            let span = span.split_whitespace().collect::<Vec<_>>().join(" ");
            let Some(rest) = span.strip_prefix("zvm ") else { continue };
            let mut list = rest.split(' ');
            let name = list.next().expect("a word").to_string();
            if name.starts_with('-') || name == "help" {
                continue;
            }
            let below = format!("{name} {}", list.next().unwrap_or(""));
            let help = helps.get(&below).or(helps.get(&name));
            if name.chars().all(|c| c.is_ascii_uppercase()) {
                continue;
            }
            let help = help.unwrap_or_else(|| panic!("{page}: there is no `zvm {name}`: `{span}`"));
            let is_option = |c: char| !c.is_ascii_alphanumeric() && c != '-';
            for option in rest.split(is_option).filter(|word| word.starts_with("--") && word.len() > 2) {
                let mut there = help.split(is_option);
                assert!(there.any(|word| word == option), "{page}: `zvm {name}` has no {option}: `{span}`");
            }
            seen.insert(name);
        }
    }
    assert!(seen.len() >= 6, "{seen:?}");
}

/// The relative links of a page: what stands in them before `#`.
fn links(page: &str) -> Vec<String> {
    let (_, prose) = blocks(page);
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(target, _)| target));
    let files = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
    files.map(|target| target.split('#').next().expect("one").to_string()).collect()
}

#[test]
fn links_lead_somewhere_and_every_page_is_in_the_index() {
    for page in pages() {
        let folder = root().join(&page).parent().expect("a folder").to_path_buf();
        for link in links(&page) {
            assert!(folder.join(&link).exists(), "{page}: nothing is at {link}");
        }
    }
    let index: BTreeSet<_> = links("README.md").into_iter().collect();
    for page in pages().iter().filter(|page| *page != "README.md") {
        // Single decisions are in their folder's list.
        let folder = Path::new(page).parent().expect("a folder").join("README.md");
        let by_folder =
            folder != Path::new("docs/README.md") && index.contains(folder.to_str().expect("UTF-8"));
        assert!(index.contains(page) || by_folder, "README.md has no link to {page}");
    }
}

/// A page with each file that it shows as the file is, and the paths of those files.
fn with_files(page: &str) -> (String, Vec<String>) {
    let text = read(page);
    let mut parts = text.split(SOURCE);
    let (mut fresh, mut shown) = (parts.next().expect("one").to_string(), Vec::new());
    for part in parts {
        let (path, rest) = part.split_once(" -->\n```").unwrap_or_else(|| panic!("{page}: no block: {part}"));
        let (language, _) = rest.split_once('\n').expect("a line");
        // The block ends at the first fence: a source has none.
        let (_, rest) = rest.split_once("\n```\n").unwrap_or_else(|| panic!("{page}: {path} has no end"));
        let file = read(path);
        assert!(!file.contains("```") && file.ends_with('\n'), "{path}: cannot be shown");
        fresh += &format!("{SOURCE}{path} -->\n```{language}\n{file}```\n{rest}");
        shown.push(path.to_string());
    }
    (fresh, shown)
}

#[test]
fn files_on_pages_are_those_of_the_repository() {
    let mut shown = Vec::new();
    for page in pages() {
        let (fresh, files) = with_files(&page);
        if std::env::var_os("BLESS").is_some() {
            fs::write(root().join(&page), &fresh).expect("docs can be written");
        }
        assert!(read(&page) == fresh, "{page}: a file that it shows has changed: run this test with BLESS=1");
        shown.extend(files);
    }
    // The modules are what the scripts on the page make of the sources on the page.
    let build = read("contracts/build.sh");
    let list = build.split_once("\nfor language in ").and_then(|(_, rest)| rest.split_once("; do"));
    let languages: Vec<_> = list.expect("a list").0.split(' ').collect();
    assert!(build.contains("sh -e build.sh") && read(".ci/run").contains("contracts/build.sh --check"));
    for language in &languages {
        let of = format!("contracts/examples/{language}/");
        let ours: Vec<_> = shown.iter().filter_map(|path| path.strip_prefix(&of)).collect();
        assert!(
            matches!(ours[..], ["build.sh", source] if source.starts_with("tally.")),
            "{language}: {ours:?}"
        );
    }
    assert_eq!(shown.len(), 2 * languages.len(), "{shown:?}");
    // Sizes and versions, too.
    let page = read("docs/write-a-contract.md");
    for language in &languages {
        let module = root().join(format!("contracts/examples/{language}/tally.wasm"));
        let len = fs::metadata(module).expect("the module").len();
        let cell = format!("| {},{:03} |", len / 1000, len % 1000);
        assert!(page.contains(&cell), "the page does not say that {language} takes {cell}");
    }
    for (variable, package) in [("ZIG_VERSION=", "ziglang=="), ("ASC_VERSION=", "assemblyscript@")] {
        let version = build.lines().find_map(|line| line.strip_prefix(variable)).expect("a version");
        assert!(page.contains(&format!("{package}{version}`")), "the page names no {package}{version}");
    }
}

#[test]
fn limits_on_the_page_for_contracts_are_the_hosts() {
    use zvm_host::{envelope::PAYLOAD_LEN_MAX, receipt::*, state::*};
    let limits = ghost_wasm::Profile::CONTRACT_V1.limits();
    let page = read("docs/write-a-contract.md");
    for (name, limit, unit) in [
        ("a key", USER_KEY_LEN_MAX, " bytes"),
        ("a value", VALUE_LEN_MAX, " bytes"),
        ("return data", RETURN_DATA_LEN_MAX, " bytes"),
        ("data of a log entry", LOG_DATA_LEN_MAX, " bytes"),
        ("log entries of a call", LOG_ENTRIES_MAX, ""),
        ("the input that comes with a signed call", PAYLOAD_LEN_MAX, " bytes"),
        ("a module", limits.module_bytes as usize, " bytes"),
        ("a memory", limits.memory_pages as usize, " pages"),
    ] {
        let digits = limit.to_string();
        let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
        let row = format!("| {name} | {}{unit} |", groups.join(","));
        assert!(page.contains(&row), "the page lacks `{row}`");
    }
}

#[test]
fn patterns_fit_whole_texts() {
    for (pattern, text, whether) in [
        ("5", "5", true),
        ("5", "55", false),
        ("…code 5: …", "status reverted with code 5: token", true),
        ("status … code 5", "status reverted code 5", true),
        ("status … code 5", "status reverted code 56", false),
        ("a…b…c", "a-b-c", true),
        ("a…b…c", "a-c-b", false),
        ("…", "", true),
    ] {
        assert_eq!(fits(pattern, text), whether, "{pattern} {text}");
    }
    let cut = comment_at("zvm call C 'add(#)' 5   # → 5");
    assert_eq!(cut, Some(24));
    assert_eq!(comment_at("echo '# no' a#b"), None);
}
