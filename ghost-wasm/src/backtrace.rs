//! Backtraces: the functions that were running when a call ended with an error. For people: nothing that a guest can
//! see or pay depends on them.

use alloc::string::String;
use alloc::vec::Vec;

/// Innermost frames that a backtrace keeps.
pub const INNERMOST_MAX: usize = 48;
/// Outermost frames that it keeps besides. Recursion may fill what is between, which is only counted.
pub const OUTERMOST_MAX: usize = 16;
/// Frames in all.
pub const FRAMES_MAX: usize = INNERMOST_MAX + OUTERMOST_MAX;
/// Bytes of a frame's name; what is longer is cut. (Mangled names of generic Rust functions have some hundred.)
pub const NAME_BYTES_MAX: usize = 1_024;

/// A function that was running when a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameInfo {
    /// The function's index in its module, imported functions first. Of a host function: the index of the import; nothing
    /// if no module has imported it (it was called through a table).
    pub func_index: Option<u32>,
    /// Its name: of a host function `module.name` of the import; else what the module's name section says, or
    /// the first export of the function. At most 1,024 bytes.
    pub name: Option<String>,
    /// The offset in the module of the operator that trapped or called. Where gas ran out or a call was interrupted:
    /// of the last operator before that place in the function's body that may trap, calls or closes a loop, if there is
    /// one, for gas is paid for many operators at once. Nothing for a host function.
    pub offset: Option<u32>,
    /// Whether it is a host function.
    pub host: bool,
}

/// The functions that were running when a call ended, the innermost first. At most 64 are kept: of a deeper stack the
/// 48 innermost and the 16 outermost.
///
/// # Example
/// ```
/// use ghost_wasm::{Engine, Instance, Module, Store};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bytes = wat::parse_str(
///     r#"(module (func $inner unreachable) (func $outer (export "run") nop (call $inner)))"#,
/// )?;
/// let engine = Engine::default();
/// let mut store = Store::new(&engine, ());
/// let instance = Instance::new(&mut store, &Module::new(&engine, &bytes)?, &[])?;
/// let error = instance.get_typed_func::<(), ()>(&store, "run")?.call(&mut store, ()).unwrap_err();
/// let names: Vec<_> = error.backtrace().frames().iter().map(|frame| frame.name.as_deref()).collect();
/// assert_eq!(names, [Some("inner"), Some("outer")]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backtrace {
    frames: Vec<FrameInfo>,
    left_out: usize,
}

/// Nothing was running.
pub(crate) static EMPTY: Backtrace = Backtrace { frames: Vec::new(), left_out: 0 };

impl Backtrace {
    /// The frames that are kept, the innermost first.
    pub fn frames(&self) -> &[FrameInfo] {
        &self.frames
    }

    /// How many frames there were.
    pub fn depth(&self) -> usize {
        self.frames.len().saturating_add(self.left_out)
    }

    /// How many of them are not kept. They lie between the 48th and the 49th of [`frames`](Backtrace::frames).
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// The frames on both sides of those that are not kept.
    pub fn parts(&self) -> (&[FrameInfo], &[FrameInfo]) {
        let split = if self.left_out == 0 { self.frames.len() } else { INNERMOST_MAX.min(self.frames.len()) };
        self.frames.split_at(split)
    }

    /// Adds the frame that called all others.
    pub(crate) fn push(&mut self, frame: FrameInfo) {
        if self.frames.len() >= FRAMES_MAX {
            self.frames.remove(INNERMOST_MAX);
            self.left_out = self.left_out.saturating_add(1);
        }
        self.frames.push(frame);
    }

    /// Adds frames that nobody will see, after at least [`INNERMOST_MAX`] others and before [`OUTERMOST_MAX`].
    pub(crate) fn skip(&mut self, count: usize) {
        let dropped = self.frames.len().saturating_sub(INNERMOST_MAX);
        self.frames.truncate(INNERMOST_MAX);
        self.left_out = self.left_out.saturating_add(dropped).saturating_add(count);
    }
}

/// A name as a frame has it.
pub(crate) fn cut(name: &str) -> String {
    let mut end = name.len().min(NAME_BYTES_MAX);
    while !name.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    name.get(..end).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(index: u32) -> FrameInfo {
        FrameInfo { func_index: Some(index), name: None, offset: Some(1), host: false }
    }

    fn indices(frames: &[FrameInfo]) -> Vec<u32> {
        frames.iter().filter_map(|frame| frame.func_index).collect()
    }

    #[test]
    fn the_ends_of_a_deep_stack_are_kept() {
        for total in [0, 1, 48, 49, 63, 64, 65, 66, 100, 1_000_u32] {
            let mut trace = Backtrace::default();
            (0..total).for_each(|index| trace.push(frame(index)));
            assert_eq!(trace.depth(), total as usize);
            assert_eq!(trace.frames().len(), (total as usize).min(FRAMES_MAX));
            let (inner, outer) = trace.parts();
            if total > 64 {
                assert_eq!(indices(inner), (0..48).collect::<Vec<_>>());
                assert_eq!(indices(outer), (total - 16..total).collect::<Vec<_>>());
            } else {
                assert_eq!((indices(inner), outer.len()), ((0..total).collect(), 0));
            }
        }
    }

    #[test]
    fn skipped_frames_lie_in_the_same_gap() {
        let mut trace = Backtrace::default();
        (0..48).for_each(|index| trace.push(frame(index)));
        trace.skip(900);
        (948..1_000).for_each(|index| trace.push(frame(index)));
        assert_eq!((trace.depth(), trace.left_out()), (1_000, 936));
        trace.skip(1_000);
        (2_000..2_016).for_each(|index| trace.push(frame(index)));
        assert_eq!((trace.depth(), trace.left_out()), (2_016, 1_952));
        let (inner, outer) = trace.parts();
        assert_eq!((indices(inner), indices(outer)), ((0..48).collect(), (2_000..2_016).collect()));
    }

    #[test]
    fn names_are_cut_at_a_character() {
        assert_eq!(cut("short"), "short");
        assert_eq!(cut(&"é".repeat(600)).len(), 1_024);
        assert_eq!(cut(&alloc::format!("a{}", "é".repeat(600))).len(), 1_023);
    }
}
