//! The loops: at least one for each gas class, each parameter of the schedule and each host function. A price
//! without a loop fails the test below.

use ghost_wasm::table::gas::GasClass;
use zvm_host::crypto::{SigningKey, secp256k1, sha256};

use crate::run::KEYS_TURNS;

/// A loop of a contract.
#[derive(Clone, Debug)]
pub struct Loop {
    /// What it measures.
    pub name: String,
    /// What it is compared with: `op`, `bulk`, `call`, `host`, `hash`, `u256`, `state`, `calls`, `transient`.
    pub class: &'static str,
    /// One turn: text with the locals `$i`, `$a` (i32), `$l` (i64), `$f` (f64), `$g` (f32).
    pub body: String,
    /// How often it turns.
    pub turns: u32,
    /// What runs before the loop.
    pub setup: String,
    /// Other parts of the module.
    pub prelude: String,
}

fn plain(name: &str, class: &'static str, turns: u32, body: String) -> Loop {
    Loop { name: name.into(), class, body, turns, setup: String::new(), prelude: String::new() }
}

/// Sixteen times the same, so that the loop itself does not count.
fn op(name: &str, text: &str) -> Loop {
    plain(name, "op", 20_000, text.repeat(16))
}

/// The operators, with the gas classes they stand for.
const OPS: &[(&str, &[GasClass], &str)] = &[
    (
        "i32.add",
        &[GasClass::Alu, GasClass::Local, GasClass::Const, GasClass::Structure],
        "(local.set $a (i32.add (local.get $a) (local.get $i)))",
    ),
    ("i64.rotl", &[GasClass::Alu], "(local.set $l (i64.rotl (local.get $l) (i64.const 7)))"),
    ("i64.popcnt", &[GasClass::Alu], "(local.set $l (i64.popcnt (local.get $l)))"),
    ("i64.mul", &[GasClass::Mul], "(local.set $l (i64.mul (local.get $l) (i64.const 7)))"),
    ("i64.div_u", &[GasClass::Div], "(local.set $l (i64.div_u (local.get $l) (i64.const 7)))"),
    (
        "i64.div_u, large",
        &[GasClass::Div],
        "(local.set $l (i64.div_u (i64.const -1) (i64.or (local.get $l) (i64.const 3))))",
    ),
    ("i32.rem_s", &[GasClass::Div], "(local.set $a (i32.rem_s (local.get $i) (i32.const 7)))"),
    ("i64.extend_i32_u", &[GasClass::Convert], "(local.set $l (i64.extend_i32_u (local.get $i)))"),
    (
        "i64.trunc_sat_f64_u, f64.convert_i64_u",
        &[GasClass::FloatConvert],
        "(local.set $f (f64.convert_i64_u (i64.trunc_sat_f64_u (local.get $f))))",
    ),
    (
        "i32.trunc_sat_f32_s, f32.convert_i32_u",
        &[GasClass::FloatConvert],
        "(local.set $g (f32.convert_i32_u (i32.trunc_sat_f32_s (local.get $g))))",
    ),
    (
        "f32.demote_f64, f64.promote_f32",
        &[GasClass::FloatConvert],
        "(local.set $f (f64.promote_f32 (f32.demote_f64 (local.get $f))))",
    ),
    (
        "select",
        &[GasClass::Select],
        "(local.set $a (select (local.get $a) (local.get $i) (i32.and (local.get $i) (i32.const 1))))",
    ),
    ("i64.load", &[GasClass::Load], "(local.set $l (i64.load (local.get $i)))"),
    (
        "i64.load, new lines",
        &[GasClass::Load],
        "(local.set $l (i64.load (i32.and (local.tee $a (i32.add (local.get $a) (i32.const 4160))) (i32.const 0x3ffff8))))",
    ),
    ("i64.store", &[GasClass::Store], "(i64.store (local.get $i) (local.get $l))"),
    ("i32.store8", &[GasClass::Store], "(i32.store8 (local.get $i) (local.get $a))"),
    ("f64.add", &[GasClass::FloatAlu], "(local.set $f (f64.add (local.get $f) (f64.const 1.5)))"),
    ("f64.nearest", &[GasClass::FloatAlu], "(local.set $f (f64.nearest (local.get $f)))"),
    ("f64.min", &[GasClass::FloatAlu], "(local.set $f (f64.min (local.get $f) (f64.const 1.5)))"),
    ("f64.lt", &[GasClass::FloatCmp], "(local.set $a (f64.lt (local.get $f) (f64.const 1.5)))"),
    ("f64.div", &[GasClass::FloatDiv], "(local.set $f (f64.div (local.get $f) (f64.const 1.5)))"),
    (
        "f64.sqrt",
        &[GasClass::FloatDiv],
        "(local.set $f (f64.sqrt (f64.add (local.get $f) (f64.const 3.25))))",
    ),
    (
        "if",
        &[GasClass::If],
        "(if (i32.and (local.get $i) (i32.const 1)) (then (local.set $a (i32.const 1))))",
    ),
    ("br", &[GasClass::Br], "(block (br 0))"),
    ("br_if", &[GasClass::BrIf], "(block (br_if 0 (local.get $i)))"),
    (
        "br_table",
        &[GasClass::BrTable],
        "(block (block (block (br_table 0 1 2 (i32.and (local.get $i) (i32.const 3))))))",
    ),
    (
        "global.get, global.set",
        &[GasClass::Global],
        "(global.set $g0 (i32.add (global.get $g0) (i32.const 1)))",
    ),
    ("memory.size", &[GasClass::Global], "(local.set $a (memory.size))"),
    ("call", &[GasClass::Call, GasClass::Return], "(call $nothing)"),
    ("call, 2,000 locals", &[GasClass::Call], "(call $locals)"),
    ("call_indirect", &[GasClass::CallIndirect], "(call_indirect (type $none) (i32.const 0))"),
    ("data.drop", &[GasClass::Drop], "(data.drop $d)"),
    ("elem.drop", &[GasClass::Drop], "(elem.drop $e)"),
    ("ref.func, table.set", &[GasClass::Reference], "(table.set $t (i32.const 1) (ref.func $nothing))"),
    ("table.size", &[GasClass::Reference], "(local.set $a (table.size $t))"),
    (
        "memory.copy 15",
        &[GasClass::BulkMemory],
        "(memory.copy (i32.const 2048) (i32.const 4096) (i32.const 15))",
    ),
    (
        "memory.copy 0",
        &[GasClass::BulkMemory],
        "(memory.copy (i32.const 2048) (i32.const 4096) (i32.const 0))",
    ),
    (
        "memory.fill 15",
        &[GasClass::BulkMemory],
        "(memory.fill (i32.const 2048) (i32.const 1) (i32.const 15))",
    ),
    (
        "memory.init 1",
        &[GasClass::BulkMemory],
        "(memory.init $m (i32.const 2048) (i32.const 0) (i32.const 1))",
    ),
    ("memory.grow 0", &[GasClass::MemoryGrow], "(local.set $a (memory.grow (i32.const 0)))"),
    (
        "table.fill 0",
        &[GasClass::BulkTable],
        "(table.fill $t (i32.const 0) (ref.func $nothing) (i32.const 0))",
    ),
    ("table.copy 8", &[GasClass::BulkTable], "(table.copy $t $t (i32.const 0) (i32.const 1) (i32.const 8))"),
];

