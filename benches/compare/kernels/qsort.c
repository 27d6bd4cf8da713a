// Quicksort of n random numbers, median of three, insertion sort below twelve.
#include "kernel.h"

#define COUNT_MAX (1 << 17)
static i32 items[COUNT_MAX];

static inline void exchange(i32 *a, i32 *b) {
    i32 t = *a;
    *a = *b;
    *b = t;
}

static void insertion(i32 *v, i32 lo, i32 hi) {
    for (i32 i = lo + 1; i <= hi; i++) {
        i32 x = v[i], j = i - 1;
        for (; j >= lo && v[j] > x; j--) v[j + 1] = v[j];
        v[j + 1] = x;
    }
}

static NOINLINE void sort(i32 *v, i32 lo, i32 hi) {
    while (hi - lo > 12) {
        i32 mid = lo + (hi - lo) / 2;
        if (v[mid] < v[lo]) exchange(&v[mid], &v[lo]);
        if (v[hi] < v[lo]) exchange(&v[hi], &v[lo]);
        if (v[hi] < v[mid]) exchange(&v[hi], &v[mid]);
        i32 pivot = v[mid], i = lo, j = hi;
        while (i <= j) {
            while (v[i] < pivot) i++;
            while (v[j] > pivot) j--;
            if (i <= j) exchange(&v[i++], &v[j--]);
        }
        // The smaller part by recursion, the larger by the loop: the depth stays logarithmic.
        if (j - lo < hi - i) {
            sort(v, lo, j);
            lo = i;
        } else {
            sort(v, i, hi);
            hi = j;
        }
    }
    insertion(v, lo, hi);
}

KERNEL i64 run(i32 n) {
    if (n > COUNT_MAX) return -1;
    u64 seed = 7;
    for (i32 i = 0; i < n; i++) items[i] = (i32)next_random(&seed);
    sort(items, 0, n - 1);
    u64 sum = 0;
    for (i32 i = 0; i < n; i++) {
        if (i && items[i - 1] > items[i]) return -2;
        sum = mix(sum, (u32)items[i]);
    }
    return (i64)sum;
}
