//! Programs that run for a while: nested blocks, loops and branches that carry values, calls, and locals that
//! are written while older values of them wait on the stack. All operators of the table with a fixed signature
//! and without an index take part, so a new row does, too; those with two results more than others, in some programs
//! (`wide.rs`).
//!
//! Most backward branches and all recursion spend from a counter in a global; the rest ends by gas.

mod wide;

use std::fmt::Write as _;

use ghost_wasm::ValType;
use ghost_wasm::internals::{Imm, Op, Signature};

use crate::Rng;

const TYPES: [ValType; 4] = [ValType::I32, ValType::I64, ValType::F32, ValType::F64];
/// Locals of each type beside the parameters.
const LOCALS: usize = 2;

struct Signed {
    params: Vec<ValType>,
    results: Vec<ValType>,
}

struct Label {
    types: Vec<ValType>,
    is_loop: bool,
}

struct Gen<'a> {
    rng: &'a mut Rng,
    out: String,
    funcs: &'a [Signed],
    current: usize,
    /// Types of locals, parameters first.
    locals: Vec<ValType>,
    stack: Vec<ValType>,
    labels: Vec<Label>,
    /// Instructions still to be written.
    budget: usize,
    /// Of a hundred values that could come from an operator with two results: how many do.
    wides: usize,
}

/// The text of a program.
pub fn program(seed: u64) -> String {
    let mut rng = Rng(seed ^ 0x57_2c7);
    let count = 2 + rng.below(4);
    let wides = if rng.chance(35) { 60 } else { 3 };
    let mut funcs: Vec<Signed> = (0..count)
        .map(|_| Signed { params: types(&mut rng, 4, wides), results: types(&mut rng, 3, wides) })
        .collect();
    // Only functions with the same results can tail-call each other.
    let shared = funcs[0].results.clone();
    for signed in &mut funcs {
        if rng.chance(60) {
            signed.results.clone_from(&shared);
        }
    }
    let mut out = String::from(
        "(module\n (memory (export \"m\") 1 2)\n (global $fuel (export \"fuel\") (mut i32) (i32.const 200))\n",
    );
    for ty in TYPES {
        let _ = writeln!(out, " (global $g_{ty} (export \"g_{ty}\") (mut {ty}) ({ty}.const 3))");
    }
    let _ = write!(out, " (table (export \"t\") 8 funcref)\n (elem (i32.const 0) func");
    for index in 0..count {
        let _ = write!(out, " {index}");
    }
    out.push_str(")\n");
    for index in 0..count {
        let locals = funcs[index].params.iter().copied();
        let locals = locals.chain(TYPES.into_iter().flat_map(|ty| [ty; LOCALS])).collect();
        let label = Label { types: funcs[index].results.clone(), is_loop: false };
        let budget = 20 + rng.below(120);
        let mut body = Gen {
            rng: &mut rng,
            out: String::new(),
            funcs: &funcs,
            current: index,
            locals,
            stack: Vec::new(),
            labels: vec![label],
            budget,
            wides,
        };
        body.sequence(0, &funcs[index].results, 0);
        if body.rng.chance(wides) {
            body.show_locals();
        }
        let body = body.out;
        let _ = writeln!(out, " (func (export \"f{index}\"){}", signature(&funcs[index]));
        for ty in TYPES {
            let _ = write!(out, " (local");
            for _ in 0..LOCALS {
                let _ = write!(out, " {ty}");
            }
            out.push(')');
        }
        let _ = writeln!(out, "\n{body} )");
    }
    out.push_str(")\n");
    out
}

/// So many types at most; of a hundred, `wides` are those that the operators with two results make.
fn types(rng: &mut Rng, most: usize, wides: usize) -> Vec<ValType> {
    (0..rng.below(most + 1))
        .map(|_| if rng.chance(wides) { ValType::I64 } else { TYPES[rng.below(4)] })
        .collect()
}

