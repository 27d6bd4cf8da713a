//! An allocator that refuses: what a module's bytes make grow ends in an error, never in an abort.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use ghost_wasm::{Engine, ErrorCode, ErrorKind, ModuleStream};

/// Refuses the current thread what is larger than it may have at a time.
struct Refusing;

thread_local! {
    static MOST: Cell<usize> = const { Cell::new(usize::MAX) };
}

// SAFETY: hands everything to the system's allocator, or refuses.
unsafe impl GlobalAlloc for Refusing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if MOST.try_with(|most| layout.size() > most.get()).unwrap_or(false) {
            return core::ptr::null_mut();
        }
        // SAFETY: the caller's promise, handed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise, handed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Refusing = Refusing;

/// Feeds a module to a stream whose allocations have at most `most` bytes.
fn feed(text: &str, most: usize) -> Option<(ErrorCode, ErrorKind)> {
    let bytes = wat::parse_str(text).unwrap();
    let engine = Engine::default();
    let mut stream = ModuleStream::new(&engine);
    MOST.set(most);
    let result = bytes.chunks(1_000).try_for_each(|piece| stream.feed(piece));
    MOST.set(usize::MAX);
    result.err().map(|error| (error.code(), error.kind()))
}

#[test]
fn growth_that_is_refused() {
    let targets = "0 1 ".repeat(10_000);
    let bodies = [
        // Targets, and the stubs that move two values to them.
        format!(
            "(func (result i32 i32) (block (result i32 i32) (i32.const 1) (i32.const 2)
                (i32.const 3) (i32.const 4) (br_table {targets} 0 (i32.const 0))))"
        ),
        // Code, places of operators that trap, and blocks.
        format!("(memory 1) (func {})", "(drop (i32.load (i32.const 0)))".repeat(20_000)),
        format!("(func {} {})", "block ".repeat(20_000), "end ".repeat(20_000)),
        // Branches that wait for their label.
        format!("(func (param i32) (block {}))", "(br_if 0 (local.get 0))".repeat(20_000)),
        // Operands.
        format!("(func (param i32) {} unreachable)", "(local.get 0)".repeat(20_000)),
        // A segment.
        format!("(memory 9) (data (i32.const 0) \"{}\")", "x".repeat(200_000)),
    ];
    for (number, body) in bodies.iter().enumerate() {
        let text = format!("(module {body})");
        for most in [40_000, 100_000, 170_000] {
            let refused = feed(&text, most);
            assert_eq!(refused, Some((ErrorCode::OutOfMemory, ErrorKind::HostFault)), "{number}, {most}");
        }
        assert_eq!(feed(&text, usize::MAX), None, "{number}");
    }
}
