// A tight loop over locals with a branch that cannot be predicted from its past. n = turns.
#include "kernel.h"

KERNEL i64 run(i32 n) {
    u64 x = 88172645463325252ULL, sum = 0;
    u32 odd = 0;
    for (i32 i = 0; i < n; i++) {
        x = x * 6364136223846793005ULL + 1442695040888963407ULL;
        u64 high = x >> 33;
        if (high & 1) {
            sum += high;
            odd++;
        } else {
            sum ^= high << 3;
        }
        // Keeps the compiler from turning the branch into selects.
        __asm__ volatile("" : "+r"(sum));
    }
    return (i64)(sum + ((u64)odd << 32));
}
