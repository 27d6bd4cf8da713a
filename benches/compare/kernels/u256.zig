//! 256-bit arithmetic as a contract does it: n times x = x · y + i, y = y + (x >> 3), mod 2^256.
//! Four 64-bit limbs; the widening product is the compiler's 128-bit multiplication.

const Word = [4]u64;

noinline fn mul(x: *const Word, y: *const Word) Word {
    var out: Word = @splat(0);
    for (0..4) |i| {
        var carry: u64 = 0;
        for (0..4 - i) |j| {
            const t = @as(u128, x[i]) * y[j] + out[i + j] + carry;
            out[i + j] = @truncate(t);
            carry = @truncate(t >> 64);
        }
    }
    return out;
}

fn add(x: *const Word, y: *const Word) Word {
    var out: Word = undefined;
    var carry: u1 = 0;
    inline for (0..4) |i| {
        const first = @addWithOverflow(x[i], y[i]);
        const second = @addWithOverflow(first[0], @as(u64, carry));
        out[i] = second[0];
        carry = first[1] | second[1];
    }
    return out;
}

fn shr(x: *const Word, comptime by: u6) Word {
    var out: Word = undefined;
    inline for (0..4) |i| {
        const above = if (i == 3) 0 else x[i + 1];
        out[i] = (x[i] >> by) | (above << @intCast(64 - @as(u7, by)));
    }
    return out;
}

export fn run(n: i32) i64 {
    var x: Word = .{ 0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89 };
    var y: Word = .{ 0x452821e638d01377, 0xbe5466cf34e90c6c, 0xc0ac29b7c97c50dd, 0x3f84d5b5b5470917 };
    var i: u64 = 0;
    while (i < @as(u32, @bitCast(n))) : (i += 1) {
        x = add(&mul(&x, &y), &.{ i, 0, 0, 0 });
        y = add(&y, &shr(&x, 3));
        y[0] |= 1;
    }
    return @bitCast(x[0] ^ x[1] ^ x[2] ^ x[3] ^ y[3]);
}
