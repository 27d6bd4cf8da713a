//! The law of chunks: the same bytes cut anywhere give the same module, or the same error at the same
//! offset; and no more of them is kept than one item, or fewer than 16 bytes of operators.

mod common;

use common::{Outcome, Rng, bounded, cases, cut, engine, mutate, pieces, smith, wat, whole};
use ghost_wasm::{Engine, Profile};

/// A module with every section, long names, multi-byte characters, all kinds of segments and `br_table`.
fn everything() -> Vec<u8> {
    let name = "n\u{e9}\u{20ac}\u{10348}".repeat(700);
    wat(&format!(
        r#"(module $m
            (type $t (func (param i32 i64 f32 f64) (result i32 i64)))
            (import "{name}" "f" (func $f (param i32)))
            (import "m" "g" (global $g i32))
            (table $table 10 20 funcref) (table 3 externref)
            (memory 1 2)
            (global $h (mut i64) (i64.const -9223372036854775808))
            (global f64 (f64.const 1.5))
            (export "{name}" (func $f)) (export "mem" (memory 0))
            (start $s)
            (elem (i32.const 0) $f $s) (elem (table $table) (global.get $g) funcref (ref.func $f) (ref.null func))
            (elem declare func $f) (elem externref (ref.null extern))
            (data (i32.const 5) "{name}") (data "passive") (data (i32.const 0) "")
            (func $s)
            (func (param i32) (result i32) (local i32 i32 f64 f32)
                (block (block (block (br_table 0 1 2 0 1 2 0 (local.get 0)))))
                (if (result i32) (local.get 0) (then (i32.const 2147483647)) (else (i32.const -2147483648)))
                (i32.store offset=4294967295 align=1 (i32.const 0) (i32.const 128))
                (memory.init 1 (i32.const 0) (i32.const 0) (i32.const 0)) (data.drop 1)
                (call_indirect (type $t) (i32.const 0) (i64.const 1) (f32.const 0) (f64.const 0) (i32.const 0))
                drop drop)
        )"#
    ))
}

fn same(name: &str, bytes: &[u8], expected: &Outcome, found: &Outcome) {
    assert_eq!(found, expected, "{name}: {} bytes: {bytes:02x?}", bytes.len());
}

/// Cut once, anywhere.
fn one_cut(engine: &Engine, bytes: &[u8], expected: &Outcome) {
    for at in 0..=bytes.len() {
        let (first, second) = bytes.split_at(at);
        same("one cut", bytes, expected, &pieces(engine, [first, second]));
    }
}

fn check(rng: &mut Rng, profile: &Profile, bytes: &[u8]) {
    let engine = engine(profile);
    let expected = whole(&engine, bytes);
    for size in [1, 2, 3, 7] {
        same("equal pieces", bytes, &expected, &pieces(&engine, bytes.chunks(size)));
    }
    let random = cut(&engine, bytes, || match rng.below(4) {
        0 => rng.below(3),
        1 => rng.below(40),
        _ => rng.below(5000),
    });
    same("random pieces", bytes, &expected, &random);
    same("least work", bytes, &expected, &bounded(&engine, bytes, || 0));
    same("random work", bytes, &expected, &bounded(&engine, bytes, || rng.next() % 200));
}

#[test]
fn a_module_with_everything() {
    let bytes = everything();
    let engine = engine(&Profile::WASM_2);
    let expected = whole(&engine, &bytes);
    assert!(expected.is_valid(), "{expected:?}");
    one_cut(&engine, &bytes, &expected);
    check(&mut Rng(1), &Profile::WASM_2, &bytes);
}

#[test]
fn every_prefix_of_a_module_fails_the_same_way() {
    let bytes = everything();
    let engine = engine(&Profile::WASM_2);
    let mut valid = 0;
    for end in
        (0..bytes.len()).step_by(1 + bytes.len() / 400).chain(bytes.len().saturating_sub(200)..bytes.len())
    {
        let prefix = &bytes[..end];
        let expected = whole(&engine, prefix);
        valid += usize::from(expected.is_valid());
        for size in [1, 15, 16, 17, 100] {
            same("equal pieces", prefix, &expected, &pieces(&engine, prefix.chunks(size)));
        }
    }
    assert!(valid <= 1, "only what comes before the name section is a module, too: {valid}");
}

/// The last operators before a cut are read with those behind it, which may never come.
#[test]
fn a_fault_before_a_cut_is_found_at_the_end_at_the_latest() {
    let (nops, behind) = ([0x01; 40], [0x01; 200]);
    let engine = engine(&Profile::WASM_2);
    // `i32.add` without operands, `br 9`, an opcode that there is not.
    for fault in [&[0x6a][..], &[0x0c, 0x09], &[0xff]] {
        let body = [&[0x00], &nops[..], fault, &behind, &[0x0b]].concat();
        let body = [&[body.len() as u8 | 0x80, (body.len() >> 7) as u8], &body[..]].concat();
        let code =
            [&[10, (body.len() + 1) as u8 | 0x80, ((body.len() + 1) >> 7) as u8, 1], &body[..]].concat();
        let head = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0";
        let bytes = [&head[..], &code].concat();
        let at = bytes.len() - 1 - behind.len() - fault.len();
        for end in at + fault.len()..=bytes.len() {
            let prefix = &bytes[..end];
            let expected = whole(&engine, prefix);
            let found = expected.offset();
            assert!(found.is_some_and(|found| (at as u64..=at as u64 + 1).contains(&found)), "{expected:?}");
            one_cut(&engine, prefix, &expected);
        }
    }
}

