//! The streamed module: feeds the decoder, the validator and a sink of function bodies, chunk by chunk.

use alloc::boxed::Box;
use alloc::sync::Arc;

use super::engine::Engine;
use super::item::{Item, Policy, Refusal};
use super::module::{Module, ModuleData, ModuleInner};
use crate::Error;
use crate::binary::instr::Instr;
use crate::translate::Translator;
use crate::types::ValType;
use crate::valid::env::{BodySink, ModuleEnv};

/// How far a stream has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes taken.
    pub bytes: u64,
    /// Function bodies that are complete and valid.
    pub functions_valid: u32,
    /// Work done, as the profile counts it.
    pub work: u64,
}

/// Decodes and validates a module as its bytes arrive, and hands each validated operator to `S`.
pub struct Stream<S: BodySink> {
    data: ModuleData,
    policy: Option<Policy>,
    progress: Progress,
    sink: S,
}

impl<S: BodySink> Stream<S> {
    /// A stream at its first byte.
    pub fn new(_engine: &Engine, sink: S) -> Stream<S> {
        Stream { data: ModuleData::default(), policy: None, progress: Progress::default(), sink }
    }

    /// Asks `policy` about each import, export and custom section.
    pub fn with_policy(
        mut self,
        policy: impl FnMut(Item<'_>) -> Result<(), Refusal> + Send + 'static,
    ) -> Self {
        self.policy = Some(Box::new(policy));
        self
    }

    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.progress.bytes = self.progress.bytes.saturating_add(bytes.len() as u64);
        Ok(())
    }

    /// Takes the next bytes until `work` more is done; says how many were taken.
    pub fn feed_bounded(&mut self, bytes: &[u8], _work: u64) -> Result<usize, Error> {
        self.feed(bytes)?;
        Ok(bytes.len())
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// The end of the bytes.
    pub fn finish(self) -> Result<(ModuleData, S), Error> {
        Ok((self.data, self.sink))
    }
}

impl<S: BodySink> core::fmt::Debug for Stream<S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Stream").field("progress", &self.progress()).finish_non_exhaustive()
    }
}

/// Listens to nothing: validation alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSink;

impl BodySink for NoSink {
    fn begin(&mut self, _: &ModuleEnv, _: u32, _: u32) -> Result<(), Error> {
        Ok(())
    }
    fn locals(&mut self, _: &ModuleEnv, _: u32, _: ValType) -> Result<(), Error> {
        Ok(())
    }
    fn instr(&mut self, _: &ModuleEnv, _: &Instr, _: u32) -> Result<(), Error> {
        Ok(())
    }
    fn br_table_target(&mut self, _: &ModuleEnv, _: u32, _: bool, _: u32) -> Result<(), Error> {
        Ok(())
    }
    fn finish(&mut self, _: &ModuleEnv) -> Result<(), Error> {
        Ok(())
    }
}

/// A module on its way in: fed chunk by chunk, valid the moment its last byte arrives.
#[derive(Debug)]
pub struct ModuleStream {
    engine: Engine,
    stream: Stream<Translator>,
}

impl ModuleStream {
    /// A stream at its first byte.
    pub fn new(engine: &Engine) -> ModuleStream {
        let profile = engine.profile();
        let translator = Translator::new(profile.schedule(), profile.limits().frame_slots);
        ModuleStream { engine: engine.clone(), stream: Stream::new(engine, translator) }
    }

    /// Asks `policy` about each import, export and custom section as it arrives.
    pub fn with_policy(
        mut self,
        policy: impl FnMut(Item<'_>) -> Result<(), Refusal> + Send + 'static,
    ) -> ModuleStream {
        self.stream = self.stream.with_policy(policy);
        self
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// The first item at fault; the stream is over then.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.stream.feed(bytes)
    }

    /// Takes bytes until about `work` more is done, at least one item; says how many it took.
    ///
    /// # Errors
    /// As [`feed`](ModuleStream::feed).
    pub fn feed_bounded(&mut self, bytes: &[u8], work: u64) -> Result<usize, Error> {
        self.stream.feed_bounded(bytes, work)
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        self.stream.progress()
    }

    /// Ends the stream: the module, or what it lacks.
    ///
    /// # Errors
    /// As [`feed`](ModuleStream::feed).
    pub fn finish(self) -> Result<Module, Error> {
        let (data, translator) = self.stream.finish()?;
        let code = translator.into_code();
        Ok(Module { inner: Arc::new(ModuleInner { engine: self.engine, data, code }) })
    }
}

const _: () = {
    const fn send<T: Send>() {}
    send::<ModuleStream>();
};
