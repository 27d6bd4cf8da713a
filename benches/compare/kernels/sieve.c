// The sieve of Eratosthenes over bytes: strided stores, then a scan. n = size.
#include "kernel.h"

#define SIZE_MAX_BYTES (2 << 20)
static u8 composite[SIZE_MAX_BYTES];

KERNEL i64 run(i32 n) {
    if (n > SIZE_MAX_BYTES) return -1;
    for (i32 i = 0; i < n; i++) composite[i] = 0;
    i64 count = 0, sum = 0;
    for (i32 i = 2; i < n; i++) {
        if (composite[i]) continue;
        count++;
        sum += i;
        if ((i64)i * i < n)
            for (i32 k = i * i; k < n; k += i) composite[k] = 1;
    }
    return sum * 1000000 + count;
}
