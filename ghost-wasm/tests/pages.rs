//! The pages in `docs/` that are made from the engine's tables. `BLESS=1` writes them; otherwise a page that
//! differs from its table fails.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write as _;
use std::path::Path;

use ghost_wasm::internals::{Op, Signature};
use ghost_wasm::table::errors::{ErrorCode, ErrorKind};
use ghost_wasm::table::features::{Feature, Mark, ProfileFeatures};
use ghost_wasm::table::gas::{GasClass, Schedule};
use ghost_wasm::table::limits::{Limit, Limits};

fn check(name: &str, page: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, page).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stored == page,
        "docs/{name} is not what the table says; BLESS=1 cargo test -p ghost-wasm --test pages"
    );
}

fn types(list: &[ghost_wasm::ValType]) -> String {
    list.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

#[test]
fn opcodes() {
    let mut page = String::from(
        "# Operators\n\nGenerated from `ghost-wasm/src/table/ops.rs`; a test keeps it fresh. Signatures that depend on \
         the stack or the module are shown as *poly*. The gas class is priced in [gas.md](gas.md).\n\n\
         | encoding | operator | immediates | signature | gas class | proposal |\n|---|---|---|---|---|---|\n",
    );
    for &op in Op::ALL {
        let code = op.code();
        let code =
            if code > 0xff { format!("{:#04x} {}", code >> 8, code & 0xff) } else { format!("{code:#04x}") };
        let signature = match op.signature() {
            Signature::Fixed { params, results } => format!("[{}] → [{}]", types(params), types(results)),
            Signature::Poly => "*poly*".into(),
        };
        let immediates = match op.imm() {
            ghost_wasm::internals::Imm::Nil => String::new(),
            other => format!("{other:?}"),
        };
        writeln!(
            page,
            "| `{code}` | `{}` | {immediates} | {signature} | {:?} | {} |",
            op.text(),
            op.class(),
            op.feature().text()
        )
        .unwrap();
    }
    page.push_str("\nThe proposals are listed in [features.md](features.md).\n");
    check("opcodes.md", &page);
}

/// What a mark looks like in the module.
fn mark(mark: Mark) -> String {
    let range = |low: u32, high: u32| {
        if low == high { format!("`{low:#04x}`") } else { format!("`{low:#04x}` to `{high:#04x}`") }
    };
    match mark {
        Mark::Opcode(low, high) => format!("operators {}", range(low.into(), high.into())),
        Mark::Sub(prefix, low, high) => format!("operators `{prefix:#04x}` {}", range(low, high)),
        Mark::SectionId(id) => format!("section {id}"),
        Mark::TypeForm(low, high) => format!("type forms {}", range(low.into(), high.into())),
        Mark::ValType(byte) => format!("value type `{byte:#04x}`"),
        Mark::RefType(byte) => format!("reference type `{byte:#04x}`"),
        Mark::TableInit(byte) => format!("table entry `{byte:#04x}`"),
        Mark::MemoryFlag(bit) => format!("memory flag {bit}"),
        Mark::TableFlag(bit) => format!("table flag {bit}"),
        Mark::GlobalFlag(bit) => format!("global flag {bit}"),
        Mark::MemArgFlag(bit) => format!("alignment flag {bit}"),
        Mark::ExternKind(kind) => format!("import and export kind {kind}"),
        Mark::ImportKind(kind) => format!("import kind `{kind:#04x}`"),
        Mark::Layer(layer) => format!("layer {layer} in the version"),
        Mark::Rule(rule) => rule.into(),
    }
}

#[test]
fn features() {
    let mut page = String::from(
        "# Proposals\n\nGenerated from `ghost-wasm/src/table/features.rs`; a test keeps it fresh. The engine does what \
         some profile has. A module that needs a proposal which its profile does not have is refused as \
         `UnsupportedProposal`; the message names the proposal and the profiles that have it. The last column says \
         how such a module is recognised, beside the operators that [opcodes.md](opcodes.md) lists. A damaged module \
         can look the same, so messages about bytes add \"or the module is corrupt\".\n\n| proposal |",
    );
    for profile in ProfileFeatures::ALL {
        write!(page, " {} |", profile.name).unwrap();
    }
    write!(page, " recognised by |\n|---|{}---|\n", ":-:|".repeat(ProfileFeatures::ALL.len())).unwrap();
    for &feature in Feature::ALL {
        let link = feature.link().trim_matches(['<', '>']);
        write!(page, "| [{}]({link}) |", feature.text()).unwrap();
        for profile in ProfileFeatures::ALL {
            page.push_str(if profile.features.has(feature) { " yes |" } else { " |" });
        }
        let marks: Vec<_> = feature.marks().iter().copied().map(mark).collect();
        writeln!(page, " {} |", marks.join(", ")).unwrap();
    }
    check("features.md", &page);
}

#[test]
fn gas() {
    let schedule = &Schedule::V1;
    let mut page = format!(
        "# Gas\n\nGenerated from `ghost-wasm/src/table/gas.rs`; a test keeps it fresh. 10 gas are about 1 ns on the \
         reference machine. Schedule {}.\n\nBefore each operator its cost is added; if the sum exceeds the limit, \
         the run ends out of gas and has used the limit. An operator that traps has been charged.\n\n\
         | class | gas |\n|---|---:|\n",
        schedule.number
    );
    for (class, name) in GasClass::ALL {
        writeln!(page, "| {name} | {} |", schedule.class(*class)).unwrap();
    }
    write!(
        page,
        "\n| besides | gas |\n|---|---:|\n\
         | per value that `br`, `br_if`, `br_table`, `return`, `call`, `call_indirect` statically move | {} |\n\
         | entering a function | {} + declared locals / {} |\n\
         | bulk memory operators | bytes / {} |\n\
         | bulk table operators, per entry | {} |\n\
         | `memory.grow`, per page, if it succeeds | {} |\n\n\
         Divisions round down. The `end` of a function body costs what `return` costs; a branch to the function's \
         label costs the branch alone. What depends on a length is charged after all checks and before the effect.\n",
        schedule.per_value,
        schedule.enter,
        schedule.locals_per_gas,
        schedule.bulk_bytes_per_gas,
        schedule.table_entry,
        schedule.grow_page
    )
    .unwrap();
    check("gas.md", &page);
}

#[test]
fn errors() {
    let mut page = String::from(
        "# Errors\n\nGenerated from `ghost-wasm/src/table/errors.rs`; a test keeps it fresh. Numbers never change; the \
         high byte is the kind's. The text is the specification's where it has one, and the beginning of the \
         message.\n",
    );
    let mut kind: Option<ErrorKind> = None;
    let mut codes: Vec<ErrorCode> = ErrorCode::ALL.to_vec();
    codes.sort_by_key(|code| code.number());
    for code in codes {
        if kind != Some(code.kind()) {
            kind = Some(code.kind());
            write!(
                page,
                "\n## {}\n\n| number | name | text | when |\n|---|---|---|---|\n",
                code.kind().text()
            )
            .unwrap();
        }
        writeln!(
            page,
            "| `{:#06x}` | `{}` | {} | {} |",
            code.number(),
            code.name(),
            code.text(),
            code.help()
        )
        .unwrap();
    }
    check("errors.md", &page);
}

#[test]
fn limits() {
    let mut page = String::from(
        "# Limits\n\nGenerated from `ghost-wasm/src/table/limits.rs`; a test keeps it fresh. A limit has its own kind of \
         error. `JS_API` is what the engines of the web agreed on; `CONTRACT_V1` is for contracts.\n\n\
         | limit | unit | JS_API | CONTRACT_V1 | of |\n|---|---|---:|---:|---|\n",
    );
    for &limit in Limit::ALL {
        writeln!(
            page,
            "| {} | {} | {} | {} | {} |",
            limit.name(),
            limit.unit(),
            Limits::JS_API.of(limit),
            Limits::CONTRACT_V1.of(limit),
            limit.reason()
        )
        .unwrap();
    }
    check("limits.md", &page);
}