/// Host functions by a call, with a word on its lengths.
const HOST: &[(&str, &str, &str, u32)] = &[
    ("input_len", "", "(drop (call $input_len))", 20_000),
    ("input_read", "4 B", "(drop (call $input_read (i32.const 600) (i32.const 4)))", 20_000),
    ("self_address", "", "(call $self_address (i32.const 600))", 20_000),
    ("caller", "", "(call $caller (i32.const 600))", 20_000),
    ("origin", "", "(call $origin (i32.const 600))", 20_000),
    ("caller_key", "", "(drop (call $caller_key (i32.const 600) (i32.const 32)))", 20_000),
    ("value", "", "(call $value (i32.const 600))", 20_000),
    ("chain_id", "", "(drop (call $chain_id))", 20_000),
    ("block_height", "", "(drop (call $block_height))", 20_000),
    ("block_timestamp", "", "(drop (call $block_timestamp))", 20_000),
    ("gas_left", "", "(drop (call $gas_left))", 20_000),
    ("return_data", "0 B", "(call $return_data (i32.const 0) (i32.const 0))", 20_000),
    ("return_data", "64 KiB", "(call $return_data (i32.const 0) (i32.const 65536))", 200),
    (
        "log",
        "0 B",
        "(if (i32.lt_u (local.get $i) (i32.const 250)) (then (call $log (i32.const 0) (i32.const 0))))",
        250,
    ),
    (
        "log",
        "1 KiB",
        "(if (i32.lt_u (local.get $i) (i32.const 250)) (then (call $log (i32.const 0) (i32.const 1024))))",
        250,
    ),
    (
        "emit",
        "4 topics",
        "(if (i32.lt_u (local.get $i) (i32.const 250)) (then (call $emit (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 32))))",
        250,
    ),
    ("debug", "1 KiB", "(call $debug (i32.const 0) (i32.const 1024))", 16),
    ("debug", "0 B", "(call $debug (i32.const 0) (i32.const 0))", 20_000),
];

