//! What people are told about a call besides its receipt: texts, and a backtrace. Never hashed, and nothing that is
//! hashed or paid depends on it. A record keeps little of it, however much there was ([`Diagnostics::kept`]).

use crate::codec::{CodecError, Reader, Writer};

/// Texts at most, and bytes of each and of a frame's name.
pub const TEXTS_MAX: usize = 64;
/// See [`TEXTS_MAX`].
pub const TEXT_LEN_MAX: usize = 1024;
/// Frames at most: what the engine keeps.
const FRAMES_MAX: usize = 64;
/// Bytes of a record's diagnostics at most, as they are encoded: the intrinsic price of a call pays for so many.
pub const KEPT_LEN_MAX: usize = 4096;
/// Of these for the backtrace at most, and for its innermost frames.
const KEPT_TRACE_LEN_MAX: usize = 2048;
const KEPT_INNERMOST_LEN_MAX: usize = 1536;
/// What texts and frames do not use: five counts, and where frames are left out.
const COUNTS_LEN: usize = 7 * 4;
const _: () = assert!(COUNTS_LEN + TEXT_LEN_MAX + 4 + KEPT_TRACE_LEN_MAX < KEPT_LEN_MAX);
const _: () =
    assert!(TEXT_LEN_MAX + 21 < KEPT_INNERMOST_LEN_MAX && KEPT_INNERMOST_LEN_MAX < KEPT_TRACE_LEN_MAX);

/// A frame of a backtrace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceFrame {
    /// The function's index in its module; of a host function: the index of the import, if it is one.
    pub function: Option<u32>,
    /// Its name, if the module tells: `env.name` of a host function.
    pub name: Option<String>,
    /// Offset in the module's bytes; nothing for a host function.
    pub offset: Option<u64>,
    /// Whether it is a host function.
    pub host: bool,
}

impl TraceFrame {
    /// Bytes of the encoding.
    fn len(&self) -> usize {
        let name = self.name.as_ref().map_or(0, |name| name.len().saturating_add(4));
        let function = self.function.map_or(0, |_| 4_usize);
        let offset = self.offset.map_or(0, |_| 8_usize);
        name.saturating_add(function).saturating_add(offset).saturating_add(1)
    }
}

/// What people are told about a call; never hashed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics {
    /// Keys read from storage.
    pub reads: u32,
    /// Keys written to storage.
    pub writes: u32,
    /// What went wrong, in words; then the contract's `debug` texts.
    pub texts: Vec<String>,
    /// Texts that are not kept.
    pub texts_left_out: u32,
    /// Innermost frame first.
    pub backtrace: Vec<TraceFrame>,
    /// Frames that are not kept.
    pub frames_left_out: u32,
    /// How many of `backtrace` stand before these.
    pub frames_left_out_at: u32,
}

impl Diagnostics {
    /// Adds what went wrong, in words, before everything else.
    pub fn note(&mut self, text: impl Into<String>) {
        self.texts.insert(0, cut(text.into(), TEXT_LEN_MAX));
        self.leave_out_texts(TEXTS_MAX);
    }

    /// Adds a text of the contract's behind all others.
    pub fn debug(&mut self, text: impl Into<String>) {
        self.texts.push(cut(text.into(), TEXT_LEN_MAX));
        self.leave_out_texts(TEXTS_MAX);
    }

    /// Leaves only `count` texts.
    fn leave_out_texts(&mut self, count: usize) {
        let dropped = self.texts.len().saturating_sub(count);
        self.texts.truncate(count);
        self.texts_left_out = self.texts_left_out.saturating_add(to_u32(dropped));
    }

    /// Sets the backtrace: the innermost frames, how many are left out, the outermost ones.
    pub fn trace(&mut self, inner: Vec<TraceFrame>, left_out: usize, outer: Vec<TraceFrame>) {
        self.frames_left_out_at = to_u32(inner.len());
        self.frames_left_out = to_u32(left_out);
        self.backtrace = inner;
        self.backtrace.extend(outer);
        for frame in &mut self.backtrace {
            frame.name = frame.name.take().map(|name| cut(name, TEXT_LEN_MAX));
        }
        self.leave_out_frames(FRAMES_MAX, FRAMES_MAX);
    }