#[test]
fn mutations_of_a_module_with_everything() {
    let mut rng = Rng(2);
    // Shorter names: more of the mutations hit structure.
    let bytes = everything();
    let short = wat(
        r#"(module (import "a" "b" (func)) (memory 1) (data (i32.const 0) "abcdefgh") (table 4 funcref)
        (elem (i32.const 0) 0 1) (export "e" (func 1))
        (func (param i32 i64) (result i64) (local f32)
            (block (loop (br_if 1 (local.get 0)) (br_table 0 1 0 (local.get 0)))) (i64.load offset=8 (local.get 0)))
        (func (result f64) (f64.const 3)))"#,
    );
    for case in 0..cases(1_500) {
        let from = if case % 20 == 0 { &bytes } else { &short };
        let mutant = mutate(&mut rng, from);
        check(&mut rng, &Profile::WASM_2, &mutant);
    }
}

#[test]
fn generated_modules_and_their_mutations() {
    let mut rng = Rng(3);
    for _ in 0..cases(60) {
        let bytes = smith(&mut rng, true);
        check(&mut rng, &Profile::LATEST, &bytes);
        for _ in 0..5 {
            let mutant = mutate(&mut rng, &bytes);
            check(&mut rng, &Profile::LATEST, &mutant);
        }
    }
}

#[test]
fn any_bytes_behind_a_header() {
    let mut rng = Rng(4);
    for _ in 0..cases(2_000) {
        let len = rng.below(60);
        let mut bytes = common::HEADER.to_vec();
        bytes.extend(rng.bytes(len));
        check(&mut rng, &Profile::WASM_1, &bytes);
    }
}

#[test]
fn functions_are_valid_before_the_last_byte() {
    use ghost_wasm::{Config, ModuleStream};
    let bytes = wat("(module (func) (func) (func (drop (i32.const 1))))");
    let mut stream = ModuleStream::new(&Engine::new(&Config::default()));
    stream.feed(&bytes[..bytes.len() - 3]).expect("a prefix");
    let progress = stream.progress();
    assert_eq!(progress.functions_valid, 2);
    assert_eq!(progress.bytes, bytes.len() as u64 - 3);
    stream.feed(&bytes[bytes.len() - 3..]).expect("the rest");
    assert_eq!(stream.progress().functions_valid, 3);
    let work = stream.progress().work;
    assert_eq!(stream.finish().expect("a module").work(), work);
}

#[test]
fn a_failed_stream_stays_failed() {
    use ghost_wasm::{Config, ErrorCode, ModuleStream};
    let mut stream = ModuleStream::new(&Engine::new(&Config::default()));
    let error = stream.feed(b"\0asm\x02").err().or_else(|| stream.feed(b"\0\0\0").err());
    assert_eq!(error.expect("another version").code(), ErrorCode::UnknownVersion);
    assert_eq!(stream.feed(b"").expect_err("over").code(), ErrorCode::StreamEnded);
    assert_eq!(stream.finish().expect_err("over").code(), ErrorCode::StreamEnded);
}

/// The count of a body's locals may have more bytes than it needs. Cut in between, it is put together with what follows,
/// where operators begin.
#[test]
fn a_count_of_locals_that_is_cut() {
    let sized = |bytes: &[u8]| {
        let len = bytes.len();
        [&[len as u8 & 0x7f | 0x80, (len >> 7) as u8][..], bytes].concat()
    };
    let section = |id: u8, bytes: &[u8]| [&[id], &*sized(bytes)].concat();
    for operators in [1, 20, 60, 61, 62, 63, 64, 100, 190, 300] {
        for count in [&[0][..], &[0x80, 0], &[0x80, 0x80, 0x80, 0x80, 0]] {
            let body = [count, &vec![0x01; operators], &[0x0b]].concat();
            let bytes = [
                b"\0asm\x01\0\0\0".to_vec(),
                section(1, b"\x01\x60\0\0"),
                section(3, &[1, 0]),
                section(10, &[&[1], &*sized(&body)].concat()),
            ]
            .concat();
            let engine = engine(&Profile::WASM_2);
            let expected = whole(&engine, &bytes);
            assert!(expected.is_valid(), "{expected:?}");
            one_cut(&engine, &bytes, &expected);
            for at in 0..=bytes.len() {
                let (first, second) = bytes.split_at(at);
                for size in [16, 17, 40, 64, 65, 128] {
                    let all = core::iter::once(first).chain(second.chunks(size));
                    same("many cuts", &bytes, &expected, &pieces(&engine, all));
                }
            }
        }
    }
}