/// Hashes and signatures.
const HASHES: &[(&str, &str, &str, u32)] = &[
    ("hash", "0 B", "(call $hash (i32.const 0) (i32.const 0) (i32.const 600))", 10_000),
    ("blake3", "0 B", "(call $blake3 (i32.const 0) (i32.const 0) (i32.const 600))", 10_000),
    ("blake3", "1 KiB", "(call $blake3 (i32.const 8192) (i32.const 1024) (i32.const 600))", 5_000),
    ("blake3", "2 KiB", "(call $blake3 (i32.const 8192) (i32.const 2048) (i32.const 600))", 5_000),
    ("blake3", "4 MiB", "(call $blake3 (i32.const 0) (i32.const 4194304) (i32.const 600))", 4),
    ("sha256", "0 B", "(call $sha256 (i32.const 0) (i32.const 0) (i32.const 600))", 10_000),
    ("sha256", "1 KiB", "(call $sha256 (i32.const 8192) (i32.const 1024) (i32.const 600))", 5_000),
    ("sha256", "4 MiB", "(call $sha256 (i32.const 0) (i32.const 4194304) (i32.const 600))", 4),
    ("keccak256", "0 B", "(call $keccak256 (i32.const 0) (i32.const 0) (i32.const 600))", 10_000),
    ("keccak256", "136 B", "(call $keccak256 (i32.const 8192) (i32.const 136) (i32.const 600))", 10_000),
    ("keccak256", "4 MiB", "(call $keccak256 (i32.const 0) (i32.const 4194304) (i32.const 600))", 4),
];

/// The key of this turn: four bytes at 1024; `$salt` keeps it apart from the keys that are there.
fn key(first: u32) -> String {
    format!("(i32.store (i32.const 1024) (i32.add (local.get $i) (i32.const {first})))")
}

