//! A module of Zig at its default CPU features: copies and fills of a length known only at run
//! time, sign extension, saturating conversion, calls through function pointers.

var bytes: [512]u8 = undefined;

fn double(x: i64) i64 {
    return x *% 2;
}

fn negate(x: i64) i64 {
    return 0 -% x;
}

fn fold(x: i64) i64 {
    return x ^ (x >> 9);
}

// Not constant, so that the calls stay indirect.
var steps = [_]*const fn (i64) i64{ double, negate, fold };

/// A checksum of n turns.
export fn run(n: i32) i64 {
    @memset(&bytes, 0);
    var sum: i64 = 1;
    var turn: u32 = 0;
    while (turn < @as(u32, @bitCast(n))) : (turn += 1) {
        const len = turn *% 7 % 256;
        @memset(bytes[0..len], @truncate(turn));
        @memmove(bytes[256 - len .. 256], bytes[0..len]);
        const low: i8 = @bitCast(bytes[255]);
        const half: i16 = @truncate(sum);
        sum = sum *% 31 +% low +% half;
        const scaled = @as(f64, @floatFromInt(@as(i32, @truncate(sum)))) * 0.37;
        sum +%= @as(i32, @trunc(scaled));
        const step: *const volatile *const fn (i64) i64 = &steps[turn % steps.len];
        sum = step.*(sum);
    }
    return sum;
}
