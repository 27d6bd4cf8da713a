//! For each row of the fused families: functions whose operators the translator takes for one, with every
//! kind of operand at each place.

use ghost_wasm::ValType;
use ghost_wasm::internals::{
    BRANCH_LOAD_OF, FLOAT_SECOND_OF, Family, LOAD_FLOAT_SECOND_OF, LOAD_OF, Op, SECOND_OF,
    WIDE_BOTH_SECOND_OF, WIDE_FIRST_SECOND_OF, WIDE_SECOND_SECOND_OF,
};

use super::text::{Case, Kind, Text, To, params_of, result_of};
use crate::Rng;

/// Constants that fit 16 bits, at the edges.
const SHORT: [i64; 9] = [0, 1, -1, 7, 31, 0x7fff, -0x8000, 255, 64];
/// Those that fit 32 bits at most.
const MIDDLE: [i64; 6] = [0x8000, -0x8001, 0x7fff_ffff, -0x8000_0000, 0xffff, 0x1_0000];
/// Those that need 64.
pub const WIDE: [i64; 6] =
    [0x8000_0000, -0x8000_0001, i64::MAX, i64::MIN, 0xffff_ffff, 0x0123_4567_89ab_cdef];
const OFFSETS: [u64; 6] = [0, 0, 8, 0xffff, 0x1_0000, 0xffff_fff8];

/// Draws constants, offsets and destinations in turn.
#[derive(Debug)]
pub struct Maker {
    rng: Rng,
    pub cases: Vec<Case>,
}

fn is_float(ty: ValType) -> bool {
    matches!(ty, ValType::F32 | ValType::F64)
}

/// How an address is made.
#[derive(Clone, Copy, PartialEq)]
enum Address {
    Plain(Kind),
    Slots,
    Const,
}

const ADDRESSES: [Address; 5] = [
    Address::Plain(Kind::Slot),
    Address::Plain(Kind::Acc),
    Address::Plain(Kind::Const(65_500)),
    Address::Slots,
    Address::Const,
];

