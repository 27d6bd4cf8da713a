//! The text of programs that loop. A loop's counter is spent before each jump back, and nothing else writes it, so that
//! all programs end; what else a condition hangs on is drawn.

use std::fmt::Write as _;

use crate::Rng;

/// Locals by type; of the counters one for each nesting of loops.
pub(super) const I32: [&str; 5] = ["a", "b", "c", "d", "e"];
const I64: [&str; 3] = ["x", "y", "z"];
const F64: [&str; 2] = ["p", "q"];
const NESTING: usize = 4;
/// Steps at the edges of what sums take in their fields.
pub(super) const STEPS: [i64; 16] = [
    1,
    -1,
    2,
    8,
    -4,
    127,
    128,
    -128,
    -129,
    0x7fff,
    0x8000,
    -0x8000,
    -0x8001,
    0x1_0000,
    0x7fff_ffff,
    -0x8000_0000,
];
pub(super) const COMPARES: [&str; 10] =
    ["eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u"];

pub(super) type Type = &'static str;

pub(super) struct Label {
    pub(super) types: Vec<Type>,
    /// Of a loop: which counter ends it.
    pub(super) counter: Option<usize>,
}

pub(super) struct Gen<'a> {
    pub(super) rng: &'a mut Rng,
    out: String,
    pub(super) labels: Vec<Label>,
    /// Values of the innermost block that only wait.
    waiting: Vec<Type>,
    loops: usize,
    pub(super) budget: usize,
    /// Which function: those with higher numbers may be called.
    number: usize,
}

const FUNCS: usize = 3;
/// Parameters are the first locals of their types.
const PARAMS: [&[Type]; FUNCS] = [&["i32", "i32", "i64"], &["i32"], &["i32", "i64"]];
const RESULTS: [&[Type]; FUNCS] = [&["i32", "i64", "f64", "i32", "i32"], &["i32"], &["i64", "i32"]];

/// The text of a program.
pub fn program(seed: u64) -> String {
    let mut rng = Rng(seed ^ 0x100b5);
    let mut out = String::from(
        "(module\n (memory (export \"m\") 1)\n (global $g (export \"g\") (mut i32) (i32.const 5))\n \
         (data (i32.const 0) \"\\01\\02\\03\\00\\ff\\fe\\00\\80\\07\\00\\00\\00\\10\\20\\30\\40\")\n \
         (table 4 funcref) (elem (i32.const 0) func 0 1 2)\n (type $t1 (func (param i32) (result i32)))\n",
    );
    for number in 0..FUNCS {
        let most = [60, 14, 14][number];
        let budget = 4 + rng.below(most);
        let mut body = Gen {
            rng: &mut rng,
            out: String::new(),
            labels: vec![Label { types: RESULTS[number].to_vec(), counter: None }],
            waiting: Vec::new(),
            loops: 0,
            budget,
            number,
        };
        while body.budget > 0 {
            body.statement(0);
        }
        let waiting = body.waiting.len();
        body.drop_all(waiting);
        body.results();
        let text = body.out;
        let _ = write!(out, " (func $f{number} (export \"f{number}\")");
        let (mut ints, mut wides) = (I32.iter(), I64.iter());
        for &ty in PARAMS[number] {
            let name = if ty == "i32" { ints.next() } else { wides.next() };
            let _ = write!(out, " (param ${} {ty})", name.unwrap_or(&""));
        }
        let _ = write!(out, " (result {})", RESULTS[number].join(" "));
        for (names, ty) in [(ints, "i32"), (wides, "i64"), (F64.iter(), "f64")] {
            names.for_each(|name| {
                let _ = write!(out, " (local ${name} {ty})");
            });
        }
        for nesting in 0..NESTING {
            let _ = write!(out, " (local $n{nesting} i32) (local $m{nesting} i64) (local $k{nesting} i32)");
        }
        out.push('\n');
        out.push_str(&text);
        out.push_str(" )\n");
    }
    out.push(')');
    out
}

