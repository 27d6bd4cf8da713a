//! Tests generated from the operator table: each row's encoding against `wasmparser`; each row in a module
//! that `wat`, `wasmparser` and we accept; each row with a wrong operand, which both refuse.

mod common;

use common::{engine, wat, whole};
use ghost_wasm::internals::{Cursor, Imm, Op, Signature, read_instr};
use ghost_wasm::{ErrorCode, Profile, ValType};
use wasmparser::{BinaryReader, OperatorsReader, Validator, WasmFeatures};

/// Bytes of some immediates of the operator.
fn immediates(op: Op) -> Vec<u8> {
    match op.imm() {
        Imm::Nil => vec![],
        Imm::Block => vec![0x40],
        Imm::Label | Imm::Func | Imm::Local | Imm::Global | Imm::Table | Imm::Data | Imm::Elem => {
            vec![0x83, 0x00]
        }
        Imm::Memory => vec![0],
        Imm::BrTable => vec![1, 2, 3],
        Imm::CallIndirect | Imm::TableInit | Imm::TableCopy => vec![2, 0x80, 0x80, 0x80, 0x80, 0x00],
        Imm::MemArg(natural) => vec![natural, 0xff, 0xff, 0xff, 0xff, 0x0f],
        Imm::I32 => vec![0x80, 0x80, 0x80, 0x80, 0x78],
        Imm::I64 => vec![0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f],
        Imm::F32 => vec![1, 2, 3, 4],
        Imm::F64 => vec![1, 2, 3, 4, 5, 6, 7, 8],
        Imm::RefType => vec![0x6f],
        Imm::SelectTypes => vec![1, 0x7d],
        Imm::MemoryInit => vec![7, 0],
        Imm::MemoryCopy => vec![0, 0],
    }
}

fn encoding(op: Op) -> Vec<u8> {
    let code = op.code();
    let mut bytes = if code > 0xff { vec![(code >> 8) as u8] } else { vec![] };
    // A sub-opcode is a LEB128 number; those of the table are below 128.
    assert!(code & 0xff < 0x80 || code <= 0xff, "{} has a long sub-opcode", op.text());
    bytes.push(code as u8);
    bytes.extend(immediates(op));
    bytes
}

/// The text of some immediates, in the module of [`wrapped`].
fn text_immediates(op: Op) -> &'static str {
    match op.imm() {
        Imm::Nil | Imm::MemArg(_) | Imm::Memory | Imm::MemoryCopy | Imm::Block | Imm::CallIndirect => "",
        Imm::Label | Imm::Local => "0",
        Imm::BrTable => "0 0",
        Imm::Func => "$f",
        Imm::Global => "$g",
        Imm::Table => "$t",
        Imm::I32 | Imm::I64 | Imm::F32 | Imm::F64 => "1",
        Imm::RefType => "extern",
        Imm::SelectTypes => "(result externref)",
        Imm::MemoryInit | Imm::Data => "$d",
        Imm::TableInit => "$t $e",
        Imm::Elem => "$e",
        Imm::TableCopy => "$t $t",
    }
}

fn wrapped(params: &str, results: &str, body: &str) -> Vec<u8> {
    wat(&format!(
        "(module (memory 1) (table $t 4 funcref) (global $g (mut i64) (i64.const 0)) (elem $e func $f)
            (data $d \"abc\") (func $f (export \"f\") (param f32) (result f64) unreachable)
            (func (param {params}) (result {results}) {body}))"
    ))
}

fn list(types: &[ValType]) -> String {
    types.iter().map(|ty| ty.text()).collect::<Vec<_>>().join(" ")
}

fn gets(count: usize) -> String {
    (0..count).map(|index| format!("(local.get {index}) ")).collect()
}

