//! What code counts for in the hot set bounds the memory that a node needs to keep it ready, whatever the module.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../../ghost-wasm/tests/common/hostile.rs"]
mod hostile;

use ghost_wasm::Module;
use hostile::leb;
use zvm_host::contract::{self, WEIGHT_BASE, weight};

/// Bytes of memory for each unit of weight at most.
const RATIO_MAX: f64 = 8.0;
/// Bytes that the list of ready modules takes for each beside it, as `contract.rs` counts them.
const ENTRY_LEN: u64 = 256;

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id][..], &leb(content.len()), content].concat()
}

fn vector(items: &[Vec<u8>]) -> Vec<u8> {
    [leb(items.len()), items.concat()].concat()
}

/// The section of a list of equal items.
fn list(id: u8, count: usize, item: &[u8]) -> Vec<u8> {
    section(id, &vector(&vec![item.to_vec(); count]))
}

/// A module with these sections, in order.
fn of(sections: &[Vec<u8>]) -> Vec<u8> {
    [b"\0asm\x01\0\0\0".to_vec(), sections.concat()].concat()
}

/// Two functions `[] -> [i32]` with a memory, exported as a contract's.
fn contract_with(elems: &[u8], body: &[u8], data: &[u8]) -> Vec<u8> {
    let export =
        |name: &str, kind: u8, index: u8| [&leb(name.len())[..], name.as_bytes(), &[kind, index]].concat();
    let exports = [export("memory", 2, 0), export("init", 0, 0), export("invoke", 0, 0)];
    let body = [&[0][..], body, &[0x41, 0, 0x0b]].concat();
    of(&[
        list(1, 1, &[0x60, 0, 1, 0x7f]),
        list(3, 1, &[0]),
        list(4, 1, &[0x70, 0, 1]),
        list(5, 1, &[0, 1]),
        section(7, &vector(&exports)),
        elems.to_vec(),
        section(10, &vector(&[[leb(body.len()), body].concat()])),
        data.to_vec(),
    ])
}

fn one_function() -> [Vec<u8>; 2] {
    [list(1, 1, &[0x60, 0, 0]), list(3, 1, &[0])]
}

fn empty_body() -> Vec<u8> {
    list(10, 1, &[2, 0, 0x0b])
}

