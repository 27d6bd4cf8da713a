// The product of two n × n matrices of doubles, row by column. The result is exact: small integers.
#include "kernel.h"

#define SIDE_MAX 256
static double a[SIDE_MAX * SIDE_MAX], b[SIDE_MAX * SIDE_MAX], c[SIDE_MAX * SIDE_MAX];

KERNEL i64 run(i32 n) {
    if (n > SIDE_MAX) return -1;
    for (i32 i = 0; i < n * n; i++) {
        a[i] = (double)(i % 17) - 8.0;
        b[i] = (double)(i % 13) - 6.0;
    }
    for (i32 i = 0; i < n; i++)
        for (i32 j = 0; j < n; j++) {
            double sum = 0.0;
            for (i32 k = 0; k < n; k++) sum += a[i * n + k] * b[k * n + j];
            c[i * n + j] = sum;
        }
    u64 sum = 0;
    for (i32 i = 0; i < n * n; i++) sum = mix(sum, (u64)(i64)c[i]);
    return (i64)sum;
}
