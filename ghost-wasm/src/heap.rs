//! How much memory an allocation takes. What the engine says of its memory is a sum of these.

use alloc::vec::Vec;

/// What the usual allocators add to an allocation, in bytes.
const HEADER: usize = 8;
/// They give multiples of this many bytes, and no less than twice as many. Not what they ask of the system, whose
/// pages are shared by small allocations.
const GRAIN: usize = 16;

/// Bytes that an allocation of `bytes` takes.
pub const fn block(bytes: usize) -> u64 {
    if bytes == 0 {
        return 0;
    }
    let taken = bytes.saturating_add(HEADER).saturating_add(GRAIN - 1) / GRAIN * GRAIN;
    if taken < 2 * GRAIN { 2 * GRAIN as u64 } else { taken as u64 }
}

/// What a list takes, by its capacity, without what its items have allocated.
pub const fn list<T>(list: &Vec<T>) -> u64 {
    block(list.capacity().saturating_mul(size_of::<T>()))
}

/// What a boxed slice or text takes, or anything else in a box.
pub fn boxed<T: ?Sized>(value: &T) -> u64 {
    block(size_of_val(value))
}

/// What something behind an `Arc` takes, without what it has allocated.
pub const fn shared(bytes: usize) -> u64 {
    block(bytes.saturating_add(2 * size_of::<usize>()))
}

/// What a B-tree with `len` entries takes: entries lie in nodes of eleven, which are filled to three quarters on
/// average; one node of eight leads to others.
pub const fn tree<K, V>(len: usize) -> u64 {
    const NODE_ENTRIES: usize = 11;
    const NODE_FILLED: usize = 8;
    let node = NODE_ENTRIES * (size_of::<K>() + size_of::<V>()) + 2 * size_of::<usize>();
    let leaves = len.div_ceil(NODE_FILLED);
    let inner = leaves / NODE_FILLED;
    (leaves as u64) * block(node) + (inner as u64) * block(node + (NODE_ENTRIES + 1) * size_of::<usize>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_allocations_take_more_than_was_asked_for() {
        let taken = [0, 1, 24, 25, 40, 41, 1_000].map(block);
        assert_eq!(taken, [0, 32, 32, 48, 48, 64, 1_008]);
        assert_eq!(block(usize::MAX), (usize::MAX / GRAIN * GRAIN) as u64);
        assert_eq!(list(&Vec::<u64>::with_capacity(100)), 816);
        assert_eq!(boxed("name"), 32);
        assert_eq!(boxed(""), 0);
    }
}
