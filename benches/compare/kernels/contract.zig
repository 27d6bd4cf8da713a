//! A token's ledger in linear memory: n calls of transfer, approve and transfer_from, each decoded
//! from bytes, checked in 256-bit arithmetic, and written to a log; what a contract does between
//! its host calls.

const Address = [20]u8;
const Word = [4]u64;

const Entry = struct { used: bool, owner: Address, spender: Address, amount: Word };
const slots = 1 << 11;
const accounts = 300;
const nobody: Address = @splat(0);

var table: [slots]Entry = undefined;
var log: [1 << 14]u8 = undefined;
var log_len: u32 = 0;
var refused: u32 = 0;

fn hash(owner: *const Address, spender: *const Address) u32 {
    var h: u32 = 0x811c9dc5;
    for (owner) |byte| h = (h ^ byte) *% 0x01000193;
    for (spender) |byte| h = (h ^ byte) *% 0x01000193;
    return h ^ (h >> 15);
}

fn equal(a: *const Address, b: *const Address) bool {
    for (a, b) |x, y| if (x != y) return false;
    return true;
}

/// The balance of an owner (no spender), or an allowance.
noinline fn entry(owner: *const Address, spender: *const Address) *Entry {
    var at = hash(owner, spender) & (slots - 1);
    while (true) : (at = (at + 1) & (slots - 1)) {
        const e = &table[at];
        if (!e.used) {
            e.* = .{ .used = true, .owner = owner.*, .spender = spender.*, .amount = @splat(0) };
            return e;
        }
        if (equal(&e.owner, owner) and equal(&e.spender, spender)) return e;
    }
}

fn sub(x: Word, y: Word) ?Word {
    var out: Word = undefined;
    var borrow: u1 = 0;
    inline for (0..4) |i| {
        const a = @subWithOverflow(x[i], y[i]);
        const b = @subWithOverflow(a[0], @as(u64, borrow));
        out[i] = b[0];
        borrow = a[1] | b[1];
    }
    return if (borrow == 1) null else out;
}

fn add(x: Word, y: Word) ?Word {
    var out: Word = undefined;
    var carry: u1 = 0;
    inline for (0..4) |i| {
        const a = @addWithOverflow(x[i], y[i]);
        const b = @addWithOverflow(a[0], @as(u64, carry));
        out[i] = b[0];
        carry = a[1] | b[1];
    }
    return if (carry == 1) null else out;
}

fn emit(kind: u8, from: *const Address, to: *const Address, amount: Word) void {
    if (log_len + 73 > log.len) log_len = 0;
    const out = log[log_len..][0..73];
    out[0] = kind;
    out[1..21].* = from.*;
    out[21..41].* = to.*;
    out[41..73].* = @bitCast(amount);
    log_len += 73;
}

noinline fn transfer(from: *const Address, to: *const Address, amount: Word) bool {
    const source = entry(from, &nobody);
    source.amount = sub(source.amount, amount) orelse return false;
    const target = entry(to, &nobody);
    target.amount = add(target.amount, amount) orelse return false;
    emit(1, from, to, amount);
    return true;
}

/// One call: method 1, two addresses 20, amount 32 (little-endian).
noinline fn call(caller: *const Address, input: *const [73]u8) bool {
    const first: *const Address = input[1..21];
    const second: *const Address = input[21..41];
    const amount: Word = @bitCast(input[41..73].*);
    switch (input[0]) {
        0, 1 => return transfer(caller, second, amount),
        2 => {
            entry(caller, second).amount = amount;
            emit(2, caller, second, amount);
            return true;
        },
        else => {
            const allowed = entry(first, caller);
            const left = sub(allowed.amount, amount) orelse return false;
            if (!transfer(first, second, amount)) return false;
            allowed.amount = left;
            return true;
        },
    }
}

fn name(index: u64) Address {
    var address: Address = undefined;
    var x = (index + 1) *% 0x9e3779b97f4a7c15;
    for (&address) |*byte| {
        x ^= x >> 29;
        x *%= 0xbf58476d1ce4e5b9;
        byte.* = @truncate(x >> 56);
    }
    return address;
}

fn next(state: *u64) u64 {
    state.* ^= state.* >> 12;
    state.* ^= state.* << 25;
    state.* ^= state.* >> 27;
    return state.* *% 0x2545f4914f6cdd1d;
}

fn pick(r: u64, count: u32) u32 {
    return @as(u32, @truncate(r)) % count;
}

export fn run(n: i32) i64 {
    for (&table) |*e| e.used = false;
    log_len = 0;
    refused = 0;
    @memset(&log, 0);
    var names: [accounts]Address = undefined;
    for (&names, 0..) |*address, i| {
        address.* = name(i);
        entry(address, &nobody).amount = .{ 1000, 0, 0, 0 };
    }
    var seed: u64 = 5;
    var input: [73]u8 = @splat(0);
    var i: i32 = 0;
    while (i < n) : (i += 1) {
        const r = next(&seed);
        // Few spenders, so that the allowances fit in the table.
        const caller = &names[pick(r >> 8, accounts)];
        const spender = &names[pick(r >> 8, 3)];
        input[0] = @truncate(r & 3);
        input[1..21].* = names[pick(r >> 24, accounts)];
        input[21..41].* = if (input[0] == 2) spender.* else names[pick(r >> 40, accounts)];
        input[41..73].* = @bitCast(Word{ (r >> 54) & 0xff, 0, 0, 0 });
        const by = if (input[0] == 3) spender else caller;
        if (!call(by, &input)) refused += 1;
    }
    var sum: u64 = refused;
    var total: Word = @splat(0);
    for (&names) |*address| {
        const amount = entry(address, &nobody).amount;
        total = add(total, amount) orelse return -1;
        sum = (sum ^ amount[0]) *% 0x9e3779b97f4a7c15;
    }
    // Nothing was made or lost.
    if (total[0] != 1000 * accounts) return -2;
    for (log) |byte| sum = (sum ^ byte) *% 0x100000001b3;
    return @bitCast(sum);
}