    /// What a record keeps: at most [`KEPT_LEN_MAX`] bytes. The first text and the ends of the backtrace come first, then
    /// the other texts in their order.
    pub fn kept(mut self) -> Diagnostics {
        let prefix = |frames: &mut dyn Iterator<Item = &TraceFrame>, room: usize| {
            let mut left = room;
            let fits = frames.take_while(|frame| {
                let fits = frame.len() <= left;
                left = left.saturating_sub(frame.len());
                fits
            });
            (fits.count(), left)
        };
        let all: usize = self.backtrace.iter().map(TraceFrame::len).sum();
        let mut trace_len = all;
        if all > KEPT_TRACE_LEN_MAX {
            let (inner, left) = prefix(&mut self.backtrace.iter(), KEPT_INNERMOST_LEN_MAX);
            let used = KEPT_INNERMOST_LEN_MAX.saturating_sub(left);
            let room = KEPT_TRACE_LEN_MAX.saturating_sub(used);
            let (outer, left) = prefix(&mut self.backtrace.iter().skip(inner).rev(), room);
            trace_len = used.saturating_add(room.saturating_sub(left));
            self.leave_out_frames(inner, outer);
        }
        let mut room = KEPT_LEN_MAX.saturating_sub(COUNTS_LEN).saturating_sub(trace_len);
        let mut kept = 0;
        for text in &mut self.texts {
            let Some(most) = room.checked_sub(4).filter(|most| *most >= text.len().min(LEAST_OF_A_TEXT))
            else {
                break;
            };
            *text = cut(std::mem::take(text), most);
            room = most.saturating_sub(text.len());
            kept = usize::saturating_add(kept, 1);
        }
        self.leave_out_texts(kept);
        self
    }

    /// Leaves only `inner` frames at the beginning and `outer` ones at the end.
    fn leave_out_frames(&mut self, inner: usize, outer: usize) {
        let count = self.backtrace.len();
        let end = count.saturating_sub(outer).max(inner.min(count));
        let dropped = self.backtrace.drain(inner.min(end)..end).count();
        if dropped > 0 {
            self.frames_left_out = self.frames_left_out.saturating_add(to_u32(dropped));
            self.frames_left_out_at = to_u32(inner);
        }
    }

    /// The bytes of diagnostics by themselves.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        self.write(&mut out);
        out.finish()
    }

    /// Reads what [`Diagnostics::encode`] gave.
    pub fn decode(bytes: &[u8]) -> Result<Diagnostics, CodecError> {
        let mut reader = Reader::new(bytes);
        let diagnostics = Diagnostics::read(&mut reader)?;
        reader.end().map(|()| diagnostics)
    }

    /// Appends the encoded diagnostics.
    pub fn write(&self, out: &mut Writer) {
        out.u32(self.reads).u32(self.writes).count(self.texts.len());
        for text in &self.texts {
            out.sized(text.as_bytes());
        }
        out.u32(self.texts_left_out).count(self.backtrace.len());
        for frame in &self.backtrace {
            let flag = |there: bool, flag: u8| if there { flag } else { 0 };
            let flags = flag(frame.name.is_some(), NAME)
                | flag(frame.function.is_some(), FUNCTION)
                | flag(frame.offset.is_some(), OFFSET)
                | flag(frame.host, HOST);
            out.u8(flags);
            if let Some(function) = frame.function {
                out.u32(function);
            }
            if let Some(offset) = frame.offset {
                out.u64(offset);
            }
            if let Some(name) = &frame.name {
                out.sized(name.as_bytes());
            }
        }
        out.u32(self.frames_left_out).u32(self.frames_left_out_at);
    }

    /// Reads what [`Diagnostics::write`] wrote.
    pub fn read(reader: &mut Reader<'_>) -> Result<Diagnostics, CodecError> {
        Ok(Diagnostics {
            reads: reader.u32()?,
            writes: reader.u32()?,
            texts: reader.list(TEXTS_MAX, "texts", text)?,
            texts_left_out: reader.u32()?,
            backtrace: reader.list(FRAMES_MAX, "backtrace", frame)?,
            frames_left_out: reader.u32()?,
            frames_left_out_at: reader.u32()?,
        })
    }
}

/// A text of which fewer bytes would remain is left out.
const LEAST_OF_A_TEXT: usize = 64;

/// What of a frame is there.
const NAME: u8 = 1;
const FUNCTION: u8 = 2;
const OFFSET: u8 = 4;
const HOST: u8 = 8;

fn frame(reader: &mut Reader<'_>) -> Result<TraceFrame, CodecError> {
    let flags = reader.u8()?;
    if flags > NAME | FUNCTION | OFFSET | HOST {
        return Err(CodecError::BadValue("flags of a frame"));
    }
    let has = |flag: u8| (flags & flag != 0).then_some(());
    Ok(TraceFrame {
        function: has(FUNCTION).map(|()| reader.u32()).transpose()?,
        offset: has(OFFSET).map(|()| reader.u64()).transpose()?,
        name: has(NAME).map(|()| text(reader)).transpose()?,
        host: has(HOST).is_some(),
    })
}

