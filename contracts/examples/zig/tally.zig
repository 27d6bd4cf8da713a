//! A number that anyone may raise, under a name given at the deploy.
//!
//!   init(string)                    the name, at most 32 bytes
//!   add(uint64) -> uint64           raises it, returns the new number, logs Added(address,uint64)
//!   total() -> uint64, name() -> string
//!
//! Keys: "t", the number, u64; "n", the name.

const std = @import("std");

const host = struct {
    extern "env" fn input_len() u32;
    extern "env" fn input_read(out: [*]u8, cap: u32) u32;
    extern "env" fn caller(out: *[20]u8) void;
    extern "env" fn value(out: *[16]u8) void;
    extern "env" fn return_data(data: [*]const u8, len: u32) void;
    extern "env" fn revert(code: i32, data: [*]const u8, len: u32) void;
    extern "env" fn debug(text: [*]const u8, len: u32) void;
    extern "env" fn emit(topics: [*]const [32]u8, topic_count: u32, data: [*]const u8, len: u32) void;
    extern "env" fn storage_read(key: [*]const u8, key_len: u32, out: [*]u8, cap: u32) i32;
    extern "env" fn storage_write(key: [*]const u8, key_len: u32, value: [*]const u8, len: u32) void;
};

/// The panic hook, for what must never happen: the text stands in the receipt as a note, with a backtrace.
pub const panic = std.debug.FullPanic(struct {
    fn panic(text: []const u8, _: ?usize) noreturn {
        host.debug(text.ptr, @intCast(text.len));
        @trap();
    }
}.panic);

/// keccak-256 of a signature, found at compile time.
fn topic(comptime signature: []const u8) [32]u8 {
    return comptime hash: {
        @setEvalBranchQuota(200_000);
        var digest: [32]u8 = undefined;
        std.crypto.hash.sha3.Keccak256.hash(signature, &digest, .{});
        break :hash digest;
    };
}

fn selector(comptime signature: []const u8) u32 {
    return comptime std.mem.readInt(u32, topic(signature)[0..4], .little);
}

const name_max = 32;
const bad_arguments = "tally: malformed arguments";

/// What may happen: a code and Error(string), undone and told to the caller.
fn fail(code: i32, comptime text: []const u8) noreturn {
    const data = comptime topic("Error(string)")[0..4].* ++ word(u32, text.len) ++ text[0..].*;
    host.revert(code, &data, data.len);
    unreachable;
}

fn word(comptime T: type, number: T) [@sizeOf(T)]u8 {
    return @bitCast(std.mem.nativeToLittle(T, number));
}

/// The input in a buffer of the caller's.
fn begin(buffer: *[4 + name_max]u8) []const u8 {
    var coins: [16]u8 = undefined;
    host.value(&coins);
    if (!std.mem.allEqual(u8, &coins, 0)) fail(3, "tally: coins are not accepted");
    const len = host.input_len();
    if (len > buffer.len) fail(2, bad_arguments);
    _ = host.input_read(buffer, len);
    return buffer[0..len];
}

fn readTotal() u64 {
    var bytes: [8]u8 = undefined;
    if (host.storage_read("t", 1, &bytes, 8) != 8) @panic("there is no number");
    return std.mem.readInt(u64, &bytes, .little);
}

fn add(args: []const u8) void {
    if (args.len != 8) fail(2, bad_arguments);
    const step = std.mem.readInt(u64, args[0..8], .little);
    // Checked in a build with safety: an overflow panics.
    const sum = word(u64, readTotal() + step);
    host.storage_write("t", 1, &sum, 8);
    var topics = [2][32]u8{ topic("Added(address,uint64)"), @splat(0) };
    host.caller(topics[1][12..]);
    host.emit(&topics, 2, args.ptr, 8);
    host.return_data(&sum, 8);
}

fn total(args: []const u8) void {
    if (args.len != 0) fail(2, bad_arguments);
    host.return_data(&word(u64, readTotal()), 8);
}

fn name(args: []const u8) void {
    if (args.len != 0) fail(2, bad_arguments);
    var text: [4 + name_max]u8 = undefined;
    const len: u32 = @intCast(host.storage_read("n", 1, text[4..], name_max));
    text[0..4].* = word(u32, len);
    host.return_data(&text, 4 + len);
}

export fn init() i32 {
    var buffer: [4 + name_max]u8 = undefined;
    const input = begin(&buffer);
    if (input.len < 4 or std.mem.readInt(u32, input[0..4], .little) != input.len - 4) fail(2, bad_arguments);
    host.storage_write("n", 1, input[4..].ptr, @intCast(input.len - 4));
    host.storage_write("t", 1, &word(u64, 0), 8);
    return 0;
}

export fn invoke() i32 {
    return dispatch(true);
}

export fn query() i32 {
    return dispatch(false);
}

fn dispatch(may_change: bool) i32 {
    var buffer: [4 + name_max]u8 = undefined;
    const input = begin(&buffer);
    if (input.len < 4) fail(1, "tally: unknown method");
    const args = input[4..];
    switch (std.mem.readInt(u32, input[0..4], .little)) {
        selector("add(uint64)") => if (may_change) add(args) else fail(1, "tally: unknown method"),
        selector("total()") => total(args),
        selector("name()") => name(args),
        else => fail(1, "tally: unknown method"),
    }
    return 0;
}