fn shapes() -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<(String, Vec<u8>)> = hostile::all()
        .into_iter()
        .filter(|case| !case.name.starts_with("wide"))
        .map(|case| (case.name.into(), case.bytes))
        .collect();
    let mut add = |name: &str, bytes: Vec<u8>| all.push((name.into(), bytes));
    let repeat = |piece: &[u8]| contract_with(&[], &piece.repeat(250_000 / piece.len()), &[]);
    add("smallest", contract_with(&[], &[], &[]));
    for (name, piece) in [
        ("nops", &[0x01][..]),
        ("memory.size, drop", &[0x3f, 0, 0x1a]),
        (
            "memory.size, eqz chain, drop",
            &[0x3f, 0, 0x45, 0x45, 0x45, 0x45, 0x45, 0x45, 0x45, 0x45, 0x45, 0x45, 0x45, 0x1a],
        ),
        ("i64 popcnt chain", &[0x3f, 0, 0xad, 0x7b, 0x7b, 0x7b, 0x7b, 0x7b, 0x7b, 0x7b, 0x7b, 0x7b, 0x1a]),
        ("loops", &[0x03, 0x40, 0x0b]),
        ("blocks", &[0x02, 0x40, 0x0b]),
        ("unreachable in blocks", &[0x02, 0x40, 0x00, 0x0b]),
        ("br 0 in blocks", &[0x02, 0x40, 0x0c, 0, 0x0b]),
        ("ifs", &[0x3f, 0, 0x04, 0x40, 0x0b]),
        ("if else", &[0x3f, 0, 0x04, 0x40, 0x05, 0x0b]),
        ("if unreachable", &[0x3f, 0, 0x04, 0x40, 0x00, 0x0b]),
        ("calls", &[0x10, 0, 0x1a]),
        ("grow", &[0x3f, 0, 0x40, 0, 0x1a]),
        ("load chain", &[0x3f, 0, 0x28, 0, 0, 0x28, 0, 0, 0x28, 0, 0, 0x1a]),
        ("returns in ifs", &[0x3f, 0, 0x04, 0x40, 0x3f, 0, 0x0f, 0x0b]),
        ("large constants", &[0x42, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x1a]),
        ("f32.demote, promote", &[0x44, 0, 0, 0, 0, 0, 0, 0, 0, 0xb6, 0xbb, 0xb6, 0xbb, 0xb6, 0xbb, 0x1a]),
        ("table.size", &[0xfc, 16, 0, 0x1a]),
        ("ref.func, drop", &[0xd2, 0, 0x1a]),
        ("ref.null, is_null", &[0xd0, 0x70, 0xd1, 0x1a]),
    ] {
        let elems = list(9, 1, &[3, 0, 1, 0]);
        let bytes = if piece[0] == 0xd2 {
            contract_with(&elems, &piece.repeat(250_000 / piece.len()), &[])
        } else {
            repeat(piece)
        };
        add(name, bytes);
    }
    // A list that grows by doubling takes up to twice what is in it: how much depends on the size.
    for kib in [100, 140, 180, 220] {
        let chain = [&[0x3f, 0][..], &[0x45; 11], &[0x1a]].concat();
        add(
            &format!("eqz chains, {kib} KiB"),
            contract_with(&[], &chain.repeat(kib * 1024 / chain.len()), &[]),
        );
    }
    // Conversions of one byte each that may trap: i32 to f32 and back.
    let chain = [&[0x3f, 0][..], &[0xb2, 0xa8].repeat(20), &[0x1a]].concat();
    add("conversions that may trap", repeat(&chain));
    add(
        "two bytes of nothing, 10,000 functions",
        of(&[list(1, 1, &[0x60, 0, 0]), list(3, 10_000, &[0]), list(10, 10_000, &[2, 0, 0x0b])]),
    );
    add(
        "unreachable functions",
        of(&[list(1, 1, &[0x60, 0, 0]), list(3, 10_000, &[0]), list(10, 10_000, &[3, 0, 0, 0x0b])]),
    );
    add("empty passive data", contract_with(&[], &[], &list(11, 100_000, &[1, 0])));
    add("one byte of passive data", contract_with(&[], &[], &list(11, 100_000, &[1, 1, b'x'])));
    add("active data", contract_with(&[], &[], &list(11, 100_000, &[0, 0x41, 0, 0x0b, 0])));
    add(
        "computed offsets",
        contract_with(&[], &[], &list(11, 100_000, &[0, 0x41, 0, 0x41, 0, 0x6a, 0x0b, 0])),
    );
    let long = [&[0, 0x41, 0][..], &[0x41, 0, 0x6a].repeat(300), &[0x0b, 0]].concat();
    add("long offsets", contract_with(&[], &[], &list(11, 2_000, &long)));
    add("empty passive elements", contract_with(&list(9, 100_000, &[1, 0, 0]), &[], &[]));
    add("one passive element", contract_with(&list(9, 100_000, &[1, 0, 1, 0]), &[], &[]));
    add("active elements", contract_with(&list(9, 100_000, &[0, 0x41, 0, 0x0b, 0]), &[], &[]));
    let large = [&[1, 0][..], &leb(10_000), &[0].repeat(10_000)].concat();
    add("large segments of elements", contract_with(&list(9, 100, &large), &[], &[]));
    let doubled = [&[1, 0][..], &leb(8_193), &[0].repeat(8_193)].concat();
    add("segments just above a power of two", contract_with(&list(9, 100, &doubled), &[], &[]));
    let seventeen = [&[1, 0, 17][..], &[0].repeat(17)].concat();
    add("segments of 17 elements", contract_with(&list(9, 50_000, &seventeen), &[], &[]));
    let nulls = [&[5, 0x70][..], &leb(5_000), &[0xd0, 0x70, 0x0b].repeat(5_000)].concat();
    add("null elements", contract_with(&list(9, 100, &nulls), &[], &[]));
    add("custom sections", [contract_with(&[], &[], &[]), [0, 1, 0].repeat(400_000)].concat());
    add("custom sections with a byte", [contract_with(&[], &[], &[]), [0, 2, 0, 1].repeat(400_000)].concat());
    add(
        "custom sections of 33 bytes",
        [contract_with(&[], &[], &[]), [&[0, 35, 1, b'n'][..], &[7; 33]].concat().repeat(40_000)].concat(),
    );
    add("types", of(&[list(1, 4_096, &[0x60, 0, 0])]));
    let types: Vec<Vec<u8>> = (0..4_096_usize)
        .map(|n| [vec![0x60, 12], (0..12).map(|bit| 0x7f - (n >> bit & 1) as u8).collect(), vec![0]].concat())
        .collect();
    add("distinct types", of(&[section(1, &vector(&types))]));
    add("globals", of(&[list(6, 4_096, &[0x7f, 0, 0x41, 0, 0x0b])]));
    let long = [&[0x7f, 0, 0x41, 0][..], &[0x41, 0, 0x6a].repeat(150), &[0x0b]].concat();
    add("long globals", of(&[list(6, 4_096, &long)]));
    add("mutable globals", of(&[list(6, 4_096, &[0x7f, 1, 0x41, 0, 0x0b])]));
    add("f64 globals", of(&[list(6, 4_096, &[0x7c, 1, 0x44, 0, 0, 0, 0, 0, 0, 0, 0, 0x0b])]));
    let exports: Vec<Vec<u8>> =
        (0..1_024_usize).map(|n| [&[2, (n & 127) as u8, (n >> 7) as u8][..], &[0, 0]].concat()).collect();
    let [types, funcs] = one_function();
    add("exports", of(&[types, funcs, section(7, &vector(&exports)), empty_body()]));
    let mut imports = Vec::new();
    for _ in 0..256 {
        imports.push([&[3][..], b"env", &[9], b"input_len", &[0, 0]].concat());
    }
    add("imports", of(&[list(1, 1, &[0x60, 0, 1, 0x7f]), section(2, &vector(&imports))]));
    let names: Vec<Vec<u8>> = (0..300_000_usize).map(|n| [leb(n), vec![0]].concat()).collect();
    let functions = vector(&names);
    let names = [&[1][..], &leb(functions.len()), &functions].concat();
    add(
        "names of nothing",
        [contract_with(&[], &[], &[]), section(0, &[&[4][..], b"name", &names].concat())].concat(),
    );
    for targets in [0, 1, 16, 4_096] {
        let table =
            [&[0x02, 0x40, 0x3f, 0, 0x0e][..], &leb(targets), &[0].repeat(targets + 1), &[0x0b]].concat();
        add(&format!("br_table of {targets}"), repeat(&table));
    }
    let runs = [&leb(1_000)[..], &[1, 0x7f].repeat(1_000), &[0x0b]].concat();
    let body = [leb(runs.len()), runs].concat();
    add("runs of locals 1,000", of(&[list(1, 1, &[0x60, 0, 0]), list(3, 900, &[0]), list(10, 900, &body)]));
    all
}

