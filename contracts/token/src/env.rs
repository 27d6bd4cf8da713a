//! The host functions this contract uses, behind safe functions. The only unsafe code here:
//! every pointer given to the host comes from a slice and goes with that slice's length.

mod host {
    #[link(wasm_import_module = "env")]
    extern "C" {
        pub fn input_len() -> u32;
        pub fn input_read(out: *mut u8, cap: u32) -> u32;
        pub fn caller(out: *mut u8);
        pub fn value(out: *mut u8);
        pub fn return_data(data: *const u8, len: u32);
        pub fn revert(code: i32, data: *const u8, len: u32);
        pub fn emit(topics: *const u8, topic_count: u32, data: *const u8, len: u32);
        pub fn storage_read(key: *const u8, key_len: u32, out: *mut u8, cap: u32) -> i32;
        pub fn storage_write(key: *const u8, key_len: u32, value: *const u8, len: u32);
        pub fn storage_remove(key: *const u8, key_len: u32) -> i32;
    }
}

/// The call's input, or nothing when it is longer than the buffer.
pub fn input(buffer: &mut [u8]) -> Option<&[u8]> {
    // SAFETY: takes no pointer.
    let len = unsafe { host::input_len() } as usize;
    let buffer = buffer.get_mut(..len)?;
    // SAFETY: pointer and length are of one exclusive slice.
    unsafe { host::input_read(buffer.as_mut_ptr(), buffer.len() as u32) };
    Some(buffer)
}

/// Who called this contract: a key's address or another contract's.
pub fn caller() -> [u8; 20] {
    let mut address = [0; 20];
    // SAFETY: the host writes exactly 20 bytes.
    unsafe { host::caller(address.as_mut_ptr()) };
    address
}

/// Native coins that came with the call.
pub fn value() -> u128 {
    let mut amount = [0; 16];
    // SAFETY: the host writes exactly 16 bytes.
    unsafe { host::value(amount.as_mut_ptr()) };
    u128::from_le_bytes(amount)
}

pub fn return_data(data: &[u8]) {
    // SAFETY: pointer and length are of one slice.
    unsafe { host::return_data(data.as_ptr(), data.len() as u32) }
}

pub fn revert(code: i32, data: &[u8]) -> ! {
    // SAFETY: pointer and length are of one slice.
    unsafe { host::revert(code, data.as_ptr(), data.len() as u32) };
    unreachable!()
}

pub fn emit(topics: &[[u8; 32]], data: &[u8]) {
    // SAFETY: pointers and lengths are of their slices; an array of arrays has no gaps.
    unsafe {
        host::emit(topics.as_ptr().cast(), topics.len() as u32, data.as_ptr(), data.len() as u32);
    }
}

/// Fills `out` with the start of the value; its full length, or nothing when the key is absent.
pub fn storage_read(key: &[u8], out: &mut [u8]) -> Option<usize> {
    // SAFETY: pointers and lengths are of their slices, `out` is exclusive.
    let len =
        unsafe { host::storage_read(key.as_ptr(), key.len() as u32, out.as_mut_ptr(), out.len() as u32) };
    usize::try_from(len).ok()
}

pub fn storage_write(key: &[u8], value: &[u8]) {
    // SAFETY: pointers and lengths are of their slices.
    unsafe { host::storage_write(key.as_ptr(), key.len() as u32, value.as_ptr(), value.len() as u32) }
}

pub fn storage_remove(key: &[u8]) {
    // SAFETY: pointer and length are of one slice.
    unsafe { host::storage_remove(key.as_ptr(), key.len() as u32) };
}