/// Cut at a character's border to at most `most` bytes.
fn cut(mut text: String, most: usize) -> String {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.truncate(end);
    text
}

fn to_u32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn text(reader: &mut Reader<'_>) -> Result<String, CodecError> {
    let bytes = reader.sized(TEXT_LEN_MAX, "text")?;
    String::from_utf8(bytes.to_vec()).map_err(|_| CodecError::BadValue("UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame_of(function: u32, name_len: Option<usize>) -> TraceFrame {
        TraceFrame {
            function: Some(function),
            name: name_len.map(|len| "é".repeat(len / 2)),
            offset: Some(7),
            host: false,
        }
    }

    fn functions(diagnostics: &Diagnostics) -> Vec<u32> {
        diagnostics.backtrace.iter().filter_map(|frame| frame.function).collect()
    }

    /// Whatever there is, a record keeps little of it: the reason and both ends of the backtrace always.
    #[test]
    fn a_record_keeps_little() {
        for texts in [0, 1, 2, 17, 64, 200] {
            for text_len in [0, 1, 50, 1_000, 5_000] {
                for frames in [0, 1, 20, 64] {
                    for name_len in [None, Some(0), Some(30), Some(300), Some(9_000)] {
                        let mut all = Diagnostics { reads: 3, writes: 4, ..Diagnostics::default() };
                        (0..texts).for_each(|_| all.debug("é".repeat(text_len / 2)));
                        all.note("the reason");
                        let mut inner: Vec<_> = (0..frames).map(|n| frame_of(n, name_len)).collect();
                        let outer = inner.split_off((inner.len() * 3).div_ceil(4));
                        all.trace(inner, 900, outer);
                        assert_eq!(Diagnostics::decode(&all.encode()), Ok(all.clone()));
                        let kept = all.clone().kept();
                        let bytes = kept.encode();
                        assert!(bytes.len() <= KEPT_LEN_MAX, "{} bytes", bytes.len());
                        assert_eq!(Diagnostics::decode(&bytes), Ok(kept.clone()));
                        assert_eq!(kept.clone().kept(), kept, "nothing more is cut");
                        assert_eq!((kept.reads, kept.writes, kept.texts[0].as_str()), (3, 4, "the reason"));
                        // Nothing goes without being counted.
                        assert_eq!(kept.texts.len() + kept.texts_left_out as usize, texts + 1);
                        let kept_frames = functions(&kept);
                        assert_eq!(kept_frames.len() + kept.frames_left_out as usize, frames as usize + 900);
                        let at = kept.frames_left_out_at as usize;
                        assert!(kept_frames[..at].iter().copied().eq(0..at as u32));
                        let outer = kept_frames.len() - at;
                        assert!(kept_frames[at..].iter().copied().eq(frames - outer as u32..frames));
                        assert!(frames == 0 || at > 0);
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_small_is_kept_whole() {
        let mut small = Diagnostics::default();
        (0..20).for_each(|n| small.debug(format!("text {n}")));
        small.note("the reason");
        small.trace((0..30).map(|n| frame_of(n, Some(30))).collect(), 0, Vec::new());
        assert_eq!(small.clone().kept(), small);
        assert_eq!((small.texts[0].as_str(), small.texts[1].as_str()), ("the reason", "text 0"));
    }

    #[test]
    fn every_kind_of_frame_round_trips_and_others_are_refused() {
        let name = Some("env.revert".to_string());
        let mut all = Diagnostics::default();
        all.trace(
            vec![
                TraceFrame { function: None, name: None, offset: None, host: true },
                TraceFrame { function: Some(0), name, offset: None, host: true },
                TraceFrame { function: Some(1), name: None, offset: Some(1 << 40), host: false },
            ],
            0,
            Vec::new(),
        );
        let bytes = all.encode();
        assert_eq!(Diagnostics::decode(&bytes), Ok(all));
        for len in 0..bytes.len() {
            assert!(Diagnostics::decode(&bytes[..len]).is_err(), "cut at {len}");
        }
        let mut bad = bytes.clone();
        let first_frame = 5 * 4;
        bad[first_frame] = 16;
        assert_eq!(Diagnostics::decode(&bad), Err(CodecError::BadValue("flags of a frame")));
    }
}
