//! Modules that are as dear to load as an adversary can make them, one for each thing that could cost more than
//! it is counted for; the first is what all others are measured by. All are valid under `CONTRACT_V1`, but
//! for those whose names begin with `wide`, which use the larger limits of the other profiles.

const I32: u8 = 0x7f;
const EMPTY: u8 = 0x40;
const END: u8 = 0x0b;

/// A module that is hard to load, and what it is.
pub struct Hostile {
    pub name: &'static str,
    pub bytes: Vec<u8>,
}

pub fn leb(mut value: usize) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        out.push(if value == 0 { low } else { low | 0x80 });
        if value == 0 {
            return out;
        }
    }
}

fn vector(items: &[Vec<u8>]) -> Vec<u8> {
    [leb(items.len()), items.concat()].concat()
}

fn section(id: u8, content: Vec<u8>) -> Vec<u8> {
    [vec![id], leb(content.len()), content].concat()
}

fn func_type(params: usize, results: usize) -> Vec<u8> {
    [vec![0x60], leb(params), vec![I32; params], leb(results), vec![I32; results]].concat()
}

/// A body: runs of `i32` locals, code without its last `end`.
fn body(runs: &[usize], code: &[u8]) -> Vec<u8> {
    let runs: Vec<Vec<u8>> = runs.iter().map(|&count| [leb(count), vec![I32]].concat()).collect();
    let content = [vector(&runs), code.to_vec(), vec![END]].concat();
    [leb(content.len()), content].concat()
}

/// Types, then functions of type 0 with these bodies; a table and a memory.
fn module(types: &[Vec<u8>], bodies: &[Vec<u8>]) -> Vec<u8> {
    [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, vector(types)),
        section(3, vector(&vec![leb(0); bodies.len()])),
        section(4, vector(&[vec![0x70, 0, 1]])),
        section(5, vector(&[vec![0, 1]])),
        section(10, vector(bodies)),
    ]
    .concat()
}

/// A module of one type of one parameter, with a body that repeats `piece` between `before` and `after`.
fn repeated(types: &[Vec<u8>], before: &[u8], piece: &[u8], after: &[u8]) -> Vec<u8> {
    const BYTES: usize = 200_000;
    let code = [before, &piece.repeat(BYTES / piece.len()), after].concat();
    module(types, &[body(&[3], &code)])
}

fn many(types: &[Vec<u8>], runs: &[usize], code: &[u8]) -> Vec<u8> {
    module(types, &vec![body(runs, code); 10_000])
}

/// Reads local 0 so many times.
fn gets(count: usize) -> Vec<u8> {
    [0x20, 0].repeat(count)
}

fn drops(count: usize) -> Vec<u8> {
    vec![0x1a; count]
}

