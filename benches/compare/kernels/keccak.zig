//! The permutation keccak-f[1600], n times, with a block of the counter absorbed before each.

const rotations = [25]u6{
    0,  1,  62, 28, 27,
    36, 44, 6,  55, 20,
    3,  10, 43, 25, 39,
    41, 45, 15, 21, 8,
    18, 2,  61, 56, 14,
};

/// From the LFSR of the Keccak specification, section 1.2.
const round_constants: [24]u64 = blk: {
    @setEvalBranchQuota(10_000);
    var table: [24]u64 = @splat(0);
    var state: u16 = 1;
    for (&table) |*constant| {
        for (0..7) |bit| {
            if (state & 1 == 1) constant.* |= 1 << ((1 << bit) - 1);
            state <<= 1;
            if (state & 0x100 != 0) state ^= 0x171;
        }
    }
    break :blk table;
};

fn rotl(x: u64, by: u6) u64 {
    return if (by == 0) x else (x << by) | (x >> @intCast(64 - @as(u7, by)));
}

noinline fn permute(lanes: *[25]u64) void {
    var a = lanes.*;
    for (round_constants) |constant| {
        var c: [5]u64 = undefined;
        inline for (0..5) |x| c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
        var d: [5]u64 = undefined;
        inline for (0..5) |x| d[x] = c[(x + 4) % 5] ^ rotl(c[(x + 1) % 5], 1);
        var b: [25]u64 = undefined;
        inline for (0..5) |y| inline for (0..5) |x| {
            const from = x + 5 * y;
            b[y + 5 * ((2 * x + 3 * y) % 5)] = rotl(a[from] ^ d[x], rotations[from]);
        };
        inline for (0..5) |y| inline for (0..5) |x| {
            a[x + 5 * y] = b[x + 5 * y] ^ (~b[(x + 1) % 5 + 5 * y] & b[(x + 2) % 5 + 5 * y]);
        };
        a[0] ^= constant;
    }
    lanes.* = a;
}

export fn run(n: i32) i64 {
    var lanes: [25]u64 = @splat(0);
    var i: u64 = 0;
    while (i < @as(u32, @bitCast(n))) : (i += 1) {
        for (lanes[0..17], 0..) |*lane, k| lane.* ^= i *% 0x9e3779b97f4a7c15 +% k;
        permute(&lanes);
    }
    return @bitCast(lanes[0] ^ lanes[7] ^ lanes[24]);
}