/// What memory a node needs for the hot set follows from its bound, whatever code is in it.
#[test]
fn ready_code_takes_at_most_eight_times_its_weight() {
    let engine = contract::engine();
    let mut rows: Vec<_> = shapes()
        .into_iter()
        .map(|(name, bytes)| {
            let module = Module::new(&engine, &bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
            let weight = u64::from(weight(&module, bytes.len() as u64));
            // What a list of modules takes for each is of it, too.
            let resident = module.resident_bytes() + ENTRY_LEN;
            (resident as f64 / weight as f64, name, bytes.len(), module.work(), weight, resident)
        })
        .collect();
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (ratio, name, len, work, weight, resident) in &rows {
        println!(
            "{ratio:5.2} {name:36} {len:8} bytes, work {work:8}, weight {weight:8}, resident {resident:9}"
        );
    }
    assert!(
        rows.iter().all(|row| row.0 <= RATIO_MAX),
        "{} takes {:.2} times its weight",
        rows[0].1,
        rows[0].0
    );
    assert!(rows[0].0 > RATIO_MAX / 2.0, "the shapes here come nowhere near the bound: {:.2}", rows[0].0);
}

/// Contracts as people write them: their weight is a little more than twice their length.
#[test]
fn usual_contracts_weigh_little_more_than_twice_their_bytes() {
    let engine = contract::engine();
    let contracts = [
        ("counter", &include_bytes!("../../contracts/counter/counter.wasm")[..]),
        ("token", &include_bytes!("../../contracts/token/token.wasm")[..]),
    ];
    for (name, bytes) in contracts {
        let module = Module::new(&engine, bytes).unwrap();
        let (len, weight) = (bytes.len() as u64, u64::from(weight(&module, bytes.len() as u64)));
        let resident = module.resident_bytes() + ENTRY_LEN;
        println!("{name}: {len} bytes, work {}, weight {weight}, resident {resident}", module.work());
        assert!(weight > 2 * len);
        assert!(weight - WEIGHT_BASE < 3 * len);
        assert!(resident as f64 <= RATIO_MAX * weight as f64);
    }
}
