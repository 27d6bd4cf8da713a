//! A number that anyone may raise, under a name given at the deploy.
//!
//!   init(string)                    the name, at most 32 bytes
//!   add(uint64) -> uint64           raises it, returns the new number, logs Added(address,uint64)
//!   total() -> uint64, name() -> string
//!
//! Keys: "t", the number, u64; "n", the name.
#![no_std]

use core::fmt::{self, Write};

mod host {
    #[link(wasm_import_module = "env")]
    extern "C" {
        pub fn input_len() -> u32;
        pub fn input_read(out: *mut u8, cap: u32) -> u32;
        pub fn caller(out: *mut u8);
        pub fn value(out: *mut u8);
        pub fn return_data(data: *const u8, len: u32);
        pub fn revert(code: i32, data: *const u8, len: u32) -> !;
        pub fn debug(text: *const u8, len: u32);
        pub fn emit(topics: *const u8, topic_count: u32, data: *const u8, len: u32);
        pub fn storage_read(key: *const u8, key_len: u32, out: *mut u8, cap: u32) -> i32;
        pub fn storage_write(key: *const u8, key_len: u32, value: *const u8, len: u32);
    }
}

/// A text of fixed room; what does not fit is left out.
struct Text([u8; 256], usize);

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for (to, from) in self.0[self.1..].iter_mut().zip(text.bytes()) {
            *to = from;
            self.1 += 1;
        }
        Ok(())
    }
}

/// The panic hook, for what must never happen: the text stands in the receipt as a note, with a backtrace.
#[panic_handler]
fn panic(info: &core::panic::PanicInfo) -> ! {
    let mut text = Text([0; 256], 0);
    let _ = write!(text, "{}", info);
    // SAFETY: pointer and length are of one buffer.
    unsafe { host::debug(text.0.as_ptr(), text.1 as u32) };
    core::arch::wasm32::unreachable()
}

// Of `zvm selector 'add(uint64)' 'total()' 'name()' 'Added(address,uint64)'`.
const ADD: [u8; 4] = [0x7b, 0x88, 0x11, 0x96];
const TOTAL: [u8; 4] = [0x2d, 0xdb, 0xd1, 0x3a];
const NAME: [u8; 4] = [0x06, 0xfd, 0xde, 0x03];
const ADDED: [u8; 32] = [
    0xfb, 0x7c, 0x82, 0xa1, 0x13, 0x24, 0x5a, 0xc1, 0x7e, 0xbf, 0x3e, 0xb4, 0xa2, 0xe5, 0x76, 0x3f, //
    0x55, 0x1f, 0x70, 0xae, 0x25, 0xaa, 0x75, 0x36, 0x7b, 0xaa, 0x16, 0x41, 0xa7, 0x9e, 0x05, 0x28,
];

const NAME_MAX: usize = 32;

/// What may happen: undone and told to the caller.
enum Failure {
    UnknownMethod,
    BadArguments,
    Coins,
}

/// The answer of a method: return data.
type Reply = Result<([u8; 4 + NAME_MAX], usize), Failure>;

fn reply(data: &[u8]) -> Reply {
    let mut bytes = [0; 4 + NAME_MAX];
    bytes[..data.len()].copy_from_slice(data);
    Ok((bytes, data.len()))
}

/// Code and text of a failure, the text as Error(string).
fn fail(why: Failure) -> ! {
    let (code, text) = match why {
        Failure::UnknownMethod => (1, "tally: unknown method"),
        Failure::BadArguments => (2, "tally: malformed arguments"),
        Failure::Coins => (3, "tally: coins are not accepted"),
    };
    let mut data = [0; 64];
    data[..4].copy_from_slice(&[0x08, 0xc3, 0x79, 0xa0]);
    data[4..8].copy_from_slice(&(text.len() as u32).to_le_bytes());
    data[8..8 + text.len()].copy_from_slice(text.as_bytes());
    // SAFETY: the length is within the array.
    unsafe { host::revert(code, data.as_ptr(), 8 + text.len() as u32) }
}