fn signature(signed: &Signed) -> String {
    let mut text = String::new();
    for (word, types) in [("param", &signed.params), ("result", &signed.results)] {
        if !types.is_empty() {
            let _ = write!(text, " ({word}");
            for ty in types {
                let _ = write!(text, " {ty}");
            }
            text.push(')');
        }
    }
    text
}

impl Gen<'_> {
    fn line(&mut self, text: impl AsRef<str>) {
        for _ in 0..self.labels.len() + 1 {
            self.out.push(' ');
        }
        self.out.push_str(text.as_ref());
        self.out.push('\n');
    }

    /// Writes instructions that leave exactly `results` above `base`.
    fn sequence(&mut self, base: usize, results: &[ValType], depth: usize) {
        let mut steps = 4 + self.rng.below(24);
        while steps > 0 && self.budget > 0 {
            steps -= 1;
            self.budget -= 1;
            self.step(base, depth);
        }
        self.want_exactly(base, results);
    }

    /// Makes `types` the topmost operands: those that lie there already stay if all do.
    fn want(&mut self, base: usize, types: &[ValType]) {
        let exact = self.stack.len() >= base + types.len() && self.stack.ends_with(types);
        if !exact {
            self.push_all(types, true);
        }
    }

    /// As [`want`](Gen::want), with the height exactly that.
    fn want_exactly(&mut self, base: usize, types: &[ValType]) {
        if self.stack[base..] == *types {
            return;
        }
        while self.stack.len() > base {
            self.discard();
        }
        self.push_all(types, false);
    }

    fn push(&mut self, ty: ValType) {
        let text = match self.rng.below(8) {
            0..4 => format!("local.get {}", self.local(ty)),
            4 => format!("global.get $g_{ty}"),
            _ => self.constant(ty),
        };
        self.line(text);
        self.stack.push(ty);
    }

    fn constant(&mut self, ty: ValType) -> String {
        let ints = [0, 1, -1, 2, 3, 8, 31, 255, 65_535, 65_536, -32_768, 0x7fff_ffff, -0x8000_0000];
        let floats =
            ["0", "-0", "1", "-1.5", "inf", "-inf", "nan", "-nan:0x400001", "3e9", "-2147483649", "0x1p-126"];
        match ty {
            ValType::I32 if self.rng.chance(90) => format!("i32.const {}", ints[self.rng.below(ints.len())]),
            ValType::I32 => format!("i32.const {}", self.rng.draw() as i32),
            ValType::I64 if self.rng.chance(80) => format!("i64.const {}", ints[self.rng.below(ints.len())]),
            ValType::I64 => format!("i64.const {}", self.rng.draw() as i64),
            float => format!("{float}.const {}", floats[self.rng.below(floats.len())]),
        }
    }

    fn any_type(&mut self) -> ValType {
        TYPES[self.rng.below(4)]
    }

    /// Some local of a type.
    fn local(&mut self, ty: ValType) -> usize {
        let count = self.locals.iter().filter(|&&of| of == ty).count();
        let nth = self.rng.below(count);
        let mut of_type = self.locals.iter().enumerate().filter(|(_, of)| **of == ty);
        of_type.nth(nth).map_or(0, |(index, _)| index)
    }

    fn step(&mut self, base: usize, depth: usize) {
        if self.rng.chance(self.wides / 3) {
            return self.wide(base, depth);
        }
        match self.rng.below(100) {
            0..8 => {
                let ty = self.any_type();
                self.push(ty)
            }
            8..40 => self.operator(base),
            40..52 => self.write_local(base),
            52..55 => {
                if self.stack.len() > base {
                    self.line("drop");
                    self.stack.pop();
                }
            }
            55..60 => self.select(base),
            60..63 => self.global(base),
            63..66 => self.bulk(),
            66..80 if depth < 6 => self.block(base, depth),
            80..88 => self.branch(base),
            88..90 => self.branch_table(base),
            90..95 => self.call(base),
            95..97 => self.tail_call(base),
            97 => {
                let results = self.funcs[self.current].results.clone();
                self.want(base, &results);
                self.line("return");
                self.stack.truncate(base);
            }
            98 if self.rng.chance(10) => {
                self.line("unreachable");
                self.stack.truncate(base);
            }
            _ => self.line("nop"),
        }
    }

    /// An operator of the table; those whose operands lie ready are preferred.
    fn operator(&mut self, base: usize) {
        let mut found = None;
        for attempt in 0..30 {
            let op = Op::ALL[self.rng.below(Op::ALL.len())];
            let Signature::Fixed { params, results } = op.signature() else { continue };
            let is_memory = matches!(op.imm(), Imm::MemArg(_));
            if !(op.imm() == Imm::Nil || is_memory) {
                continue;
            }
            let ready = self.stack.len() >= base + params.len() && self.stack.ends_with(params);
            if ready || attempt > 8 {
                found = Some((op, params, results, is_memory));
                break;
            }
        }
        let Some((op, params, results, is_memory)) = found else { return };
        if is_memory {
            return self.memory(base, op, params, results);
        }
        // Division by zero and conversions out of range end the program: not too often.
        let text = op.text();
        let divides = text.contains("div_") && !text.starts_with('f') || text.contains("rem_");
        if (divides || text.contains(".trunc_f")) && self.rng.chance(80) {
            let ty = params[0];
            self.want(base, &params[..1]);
            let constant = match ty {
                ValType::I32 | ValType::I64 => format!("{ty}.const {}", 1 + self.rng.below(9)),
                _ => {
                    self.line("drop");
                    format!("{ty}.const {}", self.rng.below(1000))
                }
            };
            self.line(constant);
            self.line(text);
            self.stack.pop();
            self.stack.extend(results);
            return;
        }
        self.want(base, params);
        self.line(text);
        self.stack.truncate(self.stack.len() - params.len());
        self.stack.extend(results);
    }

    fn memory(&mut self, base: usize, op: Op, params: &[ValType], results: &[ValType]) {
        let offset = match self.rng.below(20) {
            0 => u32::MAX - self.rng.below(100) as u32,
            1..8 => 0,
            _ => self.rng.below(64) as u32,
        };
        // The address, made small, then the value to be stored.
        self.want(base, &params[..1]);
        if self.rng.chance(95) {
            let mask = [0xff, 0x7fff, 0xfff0][self.rng.below(3)];
            self.line(format!("i32.const {mask}"));
            self.line("i32.and");
        }
        for &ty in &params[1..] {
            self.push(ty);
        }
        let offset = if self.rng.chance(97) { offset % 64 } else { offset };
        self.line(format!("{} offset={offset}", op.text()));
        self.stack.truncate(self.stack.len() - params.len());
        self.stack.extend(results);
    }

    fn write_local(&mut self, base: usize) {
        // A read that waits below while the local is written.
        if self.rng.chance(40) {
            let ty = TYPES[self.rng.below(4)];
            let local = self.local(ty);
            self.line(format!("local.get {local}"));
            self.stack.push(ty);
            self.push(ty);
            let tee = self.rng.chance(30);
            self.line(format!("local.{} {local}", if tee { "tee" } else { "set" }));
            if !tee {
                self.stack.pop();
            }
            return;
        }
        if self.stack.len() == base {
            {
                let ty = self.any_type();
                self.push(ty)
            };
        }
        let ty = self.stack[self.stack.len() - 1];
        let local = self.local(ty);
        if self.rng.chance(40) {
            self.line(format!("local.tee {local}"));
        } else {
            self.line(format!("local.set {local}"));
            self.stack.pop();
        }
    }

    fn select(&mut self, base: usize) {
        let ty = match self.stack.len() > base {
            true => self.stack[self.stack.len() - 1],
            false => TYPES[self.rng.below(4)],
        };
        self.want(base, &[ty]);
        self.push(ty);
        self.condition();
        let text = if self.rng.chance(30) { format!("select (result {ty})") } else { "select".to_owned() };
        self.line(text);
        self.stack.pop();
    }

    /// An `i32` on the stack, often of a comparison, so that it is folded into its user.
    fn condition(&mut self) {
        match self.rng.below(4) {
            0 => self.push(ValType::I32),
            1 => {
                self.push(ValType::I32);
                self.line("i32.eqz");
            }
            _ => {
                let compare: Vec<Op> = Op::ALL
                    .iter()
                    .copied()
                    .filter(|op| {
                        matches!(op.signature(), Signature::Fixed { params: [a, b], results: [ValType::I32] } if a == b)
                            && op.imm() == Imm::Nil
                            && ["eq", "ne", "lt", "gt", "le", "ge"]
                                .iter()
                                .any(|name| op.text()[4..].starts_with(name))
                    })
                    .collect();
                let op = compare[self.rng.below(compare.len())];
                let Signature::Fixed { params, .. } = op.signature() else { return };
                for &ty in params {
                    self.push(ty);
                }
                self.line(op.text());
                self.stack.truncate(self.stack.len() - 2);
                self.stack.push(ValType::I32);
            }
        }
        self.stack.pop();
    }

    fn global(&mut self, base: usize) {
        if self.stack.len() > base {
            let ty = self.stack[self.stack.len() - 1];
            self.line(format!("global.set $g_{ty}"));
            self.stack.pop();
        }
    }

    fn bulk(&mut self) {
        let mut small = |most: usize| format!("i32.const {}", self.rng.below(most));
        let (to, from, len) = (small(65_700), small(65_000), small(300));
        let what = self.rng.below(4);
        match what {
            0 | 1 => {
                for text in [&to, &from, &len] {
                    self.line(text);
                }
                self.line(if what == 0 { "memory.copy" } else { "memory.fill" });
            }
            2 => {
                self.line("memory.size");
                self.stack.push(ValType::I32);
            }
            _ => {
                let pages = self.rng.below(3);
                self.line(format!("i32.const {pages}"));
                self.line("memory.grow");
                self.stack.push(ValType::I32);
            }
        }
    }

    fn block(&mut self, base: usize, depth: usize) {
        let word = ["block", "loop", "if"][self.rng.below(3)];
        let most = (self.stack.len() - base).min(3);
        let taken = self.rng.below(most + 1);
        let signed = Signed {
            params: self.stack[self.stack.len() - taken..].to_vec(),
            results: types(self.rng, 2, self.wides),
        };
        if word == "if" {
            self.condition();
        }
        self.line(format!("{word}{}", signature(&signed)));
        let inner = self.stack.len() - taken;
        let types = if word == "loop" { &signed.params } else { &signed.results };
        self.labels.push(Label { types: types.clone(), is_loop: word == "loop" });
        self.sequence(inner, &signed.results, depth + 1);
        if word == "if" && (signed.params != signed.results || self.rng.chance(60)) {
            self.line("else");
            self.stack.truncate(inner);
            self.stack.extend(&signed.params);
            self.sequence(inner, &signed.results, depth + 1);
        }
        self.labels.pop();
        self.line("end");
    }

    /// Spends from the counter; leaves a condition that is false once it is empty.
    fn spend(&mut self) {
        self.line("global.get $fuel i32.const 1 i32.sub global.set $fuel");
        self.line("global.get $fuel i32.const 0 i32.gt_s");
    }

    fn branch(&mut self, base: usize) {
        let depth = self.rng.below(self.labels.len().min(4));
        self.branch_to(base, depth, 15);
    }

    /// A branch to a label; of a hundred to a block, `always` are on no condition.
    fn branch_to(&mut self, base: usize, depth: usize, always: usize) {
        let label = &self.labels[self.labels.len() - 1 - depth];
        let (types, is_loop) = (label.types.clone(), label.is_loop);
        self.want(base, &types);
        if is_loop {
            if self.rng.chance(95) {
                self.condition();
                self.spend();
                self.line("i32.and");
                self.line(format!("br_if {depth}"));
            } else {
                self.condition();
                self.line(format!("br_if {depth}"));
            }
        } else if self.rng.chance(always) {
            self.line(format!("br {depth}"));
            self.stack.truncate(base);
        } else {
            self.condition();
            self.line(format!("br_if {depth}"));
        }
    }

    fn branch_table(&mut self, base: usize) {
        let last = self.rng.below(self.labels.len());
        self.table_like(base, last);
    }

    /// A `br_table` to blocks that take what the one at `last` takes.
    fn table_like(&mut self, base: usize, last: usize) {
        let types = self.labels[self.labels.len() - 1 - last].types.clone();
        let targets: Vec<usize> = (0..self.labels.len())
            .filter(|depth| {
                let label = &self.labels[self.labels.len() - 1 - depth];
                label.types == types && !label.is_loop
            })
            .collect();
        if targets.is_empty() {
            return;
        }
        self.want(base, &types);
        // Otherwise what follows is dead.
        let guarded = self.rng.chance(70);
        if guarded {
            self.condition();
            self.line(format!("if{}", signature(&Signed { params: types.clone(), results: types.clone() })));
        }
        self.push(ValType::I32);
        self.stack.pop();
        if self.rng.chance(80) {
            self.line("i32.const 3 i32.and");
        }
        let mut text = String::from("br_table");
        for _ in 0..1 + self.rng.below(4) {
            let target = targets[self.rng.below(targets.len())];
            let _ = write!(text, " {}", target + usize::from(guarded));
        }
        self.line(text);
        if guarded {
            self.line("end");
        } else {
            self.stack.truncate(base);
        }
    }

    fn tail_call(&mut self, base: usize) {
        let results = &self.funcs[self.current].results;
        let callees: Vec<usize> =
            (0..self.funcs.len()).filter(|&callee| self.funcs[callee].results == *results).collect();
        let callee = callees[self.rng.below(callees.len())];
        let params = self.funcs[callee].params.clone();
        let guarded = callee <= self.current || self.rng.chance(50);
        if guarded {
            self.spend();
            self.line("if");
            self.labels.push(Label { types: Vec::new(), is_loop: false });
        }
        let height = self.stack.len();
        self.want(if guarded { height } else { base }, &params);
        if self.rng.chance(30) {
            let entry = if self.rng.chance(3) { self.rng.below(10) } else { callee };
            self.line(format!("i32.const {entry}"));
            let signed = Signed { params, results: self.funcs[callee].results.clone() };
            self.line(format!("return_call_indirect{}", signature(&signed)));
        } else {
            self.line(format!("return_call {callee}"));
        }
        if guarded {
            self.stack.truncate(height);
            self.labels.pop();
            self.line("end");
        } else {
            self.stack.truncate(base);
        }
    }

    fn call(&mut self, base: usize) {
        let callee = self.rng.below(self.funcs.len());
        let (params, results) = (self.funcs[callee].params.clone(), self.funcs[callee].results.clone());
        let back = callee <= self.current;
        if back {
            // Arguments cannot be left on one path alone, so that the whole call is conditional.
            self.spend();
            self.line(format!("if{}", signature(&Signed { params: Vec::new(), results: results.clone() })));
            self.labels.push(Label { types: results.clone(), is_loop: false });
        }
        if back {
            self.push_all(&params, false);
        } else {
            self.want(base, &params);
        }
        if self.rng.chance(30) {
            let entry = if self.rng.chance(3) { self.rng.below(10) } else { callee };
            self.line(format!("i32.const {entry}"));
            let signed = Signed { params: params.clone(), results: results.clone() };
            self.line(format!("call_indirect{}", signature(&signed)));
        } else {
            self.line(format!("call {callee}"));
        }
        self.stack.truncate(self.stack.len() - params.len());
        if back {
            self.line("else");
            let height = self.stack.len();
            for &ty in &results {
                self.push(ty);
            }
            self.stack.truncate(height);
            self.labels.pop();
            self.line("end");
        }
        self.stack.extend(&results);
    }
}