impl Gen<'_> {
    pub(super) fn line(&mut self, text: impl AsRef<str>) {
        let _ = writeln!(self.out, "  {}", text.as_ref());
    }

    pub(super) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.rng.below(of.len())]
    }

    fn local(&mut self, ty: Type) -> &'static str {
        match ty {
            "i32" => self.one(&I32),
            "i64" => self.one(&I64),
            _ => self.one(&F64),
        }
    }

    fn any_type(&mut self) -> Type {
        self.one(&["i32", "i32", "i32", "i64", "i64", "f64"])
    }

    fn constant(&mut self, ty: Type) -> String {
        match ty {
            "f64" => format!("f64.const {}", self.one(&["0", "1", "-2.5", "1e300", "nan"])),
            _ => {
                let step = self.one(&STEPS);
                format!("{ty}.const {step}")
            }
        }
    }

    /// Pushes a value: mostly of a local, often one that was just computed.
    pub(super) fn push(&mut self, ty: Type) {
        let local = self.local(ty);
        match self.rng.below(10) {
            0..5 => self.line(format!("local.get ${local}")),
            5 => {
                let constant = self.constant(ty);
                self.line(constant);
            }
            6 if ty != "f64" => {
                let address = self.one(&I32);
                self.line(format!("local.get ${address} i32.const 15 i32.and {ty}.load offset=1"));
            }
            7 if ty == "i32" => self.line("global.get $g"),
            7 if ty == "i64" => {
                // One of two results.
                self.two();
                let to = self.one(&["drop", "local.set $x", "local.set $y"]);
                self.line(to);
            }
            _ => {
                let other = self.local(ty);
                let op = match ty {
                    "f64" => self.one(&["add", "mul", "sub"]),
                    _ => self.one(&["add", "add", "sub", "xor", "mul", "and", "shl"]),
                };
                if self.rng.chance(50) {
                    let constant = self.constant(ty);
                    self.line(format!("local.get ${local} {constant} {ty}.{op}"));
                } else {
                    self.line(format!("local.get ${local} local.get ${other} {ty}.{op}"));
                }
                if self.rng.chance(30) {
                    let to = self.local(ty);
                    self.line(format!("local.tee ${to}"));
                }
            }
        }
    }

    /// Pushes both results of an operator that has two.
    fn two(&mut self) {
        let (left, right, high) = (self.one(&I64), self.one(&I64), self.one(&STEPS));
        match self.rng.below(4) {
            0 => self.line(format!("local.get ${left} local.get ${right} i64.mul_wide_s")),
            1 => self.line(format!("local.get ${left} local.get ${right} i64.mul_wide_u")),
            2 => {
                let op = self.one(&["add", "sub"]);
                self.line(format!(
                    "local.get ${left} i64.const {high} local.get ${right} i64.const 0 i64.{op}128"
                ));
            }
            _ => {
                let other = self.one(&I64);
                self.line(format!(
                    "local.get ${left} local.get ${right} local.get ${other} i64.const {high} i64.sub128"
                ));
            }
        }
    }

    /// A move, a sum in place, something like it: what stands before branches and calls.
    pub(super) fn before(&mut self) {
        match self.rng.below(13) {
            12 => {
                self.two();
                self.set_all(&["i64", "i64"]);
            }
            0..3 => {
                let ty = self.any_type();
                let (from, to) = (self.local(ty), self.local(ty));
                self.line(format!("local.get ${from} local.set ${to}"));
            }
            3..7 => {
                let (local, step) = (self.one(&I32), self.one(&STEPS));
                self.line(format!("local.get ${local} i32.const {step} i32.add local.set ${local}"));
            }
            7 => {
                let (from, to, step) = (self.one(&I32), self.one(&I32), self.one(&STEPS));
                self.line(format!("local.get ${from} i32.const {step} i32.add local.set ${to}"));
            }
            8 => {
                let (local, step) = (self.one(&I64), self.one(&STEPS));
                self.line(format!("local.get ${local} i64.const {step} i64.add local.set ${local}"));
            }
            9 => {
                let ty = self.any_type();
                let (constant, to) = (self.constant(ty), self.local(ty));
                self.line(format!("{constant} local.set ${to}"));
            }
            _ => {
                let ty = self.any_type();
                self.push(ty);
                let to = self.local(ty);
                self.line(format!("local.set ${to}"));
            }
        }
    }

    pub(super) fn befores(&mut self) {
        for _ in 0..self.one(&[0, 1, 1, 1, 2, 2, 3]) {
            self.before();
        }
    }

    /// Pushes an i32 for a branch.
    pub(super) fn condition(&mut self) {
        match self.rng.below(10) {
            0 => self.push("i32"),
            1 => {
                self.push("i32");
                self.line("i32.eqz");
            }
            2 => {
                let (left, right) = (self.one(&I32), self.one(&I32));
                self.line(format!("local.get ${left} local.get ${right} i32.and"));
            }
            3 => {
                self.push("f64");
                self.push("f64");
                let op = self.one(&["lt", "ge", "eq", "ne"]);
                self.line(format!("f64.{op}"));
            }
            4 => {
                self.push("i64");
                self.line("i64.eqz");
            }
            _ => {
                let ty = self.one(&["i32", "i32", "i64"]);
                self.push(ty);
                if self.rng.chance(50) {
                    let constant = self.constant(ty);
                    self.line(constant);
                } else {
                    self.push(ty);
                }
                let op = self.one(&COMPARES);
                self.line(format!("{ty}.{op}"));
            }
        }
    }

    fn results(&mut self) {
        let types = RESULTS[self.number];
        self.push_all(types);
    }

    pub(super) fn push_all(&mut self, types: &[Type]) {
        let mut rest = types;
        while let [ty, after @ ..] = rest {
            rest = after;
            match after {
                ["i64", more @ ..] if *ty == "i64" && self.rng.chance(30) => {
                    rest = more;
                    self.two();
                }
                _ => self.push(ty),
            }
        }
    }

    pub(super) fn drop_all(&mut self, types: usize) {
        for _ in 0..types {
            self.line("drop");
        }
    }

    fn set_all(&mut self, types: &[Type]) {
        for &ty in types.iter().rev() {
            let to = self.local(ty);
            self.line(format!("local.set ${to}"));
        }
    }

    fn types(&mut self, most: usize) -> Vec<Type> {
        let count = self.rng.below(most + 1);
        (0..count).map(|_| self.any_type()).collect()
    }

    fn statement(&mut self, depth: usize) {
        self.budget = self.budget.saturating_sub(1);
        match self.rng.below(100) {
            0..22 => self.before(),
            22..45 if depth < 7 && self.loops < NESTING => self.counted(depth),
            45..55 if depth < 7 => self.block(depth),
            55..64 if depth < 7 => self.conditional(depth),
            64..76 => self.leave(),
            76..84 => self.back(),
            84..89 => self.call(),
            89 => self.table(),
            90 => {
                let ty = self.any_type();
                self.push(ty);
                self.waiting.push(ty);
            }
            91 => {
                if self.waiting.pop().is_some() {
                    self.line("drop");
                }
            }
            92 if self.rng.chance(15) => self.trap(),
            93 if depth < 4 && self.rng.chance(60) => self.many_edges(),
            94 => self.line("nop"),
            95 => {
                self.push("i32");
                self.line("i32.const 31 i32.and");
                self.push("i32");
                self.line("i32.store");
            }
            _ => self.befores(),
        }
    }

    fn body(&mut self, depth: usize) {
        let outer = std::mem::take(&mut self.waiting);
        for _ in 0..self.one(&[0, 1, 1, 2, 3, 5]) {
            if self.budget > 0 {
                self.statement(depth + 1);
            }
        }
        let waiting = std::mem::replace(&mut self.waiting, outer).len();
        self.drop_all(waiting);
    }

    fn block(&mut self, depth: usize) {
        let types = self.types(2);
        let _ = writeln!(self.out, "  block{}", signature(&[], &types));
        self.labels.push(Label { types: types.clone(), counter: None });
        self.body(depth);
        if self.rng.chance(20) {
            self.leave();
        }
        self.befores();
        self.push_all(&types);
        if self.rng.chance(20) {
            self.line("br 0");
        }
        self.labels.pop();
        self.line("end");
        self.set_all(&types);
    }

    fn conditional(&mut self, depth: usize) {
        let types = self.types(2);
        self.befores();
        self.condition();
        let _ = writeln!(self.out, "  if{}", signature(&[], &types));
        self.labels.push(Label { types: types.clone(), counter: None });
        self.body(depth);
        self.befores();
        self.push_all(&types);
        if !types.is_empty() || self.rng.chance(50) {
            self.line("else");
            self.body(depth);
            self.befores();
            self.push_all(&types);
        }
        self.labels.pop();
        self.line("end");
        self.set_all(&types);
    }

    /// A loop that ends, if it is ever jumped back to.
    fn counted(&mut self, depth: usize) {
        let counter = self.loops;
        let (params, results) = (self.types(2), self.types(1));
        let times = 1 + self.rng.below(4);
        self.line(format!("i32.const {times} local.set $n{counter}"));
        if self.rng.chance(30) {
            self.befores();
        }
        self.push_all(&params);
        let _ = writeln!(self.out, "  loop{}", signature(&params, &results));
        self.loops += 1;
        self.labels.push(Label { types: params.clone(), counter: Some(counter) });
        self.set_all(&params);
        if self.rng.chance(15) {
            // A wait or two until the label of another loop, or of a block.
            self.line("block nop end");
        }
        self.body(depth);
        if self.rng.chance(85) {
            self.back_to(0, counter);
        }
        self.push_all(&results);
        self.labels.pop();
        self.loops -= 1;
        self.line("end");
        self.set_all(&results);
    }

    fn call(&mut self) {
        let Some(callee) =
            (self.number + 1 < FUNCS).then(|| self.number + 1 + self.rng.below(FUNCS - 1 - self.number))
        else {
            return;
        };
        if self.loops > 2 {
            return;
        }
        self.push_all(PARAMS[callee]);
        if self.rng.chance(50) {
            self.before();
        }
        if callee == 1 && self.rng.chance(40) {
            // Mostly the function; sometimes of another type, or none.
            let index =
                self.one(&["i32.const 1", "i32.const 1", "i32.const 1", "i32.const 2", "i32.const 3"]);
            let local = self.one(&I32);
            self.line(format!(
                "local.get ${local} i32.const 0 i32.and {index} i32.add call_indirect (type $t1)"
            ));
        } else {
            self.line(format!("call $f{callee}"));
        }
        self.set_all(RESULTS[callee]);
    }

    fn trap(&mut self) {
        let (left, right) = (self.one(&I32), self.one(&I32));
        match self.rng.below(3) {
            0 => self.line(format!("local.get ${left} local.get ${right} i32.rem_s local.set ${left}")),
            1 => self.line(format!("local.get ${left} i32.load8_u local.set ${right}")),
            _ => {
                self.condition();
                self.line("if unreachable end");
            }
        }
    }

    /// More edges to a label than are remembered, then the labels of loops.
    fn many_edges(&mut self) {
        let edges = self.one(&[3, 64, 66, 70]);
        self.line("block");
        for edge in 0..edges {
            let local = self.one(&I32);
            if edge < 2 {
                // The first ones are those that are forgotten.
                self.line(format!("local.get ${local} i32.eqz br_if 0"));
            }
            self.line(format!("local.get ${local} i32.const 77 i32.eq br_if 0"));
        }
        if self.rng.chance(50) {
            self.line("br 0");
        }
        self.line("end");
        for _ in 0..self.one(&[1, 2, 9, 12]) {
            self.before();
            self.line("loop");
            self.before();
            if self.rng.chance(30) {
                self.line("i32.const 0 br_if 0");
            }
            self.line("end");
        }
    }
}

pub(super) fn signature(params: &[Type], results: &[Type]) -> String {
    let list = |word: &str, types: &[Type]| {
        if types.is_empty() { String::new() } else { format!(" ({word} {})", types.join(" ")) }
    };
    list("param", params) + &list("result", results)
}
