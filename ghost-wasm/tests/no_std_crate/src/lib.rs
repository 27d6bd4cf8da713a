//! Decodes and validates a module where there is no `std`. Any use of `std` in the engine brings a second
//! panic handler and allocator, and this no longer builds.
#![no_std]

extern crate alloc;

use core::alloc::{GlobalAlloc, Layout};

use ghost_wasm::{Config, Engine, Module, ModuleStream, Profile};

/// Has no memory to give: the library is built, never run.
struct NoMemory;

unsafe impl GlobalAlloc for NoMemory {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        core::ptr::null_mut()
    }
    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: NoMemory = NoMemory;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// Whether `len` bytes at `bytes` are a module.
///
/// # Safety
/// The bytes can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn is_module(bytes: *const u8, len: usize) -> bool {
    let bytes = unsafe { core::slice::from_raw_parts(bytes, len) };
    let engine = Engine::new(&Config::new(Profile::CONTRACT_V1));
    let mut stream = ModuleStream::new(&engine);
    stream.feed(bytes).is_ok() && stream.finish().is_ok() && Module::new(&engine, bytes).is_ok()
}