/// Accesses to the state. The measured contract has its own storage, which its first call fills.
fn state() -> Vec<Loop> {
    let loops: &[(&str, &str, &str, u32)] = &[
        (
            "storage_write",
            "overwrite, other keys",
            "(call $storage_write (i32.const 1024) (i32.const 4) (i32.const 520) (i32.const 1))",
            KEYS_TURNS,
        ),
        (
            "storage_write",
            "one key",
            "(call $storage_write (i32.const 600) (i32.const 4) (i32.const 520) (i32.const 1))",
            KEYS_TURNS,
        ),
        (
            "storage_write",
            "overwrite, 4 KiB",
            "(call $storage_write (i32.const 1024) (i32.const 4) (i32.const 8192) (i32.const 4096))",
            200,
        ),
        (
            "storage_remove",
            "write, remove",
            "(call $storage_write (i32.const 1024) (i32.const 4) (i32.const 520) (i32.const 1)) (drop (call $storage_remove (i32.const 1024) (i32.const 4)))",
            KEYS_TURNS,
        ),
        (
            "storage_remove",
            "absent",
            "(drop (call $storage_remove (i32.const 1024) (i32.const 4)))",
            KEYS_TURNS,
        ),
        ("storage_has", "absent", "(drop (call $storage_has (i32.const 1024) (i32.const 4)))", KEYS_TURNS),
        ("storage_len", "absent", "(drop (call $storage_len (i32.const 1024) (i32.const 4)))", KEYS_TURNS),
        (
            "storage_read",
            "absent",
            "(drop (call $storage_read (i32.const 1024) (i32.const 4) (i32.const 600) (i32.const 1)))",
            KEYS_TURNS,
        ),
        ("self_balance", "", "(call $self_balance (i32.const 600))", KEYS_TURNS),
        (
            "balance",
            "absent",
            "(i32.store (i32.const 700) (local.get $i)) (call $balance (i32.const 700) (i32.const 600))",
            KEYS_TURNS,
        ),
    ];
    loops
        .iter()
        .map(|(name, with, body, turns)| plain(&named(name, with), "state", *turns, key(7 << 20) + body))
        .collect()
}

fn named(name: &str, with: &str) -> String {
    if with.is_empty() { name.into() } else { format!("{name}, {with}") }
}

/// What the loops of operators need besides.
fn prelude() -> String {
    let locals = " i64".repeat(2_000);
    format!(
        r#"(type $none (func)) (global $g0 (mut i32) (i32.const 0))
        (table $t 16 funcref) (elem (table $t) (i32.const 0) func $nothing)
        (elem $e func $nothing) (data $d "x") (data $m "xyz")
        (func $nothing) (func $locals (local{locals}))"#
    )
}

/// All loops.
pub fn loops() -> Vec<Loop> {
    let mut list: Vec<Loop> = OPS
        .iter()
        .map(|(name, _, text)| {
            let turns = if name.contains("locals") || name.contains("memory.") { 2_000 } else { 20_000 };
            Loop { prelude: prelude(), turns, ..op(name, text) }
        })
        .collect();
    list.push(plain("loop, br", "op", 200_000, String::new()));
    let large = [
        ("memory.copy 1 MiB", "(memory.copy (i32.const 0) (i32.const 2097152) (i32.const 1048576))", 100),
        ("memory.fill 1 MiB", "(memory.fill (i32.const 0) (i32.const 1) (i32.const 1048576))", 100),
    ];
    list.extend(large.map(|(name, body, turns)| plain(name, "bulk", turns, body.into())));
    let of = |class: &'static str| {
        move |(name, with, body, turns): &(&str, &str, &str, u32)| {
            plain(&named(name, with), class, *turns, (*body).into())
        }
    };
    list.extend(HOST.iter().map(of("host")));
    list.extend(HASHES.iter().map(of("hash")));
    list.extend([(0, 200), (VERIFIED_LEN_MAX, 4)].map(|(len, turns)| verify(len, turns)));
    list.push(recover());
    list.extend(numbers());
    list.extend(state());
    list.extend(calls());
    list
}

