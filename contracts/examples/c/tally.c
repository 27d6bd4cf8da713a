// A number that anyone may raise, under a name given at the deploy.
//
//   init(string)                    the name, at most 32 bytes
//   add(uint64) -> uint64           raises it, returns the new number, logs Added(address,uint64)
//   total() -> uint64, name() -> string
//
// Keys: "t", the number, u64; "n", the name.

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

#define HOST(name) __attribute__((import_module("env"), import_name(#name))) extern
#define EXPORT(name) __attribute__((export_name(#name))) int name(void)

HOST(input_len) u32 input_len(void);
HOST(input_read) u32 input_read(u8 *out, u32 cap);
HOST(caller) void caller(u8 out[20]);
HOST(value) void value(u8 out[16]);
HOST(return_data) void return_data(const u8 *data, u32 len);
HOST(revert) _Noreturn void revert(int code, const u8 *data, u32 len);
HOST(debug) void debug(const char *text, u32 len);
HOST(emit) void emit(const u8 *topics, u32 topic_count, const u8 *data, u32 len);
HOST(storage_read) int storage_read(const char *key, u32 key_len, u8 *out, u32 cap);
HOST(storage_write) void storage_write(const char *key, u32 key_len, const u8 *value, u32 len);

// Of `zvm selector 'add(uint64)' 'total()' 'name()' 'Added(address,uint64)'`. A selector read from the input is
// little-endian, hence the swap.
#define SELECTOR(number) __builtin_bswap32(number)
enum { ADD = SELECTOR(0x7b881196), TOTAL = SELECTOR(0x2ddbd13a), NAME = SELECTOR(0x06fdde03) };
static const u8 ADDED[32] = {
    0xfb, 0x7c, 0x82, 0xa1, 0x13, 0x24, 0x5a, 0xc1, 0x7e, 0xbf, 0x3e, 0xb4, 0xa2, 0xe5, 0x76, 0x3f,
    0x55, 0x1f, 0x70, 0xae, 0x25, 0xaa, 0x75, 0x36, 0x7b, 0xaa, 0x16, 0x41, 0xa7, 0x9e, 0x05, 0x28,
};

enum { NAME_MAX = 32, INPUT_MAX = 4 + NAME_MAX, TEXT_MAX = 64 };

// Without a C library the compiler still makes calls of these.
void *memcpy(void *to, const void *from, unsigned long len) {
    for (unsigned long i = 0; i < len; i++) ((u8 *)to)[i] = ((const u8 *)from)[i];
    return to;
}
void *memset(void *to, int byte, unsigned long len) {
    for (unsigned long i = 0; i < len; i++) ((u8 *)to)[i] = (u8)byte;
    return to;
}

static u32 length(const char *text) {
    u32 len = 0;
    while (text[len]) len++;
    return len;
}

// The panic hook, for what must never happen: the text stands in the receipt as a note, with a backtrace.
static _Noreturn void panic(const char *text) {
    debug(text, length(text));
    __builtin_trap();
}

// What may happen: a code and Error(string), undone and told to the caller.
static _Noreturn void fail(int code, const char *text) {
    u8 data[8 + TEXT_MAX] = {0x08, 0xc3, 0x79, 0xa0};
    u32 len = length(text);
    if (len > TEXT_MAX) panic("the text of a revert is too long");
    memcpy(data + 4, &len, 4);
    memcpy(data + 8, text, len);
    revert(code, data, 8 + len);
}

static u8 input[INPUT_MAX];
static u32 input_end;

// Reads the input. Memory is fresh in each call.
static void begin(void) {
    u8 coins[16];
    value(coins);
    for (int i = 0; i < 16; i++)
        if (coins[i]) fail(3, "tally: coins are not accepted");
    input_end = input_len();
    if (input_end > INPUT_MAX) fail(2, "tally: malformed arguments");
    input_read(input, input_end);
}

static u64 read_total(void) {
    u64 total = 0;
    if (storage_read("t", 1, (u8 *)&total, 8) != 8) panic("there is no number");
    return total;
}

static void write_total(u64 total) { storage_write("t", 1, (const u8 *)&total, 8); }

static void add(void) {
    u64 step, total;
    if (input_end != 4 + 8) fail(2, "tally: malformed arguments");
    memcpy(&step, input + 4, 8);
    if (__builtin_add_overflow(read_total(), step, &total)) panic("integer overflow");
    write_total(total);
    u8 topics[64] = {0};
    memcpy(topics, ADDED, 32);
    caller(topics + 32 + 12);
    emit(topics, 2, (const u8 *)&step, 8);
    return_data((const u8 *)&total, 8);
}

static void get_total(void) {
    if (input_end != 4) fail(2, "tally: malformed arguments");
    u64 total = read_total();
    return_data((const u8 *)&total, 8);
}

static void get_name(void) {
    u8 name[4 + NAME_MAX];
    if (input_end != 4) fail(2, "tally: malformed arguments");
    int len = storage_read("n", 1, name + 4, NAME_MAX);
    memcpy(name, &len, 4);
    return_data(name, 4 + (u32)len);
}

static u32 selector(void) {
    u32 selector = 0;
    if (input_end >= 4) memcpy(&selector, input, 4);
    return selector;
}

EXPORT(init) {
    u32 len = 0;
    begin();
    if (input_end >= 4) memcpy(&len, input, 4);
    if (input_end < 4 || len != input_end - 4) fail(2, "tally: malformed arguments");
    storage_write("n", 1, input + 4, len);
    write_total(0);
    return 0;
}

EXPORT(invoke) {
    begin();
    switch (selector()) {
        case ADD: add(); return 0;
        case TOTAL: get_total(); return 0;
        case NAME: get_name(); return 0;
        default: fail(1, "tally: unknown method");
    }
}

EXPORT(query) {
    begin();
    switch (selector()) {
        case TOTAL: get_total(); return 0;
        case NAME: get_name(); return 0;
        default: fail(1, "tally: unknown method");
    }
}
