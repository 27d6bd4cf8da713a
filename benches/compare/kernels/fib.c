// Recursion: nothing but calls, compares and adds. n = which Fibonacci number.
#include "kernel.h"

static NOINLINE u32 fib(u32 n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

KERNEL i64 run(i32 n) { return fib((u32)n); }