/// Parameters, results, body; and the parameters with which the same body is wrong.
fn polymorphic(op: Op) -> (&'static str, &'static str, &'static str, &'static str) {
    match op {
        Op::Unreachable => ("", "i32", "unreachable", "left over"),
        Op::Block => ("i32", "i32", "(local.get 0) (block (param i32) (result i32))", "i64"),
        Op::Loop => ("i32", "i32", "(local.get 0) (loop (param i32) (result i32))", "f32"),
        Op::If | Op::Else => {
            ("i32", "i64", "(if (result i64) (local.get 0) (then (i64.const 1)) (else (i64.const 2)))", "i64")
        }
        Op::End => ("i32", "i32", "(local.get 0)", "i64"),
        Op::Br => ("i32", "i32", "(br 0 (local.get 0))", "i64"),
        Op::BrIf => ("i32", "i32", "(br_if 0 (local.get 0) (local.get 0))", "i64"),
        Op::BrTable => ("i32", "i32", "(br_table 0 0 (local.get 0) (local.get 0))", "i64"),
        Op::Return => ("i32", "i32", "(return (local.get 0))", "i64"),
        Op::Call => ("f32", "f64", "(call $f (local.get 0))", "f64"),
        Op::CallIndirect => {
            ("f32", "f64", "(call_indirect (param f32) (result f64) (local.get 0) (i32.const 0))", "i32")
        }
        Op::ReturnCall => ("f32", "f64", "(return_call $f (local.get 0))", "f64"),
        Op::ReturnCallIndirect => (
            "f32",
            "f64",
            "(return_call_indirect (param f32) (result f64) (local.get 0) (i32.const 0))",
            "i32",
        ),
        Op::Drop => ("i32", "", "(drop (local.get 0))", "left over"),
        Op::Select => ("i64 i32", "i64", "(select (local.get 0) (local.get 0) (local.get 1))", "i64 f32"),
        Op::SelectT => (
            "externref i32",
            "externref",
            "(select (result externref) (local.get 0) (local.get 0) (local.get 1))",
            "funcref i32",
        ),
        Op::LocalGet => ("i32", "i32", "(local.get 0)", "f64"),
        Op::LocalSet => ("i32", "", "(local.set 0 (i32.const 1))", "i64"),
        Op::LocalTee => ("i32", "i32", "(local.tee 0 (i32.const 1))", "i64"),
        Op::GlobalGet => ("", "i64", "(global.get $g)", "left over"),
        Op::GlobalSet => ("i64", "", "(global.set $g (local.get 0))", "f64"),
        Op::TableGet => ("i32", "funcref", "(table.get $t (local.get 0))", "i64"),
        Op::TableSet => ("funcref", "", "(table.set $t (i32.const 0) (local.get 0))", "externref"),
        Op::TableGrow => ("funcref", "i32", "(table.grow $t (local.get 0) (i32.const 1))", "externref"),
        Op::TableFill => ("funcref", "", "(table.fill $t (i32.const 0) (local.get 0) (i32.const 1))", "i32"),
        Op::RefNull => ("", "externref", "(ref.null extern)", "left over"),
        Op::RefIsNull => ("externref", "i32", "(ref.is_null (local.get 0))", "i32"),
        other => panic!("{other:?} has a fixed signature, or needs a row here"),
    }
}

fn valid_for_wasmparser(bytes: &[u8]) -> bool {
    let features = WasmFeatures::WASM2 | WasmFeatures::TAIL_CALL | WasmFeatures::WIDE_ARITHMETIC;
    Validator::new_with_features(features).validate_all(bytes).is_ok()
}

/// What `wasmparser` calls the operator.
fn their_name(op: Op) -> &'static str {
    match op {
        Op::SelectT => "TypedSelect",
        other => other.name(),
    }
}

#[test]
fn encodings_are_wasmparsers() {
    let features = Profile::LATEST.features();
    for &op in Op::ALL {
        let bytes = encoding(op);
        let mut c = Cursor::new(&bytes);
        let instr = read_instr(&mut c, features).unwrap_or_else(|fault| panic!("{op:?}: {fault:?}"));
        assert_eq!(instr.op, op);
        // The targets of `br_table` are items of their own.
        let targets = if op == Op::BrTable { 2 } else { 0 };
        assert_eq!(c.consumed() + targets, bytes.len(), "{op:?}");
        // Their reader wants an `if` before `else`.
        let inside = [&[0x04, 0x40][..], &bytes].concat();
        let mut reader = OperatorsReader::new(BinaryReader::new(&inside, 0));
        reader.read().expect("if");
        let theirs = format!("{:?}", reader.read().unwrap_or_else(|error| panic!("{op:?}: {error}")));
        let name: String = theirs.chars().take_while(char::is_ascii_alphanumeric).collect();
        assert_eq!(name, their_name(op), "{bytes:x?}");
        assert!(reader.eof(), "{op:?}");
    }
}

