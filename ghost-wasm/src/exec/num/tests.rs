//! Holds the operators against the standard library, against exact wide integers and against tables of bits.

use alloc::format;
use alloc::vec::Vec;

use super::*;
use crate::table::ops::{Imm, Op};

mod floats;
mod ints;
mod wide;

/// A fixed sequence of well-mixed numbers (SplitMix64), so that a failure repeats.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// How many random operands a property is tried on.
const TRIES: usize = 100_000;

/// Bit patterns worth trying as 64-bit integers: the edges of all widths, then random ones of random lengths.
fn words64() -> Vec<u64> {
    let mut words = Vec::new();
    for bit in 0..64 {
        let power = 1_u64 << bit;
        for near in [power.wrapping_sub(1), power, power + 1] {
            words.extend([near, near.wrapping_neg()]);
        }
    }
    let mut numbers = Numbers(1);
    for _ in 0..TRIES {
        let cut = numbers.next() % 64;
        words.push(numbers.next() >> cut);
    }
    words
}

fn words32() -> Vec<u32> {
    words64().into_iter().map(|word| word as u32).collect()
}

/// Bit patterns worth trying as `f64`: all exponents with edge fractions, whole numbers and halves with their
/// neighbours, NaNs with payloads, then random bits, then random numbers of everyday size.
fn bits64() -> Vec<u64> {
    let mut all = Vec::new();
    for exponent in 0..0x800_u64 {
        for fraction in [0, 1, 1 << 51, (1 << 51) - 1, (1 << 51) + 1, (1 << 52) - 1] {
            let bits = exponent << 52 | fraction;
            all.extend([bits, bits | 1 << 63]);
        }
    }
    for word in words64().into_iter().take(384) {
        for value in [word as f64, word as f64 + 0.5, word as i64 as f64, word as i64 as f64 - 0.5] {
            let bits = value.to_bits();
            all.extend([bits.wrapping_sub(1), bits, bits.wrapping_add(1)]);
        }
    }
    let mut numbers = Numbers(2);
    for _ in 0..TRIES {
        all.push(numbers.next());
        let exponent = 1023 - 4 + numbers.next() % 72;
        all.push(numbers.next() & (1 << 63 | ((1 << 52) - 1)) | exponent << 52);
    }
    all
}

/// As [`bits64`], for `f32`.
fn bits32() -> Vec<u32> {
    let mut all = Vec::new();
    for exponent in 0..0x100_u32 {
        for fraction in [0, 1, 1 << 22, (1 << 22) - 1, (1 << 22) + 1, (1 << 23) - 1] {
            let bits = exponent << 23 | fraction;
            all.extend([bits, bits | 1 << 31]);
        }
    }
    for word in words64().into_iter().take(384) {
        for value in [word as f32, word as f32 + 0.5, word as i64 as f32, word as i64 as f32 - 0.5] {
            let bits = value.to_bits();
            all.extend([bits.wrapping_sub(1), bits, bits.wrapping_add(1)]);
        }
    }
    let mut numbers = Numbers(3);
    for _ in 0..TRIES {
        all.push(numbers.next() as u32);
        let exponent = 127 - 4 + numbers.next() as u32 % 72;
        all.push(numbers.next() as u32 & (1 << 31 | ((1 << 23) - 1)) | exponent << 23);
    }
    all
}

/// Every operator of the table that computes on numbers alone has its function here, and in one file only.
#[test]
fn each_numeric_operator_has_its_function() {
    let sources = [
        include_str!("int.rs"),
        include_str!("float.rs"),
        include_str!("convert.rs"),
        include_str!("round.rs"),
        include_str!("sqrt.rs"),
        include_str!("wide.rs"),
    ];
    let mut count = 0;
    for op in Op::ALL {
        let numeric = ["i32.", "i64.", "f32.", "f64."].iter().any(|prefix| op.text().starts_with(prefix));
        if !numeric || op.imm() != Imm::Nil {
            continue;
        }
        let name = op.text().replace('.', "_");
        // A function of its own, or the name at the head of a row, as first or as second of a pair.
        let heads = |source: &str| {
            source.lines().map(str::trim_start).any(|line| {
                line.starts_with(&format!("pub fn {name}("))
                    || line.starts_with(&format!("{name} "))
                    || line.split_whitespace().nth(1) == Some(name.as_str())
            })
        };
        let found = sources.iter().filter(|source| heads(source)).count();
        assert_eq!(found, 1, "{name}");
        count += 1;
    }
    assert_eq!(count, 140);
}
