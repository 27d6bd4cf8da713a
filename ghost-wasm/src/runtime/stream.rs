//! The streamed module: feeds the decoder, the validator and a sink of function bodies, chunk by chunk.

use alloc::boxed::Box;
use alloc::sync::Arc;

use super::bodies::BodyKeeper;
use super::config::Translation;
use super::decode::Decoder;
use super::engine::Engine;
use super::item::{Item, Refusal};
use super::module::{Code, Module, ModuleData, ModuleInner};
use crate::Error;
use crate::binary::window::WINDOW;
use crate::table::errors::ErrorCode;
use crate::translate::Translator;
use crate::valid::env::BodySink;

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

/// The most bytes of one item that a cut can leave over; the longest item takes 32.
const CARRY_BYTES_MAX: usize = 64;

/// Decodes and validates a module as its bytes arrive, and hands each validated operator to `S`.
///
/// The same bytes cut anywhere give the same module or the same error. Of an item that a cut splits, the
/// first part is kept here and completed with the next bytes; so are the last operators before a cut within a body, of less
/// than 16 bytes together. Nothing else is buffered.
pub struct Stream<S: BodySink> {
    decoder: Decoder<S>,
    carry: [u8; CARRY_BYTES_MAX],
    carry_len: usize,
    failed: bool,
}

impl<S: BodySink> Stream<S> {
    /// A stream at its first byte.
    pub fn new(engine: &Engine, sink: S) -> Stream<S> {
        Stream {
            decoder: Decoder::new(engine, sink),
            carry: [0; CARRY_BYTES_MAX],
            carry_len: 0,
            failed: false,
        }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// The first item at fault. The stream is over then: further calls fail with `StreamEnded`.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.feed_bounded(bytes, u64::MAX).map(drop)
    }

    /// Takes bytes until `work` more is done, at least one if there is one, and what waited for them; says how many were
    /// taken.
    ///
    /// # Errors
    /// As [`feed`](Stream::feed).
    pub fn feed_bounded(&mut self, bytes: &[u8], work: u64) -> Result<usize, Error> {
        if self.failed {
            return Err(Error::new(ErrorCode::StreamEnded));
        }
        self.decoder.work_stop = self.decoder.work().saturating_add(work);
        let result = self.run(bytes);
        self.failed = result.is_err();
        result
    }

    fn run(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let mut rest = bytes;
        while !rest.is_empty() || self.decoder.container_left() == Some(0) {
            let took = if self.carry_len > 0 { self.step_carried(rest)? } else { self.step(rest)? };
            rest = rest.get(took..).unwrap_or_default();
            // Not before some of the bytes are taken; and what no further byte can mend is reported with those that are there.
            if self.decoder.work() >= self.decoder.work_stop
                && rest.len() < bytes.len()
                && self.decoder.container_left() != Some(0)
            {
                break;
            }
        }
        Ok(bytes.len().saturating_sub(rest.len()))
    }

    /// One step over `bytes`. What they hold of an item that is not whole is kept.
    fn step(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let window = within(bytes, self.decoder.container_left());
        let took = self.decoder.step(window)?;
        if took > 0 && !self.decoder.starved {
            return Ok(took);
        }
        self.keep_last(window, window.len().saturating_sub(took))?;
        Ok(window.len())
    }

    /// One step over what was kept and the first of `bytes`.
    fn step_carried(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        if let Some(took) = self.step_split(bytes)? {
            return Ok(self.used(took));
        }
        let mut joined = self.carry;
        let (kept, room) = joined.split_at_mut(self.carry_len);
        let len = room.len().min(bytes.len());
        for (to, from) in room.iter_mut().zip(bytes) {
            *to = *from;
        }
        let len = kept.len().saturating_add(len);
        let window = within(joined.get(..len).unwrap_or_default(), self.decoder.container_left());
        let took = self.decoder.step(window)?;
        if took > 0 {
            return Ok(self.used(took));
        }
        self.keep(window.get(self.carry_len..).unwrap_or_default())
    }

