//! The table of kernels: name, argument, expected result. Everything else about them is in
//! `kernels/`, sources and built modules side by side.
//!
//! The expected results come from native builds of the same sources, which
//! `kernels/build.sh --expected` repeats.

/// One program to measure: its module exports `run: [i32] -> [i64]`.
#[derive(Debug)]
pub struct Kernel {
    pub name: &'static str,
    pub wasm: &'static [u8],
    pub argument: i32,
    pub expected: i64,
    /// A much smaller argument and its result, for tests.
    #[cfg_attr(not(test), expect(dead_code, reason = "read by tests only"))]
    pub smoke: (i32, i64),
}

macro_rules! kernels {
    ($($name:ident => run($argument:literal) == $expected:literal, smoke($few:literal) == $result:literal;)*) => {
        pub const KERNELS: &[Kernel] = &[$(Kernel {
            name: stringify!($name),
            wasm: include_bytes!(concat!("../kernels/", stringify!($name), ".wasm")),
            argument: $argument,
            expected: $expected,
            smoke: ($few, $result),
        }),*];
    };
}

// The arguments make one call take about 10 to 40 ms in an interpreter.
kernels! {
    fib => run(30) == 832_040, smoke(15) == 610;
    loop => run(2_000_000) == 5_364_512_468_455_212, smoke(3000) == 7_972_434_409_317;
    sieve => run(1_000_000) == 37_550_402_023_078_498, smoke(5000) == 1_548_136_000_669;
    sha256 => run(6_000) == 7_458_448_132_443_090_017, smoke(10) == -3_324_235_829_141_704_650;
    keccak => run(3_000) == 8_732_671_407_168_185_425, smoke(5) == -4_752_905_211_431_983_564;
    u256 => run(30_000) == -5_085_020_378_871_696_591, smoke(50) == 6_725_989_825_777_441_331;
    matmul => run(130) == 8_583_181_877_868_249_262, smoke(12) == 7_094_610_139_590_699_768;
    nbody => run(20_000) == -4_627_571_302_014_440_412, smoke(30) == -4_627_570_934_838_794_550;
    bytevm => run(1_300) == 348_253_129_688_156, smoke(10) == 287_762_810_215;
    qsort => run(100_000) == 2_760_913_204_232_253_476, smoke(500) == -2_613_981_844_464_039_686;
    hashmap => run(300_000) == 2_617_502_926_038, smoke(1000) == 44_202_238;
    icall => run(100_000) == 1_602_720_930_049_706_160, smoke(200) == -673_436_703_492_998_308;
    contract => run(20_000) == 323_413_892_955_776_154, smoke(50) == 5_329_920_711_803_626_942;
    coremark => run(160) == 6_496_409_664_654_323_939, smoke(1) == -6_265_117_790_718_948_468;
}