/// Calls that begin no frame, and what a call shares. 32,768 holds 64 zeros: an address, a value, a code hash that are
/// nobody's; `$self_address` puts this contract's at 33,000.
fn calls() -> Vec<Loop> {
    const NOBODY: &str = "(i32.const 32768)";
    let call = |to: &str| {
        format!(
            "(drop (call $call {to} {NOBODY} (i64.const 100000) (i32.const 0) (i32.const 0) (i32.const 0)))"
        )
    };
    let create = format!(
        "(drop (call $create {NOBODY} {NOBODY} (i64.const 100000) (i32.const 0) (i32.const 0) (i32.const 600)))"
    );
    let key = "(i32.store (i32.const 700) (i32.and (local.get $i) (i32.const 255)))";
    let list = [
        ("call, to nobody", call(NOBODY), 20_000),
        ("call, refused", call("(i32.const 33000)"), 20_000),
        ("create, no such code", create, 10_000),
        (
            "migrate, refused",
            format!("(drop (call $migrate {NOBODY} {NOBODY} (i32.const 0) (i32.const 0)))"),
            20_000,
        ),
        ("set_admin, refused", format!("(drop (call $set_admin {NOBODY} {NOBODY}))"), 20_000),
        ("returned_len", "(drop (call $returned_len))".into(), 20_000),
        ("returned_read", "(drop (call $returned_read (i32.const 600) (i32.const 64)))".into(), 20_000),
        (
            "transient_read",
            format!(
                "{key} (drop (call $transient_read (i32.const 700) (i32.const 4) (i32.const 800) (i32.const 64)))"
            ),
            20_000,
        ),
        (
            "transient_write",
            format!(
                "{key} (call $transient_write (i32.const 700) (i32.const 4) (i32.const 800) (i32.const 32))"
            ),
            20_000,
        ),
    ];
    let class = |name: &str| match name {
        "returned_len" | "returned_read" => "host",
        "transient_read" | "transient_write" => "transient",
        _ => "calls",
    };
    let one = |(name, body, turns): (&str, String, u32)| Loop {
        setup: "(call $self_address (i32.const 33000))".into(),
        ..plain(name, class(name), turns, body)
    };
    list.map(one).into()
}

/// Bytes of a data segment.
fn escaped<'a>(bytes: impl IntoIterator<Item = &'a u8>) -> String {
    bytes.into_iter().map(|byte| format!("\\{byte:02x}")).collect()
}

/// Numbers of 256 bits, and where their operands lie: two of full length, a modulus of three limbs whose highest
/// is 1 (the slowest to divide by), the largest number, one of a byte.
fn numbers() -> Vec<Loop> {
    let (a, b) = (sha256(b"a"), sha256(b"b"));
    let mut modulus = sha256(b"m");
    modulus[16..].fill(0);
    modulus[16] = 1;
    let mut byte = [0; 32];
    byte[0] = 0xff;
    let data = escaped([a, b, modulus, [0xff; 32], byte].as_flattened());
    let prelude = format!(
        "(data (i32.const 16384) \"{data}\") {}",
        ["a", "b", "m", "max", "byte"]
            .iter()
            .enumerate()
            .map(|(at, name)| format!("(global ${name} i32 (i32.const {}))", 16_384 + 32 * at))
            .collect::<String>()
    );
    let loops = [
        ("add", "", "(drop (call $u256_add (global.get $a) (global.get $b) (i32.const 600)))", 20_000),
        ("sub", "", "(drop (call $u256_sub (global.get $a) (global.get $b) (i32.const 600)))", 20_000),
        ("mul", "", "(drop (call $u256_mul (global.get $a) (global.get $b) (i32.const 600)))", 20_000),
        ("div", "by 3 limbs", "(call $u256_div (global.get $a) (global.get $m) (i32.const 600))", 20_000),
        ("rem", "by 3 limbs", "(call $u256_rem (global.get $a) (global.get $m) (i32.const 600))", 20_000),
        (
            "addmod",
            "3 limbs",
            "(call $u256_addmod (global.get $a) (global.get $max) (global.get $m) (i32.const 600))",
            20_000,
        ),
        (
            "mulmod",
            "3 limbs",
            "(call $u256_mulmod (global.get $a) (global.get $b) (global.get $m) (i32.const 600))",
            20_000,
        ),
        (
            "mulmod",
            "4 limbs",
            "(call $u256_mulmod (global.get $a) (global.get $max) (global.get $b) (i32.const 600))",
            20_000,
        ),
        ("pow", "0 B", "(call $u256_pow (global.get $a) (i32.const 0) (i32.const 600))", 20_000),
        ("pow", "1 B", "(call $u256_pow (global.get $a) (global.get $byte) (i32.const 600))", 20_000),
        ("pow", "32 B", "(call $u256_pow (global.get $a) (global.get $max) (i32.const 600))", 2_000),
        (
            "powmod",
            "0 B",
            "(call $u256_powmod (global.get $a) (i32.const 0) (global.get $m) (i32.const 600))",
            20_000,
        ),
        (
            "powmod",
            "1 B, 3 limbs",
            "(call $u256_powmod (global.get $a) (global.get $byte) (global.get $m) (i32.const 600))",
            2_000,
        ),
        (
            "powmod",
            "32 B, 3 limbs",
            "(call $u256_powmod (global.get $a) (global.get $max) (global.get $m) (i32.const 600))",
            200,
        ),
        (
            "powmod",
            "32 B, 4 limbs",
            "(call $u256_powmod (global.get $a) (global.get $max) (global.get $b) (i32.const 600))",
            200,
        ),
        ("cmp", "", "(drop (call $u256_cmp (global.get $a) (global.get $b)))", 20_000),
    ];
    let one = |(name, with, body, turns): (&str, &str, &str, u32)| Loop {
        prelude: prelude.clone(),
        ..plain(&named(&format!("u256_{name}"), with), "u256", turns, body.into())
    };
    loops.map(one).into()
}

