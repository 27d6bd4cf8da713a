// What every kernel in C shares: the export, fixed-width types, a generator of numbers.
// No libc: the same file is compiled for wasm32 and, to find the expected result, natively.
#pragma once
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int i32;
typedef long long i64;

#ifdef __wasm__
#define KERNEL __attribute__((export_name("run")))
#else
#define KERNEL __attribute__((visibility("default")))
#endif
#define NOINLINE __attribute__((noinline))

// xorshift64* (Vigna): the same sequence everywhere, from a non-zero seed.
static inline u64 next_random(u64 *state) {
    u64 x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545f4914f6cdd1dULL;
}

static inline u64 mix(u64 sum, u64 value) {
    return (((sum << 7) | (sum >> 57)) ^ value) * 0x9e3779b97f4a7c15ULL;
}
