//! Bodies to try: hand-made ones, and pieces that bodies are put together from.

use wasm_encoder as enc;

use crate::common::{leb, module};

/// Hand-made modules, valid with every proposal on.
pub const BODIES: &[&str] = &[
    // What most code consists of.
    "(module (memory 1) (global $g (mut i64) (i64.const 5)) (global $c i32 (i32.const 1))
        (func $f (param i32 i64) (result i32) (local f32 f64 i32)
            (local.set 4 (i32.add (local.get 0) (i32.const 300)))
            (i32.store offset=4 (local.get 4) (i32.load8_u offset=1000 (local.tee 0 (i32.const -1))))
            (global.set $g (i64.mul (global.get $g) (i64.const 0x123456789ab)))
            (local.set 3 (f64.add (local.get 3) (f64.load align=4 (i32.const 65536))))
            (local.set 2 (f32.demote_f64 (f64.const 1.5)))
            (drop (call $f (global.get $c) (i64.extend_i32_u (local.get 0))))
            (drop (i32.const 2147483647)) (drop (i64.const -9223372036854775808)) (nop)
            (select (local.get 4) (i32.wrap_i64 (local.get 1)) (i32.eqz (local.get 0)))))",
    // Labels.
    "(module (func (param i32) (result i64)
        (block $a (result i64)
            (loop $b
                (br_if $b (local.get 0))
                (if (local.get 0) (then (br $b)) (else (br_if $a (i64.const 3) (local.get 0)) (drop)))
                (block $c (br_table $b $c $c (local.get 0)))
                (drop (if (result i32) (local.get 0) (then (i32.const 1)) (else (unreachable)))))
            (block (result f32) (br 0 (f32.const 1)) (drop) (i32.add) (drop))
            (drop) (loop (result i64) (br_if $a (i64.const 2) (i32.const 0))) (return) (local.get 0) (drop))))",
    // Locals below and above 128, then fewer of other types.
    "(module
        (func $many (param f32) (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64
            f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64
            i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32
            f32 f32 f32 f32 f32 f32 f32 f32 f32 f32 f32 f32 f32 f32 f32 f32 f32 f32 f32 f32 f32 f32 f32 f32 f32 f32
            i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64
            i32 i32 i32 i32 i32 i32 i32 i32 i32)
            (local.set 126 (local.tee 127 (local.get 128))) (local.set 0 (local.get 80)) (local.set 132 (i32.const 0)))
        (func (param i64) (local i32 f64) (local.set 1 (local.get 1)) (drop (local.get 2)) (local.set 0 (local.get 0)))
        (func))",
    // What the quick path leaves to the other, between what it takes.
    "(module (table $t 1 externref) (memory 1) (data \"a\") (type $p (func (param i32 i64) (result i64 i32)))
        (global $r (mut funcref) (ref.null func)) (func $g (type $p) (local.get 1) (local.get 0))
        (func $h (type $p) (local.get 0) (local.get 1)
            (block (type $p) (call $g) (local.set 0) (local.set 1) (local.get 1) (local.get 0) (br_if 0 (local.get 0))
                (br 0)))
        (func (param externref) (result i64 i32) (local funcref)
            (table.set $t (i32.const 0) (local.tee 0 (table.get $t (i32.const 0))))
            (global.set $r (local.tee 1 (ref.null func))) (drop (ref.is_null (global.get $r)))
            (memory.init 0 (i32.const 0) (i32.const 0) (i32.const 0)) (drop (memory.grow (memory.size)))
            (drop (block (result externref) (local.get 0)))
            (i64.mul_wide_s (i64.const 1) (i64.extend32_s (i64.const 2))) (drop) (drop)
            (return_call $g (i32.trunc_sat_f32_s (f32.const 0)) (i64.const 1))))",
];