    /// So many bytes were used, of those that were kept first: how many of the others.
    #[inline(always)]
    fn used(&mut self, took: usize) -> usize {
        let old = self.carry_len;
        if took < old {
            self.used_some(took);
            return 0;
        }
        self.carry_len = 0;
        took.wrapping_sub(old)
    }

    /// Not all of those that were kept.
    #[cold]
    #[inline(never)]
    fn used_some(&mut self, took: usize) {
        self.carry.copy_within(took.min(self.carry_len)..self.carry_len, 0);
        self.carry_len = self.carry_len.saturating_sub(took);
    }

    /// The same for operators before a cut, as nearly every cut of a module has them: those alone, without a copy of a
    /// length that is not known before. None: it is something else, or longer.
    fn step_split(&mut self, bytes: &[u8]) -> Result<Option<usize>, Error> {
        let old = self.carry_len;
        let Some(first) = bytes.first_chunk::<WINDOW>() else { return Ok(None) };
        let mut joined = [0; 2 * WINDOW];
        let (Some(kept), Some(to)) = (self.carry.first_chunk::<WINDOW>(), joined.first_chunk_mut()) else {
            return Ok(None);
        };
        *to = *kept;
        let Some(to) = joined.get_mut(old..).and_then(<[u8]>::first_chunk_mut) else { return Ok(None) };
        *to = *first;
        // Windows can be read here up to the last byte of what was kept.
        let len = old.saturating_add(WINDOW).saturating_sub(1);
        if self.decoder.container_left().is_none_or(|left| left < len as u64) {
            return Ok(None);
        }
        let took = self.decoder.split_operator(joined.get(..len).unwrap_or_default())?;
        Ok(Some(took).filter(|&took| took > 0))
    }

    /// Keeps the start of an item; returns its length.
    fn keep(&mut self, start: &[u8]) -> Result<usize, Error> {
        let room = self.carry.get_mut(self.carry_len..).and_then(|room| room.get_mut(..start.len()));
        let Some(room) = room.filter(|room| !room.is_empty()) else {
            return Err(Error::at(ErrorCode::Internal, self.decoder.offset));
        };
        room.copy_from_slice(start);
        self.carry_len = self.carry_len.saturating_add(start.len());
        Ok(start.len())
    }

    /// Keeps the last `len` of the bytes, where nothing is kept yet.
    #[inline(always)]
    fn keep_last(&mut self, bytes: &[u8], len: usize) -> Result<(), Error> {
        let (Some(&last), Some(to), 1..=WINDOW) =
            (bytes.last_chunk::<WINDOW>(), self.carry.first_chunk_mut::<WINDOW>(), len)
        else {
            return self.keep(bytes.get(bytes.len().saturating_sub(len)..).unwrap_or_default()).map(drop);
        };
        // Of a length that is known.
        *to = (u128::from_le_bytes(last) >> (WINDOW.saturating_sub(len) * 8)).to_le_bytes();
        self.carry_len = len;
        Ok(())
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        Progress {
            bytes: self.decoder.offset.saturating_add(self.carry_len as u64),
            functions_valid: self.decoder.bodies,
            work: self.decoder.work(),
        }
    }

    /// The end of the bytes.
    ///
    /// # Errors
    /// What the module lacks.
    pub fn finish(mut self) -> Result<(ModuleData, S), Error> {
        if self.failed {
            return Err(Error::new(ErrorCode::StreamEnded));
        }
        // Operators that waited for more.
        self.decoder.ended = true;
        self.decoder.work_stop = u64::MAX;
        while self.carry_len > 0 {
            let kept = self.carry;
            let window = kept.get(..self.carry_len).unwrap_or_default();
            let took = self.decoder.step(window)?;
            if took == 0 {
                break;
            }
            self.used(took);
        }
        self.decoder.finish(self.carry_len)
    }
}

/// At most the first `left` bytes.
fn within(bytes: &[u8], left: Option<u64>) -> &[u8] {
    match left.map(usize::try_from) {
        Some(Ok(left)) => bytes.get(..left).unwrap_or(bytes),
        _ => bytes,
    }
}

impl<S: BodySink> core::fmt::Debug for Stream<S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Stream").field("progress", &self.progress()).finish_non_exhaustive()
    }
}

