// A mix in the spirit of embedded benchmarks: linked lists, small integer matrices, a state machine
// over text, and a CRC over everything. n = rounds.
#include "kernel.h"

#define NODES 128
struct node {
    struct node *next;
    u16 key, data;
};
static struct node pool[NODES];

#define SIDE 12
static u16 left[SIDE * SIDE], right[SIDE * SIDE];
static i32 product[SIDE * SIDE];

static const char text[] = "12,-7.25,+3e4,abc,0x1f,999999,-.5,1e-3,,77,4.,+,x9,31.4159e+2,0,-0,12ab,5E5,";

static u16 crc16(u16 crc, u32 value, int bytes) {
    for (int i = 0; i < bytes; i++, value >>= 8) {
        crc ^= (u16)(value & 0xff);
        for (int bit = 0; bit < 8; bit++) crc = (u16)((crc >> 1) ^ ((crc & 1) ? 0xa001 : 0));
    }
    return crc;
}

static struct node *build(u64 *seed) {
    struct node *head = 0;
    for (int i = 0; i < NODES; i++) {
        u64 r = next_random(seed);
        pool[i] = (struct node){head, (u16)(r >> 20), (u16)(r >> 40)};
        head = &pool[i];
    }
    return head;
}

typedef int (*order)(const struct node *, const struct node *);
static int by_key(const struct node *a, const struct node *b) { return (int)a->key - (int)b->key; }
static int by_data(const struct node *a, const struct node *b) { return (int)a->data - (int)b->data; }

// Merge sort, bottom up, in place.
static struct node *sort(struct node *list, order compare) {
    for (int width = 1;; width *= 2) {
        struct node *p = list, *tail = 0;
        int merges = 0;
        list = 0;
        while (p) {
            struct node *q = p;
            int p_left = 0, q_left = width;
            for (int i = 0; i < width && q; i++, p_left++) q = q->next;
            merges++;
            while (p_left > 0 || (q_left > 0 && q)) {
                struct node *taken;
                if (p_left == 0 || (q_left > 0 && q && compare(p, q) > 0)) {
                    taken = q;
                    q = q->next;
                    q_left--;
                } else {
                    taken = p;
                    p = p->next;
                    p_left--;
                }
                if (tail) tail->next = taken;
                else list = taken;
                tail = taken;
            }
            p = q;
        }
        tail->next = 0;
        if (merges <= 1) return list;
    }
}

static struct node *reverse(struct node *list) {
    struct node *out = 0;
    while (list) {
        struct node *next = list->next;
        list->next = out;
        out = list;
        list = next;
    }
    return out;
}

static u16 lists(u64 *seed, u16 crc, order key, order data) {
    struct node *head = build(seed);
    u16 wanted = (u16)next_random(seed);
    int near = 0;
    for (const struct node *p = head; p; p = p->next) near += (u16)(p->key ^ wanted) < 0x1000;
    head = reverse(sort(head, key));
    for (const struct node *p = head; p; p = p->next) crc = crc16(crc, p->key, 2);
    head = sort(head, data);
    return crc16(crc, head->data + (u32)near, 4);
}

static u16 matrices(u64 *seed, u16 crc) {
    for (int i = 0; i < SIDE * SIDE; i++) {
        u64 r = next_random(seed);
        left[i] = (u16)r & 0x7ff;
        right[i] = (u16)(r >> 32) & 0x7ff;
    }
    i32 trace = 0;
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            i32 sum = 0;
            for (int k = 0; k < SIDE; k++) sum += (i32)left[i * SIDE + k] * (i32)right[k * SIDE + j];
            product[i * SIDE + j] = (sum >> 2) & 0xfffff;
            if (i == j) trace += sum;
        }
    for (int i = 0; i < SIDE * SIDE; i += 7) crc = crc16(crc, (u32)product[i], 4);
    return crc16(crc, (u32)trace, 4);
}

enum state { BEGIN, SIGN, WHOLE, POINT, FRACTION, EXPONENT, POWER_SIGN, POWER, INVALID, STATES };

static enum state step(enum state s, char c) {
    int digit = c >= '0' && c <= '9';
    switch (s) {
        case BEGIN:
            return digit ? WHOLE : c == '+' || c == '-' ? SIGN : c == '.' ? POINT : INVALID;
        case SIGN:
            return digit ? WHOLE : c == '.' ? POINT : INVALID;
        case WHOLE:
            return digit ? WHOLE : c == '.' ? POINT : c == 'e' || c == 'E' ? EXPONENT : INVALID;
        case POINT:
        case FRACTION:
            return digit ? FRACTION : s == FRACTION && (c == 'e' || c == 'E') ? EXPONENT : INVALID;
        case EXPONENT:
            return digit ? POWER : c == '+' || c == '-' ? POWER_SIGN : INVALID;
        case POWER_SIGN:
        case POWER:
            return digit ? POWER : INVALID;
        default:
            return INVALID;
    }
}

static u16 states(u32 salt, u16 crc) {
    u32 ends[STATES] = {0};
    enum state s = BEGIN;
    for (u32 i = 0; i + 1 < sizeof text; i++) {
        char c = text[i];
        if (c != ',' && ((i ^ salt) & 31) == 0) c ^= 1;
        if (c == ',') {
            ends[s]++;
            s = BEGIN;
        } else {
            s = step(s, c);
        }
    }
    for (int i = 0; i < STATES; i++) crc = crc16(crc, ends[i], 2);
    return crc;
}

KERNEL i64 run(i32 n) {
    u64 seed = 0x1234567, sum = 0;
    u16 crc = 0xffff;
    // Not known to the compiler, so that the comparisons stay indirect calls.
    order key = by_key, data = by_data;
    __asm__ volatile("" : "+r"(key), "+r"(data));
    for (i32 i = 0; i < n; i++) {
        crc = lists(&seed, crc, key, data);
        crc = matrices(&seed, crc);
        crc = states((u32)next_random(&seed), crc);
        sum = mix(sum, crc);
    }
    return (i64)sum;
}