/// All of them. The first is straight-line code.
pub fn all() -> Vec<Hostile> {
    let one = &[func_type(1, 0)][..];
    let table = |targets: usize, label: u8| [vec![0x0e], leb(targets), vec![label; targets + 1]].concat();
    let typed = |results: usize| [func_type(1, 0), func_type(results, results), func_type(0, results)];
    let cases: Vec<(&'static str, Vec<u8>)> = vec![
        ("straight", repeated(one, &[], &[0x20, 0, 0x20, 1, 0x6a, 0x41, 7, 0x73, 0x21, 2], &[])),
        ("loads", repeated(one, &[], &[0x20, 0, 0x28, 2, 4, 0x21, 1], &[])),
        ("stores", repeated(one, &[], &[0x20, 0, 0x20, 1, 0x36, 2, 4], &[])),
        ("constants", repeated(one, &[], &[0x41, 1, 0x1a], &[])),
        ("functions", many(one, &[], &[])),
        ("parameters", many(&[func_type(64, 0)], &[], &[])),
        ("locals", many(one, &[1_984], &[])),
        ("high local", many(one, &[1_984], &[0x20, 0xc0, 0x0f, 0x1a])),
        ("runs of locals", many(one, &[1; 40], &[])),
        ("blocks", repeated(one, &[], &[0x02, EMPTY, END], &[])),
        ("nesting", repeated(one, &[], &[[0x02, EMPTY].repeat(1_000), vec![END; 1_000]].concat(), &[])),
        ("loops behind loads", repeated(one, &[], &[0x03, EMPTY, 0x20, 0, 0x28, 2, 0, 0x1a, END], &[])),
        (
            "ifs behind loads",
            repeated(one, &[], &[0x20, 0, 0x28, 2, 0, 0x04, EMPTY, 0x20, 0, 0x28, 2, 0, 0x1a, END], &[]),
        ),
        ("branches to one label", repeated(one, &[0x02, EMPTY], &[0x20, 0, 0x0d, 0], &[END])),
        (
            "br_table",
            repeated(one, &[], &[vec![0x02, EMPTY, 0x20, 0], table(4_000, 0), vec![END]].concat(), &[]),
        ),
        (
            "br_table with a value",
            repeated(
                one,
                &[],
                &[vec![0x02, I32, 0x20, 0, 0x20, 0, 0x20, 0], table(4_000, 0), vec![END, 0x1a]].concat(),
                &[],
            ),
        ),
        (
            "br_table with values",
            repeated(
                &typed(64),
                &[],
                &[vec![0x02, 2], gets(65), table(4_000, 0), vec![END], drops(64)].concat(),
                &[],
            ),
        ),
        (
            "br_table of dead code with values",
            repeated(
                &typed(64),
                &[],
                // An operand of any type under 63 that are known, and one that is missing.
                &[vec![0x02, 2, 0x00, 0x1b], gets(63), table(4_000, 0), vec![END], drops(64)].concat(),
                &[],
            ),
        ),
        (
            "br_if with values",
            repeated(
                &typed(64),
                &[vec![0x02, 2, 0x20, 0], gets(64)].concat(),
                &[0x20, 0, 0x0d, 0],
                &[vec![0x00, END], drops(64)].concat(),
            ),
        ),
        ("blocks with values", repeated(&typed(64), &gets(64), &[0x02, 1, END], &drops(64))),
        ("ifs with values", repeated(&typed(64), &gets(64), &[0x20, 0, 0x04, 1, 0x05, END], &drops(64))),
        (
            "ends of dead blocks with values",
            repeated(&typed(64), &gets(64), &[0x02, 1, 0x00, END], &drops(64)),
        ),
        ("dead blocks", repeated(one, &[0x00], &[0x02, EMPTY, 0x0c, 0, END], &[])),
        (
            "ends of dead code with values",
            repeated(&typed(64), &[], &[vec![0x02, 2, 0x00, END], drops(64)].concat(), &[]),
        ),
        ("readers", repeated(one, &[], &[gets(1_000), vec![0x41, 0, 0x21, 0], drops(1_000)].concat(), &[])),
        ("selects", repeated(one, &gets(1), &[0x20, 0, 0x20, 1, 0x1b], &drops(1))),
        (
            "calls",
            module(
                &[func_type(64, 0)],
                &[body(&[], &[gets(64), vec![0x10, 0]].concat().repeat(200_000 / 130))],
            ),
        ),
        (
            "calls with values",
            module(&[func_type(64, 64)], &[body(&[], &[gets(64), [0x10, 0].repeat(100_000)].concat())]),
        ),
        ("indirect calls", repeated(&[func_type(1, 1)], &gets(1), &[0x20, 0, 0x11, 0, 0], &[])),
        ("types", module(&[&[func_type(1, 0)][..], &distinct(4_000)].concat(), &[body(&[], &[])])),
        ("wide parameters", many(&[func_type(1_000, 0)], &[], &[])),
        ("wide locals", many(one, &[49_000], &[])),
    ];
    cases.into_iter().map(|(name, bytes)| Hostile { name, bytes }).collect()
}

/// Types of 64 parameters that differ at the end.
fn distinct(count: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|number| {
            let mut ty = func_type(64, 0);
            for (bit, at) in (0..16).zip(2 + 48..) {
                ty[at] = I32 - (number >> bit & 1) as u8;
            }
            ty
        })
        .collect()
}
