//! What hostile modules may make the decoder allocate: in proportion to the bytes they sent, whatever they
//! declare; and of the bytes of a module, no more than 64 KiB beyond what the module keeps.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::{engine, function, leb, module};
use ghost_wasm::internals::{NoSink, Stream};
use ghost_wasm::{ErrorKind, Profile};

/// Counts what the current thread holds and the most it held.
struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

fn count(change: isize) {
    // A thread that ends has no counters any more.
    let _gone = HELD.try_with(|held| {
        held.set(held.get() + change);
        MOST.with(|most| most.set(most.get().max(held.get())));
    });
}

// SAFETY: hands everything to the system's allocator and only counts.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promise, handed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's promise, handed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most bytes that decoding holds at a time; the module is fed byte by byte.
fn most_held(bytes: &[u8]) -> (isize, Option<ErrorKind>) {
    let engine = engine(&Profile::WASM_2);
    let before = HELD.get();
    MOST.set(before);
    let mut stream = Stream::new(&engine, NoSink);
    let mut result = Ok(());
    for piece in bytes.chunks(1) {
        result = stream.feed(piece);
        if result.is_err() {
            break;
        }
    }
    let result = result.and_then(|()| stream.finish().map(drop));
    (MOST.get() - before, result.err().map(|error| error.kind()))
}

/// What any stream may hold, and for each byte of the module: an entry of one byte takes tens of bytes here,
/// and a growing list is held twice for a moment.
const FIXED_BYTES: isize = 16 << 10;
const BYTES_PER_BYTE: isize = 160;

#[track_caller]
fn modest(bytes: &[u8]) -> Option<ErrorKind> {
    let (most, kind) = most_held(bytes);
    let allowed = FIXED_BYTES + BYTES_PER_BYTE * bytes.len() as isize;
    assert!(most <= allowed, "{most} bytes held for a module of {}", bytes.len());
    kind
}

const HUGE: &[u8] = b"\xff\xff\xff\xff\x0f";
const TYPES: (u8, &[u8]) = (1, b"\x01\x60\x00\x00");

#[test]
fn declared_counts_allocate_nothing() {
    for id in [1, 2, 3, 4, 5, 6, 7, 9, 11] {
        assert_eq!(modest(&module(&[(id, HUGE)])), Some(ErrorKind::Malformed), "section {id}");
    }
    let with = |head: &[u8]| [head, HUGE].concat();
    for (id, head) in [
        (1, &b"\x01\x60"[..]),     // parameters
        (1, &b"\x01\x60\x00"[..]), // results
        (2, &b"\x01"[..]),         // a module's name
        (9, &b"\x01\x01\x00"[..]), // elements
        (9, &b"\x01\x05\x70"[..]), // element expressions
        (11, &b"\x01\x01"[..]),    // data
        (0, &b""[..]),             // a section's name
    ] {
        assert_eq!(modest(&module(&[(id, &with(head))])), Some(ErrorKind::Malformed), "section {id}");
    }
    assert_eq!(modest(&module(&[(12, HUGE)])), Some(ErrorKind::Malformed));
    // Sizes of sections and bodies.
    assert!(modest(&[common::HEADER, b"\x01", HUGE].concat()).is_some());
    assert!(modest(&module(&[TYPES, (3, b"\x01\x00"), (10, &with(b"\x01"))])).is_some());
    // Sizes of memories and tables are nothing that decoding makes.
    assert_eq!(modest(&module(&[(5, b"\x01\x00\x80\x80\x04")])), None);
    assert_eq!(modest(&module(&[(4, &with(b"\x01\x70\x00"))])), None);
}

#[test]
fn locals_and_labels_allocate_nothing() {
    // 50,000 locals, and as many runs of none.
    assert_eq!(modest(&function(b"\x01\xd0\x86\x03\x7f\x0b")), None);
    assert_eq!(modest(&function(&[b"\x01", HUGE, b"\x7f\x0b"].concat())), Some(ErrorKind::Limit));
    let mut body = leb(20_000);
    body.extend([0, 0x7f].repeat(20_000));
    body.push(0x0b);
    assert_eq!(modest(&function(&body)), None);
    assert!(modest(&function(&[b"\x00\x41\x00\x0e", HUGE, b"\x00\x0b"].concat())).is_some());
}

#[test]
fn many_functions_with_many_locals() {
    let count = 2_000_usize;
    let functions = [leb(count as u64), vec![0; count]].concat();
    let body = b"\x06\x01\xd0\x86\x03\x7f\x0b";
    let code = [leb(count as u64), body.repeat(count)].concat();
    assert_eq!(modest(&module(&[TYPES, (3, &functions), (10, &code)])), None);
}

#[test]
fn results_that_pile_up() {
    // A call of one byte and an index pushes a thousand values: the height is limited.
    let results = [b"\x01\x60\x00", &leb(1000)[..], &[0x7f; 1000]].concat();
    let mut body = b"\x00".to_vec();
    body.extend(b"\x10\x00".repeat(60_000));
    body.push(0x0b);
    let code = [&b"\x01"[..], &leb(body.len() as u64), &body].concat();
    let bytes = module(&[(1, &results), (3, b"\x01\x00"), (10, &code)]);
    assert_eq!(modest(&bytes), Some(ErrorKind::Limit));
}

#[test]
fn deep_nesting() {
    let mut body = b"\x00".to_vec();
    body.extend(b"\x02\x40".repeat(100_000));
    body.extend(b"\x0b".repeat(100_001));
    assert_eq!(modest(&function(&body)), None);
}

#[test]
fn only_one_item_is_carried_over() {
    // A section of 300,000 elements, a body of 300,000 operators: cut by single bytes, nothing of them is
    // kept but the elements.
    let elements = [b"\x01\x01\x00", &leb(300_000)[..], &[0; 300_000]].concat();
    let one = module(&[TYPES, (3, b"\x01\x00"), (9, &elements), (10, b"\x01\x02\x00\x0b")]);
    let (most, kind) = most_held(&one);
    assert_eq!(kind, None);
    let element = size_of::<ghost_wasm::internals::ElemItem>() as isize;
    // A growing list doubles, and for a moment the old one is there, too.
    let grown = 300_000_usize.next_power_of_two() as isize * element * 3 / 2;
    assert!(most <= grown + (64 << 10), "{most}");
    let mut body = b"\x00".to_vec();
    body.extend(b"\x01".repeat(300_000));
    body.push(0x0b);
    let (most, kind) = most_held(&function(&body));
    assert_eq!(kind, None);
    assert!(most <= FIXED_BYTES, "{most}");
}
