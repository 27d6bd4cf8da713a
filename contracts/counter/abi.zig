//! The native codec and the selectors, as much of both as a counter needs.

const std = @import("std");

/// The first four bytes of the keccak-256 of a signature text, found at compile time.
pub fn selector(comptime signature: []const u8) [4]u8 {
    return topic(signature)[0..4].*;
}

/// The first topic of an event.
pub fn topic(comptime signature: []const u8) [32]u8 {
    return comptime hash: {
        @setEvalBranchQuota(200_000);
        var digest: [32]u8 = undefined;
        std.crypto.hash.sha3.Keccak256.hash(signature, &digest, .{});
        break :hash digest;
    };
}

comptime {
    // The published selector of the most called method there is: checked at every build.
    if (!std.mem.eql(u8, &selector("transfer(address,uint256)"), &.{ 0xa9, 0x05, 0x9c, 0xbb })) {
        @compileError("wrong keccak");
    }
}

/// Reads arguments in order; `end` after the last one refuses bytes left over.
pub const Args = struct {
    rest: []const u8,

    pub fn word(args: *Args) error{BadArguments}!u64 {
        if (args.rest.len < 8) return error.BadArguments;
        defer args.rest = args.rest[8..];
        return std.mem.readInt(u64, args.rest[0..8], .little);
    }

    pub fn end(args: Args) error{BadArguments}!void {
        if (args.rest.len != 0) return error.BadArguments;
    }
};

pub fn bytes(value: u64) [8]u8 {
    return @bitCast(std.mem.nativeToLittle(u64, value));
}
