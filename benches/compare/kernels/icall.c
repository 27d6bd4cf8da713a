// Indirect calls: a pipeline of eight small functions chosen by the data. n = values sent through.
#include "kernel.h"

typedef u64 (*stage)(u64 value, u32 key);

static u64 add(u64 v, u32 k) { return v + k; }
static u64 multiply(u64 v, u32 k) { return v * (k | 1); }
static u64 turn(u64 v, u32 k) { return (v << (k & 63)) | (v >> (-k & 63)); }
static u64 flip(u64 v, u32 k) { return v ^ ((u64)k << 20); }
static u64 subtract(u64 v, u32 k) { return v - ((u64)k << 7); }
static u64 fold(u64 v, u32 k) { return v ^ (v >> (17 + (k & 7))); }
static u64 swap(u64 v, u32 k) { return ((v << 32) | (v >> 32)) + k; }
static u64 invert(u64 v, u32 k) { return ~v ^ k; }

// Not constant, so that the calls stay indirect.
static stage stages[8] = {add, multiply, turn, flip, subtract, fold, swap, invert};

KERNEL i64 run(i32 n) {
    u64 seed = 42, sum = 0;
    __asm__ volatile("" : : "r"(stages) : "memory");
    for (i32 i = 0; i < n; i++) {
        u64 plan = next_random(&seed), value = (u64)i;
        for (int s = 0; s < 8; s++) {
            value = stages[plan & 7](value, (u32)(plan >> 3) & 0xffff);
            plan >>= 7;
        }
        sum = mix(sum, value);
    }
    return (i64)sum;
}
