//! Operators with two results, and what becomes of these: locals take them in either order, they are dropped, branches
//! take them along, calls and other operators take them as operands. A result is where its operator has put it only
//! until the next op, so that what takes it stands mostly right behind.

use std::collections::BTreeSet;

use ghost_wasm::ValType::{self, I64};
use ghost_wasm::internals::{Family, instruction_name};
use ghost_wasm::{Config, Engine, ExternType, Module};

use super::{Gen, Label, Signed, program, signature};
use crate::machine::{EngineMachine, Machine, Program, arguments};
use crate::{Rng, profile};

const SUMS: [&str; 2] = ["i64.add128", "i64.sub128"];
const PRODUCTS: [&str; 2] = ["i64.mul_wide_s", "i64.mul_wide_u"];
/// High halves, most at the edges of what fits into an op.
const HIGHS: [i64; 16] = [
    0,
    0,
    0,
    -1,
    -1,
    1,
    0x7fff,
    0x8000,
    -0x8000,
    -0x8001,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    -0x8000_0000,
    i64::MIN,
    i64::MAX,
];

impl Gen<'_> {
    pub(super) fn wide(&mut self, base: usize, depth: usize) {
        if depth < 6 && self.rng.chance(50) {
            return self.carried(base, depth);
        }
        // What the results go to often has a reader that waits.
        let local = self.local(I64);
        let waits = self.rng.chance(30);
        if waits {
            self.line(format!("local.get {local}"));
            self.stack.push(I64);
        }
        let height = self.stack.len();
        let from = if waits && self.rng.chance(70) { height } else { base };
        self.two(from);
        self.taken(local);
        if waits && self.stack.len() == height && self.rng.chance(40) {
            self.discard();
        }
    }

    /// Pushes values: of operators with two results, one of them or both.
    ///
    /// If `loose`, values may be left below.
    pub(super) fn push_all(&mut self, types: &[ValType], loose: bool) {
        let mut rest = types;
        while let [ty, after @ ..] = rest {
            rest = after;
            if *ty != I64 || !self.rng.chance(self.wides) {
                self.push(*ty);
                continue;
            }
            self.two(self.stack.len());
            match after {
                [I64, more @ ..] if self.rng.chance(60) => {
                    rest = more;
                    if self.rng.chance(20) {
                        self.tee();
                    }
                }
                _ if loose && after.len() + 1 == types.len() && self.rng.chance(60) => {}
                _ => self.take_high(),
            }
        }
    }

    /// An operator whose operands may be what lies above `base`; its results stay.
    fn two(&mut self, base: usize) {
        let (op, operands) = match self.rng.below(8) {
            0..3 => (SUMS[0], 4),
            3..5 => (SUMS[1], 4),
            kind => (PRODUCTS[kind % 2], 2),
        };
        let ready = self.stack[base..].iter().rev().take(operands).take_while(|ty| **ty == I64).count();
        let mut operand = if self.rng.chance(70) { ready } else { 0 };
        while operand < operands {
            if operand + 2 <= operands && self.rng.chance(10) {
                self.operand(false);
                self.operand(false);
                let product = PRODUCTS[self.rng.below(2)];
                self.line(product);
                operand += 2;
                continue;
            }
            self.operand(operands == 4 && operand % 2 == 1);
            operand += 1;
        }
        self.line(op);
        self.stack.truncate(self.stack.len() - operands);
        self.stack.extend([I64; 2]);
    }

    /// Pushes an operand: what waits in a local, what an op has just made, a constant.
    fn operand(&mut self, high: bool) {
        match self.rng.below(10) {
            0..5 if high => {
                let constant = HIGHS[self.rng.below(HIGHS.len())];
                self.line(format!("i64.const {constant}"));
            }
            0..2 => return self.push(I64),
            2 => {
                let (left, right) = (self.local(I64), self.local(I64));
                let op = ["add", "xor", "mul", "shr_u"][self.rng.below(4)];
                self.line(format!("local.get {left} local.get {right} i64.{op}"));
                if self.rng.chance(30) {
                    let to = self.local(I64);
                    self.line(format!("local.tee {to}"));
                }
            }
            3 => {
                let from = self.local(ValType::I32);
                self.line(format!("local.get {from} i64.extend_i32_u"));
            }
            _ => {
                let local = self.local(I64);
                self.line(format!("local.get {local}"));
            }
        }
        self.stack.push(I64);
    }

    /// Takes the topmost value away, if it may come from an operator with two results often to where it is seen.
    pub(super) fn discard(&mut self) {
        let seen = self.stack.last() == Some(&I64) && self.rng.chance(self.wides);
        self.line(if seen { "global.get $g_i64 i64.sub global.set $g_i64" } else { "drop" });
        self.stack.pop();
    }

    /// Makes a difference of what locals have that such operators write.
    pub(super) fn show_locals(&mut self) {
        for local in 0..self.locals.len() {
            if self.locals[local] == I64 {
                self.line(format!(
                    "local.get {local} global.get $g_i64 i64.const 7 i64.rotl i64.sub global.set $g_i64"
                ));
            }
        }
    }

    fn tee(&mut self) {
        let local = self.local(I64);
        self.line(format!("local.tee {local}"));
    }

    /// Takes the topmost value away.
    fn take_high(&mut self) {
        let local = self.local(I64);
        let text = match self.rng.below(8) {
            0..4 => "drop".to_owned(),
            4 => "global.set $g_i64".to_owned(),
            _ => format!("local.set {local}"),
        };
        self.line(text);
        self.stack.pop();
    }

    /// Takes the results of an operator, some or all. `local` often has a reader that waits.
    fn taken(&mut self, local: usize) {
        let other = if self.rng.chance(40) { local } else { self.local(I64) };
        let (high, low) = if self.rng.chance(50) { (local, other) } else { (other, local) };
        let third = self.local(I64);
        let (text, count) = match self.rng.below(16) {
            0 | 1 => (format!("local.set {high} local.set {low}"), 2),
            2 => (format!("local.tee {high} drop local.set {low}"), 2),
            3 => (format!("local.set {high} local.tee {low}"), 1),
            // The high one is read again before the low one is taken, or after.
            4 => (format!("local.set {high} local.get {high} local.set {third} local.set {low}"), 2),
            5 => (format!("local.set {high} local.set {low} local.get {high} local.set {third}"), 2),
            6 => (format!("local.set {high}"), 1),
            7 => (format!("local.tee {high}"), 0),
            8 => (format!("drop local.set {low}"), 2),
            9 => (format!("drop local.tee {low}"), 1),
            10 => ("drop".to_owned(), 1),
            11 => ("drop drop".to_owned(), 2),
            12 => (format!("global.set $g_i64 local.set {low}"), 2),
            13 => ("i64.sub".to_owned(), 1),
            14 => {
                let index = self.local(ValType::I32);
                (format!("local.get {index} select"), 1)
            }
            _ => return,
        };
        self.line(text);
        self.stack.truncate(self.stack.len() - count);
        if self.rng.chance(40) {
            let read = [high, low][self.rng.below(2)];
            self.read_at_once(read);
        }
    }

    /// An op that could still find in an accumulator what was just put into a local.
    fn read_at_once(&mut self, local: usize) {
        let (other, to) = (self.local(I64), self.local(I64));
        let text = match self.rng.below(7) {
            0 => format!("local.get {local} i64.const 3 i64.rotl global.set $g_i64"),
            1 => format!("local.get {local} local.get {other} i64.sub local.set {to}"),
            2 => format!("local.get {other} local.get {local} i64.xor local.set {to}"),
            3 => format!("local.get {local} i64.eqz if i64.const -5 global.set $g_i64 end"),
            4 => format!("local.get {local} local.get {other} i64.lt_s if i64.const 5 local.set {to} end"),
            5 => format!("i32.const 16 local.get {local} i64.store offset=3"),
            _ => format!("local.get {local} i32.wrap_i64 i32.const 255 i32.and i64.load local.set {to}"),
        };
        self.line(text);
    }

    /// A block or loop whose label takes such results along, above values that wait or in their place.
    fn carried(&mut self, base: usize, depth: usize) {
        let other = self.any_type();
        let types: &[ValType] = match self.rng.below(8) {
            0..3 => &[I64],
            3 | 4 => &[I64, I64],
            5 => &[I64, I64, I64],
            6 => &[other, I64],
            _ => &[I64, other],
        };
        let is_loop = self.rng.chance(20);
        if is_loop {
            self.want(base, types);
        }
        let inner = self.stack.len() - if is_loop { types.len() } else { 0 };
        let params = self.stack[inner..].to_vec();
        let word = if is_loop { "loop" } else { "block" };
        self.line(format!("{word}{}", signature(&Signed { params, results: types.to_vec() })));
        self.labels.push(Label { types: types.to_vec(), is_loop });
        for _ in 0..[0, 0, 0, 1, 2][self.rng.below(5)] {
            let ty = self.any_type();
            self.push(ty);
        }
        if self.rng.chance(30) {
            self.step(inner, depth + 1);
        }
        let wides = std::mem::replace(&mut self.wides, 90);
        self.push_all(types, true);
        self.wides = wides;
        match self.rng.below(10) {
            0..8 => {
                // All labels that take what lies there.
                let fit = |label: &Label| self.stack[inner..].ends_with(&label.types);
                let fitting: Vec<usize> = (0..self.labels.len())
                    .filter(|depth| fit(&self.labels[self.labels.len() - 1 - depth]))
                    .collect();
                let to = if self.rng.chance(60) { 0 } else { fitting[self.rng.below(fitting.len())] };
                if self.rng.chance(20) {
                    self.table_like(inner, to);
                } else {
                    self.branch_to(inner, to, 60);
                }
            }
            8 => {
                let results = &self.funcs[self.current].results;
                if self.stack[inner..].ends_with(results) {
                    self.line("return");
                    self.stack.truncate(inner);
                }
            }
            _ => {}
        }
        self.want_exactly(inner, types);
        self.labels.pop();
        self.line("end");
    }
}

