//! Text of small functions, and of their twins: the same operators with each result passed through a global,
//! so that no op can take up what the one before has made.

use std::fmt::Write as _;

use ghost_wasm::ValType;
use ghost_wasm::internals::{Op, Signature};

/// Where an operand is when its operator comes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// In a local.
    Slot,
    /// In the accumulator: the result of the op before.
    Acc,
    Const(i64),
}

/// Where a result goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum To {
    /// To the accumulator: it is returned at once.
    Acc,
    /// To a local.
    Local(&'static str),
    /// To its slot of the operand stack, because the accumulator is filled anew above it.
    Own,
}

pub const TYPES: [ValType; 4] = [ValType::I32, ValType::I64, ValType::F32, ValType::F64];

/// A function, as itself and as its twin.
#[derive(Clone, Debug)]
pub struct Case {
    /// What the parameters `a`, `b`, `c` and the locals `d`, `e` are; `p` and `q` are addresses. The locals `n`
    /// and `m` are i64, `r` is of the result's type.
    pub ty: ValType,
    pub result: ValType,
    pub fused: String,
    pub twin: String,
}

/// Writes both texts.
#[derive(Debug, Default)]
pub struct Text {
    fused: String,
    twin: String,
}

pub fn params_of(op: Op) -> &'static [ValType] {
    match op.signature() {
        Signature::Fixed { params, .. } => params,
        _ => &[],
    }
}

pub fn result_of(op: Op) -> ValType {
    match op.signature() {
        Signature::Fixed { results: &[ty], .. } => ty,
        _ => ValType::I32,
    }
}

impl Text {
    /// The same in both.
    pub fn raw(&mut self, text: &str) -> &mut Text {
        let _ = write!(self.fused, " {text}");
        let _ = write!(self.twin, " {text}");
        self
    }

    /// An instruction with a result, that the twin passes through a global.
    pub fn made(&mut self, text: &str, ty: ValType) -> &mut Text {
        self.raw(text);
        let _ = write!(self.twin, " global.set $t_{ty} global.get $t_{ty}");
        self
    }

    pub fn op(&mut self, op: Op) -> &mut Text {
        self.made(op.text(), result_of(op))
    }

    /// A load.
    pub fn load(&mut self, op: Op, offset: u64) -> &mut Text {
        self.made(&format!("{} offset={offset}", op.text()), result_of(op))
    }

    /// An operand of type `ty`, from a local if from any.
    pub fn operand(&mut self, kind: Kind, local: &str, ty: ValType) -> &mut Text {
        let float = matches!(ty, ValType::F32 | ValType::F64);
        match kind {
            Kind::Slot => self.raw(&format!("local.get ${local}")),
            Kind::Acc if float => {
                self.made(&format!("local.get ${local} local.get ${local} {ty}.copysign"), ty)
            }
            Kind::Acc => self.made(&format!("local.get ${local} {ty}.const 1 {ty}.div_u"), ty),
            Kind::Const(value) if float => self.made(&format!("{ty}.const {value}"), ty),
            Kind::Const(value) => {
                let value = if ty == ValType::I32 { i64::from(value as i32) } else { value };
                self.made(&format!("{ty}.const {value}"), ty)
            }
        }
    }

    /// What comes of the result on the stack; the function is finished.
    pub fn to(mut self, to: To, ty: ValType) -> Case {
        let float = matches!(ty, ValType::F32 | ValType::F64);
        match to {
            To::Acc => {}
            To::Local(local) => {
                self.raw(&format!("local.set ${local} local.get ${local}"));
            }
            To::Own => {
                self.operand(Kind::Acc, "e", ty);
                self.made(&format!("{ty}.{}", if float { "min" } else { "xor" }), ty);
            }
        }
        self.case(ty, ty)
    }

    /// The i32 on the stack decides a branch, by `sense`; then all locals are shown. What follows the branch at once takes
    /// one of them, each in some case: it may be said to be in an accumulator.
    pub fn branch(mut self, sense: bool, ty: ValType) -> Case {
        let condition = std::mem::take(&mut self);
        let (after, of) =
            [("a", ty), ("b", ty), ("c", ty), ("d", ty), ("p", ValType::I32), ("q", ValType::I32)]
                [condition.fused.bytes().map(usize::from).sum::<usize>() % 6];
        let operator = if matches!(of, ValType::F32 | ValType::F64) { "mul" } else { "xor" };
        let take = format!("local.get ${after} {of}.const 3 {of}.{operator} global.set $after_{of}");
        let (open, test) = if sense {
            ("block $out", format!("br_if $out {take} i32.const 1 global.set $side"))
        } else {
            ("block $out", format!("if {take} i32.const 1 global.set $side end"))
        };
        self.raw("i32.const 0 global.set $side").raw(open);
        self.fused.push_str(&condition.fused);
        self.twin.push_str(&condition.twin);
        self.raw(&test).raw("end");
        for local in ["a", "b", "c", "d"] {
            self.raw(&format!("local.get ${local} global.set $see_{local}_{ty}"));
        }
        self.raw("global.get $side");
        self.case(ty, ValType::I32)
    }

    pub fn case(self, ty: ValType, result: ValType) -> Case {
        Case { ty, result, fused: self.fused, twin: self.twin }
    }
}

/// A module of functions `f0`, `f1`, … with their twins `t0`, `t1`, …
pub fn module(cases: &[Case], show_memory: bool) -> String {
    let export = if show_memory { "(export \"m\")" } else { "" };
    let mut out = format!("(module\n (memory {export} 1)\n");
    // Something other at each place, to the last byte.
    for at in [0, 65_536 - 160] {
        let bytes: String = (0..160u32).fold(String::new(), |mut text, index| {
            let _ = write!(text, "\\{:02x}", (index + at).wrapping_mul(0x9e37_79b9) >> 24);
            text
        });
        let _ = writeln!(out, " (data (i32.const {at}) \"{bytes}\")");
    }
    for ty in TYPES {
        let _ = writeln!(out, " (global $t_{ty} (mut {ty}) ({ty}.const 0))");
        let _ = writeln!(out, " (global $after_{ty} (export \"after_{ty}\") (mut {ty}) ({ty}.const 0))");
        for local in ["a", "b", "c", "d"] {
            let name = format!("see_{local}_{ty}");
            let _ = writeln!(out, " (global ${name} (export \"{name}\") (mut {ty}) ({ty}.const 0))");
        }
    }
    out.push_str(" (global $side (mut i32) (i32.const 0))\n");
    for ty in TYPES {
        let float = matches!(ty, ValType::F32 | ValType::F64);
        let mix = if float { "sub" } else { "xor" };
        let _ = writeln!(out, " (func $one_{ty} (param {ty}) (result {ty}) (local {ty}) local.get 0)");
        let _ = writeln!(
            out,
            " (func $two_{ty} (param {ty} {ty}) (result {ty}) (local {ty}) local.get 0 local.get 1 {ty}.{mix})"
        );
    }
    for (index, Case { ty, result, fused, twin }) in cases.iter().enumerate() {
        for (name, body) in [("f", fused), ("t", twin)] {
            let _ = writeln!(
                out,
                " (func (export \"{name}{index}\") (param $a {ty}) (param $b {ty}) (param $c {ty}) (param $p i32) \
                 (param $q i32) (result {result}) (local $d {ty}) (local $e {ty}) (local $n i64) (local $m i64) \
                 (local $r {result})\n {body})"
            );
        }
    }
    out.push_str(")\n");
    out
}
