//! The smallest contract that keeps something: a number that anyone may raise and only the
//! deployer may reset.
//!
//! | key | value |
//! |---|---|
//! | `c` | the count, u64 |
//! | `a` | the deployer's address |

const std = @import("std");
const abi = @import("abi.zig");
const env = @import("env.zig");

const count_key = "c";
const admin_key = "a";

/// Why a call fails: the code that stands in the receipt, and the text for people.
const Failure = error{ UnknownMethod, BadArguments, InputTooLong, NotAdmin, Overflow, CoinsRefused };

const Reason = struct { code: i32, text: []const u8 };

fn reason(failure: Failure) Reason {
    return switch (failure) {
        error.UnknownMethod => .{ .code = 1, .text = "counter: unknown method" },
        error.BadArguments => .{ .code = 2, .text = "counter: malformed arguments" },
        error.InputTooLong => .{ .code = 3, .text = "counter: input too long" },
        error.NotAdmin => .{ .code = 4, .text = "counter: caller is not the admin" },
        error.Overflow => .{ .code = 5, .text = "counter: the count would overflow" },
        error.CoinsRefused => .{ .code = 6, .text = "counter: native coins are not accepted" },
    };
}

const Method = struct {
    selector: [4]u8,
    /// Whether `query` may reach it.
    view: bool,
    run: *const fn (*abi.Args) Failure!void,
};

const methods = [_]Method{
    .{ .selector = abi.selector("increment()"), .view = false, .run = increment },
    .{ .selector = abi.selector("increment_by(uint64)"), .view = false, .run = incrementBy },
    .{ .selector = abi.selector("reset()"), .view = false, .run = reset },
    .{ .selector = abi.selector("spin()"), .view = false, .run = spin },
    .{ .selector = abi.selector("get()"), .view = true, .run = get },
};

/// Runs once, inside the deploy; takes no arguments.
export fn init() i32 {
    return enter(setUp);
}

/// A signed call or another contract's: `selector 4 ‖ arguments`.
export fn invoke() i32 {
    return enter(dispatchAny);
}

/// A question to the latest state: `selector 4 ‖ arguments`, views only.
export fn query() i32 {
    return enter(dispatchView);
}

fn enter(comptime body: fn (*abi.Args) Failure!void) i32 {
    run(body) catch |failure| fail(reason(failure));
    return 0;
}

fn run(comptime body: fn (*abi.Args) Failure!void) Failure!void {
    // No method pays anything out: coins that came along would stay here for ever.
    if (env.hasValue()) return error.CoinsRefused;
    var buffer: [16]u8 = undefined;
    const input = env.input(&buffer) orelse return error.InputTooLong;
    var args: abi.Args = .{ .rest = input };
    return body(&args);
}

/// The return data of a revert is `selector("Error(string)") ‖ len u32 ‖ text`.
fn fail(why: Reason) noreturn {
    var data: [64]u8 = undefined;
    data[0..4].* = comptime abi.selector("Error(string)");
    std.mem.writeInt(u32, data[4..8], @intCast(why.text.len), .little);
    const end = 8 + why.text.len;
    @memcpy(data[8..end], why.text);
    env.revert(why.code, data[0..end]);
}

fn dispatchAny(args: *abi.Args) Failure!void {
    return dispatch(args, false);
}

fn dispatchView(args: *abi.Args) Failure!void {
    return dispatch(args, true);
}

fn dispatch(args: *abi.Args, views_only: bool) Failure!void {
    if (args.rest.len < 4) return error.UnknownMethod;
    const wanted = args.rest[0..4];
    args.rest = args.rest[4..];
    for (methods) |method| {
        if (!std.mem.eql(u8, &method.selector, wanted)) continue;
        if (views_only and !method.view) return error.UnknownMethod;
        return method.run(args);
    }
    return error.UnknownMethod;
}

fn setUp(args: *abi.Args) Failure!void {
    try args.end();
    env.storageWrite(admin_key, &env.caller());
    write(0);
}

fn increment(args: *abi.Args) Failure!void {
    try args.end();
    try raise(1);
}

fn incrementBy(args: *abi.Args) Failure!void {
    const step = try args.word();
    try args.end();
    try raise(step);
}

fn reset(args: *abi.Args) Failure!void {
    try args.end();
    var admin: [20]u8 = undefined;
    if (!env.storageRead(admin_key, &admin)) return error.NotAdmin;
    if (!std.mem.eql(u8, &admin, &env.caller())) return error.NotAdmin;
    write(0);
}

/// Never ends: what gas is for. The count it writes first is undone when the gas runs out.
fn spin(args: *abi.Args) Failure!void {
    try args.end();
    write(std.math.maxInt(u64));
    var turns: u64 = 0;
    while (true) {
        turns +%= 1;
        std.mem.doNotOptimizeAway(turns);
    }
}

fn get(args: *abi.Args) Failure!void {
    try args.end();
    env.returnData(&abi.bytes(read()));
}

/// Adds to the count, returns the new one and announces it.
fn raise(step: u64) Failure!void {
    const sum, const overflow = @addWithOverflow(read(), step);
    if (overflow != 0) return error.Overflow;
    write(sum);
    const word = abi.bytes(sum);
    env.emit(&.{comptime abi.topic("Incremented(uint64)")}, &word);
    env.returnData(&word);
}

fn read() u64 {
    var word: [8]u8 = undefined;
    if (!env.storageRead(count_key, &word)) return 0;
    return std.mem.readInt(u64, &word, .little);
}

fn write(count: u64) void {
    env.storageWrite(count_key, &abi.bytes(count));
}