/// A body without locals whose immediates are as long as they can be.
pub const LONG_IMMEDIATES: &[u8] = &[
    0x41, 0x80, 0x80, 0x80, 0x80, 0x78, 0x1a, // i32.const of five bytes
    0x41, 0xff, 0xff, 0xff, 0x3f, 0x1a, // of four
    0x42, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f, 0x1a, // i64.const of ten
    0x42, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x3f, 0x1a, // of nine
    0x42, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x40, 0x1a, // of eight
    0x02, 0x40, 0x41, 0x00, 0x0d, 0x80, 0x80, 0x80, 0x80, 0x00, 0x0c, 0x80, 0x00, 0x0b, // labels
    0x10, 0x80, 0x80, 0x80, 0x80, 0x00, 0x10, 0x80, 0x80, 0x80, 0x00, 0x10, 0x00, // functions
    0x44, 1, 2, 3, 4, 5, 6, 7, 8, 0x1a, 0x0b,
];

/// As `common::function`, with another body behind.
pub fn two_functions(body: &[u8]) -> Vec<u8> {
    let code = [&[2][..], &leb(body.len() as u64), body, &[2, 0, 0x0b]].concat();
    module(&[(1, b"\x01\x60\x00\x00"), (3, b"\x02\x00\x00"), (10, &code)])
}

/// Where an operator stands: what comes before and behind it.
pub struct Place {
    /// Blocks around all.
    around: usize,
    before: &'static [u8],
    behind: &'static [u8],
}

const fn place(before: &'static [u8], behind: &'static [u8]) -> Place {
    Place { around: 0, before, behind }
}

pub const PLACES: &[Place] = &[
    place(&[], &[]),
    place(&[0x02, 0x40], &[0x0b]),
    place(&[0x02, 0x7f], &[0x0b, 0x1a]),
    place(&[0x03, 0x7d], &[0x0b, 0x1a]),
    place(&[0x41, 0x00, 0x04, 0x40], &[0x0b]),
    // An `if` with a result needs an `else`.
    place(&[0x41, 0x00, 0x04, 0x7f], &[0x0b, 0x1a]),
    place(&[0x41, 0x00, 0x04, 0x7e, 0x42, 0x00, 0x05], &[0x0b, 0x1a]),
    // Labels with different values.
    place(&[0x02, 0x7c, 0x03, 0x7e, 0x02, 0x40], &[0x0b, 0x00, 0x0b, 0x00, 0x0b, 0x1a]),
    // A value below the block is not the block's.
    place(&[0x41, 0x00, 0x02, 0x40], &[0x0b, 0x1a]),
    // Unreachable code, with values of any type on the stack and under it.
    place(&[0x00], &[]),
    place(&[0x02, 0x7e, 0x0c, 0x01], &[0x0b, 0x1a]),
    place(&[0x00, 0x1b], &[]),
    place(&[0x00, 0x1b, 0x02, 0x40], &[0x0b, 0x1a]),
    place(&[0x02, 0x7f, 0x00, 0x02, 0x40, 0x1b], &[0x0b, 0x0b, 0x1a]),
    // Blocks of the module's types: `[i64] -> [i32]`.
    place(&[0x42, 0x00, 0x02, 0x01], &[0x0b, 0x1a]),
    place(&[0x42, 0x00, 0x03, 0x01], &[0x0b, 0x1a]),
    // Labels that take two bytes.
    Place { around: 130, before: &[], behind: &[] },
];

const I32: &[u8] = &[0x41, 0x01];
const I64: &[u8] = &[0x42, 0x02];
const F32: &[u8] = &[0x43, 0, 0, 0, 0];
const F64: &[u8] = &[0x44, 0, 0, 0, 0, 0, 0, 0, 0];
const FUNC: &[u8] = &[0xd0, 0x70];
const EXTERN: &[u8] = &[0xd0, 0x6f];

/// What puts operands on the stack: up to three numbers, up to two references.
pub fn stacks() -> Vec<Vec<u8>> {
    let mut stacks: Vec<Vec<u8>> = vec![vec![]];
    for first in [I32, I64, F32, F64, FUNC, EXTERN] {
        stacks.push(first.to_vec());
        for second in [I32, I64, F32, F64, FUNC, EXTERN] {
            stacks.push([first, second].concat());
            let numbers = [first, second].iter().all(|value| ![FUNC, EXTERN].contains(value));
            for third in [I32, I64, F32, F64].iter().filter(|_| numbers) {
                stacks.push([first, second, third].concat());
            }
        }
    }
    stacks
}