#[test]
fn other_encodings_are_illegal() {
    let features = Profile::LATEST.features();
    for byte in 0..=u8::MAX {
        if Op::is_prefix(byte) || Op::ALL.iter().any(|op| op.code() == u16::from(byte)) {
            continue;
        }
        let bytes = common::function(&[0, byte, 0x0b]);
        assert_eq!(
            whole(&engine(&Profile::LATEST), &bytes).code(),
            Some(ErrorCode::IllegalOpcode),
            "{byte:#x}"
        );
    }
    for sub in 0_u32..300 {
        let mut bytes = vec![0xfc];
        bytes.extend(common::leb(sub.into()));
        bytes.extend([0; 8]);
        let known = Op::ALL.iter().any(|op| u32::from(op.code()) == 0xfc00 + sub);
        let read = read_instr(&mut Cursor::new(&bytes), features);
        assert_eq!(read.is_ok(), known, "sub-opcode {sub}");
    }
}

#[test]
fn each_row_is_valid() {
    let engine = engine(&Profile::LATEST);
    for &op in Op::ALL {
        let bytes = match op.signature() {
            Signature::Fixed { params, results } => {
                let body = format!("{} {} {}", gets(params.len()), op.text(), text_immediates(op));
                wrapped(&list(params), &list(results), &body)
            }
            Signature::Poly => {
                let (params, results, body, _) = polymorphic(op);
                wrapped(params, results, body)
            }
        };
        assert!(valid_for_wasmparser(&bytes), "{op:?}");
        match whole(&engine, &bytes) {
            common::Outcome::Module { seen, .. } => {
                assert!(seen.contains(&format!("op: {op:?},")), "{op:?} is decoded: {seen}");
            }
            failed => panic!("{op:?}: {failed:?}"),
        }
    }
}

#[test]
fn each_row_refuses_a_wrong_operand() {
    let engine = engine(&Profile::LATEST);
    let refuse = |op: Op, bytes: &[u8]| {
        assert!(!valid_for_wasmparser(bytes), "{op:?}");
        assert_eq!(whole(&engine, bytes).code(), Some(ErrorCode::TypeMismatch), "{op:?}");
    };
    for &op in Op::ALL {
        match op.signature() {
            Signature::Fixed { params, results } => {
                let body = format!("{} {} {}", gets(params.len()), op.text(), text_immediates(op));
                for wrong in 0..params.len() {
                    for other in [ValType::I32, ValType::F64, ValType::ExternRef] {
                        let mut params = params.to_vec();
                        if params[wrong] == other {
                            continue;
                        }
                        params[wrong] = other;
                        refuse(op, &wrapped(&list(&params), &list(results), &body));
                    }
                }
                if !params.is_empty() {
                    let missing = format!("{} {} {}", gets(params.len() - 1), op.text(), text_immediates(op));
                    refuse(op, &wrapped(&list(params), &list(results), &missing));
                }
                let more = format!("(i32.const 1) {body}");
                refuse(op, &wrapped(&list(params), &list(results), &more));
                refuse(op, &wrapped(&list(params), "externref", &body));
            }
            Signature::Poly => {
                let (params, results, body, wrong) = polymorphic(op);
                match wrong {
                    "left over" if op == Op::Unreachable => {
                        refuse(op, &wrapped(params, results, &format!("{body} (i64.const 1)")));
                    }
                    "left over" => refuse(op, &wrapped(params, results, &format!("(i64.const 1) {body}"))),
                    wrong => refuse(op, &wrapped(wrong, results, body)),
                }
            }
        }
    }
}

#[test]
fn operators_of_absent_features_are_illegal() {
    let features = Profile::WASM_1.features();
    for &op in Op::ALL {
        let bytes = encoding(op);
        let read = read_instr(&mut Cursor::new(&bytes), features);
        if features.has(op.feature()) {
            // A padded table index is none of 1.0's.
            assert!(read.is_ok() || op == Op::CallIndirect, "{op:?}: {read:?}");
        } else {
            let illegal = ghost_wasm::internals::Fault::Bad(ErrorCode::IllegalOpcode);
            assert_eq!(read, Err(illegal), "{op:?}");
        }
    }
}
