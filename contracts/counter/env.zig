//! The host functions this contract uses, behind functions that take slices.

const std = @import("std");

const host = struct {
    extern "env" fn input_len() u32;
    extern "env" fn input_read(out: [*]u8, cap: u32) u32;
    extern "env" fn caller(out: [*]u8) void;
    extern "env" fn value(out: [*]u8) void;
    extern "env" fn return_data(data: [*]const u8, len: u32) void;
    extern "env" fn revert(code: i32, data: [*]const u8, len: u32) void;
    extern "env" fn emit(topics: [*]const u8, topic_count: u32, data: [*]const u8, len: u32) void;
    extern "env" fn storage_read(key: [*]const u8, key_len: u32, out: [*]u8, cap: u32) i32;
    extern "env" fn storage_write(key: [*]const u8, key_len: u32, value: [*]const u8, len: u32) void;
};

/// The call's input, or null when it is longer than the buffer.
pub fn input(buffer: []u8) ?[]const u8 {
    const len = host.input_len();
    if (len > buffer.len) return null;
    _ = host.input_read(buffer.ptr, len);
    return buffer[0..len];
}

/// Who called this contract: a key's address or another contract's.
pub fn caller() [20]u8 {
    var address: [20]u8 = undefined;
    host.caller(&address);
    return address;
}

/// Whether native coins came along with the call.
pub fn hasValue() bool {
    var amount: [16]u8 = undefined;
    host.value(&amount);
    return !std.mem.allEqual(u8, &amount, 0);
}

pub fn returnData(data: []const u8) void {
    host.return_data(data.ptr, data.len);
}

pub fn revert(code: i32, data: []const u8) noreturn {
    host.revert(code, data.ptr, data.len);
    @trap();
}

pub fn emit(topics: []const [32]u8, data: []const u8) void {
    host.emit(@ptrCast(topics.ptr), topics.len, data.ptr, data.len);
}

/// Fills `out`; false when the key is absent or its value has another length.
pub fn storageRead(key: []const u8, out: []u8) bool {
    return host.storage_read(key.ptr, key.len, out.ptr, out.len) == @as(i32, @intCast(out.len));
}

pub fn storageWrite(key: []const u8, value: []const u8) void {
    host.storage_write(key.ptr, key.len, value.ptr, value.len);
}
