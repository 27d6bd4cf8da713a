//! Where a module's bytes go while they arrive: anything that judges them piece by piece. The one that
//! matters is `ghost_wasm::ModuleStream`; tests of the protocol use simpler ones.

use ghost_wasm::{Module, ModuleStream};

use super::message::Hash;

/// Why bytes are not a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectInfo {
    /// The validator's code.
    pub code: u32,
    /// The byte at fault.
    pub offset: u64,
    /// The validator's words.
    pub text: String,
}

/// How far a sink has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SinkProgress {
    /// Functions found valid.
    pub functions_valid: u32,
    /// Units of validation done.
    pub work: u64,
}

/// Judges bytes as they arrive.
pub trait ModuleSink {
    /// What all bytes together are.
    type Module;

    /// Takes bytes until about `work` units more are done; says how many, at least one of a non-empty slice.
    ///
    /// # Errors
    /// The first byte at fault.
    fn feed(&mut self, bytes: &[u8], work: u64) -> Result<usize, RejectInfo>;

    /// How far it has come.
    fn progress(&self) -> SinkProgress;

    /// All bytes were there; `digest` is their BLAKE3.
    ///
    /// # Errors
    /// What is missing.
    fn finish(self, digest: &Hash) -> Result<Self::Module, RejectInfo>;
}

fn reject(error: &ghost_wasm::Error, fallback: u64) -> RejectInfo {
    RejectInfo {
        code: u32::from(error.code() as u16),
        offset: error.offset().unwrap_or(fallback),
        text: error.to_string(),
    }
}

impl ModuleSink for ModuleStream {
    type Module = Module;

    fn feed(&mut self, bytes: &[u8], work: u64) -> Result<usize, RejectInfo> {
        let at = ModuleStream::progress(self).bytes;
        self.feed_bounded(bytes, work).map_err(|error| reject(&error, at))
    }

    fn progress(&self) -> SinkProgress {
        let progress = ModuleStream::progress(self);
        SinkProgress { functions_valid: progress.functions_valid, work: progress.work }
    }

    fn finish(self, _: &Hash) -> Result<Module, RejectInfo> {
        let at = ModuleStream::progress(&self).bytes;
        ModuleStream::finish(self).map_err(|error| reject(&error, at))
    }
}
