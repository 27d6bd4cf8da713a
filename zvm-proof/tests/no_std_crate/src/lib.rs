//! Verifies a proof where there is no `std`. Any use of `std` in the verifier brings a second panic handler and
//! allocator, and this no longer builds.
#![no_std]

extern crate alloc;

use core::alloc::{GlobalAlloc, Layout};

use zvm_proof::{PartialTree, StateProof, list};

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

/// Whether `len` bytes at `bytes` prove anything at all.
///
/// # Safety
/// The bytes can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn is_proof(bytes: *const u8, len: usize) -> bool {
    let bytes = unsafe { core::slice::from_raw_parts(bytes, len) };
    let single = StateProof::decode(bytes).and_then(|proof| proof.verify(&[0; 32], bytes, None));
    let many = PartialTree::verify(&[0; 32], &[], bytes).and_then(|tree| tree.root_after([]));
    single.is_ok() || many.is_ok() || list::verify(&[0; 32], 1, 0, bytes, &[]).is_ok()
}