/// The programs of the first few seeds together run each op that these operators can become.
#[test]
fn structured_programs_reach_all_of_wide_arithmetic() {
    let all: BTreeSet<u16> = [Family::Sum128, Family::MulWide]
        .into_iter()
        .flat_map(|family| {
            (0..family.rows().len() as u16 * family.variants()).map(move |at| family.base() + at)
        })
        .collect();
    let engine = Engine::new(Config::new(profile()).stepping(true));
    let (mut missing, mut seed) = (all, 0);
    while !missing.is_empty() && seed < 300 {
        let bytes = wat::parse_str(program(seed)).expect("a program's text");
        let module = Module::new(&engine, &bytes).expect("a module");
        let run = Program { bytes: &bytes, module: &module, profile: profile(), slice: None };
        let mut machine = EngineMachine::start(&run, 100_000).1.expect("an instance");
        for export in module.exports() {
            if let ExternType::Func(ty) = export.ty() {
                let args = arguments(ty, &mut Rng(seed));
                if machine.call(export.name(), &args, 100_000).out_of_gas() {
                    break;
                }
            }
        }
        machine.steps().for_each(|inst| {
            missing.remove(&inst);
        });
        seed += 1;
    }
    let missing: Vec<String> = missing.into_iter().map(instruction_name).collect();
    assert!(missing.is_empty(), "the first {seed} programs never run {missing:?}");
    println!("all within {seed} programs");
}