impl Maker {
    pub fn new() -> Maker {
        Maker { rng: Rng(0xf05e), cases: Vec::new() }
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.rng.below(from.len())]
    }

    /// One of each kind that an operand can be of.
    fn kinds(&mut self, ty: ValType) -> Vec<Kind> {
        let mut kinds = vec![Kind::Slot, Kind::Acc, Kind::Const(self.pick(&SHORT))];
        if !is_float(ty) && self.rng.chance(15) {
            kinds.push(Kind::Const(self.pick(&MIDDLE)));
        }
        kinds
    }

    /// An offset; one that fits beside a sum.
    fn offset(&mut self, address: Address) -> u64 {
        if address == Address::Slots { self.pick(&[0, 8, 0xffff]) } else { self.pick(&OFFSETS) }
    }

    fn destination(&mut self) -> To {
        To::Local(self.pick(&["a", "b", "c", "d"]))
    }

    fn results(&mut self) -> Vec<To> {
        let mut results = vec![To::Acc, self.destination()];
        if self.rng.chance(10) {
            results.push(To::Own);
        }
        results
    }

    fn address(&mut self, text: &mut Text, address: Address) {
        match address {
            Address::Plain(kind) => {
                text.operand(kind, "p", ValType::I32);
            }
            Address::Slots => {
                text.operand(Kind::Slot, "p", ValType::I32).operand(Kind::Slot, "q", ValType::I32);
                text.op(Op::I32Add);
            }
            Address::Const => {
                let constants = [8, -8, 0x7fff_ffff, 65_528, 1];
                let kind = Kind::Const(self.pick(&constants));
                text.operand(Kind::Slot, "p", ValType::I32).operand(kind, "q", ValType::I32);
                text.op(Op::I32Add);
            }
        }
    }

    /// Two operators, with operands of all kinds.
    fn pairs(&mut self, first: Op, second: Op) {
        let ty = result_of(first);
        for a in self.kinds(ty) {
            for b in self.kinds(ty) {
                for c in self.kinds(ty) {
                    if matches!(a, Kind::Const(_)) && self.rng.chance(90) {
                        continue;
                    }
                    if [a, b, c].iter().filter(|&&kind| kind == Kind::Acc).count() > 1 {
                        continue;
                    }
                    self.pair([first, second], [a, b, c]);
                }
            }
        }
    }

    /// `(a first b) second c`, and with `c` on the left.
    fn pair(&mut self, [first, second]: [Op; 2], [a, b, c]: [Kind; 3]) {
        let ty = result_of(first);
        for c_left in [false, true] {
            for to in self.results() {
                let mut text = Text::default();
                if c_left {
                    text.operand(c, "c", ty);
                }
                text.operand(a, "a", ty).operand(b, "b", ty).op(first);
                if !c_left {
                    text.operand(c, "c", ty);
                }
                text.op(second);
                self.cases.push(text.to(to, ty));
            }
        }
    }

    fn load_ops(&mut self, op: Op, load: Op) {
        let ty = result_of(op);
        for left in self.kinds(ty) {
            for address in ADDRESSES {
                for loaded_left in [false, true] {
                    for to in self.results() {
                        let (mut text, offset) = (Text::default(), self.offset(address));
                        if !loaded_left {
                            text.operand(left, "a", ty);
                        }
                        self.address(&mut text, address);
                        text.load(load, offset);
                        if loaded_left {
                            text.operand(left, "a", ty);
                        }
                        text.op(op);
                        self.cases.push(text.to(to, ty));
                    }
                }
            }
        }
    }

    fn load_pairs(&mut self, first: Op, second: Op, load: Op) {
        let ty = result_of(first);
        for left in [Kind::Slot, Kind::Acc] {
            for c in [Kind::Slot, Kind::Acc] {
                for address in ADDRESSES {
                    for c_left in [false, true] {
                        for to in self.results() {
                            let (mut text, offset) = (Text::default(), self.offset(address));
                            if c_left {
                                text.operand(c, "c", ty);
                            }
                            text.operand(left, "a", ty);
                            self.address(&mut text, address);
                            text.load(load, offset).op(first);
                            if !c_left {
                                text.operand(c, "c", ty);
                            }
                            text.op(second);
                            self.cases.push(text.to(to, ty));
                        }
                    }
                }
            }
        }
    }

    fn load_branches(&mut self, compare: Op, load: Op) {
        let ty = params_of(compare)[0];
        for other in self.kinds(ty) {
            for address in ADDRESSES {
                for loaded_left in [false, true] {
                    for (at, keep) in ["", "", "local.tee $d", "local.set $d local.get $d", "local.tee $c"]
                        .into_iter()
                        .enumerate()
                    {
                        let (mut text, offset) = (Text::default(), self.offset(address));
                        if !loaded_left {
                            text.operand(other, "a", ty);
                        }
                        self.address(&mut text, address);
                        text.load(load, offset).raw(keep);
                        if loaded_left {
                            text.operand(other, "a", ty);
                        }
                        text.op(compare);
                        // Both ways round where the other side is in the accumulator.
                        let sense = at == 0 || (at > 1 && self.rng.chance(50));
                        self.cases.push(text.branch(sense, ty));
                    }
                    // A pointer that the load replaces.
                    if ty == ValType::I32 && matches!(address, Address::Plain(Kind::Slot)) {
                        let mut text = Text::default();
                        text.raw("local.get $p local.set $c").raw("local.get $c");
                        text.load(load, 0).raw("local.tee $c").operand(other, "a", ty).op(compare);
                        let sense = self.rng.chance(50);
                        self.cases.push(text.branch(sense, ty));
                    }
                }
            }
        }
    }

    fn latches(&mut self, compare: Op) {
        let ty = params_of(compare)[0];
        let add = if ty == ValType::I64 { Op::I64Add } else { Op::I32Add };
        for step in self.kinds(ty) {
            for other in self.kinds(ty) {
                for keep in ["", "local.tee $a", "local.set $d local.get $d", "local.set $a local.get $a"] {
                    for other_left in [false, true] {
                        let mut text = Text::default();
                        if other_left {
                            text.operand(other, "b", ty);
                        }
                        text.operand(Kind::Slot, "a", ty).operand(step, "c", ty).op(add).raw(keep);
                        if !other_left {
                            text.operand(other, "b", ty);
                        }
                        text.op(compare);
                        let sense = self.rng.chance(50);
                        self.cases.push(text.branch(sense, ty));
                    }
                }
            }
        }
        // The counter compared with itself, or with what it was.
        for (step, right) in [("b", "a"), ("a", "a"), ("a", "b")] {
            let mut text = Text::default();
            text.raw(&format!("local.get $a local.get $a local.get ${step}")).op(add).raw("local.tee $a");
            text.raw("local.get $a").op(compare);
            text.raw("drop");
            text.operand(Kind::Slot, right, ty).op(compare);
            self.cases.push(text.branch(true, ty));
        }
    }

    /// Calls after a move or a sum, be it their argument or not.
    fn calls(&mut self) {
        for ty in super::text::TYPES {
            for (before, callee) in [("", "one"), ("c", "two"), ("a", "two")] {
                for keep in ["", "local.tee $d", "local.set $a local.get $a", "local.set $d local.get $b"] {
                    let mut text = Text::default();
                    if !before.is_empty() {
                        text.operand(Kind::Slot, before, ty).made("", ty);
                    }
                    text.operand(Kind::Slot, "a", ty).made("", ty).raw(keep);
                    text.raw(&format!("call ${callee}_{ty}"));
                    self.cases.push(text.to(To::Acc, ty));
                }
            }
        }
        for step in [1, -1, 0x7fff, -0x8000, 0x8000] {
            for keep in ["", "local.tee $a", "local.set $a local.get $a", "local.set $d local.get $b"] {
                for callee in ["one", "two"] {
                    let (ty, mut text) = (ValType::I32, Text::default());
                    if callee == "two" {
                        text.raw("local.get $c");
                    }
                    text.operand(Kind::Slot, "a", ty).operand(Kind::Const(step), "", ty).op(Op::I32Add);
                    text.raw(keep).raw(&format!("call ${callee}_i32 local.get $a i32.add"));
                    self.cases.push(text.to(To::Acc, ty));
                }
            }
        }
    }

    /// Jumps after moves and sums, forward and back.
    fn jumps(&mut self) {
        for ty in super::text::TYPES {
            for (from, to) in [("a", "d"), ("b", "a"), ("e", "c")] {
                for show in ["a", "c", "d"] {
                    let mut text = Text::default();
                    text.raw("block $out").operand(Kind::Slot, from, ty).made("", ty);
                    text.raw(&format!("local.set ${to} br $out end local.get ${show}"));
                    self.cases.push(text.to(To::Acc, ty));
                }
            }
        }
        let ty = ValType::I32;
        for to in ["a", "b", "d"] {
            for (one, two) in [(1, 2), (-1, 0x7fff), (0x7fff, -0x8000), (0x8000, 1), (8, 0x1_0000)] {
                for adds in 1..=2 {
                    let mut text = Text::default();
                    // Twice round, without a comparison that the sums could be part of.
                    text.raw("block $out loop $again local.get $q br_if $out i32.const 1 local.set $q");
                    for (local, step) in [("a", one), (to, two)].into_iter().take(adds) {
                        text.operand(Kind::Slot, local, ty).operand(Kind::Const(step), "", ty).op(Op::I32Add);
                        text.raw(&format!("local.set ${local}"));
                    }
                    text.raw(&format!("br $again end end local.get $a local.get ${to} i32.rotl"));
                    self.cases.push(text.to(To::Acc, ty));
                }
            }
        }
    }

    /// A copy, then a comparison that decides a branch; of what was copied, of what it was copied to, of others.
    fn copy_branches(&mut self, compare: Op) {
        let ty = params_of(compare)[0];
        for (from, to) in [("a", "d"), ("a", "b"), ("c", "a"), ("b", "d")] {
            let (short, other) = (self.pick(&SHORT), self.pick(&MIDDLE));
            for right in [Kind::Slot, Kind::Const(5), Kind::Const(short), Kind::Const(other)] {
                let mut text = Text::default();
                text.operand(Kind::Slot, from, ty).made("", ty).raw(&format!("local.set ${to}"));
                text.operand(Kind::Slot, "a", ty).operand(right, "b", ty).op(compare);
                let sense = self.rng.chance(50);
                self.cases.push(text.branch(sense, ty));
            }
        }
    }

    /// A copy over what an accumulator has in common with a slot, then a branch on a local.
    fn copies_over(&mut self) {
        for ty in super::text::TYPES {
            let op = match ty {
                ValType::I32 => Op::I32Sub,
                ValType::I64 => Op::I64Sub,
                ValType::F32 => Op::F32Sub,
                _ => Op::F64Sub,
            };
            for to in ["a", "b", "c", "d"] {
                for sense in [false, true] {
                    // A constant that no other form takes along, and text of several lengths.
                    for (from, condition) in
                        [("e", "q"), ("c", "q"), ("a", "p"), ("b", "p"), ("e", "p"), ("d", "q")]
                    {
                        let mut text = Text::default();
                        text.operand(Kind::Slot, "a", ty).operand(Kind::Slot, "b", ty).op(op);
                        text.raw(&format!("local.set ${to}")).operand(Kind::Slot, from, ty).made("", ty);
                        text.raw(&format!("local.set ${to} local.get ${condition}"));
                        self.cases.push(text.branch(sense, ty));
                    }
                }
            }
        }
    }

    fn two_latches(&mut self, compare: Op) {
        let ty = ValType::I32;
        for (one, two) in [(1, 4), (-1, 127), (-128, -4), (128, 1), (1, -129)] {
            for (d, e, other) in [("a", "b", "c"), ("b", "a", "b"), ("a", "a", "c"), ("c", "b", "b")] {
                for other_left in [false, true] {
                    let mut text = Text::default();
                    for (local, step) in [(d, one), (e, two)] {
                        text.operand(Kind::Slot, local, ty).operand(Kind::Const(step), "", ty).op(Op::I32Add);
                        text.raw(&format!("local.set ${local}"));
                    }
                    let (left, right) = if other_left { (other, e) } else { (e, other) };
                    text.operand(Kind::Slot, left, ty).operand(Kind::Slot, right, ty).op(compare);
                    let sense = self.rng.chance(50);
                    self.cases.push(text.branch(sense, ty));
                }
            }
        }
    }

    fn tests(&mut self, op: Op) {
        let ty = result_of(op);
        for a in self.kinds(ty) {
            for b in self.kinds(ty) {
                for how in ["", "eqz", "0 ne", "0 eq"] {
                    for sense in [false, true] {
                        let mut text = Text::default();
                        text.operand(a, "a", ty).operand(b, "b", ty).op(op);
                        let _ = match (how, ty) {
                            ("", ValType::I32) => &mut text,
                            ("", _) => text.op(Op::I32WrapI64),
                            ("eqz", ValType::I32) => text.op(Op::I32Eqz),
                            ("eqz", _) => text.op(Op::I64Eqz),
                            (how, _) => {
                                let name = how.trim_start_matches("0 ");
                                text.operand(Kind::Const(0), "c", ty);
                                text.made(&format!("{ty}.{name}"), ValType::I32)
                            }
                        };
                        self.cases.push(text.branch(sense, ty));
                    }
                }
            }
        }
    }

    fn selects(&mut self, compare: Op) {
        let ty = params_of(compare)[0];
        for l in self.kinds(ty) {
            for r in self.kinds(ty) {
                for to in self.results() {
                    for (a, b) in [("local.get $a", "local.get $c"), ("const", "local.get $d")] {
                        let mut text = Text::default();
                        text.raw(&a.replace("const", &format!("{ty}.const 77"))).raw(b);
                        text.operand(l, "a", ty).operand(r, "b", ty).op(compare).made("select", ty);
                        self.cases.push(text.to(to, ty));
                    }
                }
            }
        }
    }

    fn wide(&mut self, op: Op) {
        for left in [Kind::Slot, Kind::Acc] {
            for value in WIDE {
                for constant_left in [false, true] {
                    for to in self.results() {
                        let mut text = Text::default();
                        if constant_left {
                            text.operand(Kind::Const(value), "b", ValType::I64);
                        }
                        text.operand(left, "a", ValType::I64);
                        if !constant_left {
                            text.operand(Kind::Const(value), "b", ValType::I64);
                        }
                        text.op(op);
                        self.cases.push(text.to(to, ValType::I64));
                    }
                }
            }
        }
    }

    /// `(a first b) second c` with a constant of 64 bits for `b`, for `c`, for both.
    fn wide_pairs(&mut self, first: Op, second: Op, wide: [bool; 2]) {
        let others = [Kind::Slot, Kind::Const(self.pick(&SHORT)), Kind::Const(self.pick(&MIDDLE)), Kind::Acc];
        let kinds = |wide: bool| if wide { WIDE.map(Kind::Const).to_vec() } else { others.to_vec() };
        for a in [Kind::Slot, Kind::Acc] {
            for b in kinds(wide[0]) {
                for c in kinds(wide[1]) {
                    self.pair([first, second], [a, b, c]);
                }
            }
        }
    }

    fn loads(&mut self, load: Op) {
        let ty = result_of(load);
        for address in ADDRESSES {
            for offset in OFFSETS {
                for to in self.results() {
                    let mut text = Text::default();
                    self.address(&mut text, address);
                    text.load(load, offset);
                    self.cases.push(text.to(to, ty));
                }
            }
        }
    }

    fn stores(&mut self, store: Op) {
        let ty = params_of(store)[1];
        for address in ADDRESSES {
            for offset in [0, 8, 0x1_0000] {
                for value in self.kinds(ty) {
                    let mut text = Text::default();
                    self.address(&mut text, address);
                    text.operand(value, "a", ty).raw(&format!("{} offset={offset}", store.text()));
                    text.raw("local.get $a");
                    self.cases.push(text.case(ty, ty));
                    // The value first, from a local that mirrors it.
                    let mut text = Text::default();
                    text.operand(value, "a", ty).raw("local.set $d");
                    self.address(&mut text, address);
                    text.raw(&format!("local.get $d {} offset={offset} local.get $d", store.text()));
                    self.cases.push(text.case(ty, ty));
                }
            }
        }
    }

    /// A sum of a slot and a constant to a slot, and a load: either may come first, and either may take up what the other
    /// writes. The sum is shown.
    fn load_steps(&mut self, load: Op) {
        let ty = result_of(load);
        for (sum, from, to) in
            [("i32", "q", "q"), ("i32", "p", "q"), ("i32", "q", "p"), ("i64", "n", "n"), ("i64", "n", "m")]
        {
            for load_first in [false, true] {
                for (result, as_it_is) in
                    [(To::Acc, true), (To::Acc, false), (To::Local("r"), false), (To::Own, false)]
                {
                    let (mut text, offset) = (Text::default(), self.pick(&OFFSETS));
                    let constant = if self.rng.chance(20) { self.pick(&MIDDLE) } else { self.pick(&SHORT) };
                    let constant = constant.clamp(i64::from(i32::MIN), i64::from(i32::MAX));
                    let sum_ty = if sum == "i32" { ValType::I32 } else { ValType::I64 };
                    let step = |text: &mut Text| {
                        text.raw(&format!("local.get ${from} {sum}.const {constant}"));
                        text.made(&format!("{sum}.add"), sum_ty).raw(&format!("local.set ${to}"));
                    };
                    if !load_first {
                        step(&mut text);
                    }
                    text.raw("local.get $p").load(load, offset);
                    match result {
                        To::Acc => {}
                        To::Local(local) => {
                            text.raw(&format!("local.set ${local}"));
                        }
                        To::Own if matches!(ty, ValType::F32 | ValType::F64) => {
                            text.made(&format!("{ty}.const 2 {ty}.sqrt"), ty).made(&format!("{ty}.add"), ty);
                        }
                        To::Own => {
                            text.made("local.get $q i32.clz", ValType::I32).raw("global.set $side");
                        }
                    }
                    if load_first {
                        step(&mut text);
                    }
                    if let To::Local(local) = result {
                        text.raw(&format!("local.get ${local}"));
                    }
                    // An operator that takes it up may look for it in the accumulator.
                    text.raw(&format!("local.get ${to}"));
                    if !as_it_is {
                        text.raw(&format!("{sum}.const 3")).made(&format!("{sum}.xor"), sum_ty);
                    }
                    text.raw(&format!("global.set $see_a_{sum}"));
                    self.cases.push(text.case(ty, ty));
                }
            }
        }
    }

    /// A sum of i64, and a load from its low half: the address is the new one.
    fn load_from_wide_step(&mut self, load: Op) {
        let ty = result_of(load);
        for constant in SHORT {
            let (mut text, offset) = (Text::default(), self.pick(&OFFSETS));
            // What comes between has the sum read its local there, not from the accumulator.
            text.raw("local.get $p i64.extend_i32_u local.set $n local.get $q global.set $side");
            text.raw(&format!("local.get $n i64.const {constant}"));
            text.made("i64.add", ValType::I64).raw("local.set $n local.get $n i32.wrap_i64");
            text.load(load, offset).raw("local.get $n global.set $see_a_i64");
            self.cases.push(text.case(ty, ty));
        }
    }

    /// A store, and a sum of a slot and a constant to a slot, which is shown.
    fn store_steps(&mut self, store: Op) {
        let ty = params_of(store)[1];
        let mut sums = vec![
            ("i32", "q", "q"),
            ("i32", "p", "q"),
            ("i32", "q", "p"),
            ("i32", "p", "p"),
            ("i64", "n", "n"),
        ];
        // What was stored is the value before the sum.
        if ty == ValType::I32 {
            sums.extend([("i32", "a", "a"), ("i32", "q", "a")]);
        }
        for (sum, from, to) in sums {
            let sum_ty = if sum == "i32" { ValType::I32 } else { ValType::I64 };
            for value in [Kind::Slot, Kind::Acc] {
                let (mut text, offset) = (Text::default(), self.pick(&OFFSETS));
                let constant = self.pick(&SHORT);
                text.raw("local.get $p").operand(value, "a", ty);
                text.raw(&format!(
                    "{} offset={offset} local.get ${from} {sum}.const {constant}",
                    store.text()
                ));
                text.made(&format!("{sum}.add"), sum_ty).raw(&format!("local.set ${to} local.get ${to}"));
                text.raw(&format!("{sum}.const 3")).made(&format!("{sum}.xor"), sum_ty);
                text.raw(&format!("global.set $see_a_{sum} local.get $a"));
                self.cases.push(text.case(ty, ty));
            }
        }
    }

    fn moves(&mut self) {
        for ty in super::text::TYPES {
            let constants: &[i64] =
                if is_float(ty) { &[0, 1, -3] } else { &[0, 1, -1, 0x7fff_ffff, -0x8000_0000] };
            for froms in [["a", "b"], ["b", "a"], ["d", "a"], ["", "a"], ["a", ""], ["", ""], ["e", "d"]] {
                for tos in [["d", "e"], ["b", "a"], ["a", "b"], ["d", "d"], ["c", "d"]] {
                    let mut text = Text::default();
                    for (from, to) in froms.into_iter().zip(tos) {
                        let value = Kind::Const(self.pick(constants));
                        let kind = if from.is_empty() { value } else { Kind::Slot };
                        text.operand(kind, from, ty);
                        // The twin's move is of what a global gives.
                        if kind == Kind::Slot {
                            text.made("", ty);
                        }
                        text.raw(&format!("local.set ${to}"));
                    }
                    let show = self.pick(&tos);
                    text.raw(&format!("local.get ${show}"));
                    self.cases.push(text.case(ty, ty));
                }
            }
        }
        for (from, to) in [("a", "b"), ("b", "a"), ("d", "d")] {
            for show in ["a", "b", "d"] {
                let ty = ValType::I32;
                let mut text = Text::default();
                let (one, two) = (self.pick(&MIDDLE), self.pick(&SHORT));
                text.operand(Kind::Slot, "a", ty).operand(Kind::Const(one), "", ty).op(Op::I32Add);
                text.raw(&format!("local.set ${to}"));
                text.operand(Kind::Slot, from, ty).operand(Kind::Const(two), "", ty).op(Op::I32Add);
                text.raw(&format!("local.set $d local.get ${show}"));
                self.cases.push(text.case(ty, ty));
            }
        }
    }
}

