// A module of clang at its default flags: copies and fills of a length known only at run time, sign
// extension, float conversion, calls through function pointers.
typedef long long i64;

static unsigned char bytes[512];

static i64 twice(i64 x) { return (i64)((unsigned long long)x * 2); }
static i64 negate(i64 x) { return (i64)(0 - (unsigned long long)x); }
static i64 fold(i64 x) { return x ^ (x >> 9); }

// Not constant, so that the calls stay indirect.
static i64 (*volatile steps[3])(i64) = {twice, negate, fold};

__attribute__((export_name("run"))) i64 run(int n) {
    i64 sum = 1;
    for (int i = 0; i < 512; i++) bytes[i] = 0;
    for (int turn = 0; turn < n; turn++) {
        unsigned len = (unsigned)turn * 7 % 256;
        __builtin_memset(bytes, turn, len);
        __builtin_memmove(bytes + 256 - len, bytes, len);
        sum = (i64)((unsigned long long)sum * 31 + (signed char)bytes[255] + (short)sum);
        double scaled = (double)(int)sum * 0.37;
        sum += (int)scaled + (i64)(scaled * -4.0);
        sum = steps[turn % 3](sum);
    }
    return sum;
}