fn write(key: &[u8], value: &[u8]) {
    // SAFETY: pointers and lengths are of their slices.
    unsafe { host::storage_write(key.as_ptr(), key.len() as u32, value.as_ptr(), value.len() as u32) }
}

/// Fills `out` with the value's beginning; the value's length, negative if there is none.
fn read(key: &[u8], out: &mut [u8]) -> i32 {
    // SAFETY: pointers and lengths are of their slices.
    unsafe { host::storage_read(key.as_ptr(), key.len() as u32, out.as_mut_ptr(), out.len() as u32) }
}

fn read_total() -> u64 {
    let mut bytes = [0; 8];
    assert_eq!(read(b"t", &mut bytes), 8, "there is no number");
    u64::from_le_bytes(bytes)
}

fn add(args: &[u8]) -> Reply {
    let step: [u8; 8] = args.try_into().map_err(|_| Failure::BadArguments)?;
    // Built with overflow checks: an overflow panics.
    let sum = (read_total() + u64::from_le_bytes(step)).to_le_bytes();
    write(b"t", &sum);
    let mut topics = [0; 64];
    topics[..32].copy_from_slice(&ADDED);
    // SAFETY: the last 20 bytes of the second topic; two topics of 32 bytes.
    unsafe {
        host::caller(topics[44..].as_mut_ptr());
        host::emit(topics.as_ptr(), 2, step.as_ptr(), 8);
    }
    reply(&sum)
}

fn total(args: &[u8]) -> Reply {
    if !args.is_empty() {
        return Err(Failure::BadArguments);
    }
    reply(&read_total().to_le_bytes())
}

fn name(args: &[u8]) -> Reply {
    if !args.is_empty() {
        return Err(Failure::BadArguments);
    }
    let mut bytes = [0; 4 + NAME_MAX];
    let len = read(b"n", &mut bytes[4..]) as usize;
    bytes[..4].copy_from_slice(&(len as u32).to_le_bytes());
    reply(&bytes[..4 + len])
}

fn set_up(args: &[u8]) -> Reply {
    let len = args.get(..4).ok_or(Failure::BadArguments)?;
    let text = &args[4..];
    if len != (text.len() as u32).to_le_bytes() {
        return Err(Failure::BadArguments);
    }
    write(b"n", text);
    write(b"t", &[0; 8]);
    reply(&[])
}

/// Reads the input, runs a method and hands its answer over.
fn enter(method: impl FnOnce(&[u8]) -> Reply) -> i32 {
    let (mut coins, mut input) = ([0; 16], [0; 4 + NAME_MAX]);
    // SAFETY: 16 bytes; pointer and length are of one array.
    let len = unsafe {
        host::value(coins.as_mut_ptr());
        host::input_read(input.as_mut_ptr(), input.len() as u32);
        host::input_len() as usize
    };
    let answer = match input.get(..len) {
        _ if coins != [0; 16] => Err(Failure::Coins),
        Some(input) => method(input),
        None => Err(Failure::BadArguments),
    };
    match answer {
        // SAFETY: the length is within the array.
        Ok((data, len)) => unsafe { host::return_data(data.as_ptr(), len as u32) },
        Err(why) => fail(why),
    }
    0
}

fn dispatch(input: &[u8], may_change: bool) -> Reply {
    let selector = input.get(..4).ok_or(Failure::UnknownMethod)?;
    let args = &input[4..];
    match selector {
        _ if selector == ADD && may_change => add(args),
        _ if selector == TOTAL => total(args),
        _ if selector == NAME => name(args),
        _ => Err(Failure::UnknownMethod),
    }
}

#[no_mangle]
pub extern "C" fn init() -> i32 {
    enter(set_up)
}

#[no_mangle]
pub extern "C" fn invoke() -> i32 {
    enter(|input| dispatch(input, true))
}

#[no_mangle]
pub extern "C" fn query() -> i32 {
    enter(|input| dispatch(input, false))
}