/// Operands that many operators take.
pub const FITTING: &[&[u8]] = &[
    &[],
    I32,
    I64,
    F32,
    F64,
    &[0x41, 0x01, 0x41, 0x01],
    &[0x41, 0x01, 0x42, 0x02],
    &[0x42, 0x02, 0x41, 0x01],
];

/// Operators of each shape that the quick path has, and some that it has not.
pub const QUICK: &[u8] = &[
    0x01, 0x02, 0x03, 0x04, 0x05, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x1a, 0x20, 0x21, 0x22, 0x23, 0x24,
    0x28, 0x29, 0x2a, 0x2b, 0x2c, 0x31, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x3e, 0x3f, 0x41, 0x42, 0x45, 0x50,
    0x6a, 0x7c, 0x92, 0xa0, 0xac, 0xc0, 0xc4, 0xd1,
];

/// Immediates, or what is read as one.
pub const IMMEDIATES: &[&[u8]] = &[
    &[],
    &[0x00],
    &[0x01],
    &[0x02],
    &[0x03],
    &[0x04],
    &[0x05],
    &[0x3f],
    &[0x40],
    &[0x6f],
    &[0x70],
    &[0x7b],
    &[0x7c],
    &[0x7d],
    &[0x7e],
    &[0x7f],
    // Padded, just as long as allowed, too long.
    &[0x80, 0x00],
    &[0x81, 0x00],
    &[0x81, 0x80, 0x80, 0x00],
    &[0x82, 0x80, 0x80, 0x80, 0x00],
    &[0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
    &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
    &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
    &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
    &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
    &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
    // The last byte's unused bits.
    &[0xff, 0xff, 0xff, 0x7f],
    &[0xff, 0xff, 0xff, 0xff, 0x07],
    &[0xff, 0xff, 0xff, 0xff, 0x08],
    &[0xff, 0xff, 0xff, 0xff, 0x0f],
    &[0xff, 0xff, 0xff, 0xff, 0x1f],
    &[0xff, 0xff, 0xff, 0xff, 0x77],
    &[0xff, 0xff, 0xff, 0xff, 0x7f],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    // The locals around 128 and the last ones; so many labels.
    &[0x80, 0x01],
    &[0x81, 0x01],
    &[0x82, 0x01],
    &[0x85, 0x01],
    &[0x86, 0x01],
    &[0xff, 0x01],
    // Places in memory: alignment, offset.
    &[0x00, 0x00],
    &[0x01, 0x7f],
    &[0x02, 0x80, 0x01],
    &[0x03, 0x80, 0x80, 0x80, 0x00],
    &[0x03, 0x80, 0x80, 0x80, 0x80, 0x00],
    &[0x00, 0xff, 0xff, 0xff, 0xff, 0x0f],
    &[0x00, 0xff, 0xff, 0xff, 0xff, 0x1f],
    &[0x02, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
    &[0x04, 0x00],
    &[0x1f, 0x00],
    &[0x20, 0x00],
    &[0x40, 0x00, 0x00],
    &[0x82, 0x00, 0x05],
    &[0xff, 0x00],
];

/// A body with 134 locals, their declaration included, where the operator stands in its place on some operands.
pub fn body(place: &Place, stack: &[u8], opcode: u8, immediate: &[u8], ends: bool) -> Vec<u8> {
    // Behind i32, i64, f32, f64: two f32, 125 i64, three i32.
    let mut body = vec![3, 2, 0x7d, 125, 0x7e, 3, 0x7f];
    body.extend([0x02, 0x40].repeat(place.around));
    body.extend([place.before, stack, &[opcode], immediate].concat());
    if ends {
        // Whatever is there, the ends are right.
        body.push(0x00);
    }
    body.extend(place.behind);
    body.extend(vec![0x0b; place.around + 1]);
    body
}

/// All of a module but the body of its only function, which has type `[i32 i64 f32 f64] -> []`.
pub struct Env(Vec<u8>);

impl Env {
    pub fn new(memory: bool) -> Env {
        use enc::ValType::{F32, F64, I32, I64};
        let mut types = enc::TypeSection::new();
        types.ty().function([I32, I64, F32, F64], []);
        types.ty().function([I64], [I32]);
        types.ty().function([], []);
        types.ty().function([I32, F32], [F64]);
        let mut imports = enc::ImportSection::new();
        for ty in [1, 2, 3] {
            imports.import("m", "f", enc::EntityType::Function(ty));
        }
        for (val_type, mutable) in [(I32, false), (I64, true), (F64, true), (I32, true)] {
            imports.import("m", "g", enc::GlobalType { val_type, mutable, shared: false });
        }
        if memory {
            let ty = enc::MemoryType {
                minimum: 1,
                maximum: None,
                memory64: false,
                shared: false,
                page_size_log2: None,
            };
            imports.import("m", "m", ty);
        }
        let mut functions = enc::FunctionSection::new();
        functions.function(0);
        let mut module = enc::Module::new();
        module.section(&types).section(&imports).section(&functions);
        Env(module.finish())
    }

    pub fn module(&self, body: &[u8]) -> Vec<u8> {
        let code = [&[1][..], &leb(body.len() as u64), body].concat();
        [&self.0[..], &[10], &leb(code.len() as u64), &code].concat()
    }
}

/// Modules whose stacks come close to a height or pass it.
pub fn high_stacks(height: usize) -> Vec<Vec<u8>> {
    // Imported functions of type `[] -> [i32 i64]` and `[i32] -> [i32 i32 i32]`, a global, a memory.
    let types = b"\x03\x60\x01\x7f\x00\x60\x00\x02\x7f\x7e\x60\x01\x7f\x03\x7f\x7f\x7f";
    let imports = b"\x04\x01m\x01f\x00\x01\x01m\x01f\x00\x02\x01m\x01g\x03\x7f\x00\x01m\x01m\x02\x00\x01";
    // What pushes, and how many values.
    let pushes: &[(&[u8], usize)] = &[
        (&[0x41, 0x00], 1),
        (&[0x42, 0x00], 1),
        (&[0x20, 0x00], 1),
        (&[0x23, 0x00], 1),
        (&[0xd0, 0x70], 1),
        (&[0x10, 0x00], 2),
        (&[0x41, 0x00, 0x10, 0x01], 3),
        (&[0x02, 0x7f, 0x41, 0x00, 0x0b], 1),
    ];
    // What is done at the top, with an i32 there; none pushes more than it pops but the last three.
    let touches: &[&[u8]] = &[
        &[],
        &[0x01],
        &[0x22, 0x00],
        &[0x45],
        &[0x28, 0x00, 0x00],
        &[0x02, 0x40, 0x0b],
        &[0x0d, 0x00],
        &[0x41, 0x00, 0x6a],
        &[0x20, 0x00, 0x21, 0x00],
        &[0x10, 0x01, 0x1a, 0x1a],
    ];
    let mut modules = Vec::new();
    for (push, values) in pushes {
        for count in height.saturating_sub(2) / values..=height / values + 1 {
            for touch in touches {
                let mut body = vec![0];
                body.extend(push.repeat(count));
                body.extend([&[0x20, 0x00], *touch].concat());
                body.push(0x00);
                body.push(0x0b);
                let code = [&[1][..], &leb(body.len() as u64), &body].concat();
                modules.push(module(&[(1, types), (2, imports), (3, b"\x01\x00"), (10, &code)]));
            }
        }
    }
    modules
}

/// Modules whose blocks come close to a depth or pass it.
pub fn deep_blocks(depth: usize) -> Vec<Vec<u8>> {
    let mut modules = Vec::new();
    for count in 0..depth + 3 {
        for open in [&[0x02, 0x40][..], &[0x03, 0x40], &[0x41, 0x00, 0x04, 0x40]] {
            let body = [&[0][..], &open.repeat(count), &vec![0x0b; count + 1]].concat();
            modules.push(crate::common::function(&body));
        }
        let body = [&[0][..], &[0x02, 0x7f].repeat(count), &[0x41, 0x00], &vec![0x0b; count], &[0x1a, 0x0b]];
        modules.push(crate::common::function(&body.concat()));
    }
    modules
}
