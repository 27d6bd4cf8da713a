//! A hash map with linear probing and removal by shifting back: n rounds of insert, look up and
//! remove over a table that fits in the cache.

const slots = 1 << 14;
const mask = slots - 1;
/// At most 3/4 full: keys are drawn from this many.
const key_range = 3 * slots / 4;

var keys: [slots]u64 = undefined; // 0 = free
var values: [slots]u64 = undefined;

fn home(key: u64) u32 {
    return @truncate((key *% 0x9e3779b97f4a7c15) >> 50);
}

noinline fn find(key: u64) u32 {
    var at = home(key);
    while (keys[at] != 0 and keys[at] != key) at = (at + 1) & mask;
    return at;
}

noinline fn add(key: u64, value: u64) void {
    const at = find(key);
    if (keys[at] == 0) {
        keys[at] = key;
        values[at] = 0;
    }
    values[at] +%= value;
}

noinline fn remove(key: u64) u64 {
    var hole = find(key);
    if (keys[hole] == 0) return 0;
    const value = values[hole];
    var at = hole;
    while (true) {
        at = (at + 1) & mask;
        if (keys[at] == 0) break;
        // An entry may fill the hole when its home is not between the hole and itself.
        if (((at -% home(keys[at])) & mask) >= ((at -% hole) & mask)) {
            keys[hole] = keys[at];
            values[hole] = values[at];
            hole = at;
        }
    }
    keys[hole] = 0;
    return value;
}

fn next(state: *u64) u64 {
    state.* ^= state.* >> 12;
    state.* ^= state.* << 25;
    state.* ^= state.* >> 27;
    return state.* *% 0x2545f4914f6cdd1d;
}

export fn run(n: i32) i64 {
    @memset(&keys, 0);
    var seed: u64 = 99;
    var sum: u64 = 0;
    var i: i32 = 0;
    while (i < n) : (i += 1) {
        const r = next(&seed);
        const key = (r >> 20) % key_range + 1;
        switch (@as(u3, @truncate(r))) {
            0, 1, 2, 3 => add(key, r >> 40),
            4, 5, 6 => {
                const at = find(key);
                if (keys[at] != 0) sum +%= values[at];
            },
            7 => sum ^= remove(key),
        }
    }
    return @bitCast(sum);
}