/// A module on its way in: fed chunk by chunk, valid the moment its last byte arrives.
///
/// # Example
/// ```
/// use ghost_wasm::{Engine, ModuleStream};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bytes = wat::parse_str("(module (func) (func) (func))")?;
/// let mut stream = ModuleStream::new(&Engine::default());
/// for piece in bytes.chunks(5) {
///     stream.feed(piece)?;
/// }
/// assert_eq!(stream.progress().functions_valid, 3);
/// let module = stream.finish()?;
/// assert_eq!(module.exports().len(), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ModuleStream {
    engine: Engine,
    stream: Either,
}

/// Both kinds of stream, apart from each other so that neither asks at each operator which it is.
#[derive(Debug)]
enum Either {
    Eager(Box<Stream<Translator>>),
    Lazy(Box<Stream<BodyKeeper>>),
}

macro_rules! either {
    ($of:expr, $stream:ident => $do:expr) => {
        match $of {
            Either::Eager($stream) => $do,
            Either::Lazy($stream) => $do,
        }
    };
}

impl ModuleStream {
    /// A stream at its first byte.
    pub fn new(engine: &Engine) -> ModuleStream {
        let profile = engine.profile();
        let slots_max = profile.limits().frame_slots;
        let stream = match engine.config().translation {
            Translation::Lazy if cfg!(target_pointer_width = "64") && !engine.config().steps() => {
                Either::Lazy(Box::new(Stream::new(engine, BodyKeeper::new(slots_max))))
            }
            _ => {
                let translator = Translator::new(profile.schedule(), slots_max);
                #[cfg(feature = "internals")]
                let translator = translator.stepping(engine.config().stepping);
                Either::Eager(Box::new(Stream::new(engine, translator)))
            }
        };
        ModuleStream { engine: engine.clone(), stream }
    }

    /// Asks `policy` about each import, export and custom section as it arrives.
    ///
    /// # Example
    /// ```
    /// use ghost_wasm::{Engine, Item, ModuleStream, Refusal};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bytes = wat::parse_str(r#"(module (import "env" "open" (func)))"#)?;
    /// let mut stream = ModuleStream::new(&Engine::default()).with_policy(|item| match item {
    ///     Item::Import { module: "env", name: "open", .. } => Err(Refusal { code: 3, text: "no files".into() }),
    ///     _ => Ok(()),
    /// });
    /// assert_eq!(stream.feed(&bytes).unwrap_err().operand(), Some(3));
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_policy(
        mut self,
        policy: impl FnMut(Item<'_>) -> Result<(), Refusal> + Send + 'static,
    ) -> ModuleStream {
        either!(&mut self.stream, stream => stream.decoder.set_policy(Box::new(policy)));
        self
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// The first item at fault; the stream is over then. Within a function body, operators that begin in the last 15 bytes
    /// may be looked at when the next bytes come, or the end.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Error> {
        either!(&mut self.stream, stream => stream.feed(bytes))
    }

    /// Takes bytes until about `work` more is done, at least one byte; says how many it took. Operators that waited for
    /// them come first, 15 at most, however much work is in them.
    ///
    /// # Errors
    /// As [`feed`](ModuleStream::feed).
    pub fn feed_bounded(&mut self, bytes: &[u8], work: u64) -> Result<usize, Error> {
        either!(&mut self.stream, stream => stream.feed_bounded(bytes, work))
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        either!(&self.stream, stream => stream.progress())
    }

    /// Ends the stream: the module, or what it lacks.
    ///
    /// # Errors
    /// As [`feed`](ModuleStream::feed).
    pub fn finish(self) -> Result<Module, Error> {
        let (data, code) = match self.stream {
            Either::Eager(stream) => {
                let (data, mut translator) = stream.finish()?;
                (data, Code::Eager(translator.take_code()?))
            }
            Either::Lazy(stream) => {
                let (data, keeper) = stream.finish()?;
                (data, Code::Lazy(keeper.into_bodies()))
            }
        };
        Ok(Module { inner: Arc::new(ModuleInner { engine: self.engine, data, code }) })
    }
}

const _: () = {
    const fn send<T: Send>() {}
    send::<ModuleStream>();
};