/// A signature of which a key comes. Any two numbers are one, if the first is the x of a point.
fn recover() -> Loop {
    let (hash, mut signature) = (sha256(b"hash"), [sha256(b"r"), sha256(b"s")].concat());
    signature[32] >>= 1;
    while secp256k1::recover(&hash, signature.first_chunk().unwrap_or(&[0; 64]), 0).is_none() {
        signature[0] = signature[0].wrapping_add(1);
    }
    let data = escaped(hash.iter().chain(&signature));
    let body = "(if (i32.eqz (call $secp256k1_recover (i32.const 16384) (i32.const 16416) (i32.const 0) (i32.const 600)))
            (then (unreachable)))";
    Loop {
        prelude: format!("(data (i32.const 16384) \"{data}\")"),
        ..plain("secp256k1_recover", "hash", 200, body.into())
    }
}

/// The message of the longest check: all memory above the first page.
const VERIFIED_LEN_MAX: u32 = 63 << 16;

/// A signature that counts, so that the whole check is made. The message is zeros.
fn verify(len: u32, turns: u32) -> Loop {
    let key = SigningKey::from_seed(&[7; 32]);
    let signature = key.sign(&vec![0; len as usize]);
    let hex = escaped(key.public().iter().chain(&signature));
    let body = format!(
        "(if (i32.eqz (call $ed25519_verify (i32.const 16384) (i32.const 16416) (i32.const 65536) (i32.const {len})))
            (then (unreachable)))"
    );
    Loop {
        prelude: format!("(data (i32.const 16384) \"{hex}\")"),
        ..plain(&format!("ed25519_verify, {len} B"), "hash", turns, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zvm_host::table::host_fns::HOST_FNS;

    /// Ends a call or is AssemblyScript's way to: paid once in a call.
    const ONCE: &[&str] = &["revert", "abort"];
    /// Only in queries, which nobody pays for; the price of each is that of `storage_read`.
    const IN_QUERIES: &[&str] = &["storage_iter", "storage_next"];

    #[test]
    fn every_price_has_a_loop() {
        for (class, name) in GasClass::ALL {
            assert!(OPS.iter().any(|(_, classes, _)| classes.contains(class)), "{name}");
        }
        let all = loops();
        for row in HOST_FNS {
            let has = all.iter().any(|of| {
                of.body.contains(&format!("(call ${} ", row.name))
                    || of.body.contains(&format!("(call ${})", row.name))
            });
            let is_other = ONCE.contains(&row.name) || IN_QUERIES.contains(&row.name);
            assert!(has || is_other, "{}", row.name);
        }
        for of in &all {
            assert!(
                wat::parse_str(crate::run::wat(of)).is_ok(),
                "{}: {:?}",
                of.name,
                wat::parse_str(crate::run::wat(of))
            );
        }
    }
}
