//! The host's 256-bit numbers (`ruint`) beside `ethnum`, and recovered keys (`k256`) beside libsecp256k1: one
//! operation each, with bytes in and out, in CPU time. Operands are as long as the name says; each run takes 256 in turn.
#![allow(clippy::expect_used, reason = "a benchmark that cannot go on has failed")]

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{Criterion, criterion_group, criterion_main};
use ethnum::U256 as Ethnum;
use ruint::aliases::U256 as Ruint;
use rustix::time::{ClockId, clock_gettime};
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, SecretKey};
use zvm_host::crypto::u256::Word;
use zvm_host::crypto::{self, sha256};

const COUNT: usize = 256;

macro_rules! bytes {
    ($number:expr) => {{
        let bytes: Word = $number.to_le_bytes();
        bytes
    }};
}

macro_rules! flagged {
    ($of:expr) => {{
        let (number, flag) = $of;
        (bytes!(number), flag)
    }};
}

/// Time that this thread ran, whoever shares the machine.
struct CpuTime;

impl Measurement for CpuTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
    }

    fn end(&self, start: Duration) -> Duration {
        self.start().saturating_sub(start)
    }

    fn add(&self, a: &Duration, b: &Duration) -> Duration {
        *a + *b
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

/// Numbers of this many limbs of 64 bits.
fn words(seed: u8, limbs: usize) -> Vec<Word> {
    let one = |at: u8| {
        let mut word = sha256(&[seed, at]);
        word[limbs * 8..].fill(0);
        word[limbs * 8 - 1] |= 0x80;
        word
    };
    (0..=u8::MAX).map(one).collect()
}

/// One library on operands of these lengths; bytes in, bytes out.
macro_rules! measure {
    ($c:ident, $library:ident, $name:expr, $operands:expr, $of:expr) => {
        let [a, b, m] = $operands;
        let number = |word: &Word| <$library>::from_le_bytes(*black_box(word));
        let mut at = 0;
        $c.bench_function(&format!("{} {}", stringify!($library), $name), |bench| {
            bench.iter(|| {
                at = (at + 1) % COUNT;
                $of(number(&a[at]), number(&b[at]), number(&m[at]))
            });
        });
    };
}

/// The same in both.
macro_rules! both {
    ($c:ident, $name:expr, $operands:expr, |$a:ident, $b:ident| $of:expr) => {
        measure!($c, Ruint, $name, $operands, |$a: Ruint, $b: Ruint, _| $of);
        measure!($c, Ethnum, $name, $operands, |$a: Ethnum, $b: Ethnum, _| $of);
    };
}

/// `ethnum` has no modular arithmetic.
fn numbers(c: &mut Criterion<CpuTime>) {
    let all = &[words(1, 4), words(2, 4), words(3, 4)];
    both!(c, "add", all, |a, b| flagged!(a.overflowing_add(b)));
    both!(c, "sub", all, |a, b| flagged!(a.overflowing_sub(b)));
    both!(c, "mul", all, |a, b| flagged!(a.overflowing_mul(b)));
    both!(c, "cmp", all, |a, b| a.cmp(&b));
    for limbs in [4, 3, 2, 1] {
        let all = &[words(1, 4), words(2, limbs), words(3, limbs)];
        both!(c, format!("div, {limbs} limbs"), all, |a, b| bytes!(a.checked_div(b).unwrap_or_default()));
        both!(c, format!("rem, {limbs} limbs"), all, |a, b| bytes!(a.checked_rem(b).unwrap_or_default()));
        let all = &[words(1, 4), words(2, 4), words(3, limbs)];
        let name = |of: &str| format!("{of}, {limbs} limbs");
        measure!(c, Ruint, name("addmod"), all, |a: Ruint, b, m| bytes!(a.add_mod(b, m)));
        measure!(c, Ruint, name("mulmod"), all, |a: Ruint, b, m| bytes!(a.mul_mod(b, m)));
        measure!(c, Ruint, name("powmod of 32 B"), all, |a: Ruint, _, m| bytes!(a.pow_mod(Ruint::MAX, m)));
    }
    measure!(c, Ruint, "pow of 32 B", all, |a: Ruint, _, _| bytes!(a.wrapping_pow(Ruint::MAX)));
}

fn keys(c: &mut Criterion<CpuTime>) {
    let key = SecretKey::from_secret_bytes([7; 32]).expect("a key");
    let hash = sha256(b"a message");
    let signature = RecoverableSignature::sign_ecdsa_recoverable(Message::from_digest(hash), &key);
    let (id, bytes) = signature.serialize_compact();
    let mut group = c.benchmark_group("recover");
    group.bench_function("k256", |bench| {
        bench.iter(|| crypto::secp256k1::recover(black_box(&hash), &bytes, id.to_u8()).expect("a key"));
    });
    group.bench_function("libsecp256k1", |bench| {
        bench.iter(|| {
            let id = RecoveryId::from_u8_masked(id.to_u8());
            let signature = RecoverableSignature::from_compact(black_box(&bytes), id).expect("a signature");
            let key = signature.recover(Message::from_digest(hash)).expect("a key");
            key.serialize_uncompressed()
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = numbers, keys
}
criterion_main!(benches);