/// The cases of a family.
pub fn of(family: Family) -> Vec<Case> {
    let mut maker = Maker::new();
    for (row, &op) in family.rows().iter().enumerate() {
        match family {
            Family::Pair => maker.pairs(op, SECOND_OF[row]),
            Family::FloatPair => maker.pairs(op, FLOAT_SECOND_OF[row]),
            Family::LoadOp => maker.load_ops(op, LOAD_OF[row]),
            Family::LoadFloatPair => {
                let load = if result_of(op) == ValType::F32 { Op::F32Load } else { Op::F64Load };
                maker.load_pairs(op, LOAD_FLOAT_SECOND_OF[row], load);
            }
            Family::LoadBranch => maker.load_branches(op, BRANCH_LOAD_OF[row]),
            Family::Latch => maker.latches(op),
            Family::Test => maker.tests(op),
            Family::CompareSelect => maker.selects(op),
            Family::WideBinary => maker.wide(op),
            Family::WideFirst => maker.wide_pairs(op, WIDE_FIRST_SECOND_OF[row], [true, false]),
            Family::WideSecond => maker.wide_pairs(op, WIDE_SECOND_SECOND_OF[row], [false, true]),
            Family::WideBoth => maker.wide_pairs(op, WIDE_BOTH_SECOND_OF[row], [true, true]),
            Family::Load => maker.loads(op),
            Family::Store | Family::StoreConst => maker.stores(op),
            Family::Moves => maker.moves(),
            Family::CallWith => maker.calls(),
            Family::BrWith => maker.jumps(),
            Family::CopyBranch => {
                maker.copy_branches(op);
                if row == 0 {
                    maker.copies_over();
                }
            }
            Family::LatchTwo => maker.two_latches(op),
            Family::LoadStep => {
                maker.load_steps(op);
                maker.load_from_wide_step(op);
            }
            Family::StoreStep => maker.store_steps(op),
            _ => {}
        }
    }
    maker.cases
}
