//! The state machine of a module on its way in. Each step takes one item from the bytes that are there, or
//! says that it needs more; how the bytes are cut is `stream`'s business. The order of states is the binary
//! format's; what an item may be is `binary`'s to say, what it may mean `valid`'s.
//!
//! Counts work by `table/work.rs`: what an entry spells out (its value types, its names) beside the entry itself.

#![warn(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss
)]

mod code;
mod entries;
mod segments;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use super::engine::Engine;
use super::item::{Item, Policy};
use super::module::{CustomSection, ElemSegment, ModuleData, SegmentMode};
use crate::Error;
use crate::binary::cursor::{Cursor, Fault, Read};
use crate::binary::entry::{ElemHeader, SegmentKind};
use crate::binary::foreign::{self, Site};
use crate::binary::names::NameReader;
use crate::binary::section::SectionId;
use crate::binary::utf8;
use crate::table::errors::ErrorCode;
use crate::table::limits::Limit;
use crate::table::work;
use crate::types::{GlobalType, ValType};
use crate::valid::body::BodyValidator;
use crate::valid::const_expr::ConstValidator;
use crate::valid::env::BodySink;
use crate::valid::rules::Rules;

const MAGIC: [u8; 4] = *b"\0asm";
const VERSION: [u8; 4] = [1, 0, 0, 0];
const NAME_SECTION: &str = "name";

/// The longest piece of a name or of data that one step takes.
const PIECE_BYTES_MAX: usize = 4096;

/// What the next item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Magic,
    Version,
    /// Outside of sections.
    Header,
    /// The number of entries of a section.
    Count,
    /// The first item of an entry.
    Entry,
    ParamTypes {
        left: u32,
    },
    ResultCount,
    ResultTypes {
        left: u32,
    },
    NameLen(NameOf),
    Name {
        of: NameOf,
        left: u32,
    },
    ImportDesc,
    ExportDesc,
    CustomContent,
    /// An operator of a constant expression.
    Expr(ExprOf),
    ElemType,
    ElemCount,
    Elem {
        left: u32,
    },
    DataLen,
    Data {
        left: u32,
    },
    LocalsCount,
    Locals {
        left: u32,
    },
    Operators,
    BrTable {
        left: u32,
    },
}

/// Whose name is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NameOf {
    Custom,
    ImportModule,
    Import,
    Export,
}

/// What a constant expression is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ExprOf {
    Global,
    ElemOffset,
    Elem { left: u32 },
    DataOffset,
}

/// A section that has begun.
#[derive(Clone, Copy, Debug)]
struct Section {
    id: SectionId,
    /// Where its header starts.
    start: u64,
    /// Behind its last byte.
    end: u64,
    /// Entries that have not begun.
    entries_left: u32,
}

/// A name on its way in.
#[derive(Debug, Default)]
struct NameBuffer {
    bytes: Vec<u8>,
    /// Up to here it is UTF-8.
    checked: usize,
    start: u64,
}

/// Decoder and validator of one module.
pub(super) struct Decoder<S: BodySink> {
    rules: Rules,
    keep_names: bool,
    state: State,
    /// Offset of the next item.
    pub(super) offset: u64,
    section: Option<Section>,
    /// The last step has left the first bytes of operators, of which more are to come.
    pub(super) starved: bool,
    /// No further bytes will come.
    pub(super) ended: bool,
    /// Behind the last byte of the current body.
    body_end: Option<u64>,
    /// Order of the last section that was not custom.
    order: u8,
    name: NameBuffer,
    import_module: String,
    seen_types: BTreeMap<Box<[u8]>, u32>,
    seen_exports: BTreeSet<String>,
    params: Vec<ValType>,
    results: Vec<ValType>,
    expr: ConstValidator,
    segment: SegmentKind,
    elem_header: Option<ElemHeader>,
    elem_type: ValType,
    elem_mode: Option<SegmentMode>,
    elem: Option<ElemSegment>,
    global_type: Option<GlobalType>,
    data_mode: Option<SegmentMode>,
    custom: Option<(CustomSection, Option<NameReader>)>,
    /// Bodies that are complete.
    pub(super) bodies: u32,
    bodies_begun: u32,
    body: BodyValidator,
    /// Work outside of bodies.
    work: u64,
    /// Work at which the current call stops.
    pub(super) work_stop: u64,
    data: ModuleData,
    policy: Option<Policy>,
    sink: S,
}

impl<S: BodySink> Decoder<S> {
    pub(super) fn new(engine: &Engine, sink: S) -> Decoder<S> {
        let rules = engine.profile().rules().clone();
        Decoder {
            keep_names: engine.config().names,
            state: State::Magic,
            offset: 0,
            section: None,
            starved: false,
            ended: false,
            body_end: None,
            order: 0,
            name: NameBuffer::default(),
            import_module: String::new(),
            seen_types: BTreeMap::new(),
            seen_exports: BTreeSet::new(),
            params: Vec::new(),
            results: Vec::new(),
            expr: ConstValidator::default(),
            segment: SegmentKind::Passive,
            elem_header: None,
            elem_type: ValType::FuncRef,
            elem_mode: None,
            elem: None,
            global_type: None,
            data_mode: None,
            custom: None,
            bodies: 0,
            bodies_begun: 0,
            body: BodyValidator::new(&rules.limits),
            work: 0,
            work_stop: u64::MAX,
            data: ModuleData::default(),
            policy: None,
            sink,
            rules,
        }
    }

    pub(super) fn set_policy(&mut self, policy: Policy) {
        self.policy = Some(policy);
    }

    pub(super) fn work(&self) -> u64 {
        self.work.wrapping_add(self.body.work())
    }

    /// How many more bytes belong to the current body or section; `None` between sections.
    pub(super) fn container_left(&self) -> Option<u64> {
        let end = self.body_end.or(self.section.map(|section| section.end))?;
        Some(end.saturating_sub(self.offset))
    }

    /// Takes the next item, or several operators, from `bytes`, which end where the current body or section
    /// ends or before. Returns how many bytes that were; 0 if more are needed.
    pub(super) fn step(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let left = self.container_left();
        let whole = left.is_some_and(|left| left == bytes.len() as u64);
        let before = self.offset;
        self.starved = false;
        let in_body = self.body_end.is_some();
        let took = self.item(bytes)?;
        if in_body {
            self.sink.bytes(bytes.get(..took).unwrap_or_default());
        }
        debug_assert_eq!(self.offset, before.wrapping_add(took as u64), "taken bytes are counted");
        if took == 0 && whole {
            return Err(self.ran_out());
        }
        Ok(took)
    }

    /// The current body or section ends within an item.
    #[cold]
    fn ran_out(&self) -> Error {
        let section_end = self.section.map(|section| section.end);
        let body_alone = self.body_end.is_some() && self.body_end != section_end;
        self.error(match self.state {
            State::Operators if body_alone => ErrorCode::EndExpected,
            _ => ErrorCode::UnexpectedEndOfSection,
        })
    }

    fn item(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        match self.state {
            State::Operators => self.operators(bytes),
            State::BrTable { .. } => self.br_table_targets(bytes),
            State::Data { left } => self.data_piece(bytes, left),
            State::CustomContent => self.custom_piece(bytes),
            State::Elem { left } => self.elem_func(bytes, left),
            State::Expr(of) => self.expr_operator(bytes, of),
            State::Name { of, left } => self.name_piece(bytes, of, left),
            State::NameLen(of) => self.name_len(bytes, of),
            State::Entry => self.entry(bytes),
            State::ParamTypes { left } => self.param_type(bytes, left),
            State::ResultCount => self.result_count(bytes),
            State::ResultTypes { left } => self.result_type(bytes, left),
            State::ImportDesc => self.import_desc(bytes),
            State::ExportDesc => self.export_desc(bytes),
            State::ElemType => self.elem_type(bytes),
            State::ElemCount => self.elem_count(bytes),
            State::DataLen => self.data_len(bytes),
            State::LocalsCount => {
                let took = self.locals_count(bytes)?;
                self.first_operators(bytes, took)
            }
            State::Locals { left } => self.locals(bytes, left),
            State::Count => self.count(bytes),
            State::Header => self.header(bytes),
            State::Magic => self.constant(bytes, MAGIC, ErrorCode::MagicMissing, State::Version),
            State::Version => self.constant(bytes, VERSION, ErrorCode::UnknownVersion, State::Header),
        }
    }

    /// Reads an item at the current offset: its value and length, or `None` if bytes are missing.
    fn read<T>(
        &self,
        bytes: &[u8],
        read: impl FnOnce(&mut Cursor<'_>) -> Read<T>,
    ) -> Result<Option<(T, usize)>, Error> {
        let mut c = Cursor::new(bytes);
        match read(&mut c) {
            Ok(value) => Ok(Some((value, c.consumed()))),
            Err(Fault::More) => Ok(None),
            Err(Fault::Bad(code)) => Err(self.refuse(code, bytes, c.consumed(), self.offset)),
        }
    }

    /// The error about an item at `offset`, the reader of which stopped behind its first `taken` bytes.
    #[cold]
    #[inline(never)]
    fn refuse(&self, code: ErrorCode, bytes: &[u8], taken: usize, offset: u64) -> Error {
        let site = Site {
            section: self.section.map(|section| section.id),
            types: self.data.env.types.len(),
            features: self.rules.features,
        };
        let error = Error::at(code, offset);
        match foreign::proposal(code, bytes.get(..taken).unwrap_or_default(), site) {
            Some(feature) => error.needs(feature),
            None => error,
        }
    }

    #[cold]
    fn error(&self, code: ErrorCode) -> Error {
        Error::at(code, self.offset)
    }

    /// Passes an item. Offsets in a module fit u32: the module's size is limited.
    fn take(&mut self, len: usize) -> usize {
        self.offset = self.offset.wrapping_add(len as u64);
        len
    }

    fn count_work(&mut self, work: u64) {
        self.work = self.work.wrapping_add(work);
    }

    /// Counts bytes `done..done + more` of one name or segment.
    fn count_bytes(&mut self, done: u64, more: usize) {
        let after = done.wrapping_add(more as u64);
        self.count_work((after / work::BYTES).wrapping_sub(done / work::BYTES));
    }

    /// The current offset as operators carry it.
    fn offset32(&self) -> u32 {
        u32::try_from(self.offset).unwrap_or(u32::MAX)
    }

    fn constant(
        &mut self,
        bytes: &[u8],
        want: [u8; 4],
        code: ErrorCode,
        next: State,
    ) -> Result<usize, Error> {
        let Some((found, len)) = self.read(bytes, |c| c.array::<4>())? else { return Ok(0) };
        if found != want {
            return Err(self.refuse(code, bytes, len, self.offset));
        }
        self.state = next;
        Ok(self.take(len))
    }

    fn header(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let Some(&byte) = bytes.first() else { return Ok(0) };
        let Some(id) = SectionId::from_byte(byte, self.rules.features) else {
            let error = self.refuse(ErrorCode::BadSectionId, bytes, 1, self.offset);
            return Err(error.with_operand(byte.into()));
        };
        if id != SectionId::Custom {
            if id.order() <= self.order {
                return Err(self.error(ErrorCode::UnexpectedContent).with_detail(id.text()));
            }
            if id.order() > SectionId::Code.order() {
                self.check_code()?;
            }
        }
        let Some((size, len)) = self.read(bytes, |c| c.u8().and_then(|_| c.u32()))? else { return Ok(0) };
        let start = self.offset;
        let end = start.wrapping_add(len as u64).wrapping_add(size.into());
        self.rules.check(Limit::ModuleBytes, end, start)?;
        self.section = Some(Section { id, start, end, entries_left: 0 });
        match id {
            SectionId::Custom => {
                self.count_work(work::ENTRY);
                self.state = State::NameLen(NameOf::Custom);
            }
            // One entry, without a count.
            SectionId::Start | SectionId::DataCount => self.state = State::Entry,
            _ => self.state = State::Count,
        }
        if id != SectionId::Custom {
            self.order = id.order();
        }
        Ok(self.take(len))
    }

    fn count(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let Some((count, len)) = self.read(bytes, |c| c.u32())? else { return Ok(0) };
        let Some(mut section) = self.section else { return Err(self.internal()) };
        match section.id {
            // Too few bodies or segments are found out about where no more can come.
            SectionId::Code if u64::from(count) > self.functions_declared() => {
                return Err(self.error(ErrorCode::CodeCountMismatch));
            }
            SectionId::Data if self.data.env.data_count.is_some_and(|declared| declared < count) => {
                return Err(self.error(ErrorCode::DataCountMismatch));
            }
            _ => {}
        }
        section.entries_left = count;
        self.section = Some(section);
        self.take(len);
        if section.id == SectionId::Code {
            self.sink.code(self.offset, section.end);
        }
        self.next_entry()?;
        Ok(len)
    }

    /// After the count and after each entry: another one, or the end of the section.
    fn next_entry(&mut self) -> Result<(), Error> {
        match &mut self.section {
            Some(section) if section.entries_left > 0 => {
                section.entries_left = section.entries_left.wrapping_sub(1);
                self.state = State::Entry;
                Ok(())
            }
            _ => self.close_section(),
        }
    }

    fn close_section(&mut self) -> Result<(), Error> {
        if self.section.is_some_and(|section| section.end != self.offset) {
            return Err(self.error(ErrorCode::SectionSizeMismatch));
        }
        match self.section.map(|section| section.id) {
            Some(SectionId::Type) => self.seen_types = BTreeMap::new(),
            Some(SectionId::Export) => self.seen_exports = BTreeSet::new(),
            _ => {}
        }
        self.section = None;
        self.state = State::Header;
        Ok(())
    }

    fn functions_declared(&self) -> u64 {
        self.data.env.functions_declared() as u64
    }

    fn check_code(&self) -> Result<(), Error> {
        if u64::from(self.bodies) == self.functions_declared() {
            return Ok(());
        }
        Err(self.error(ErrorCode::CodeCountMismatch))
    }

    /// The end of the bytes, of which the last `pending` belong to no whole item.
    pub(super) fn finish(mut self, pending: usize) -> Result<(ModuleData, S), Error> {
        if let Some(section) = self.section {
            return Err(Error::at(ErrorCode::LengthOutOfBounds, section.start).with_detail(section.id.text()));
        }
        if self.state != State::Header || pending != 0 {
            return Err(self.error(ErrorCode::UnexpectedEnd));
        }
        self.check_code()?;
        let segments = self.data.datas.count();
        if self.data.env.data_count.is_some_and(|count| count as usize != segments) {
            return Err(self.error(ErrorCode::DataCountMismatch));
        }
        self.data.datas.complete();
        self.data.work = self.work();
        self.data.byte_len = self.offset;
        Ok((self.data, self.sink))
    }

    // Names.

    fn name_len(&mut self, bytes: &[u8], of: NameOf) -> Result<usize, Error> {
        let Some((len, took)) = self.read(bytes, |c| c.u32())? else { return Ok(0) };
        self.check_fits(len, took, ErrorCode::LengthOutOfBounds)?;
        self.rules.check(Limit::NameBytes, len.into(), self.offset)?;
        self.take(took);
        self.name.bytes.clear();
        self.name.checked = 0;
        self.name.start = self.offset;
        self.state = State::Name { of, left: len };
        if len == 0 {
            self.name_done(of)?;
        }
        Ok(took)
    }

    /// What a length of `took` bytes announces must lie within its section.
    fn check_fits(&self, len: u32, took: usize, code: ErrorCode) -> Result<(), Error> {
        let needed = u64::from(len).wrapping_add(took as u64);
        if self.container_left().is_some_and(|left| needed > left) {
            return Err(self.error(code));
        }
        Ok(())
    }

    fn name_piece(&mut self, bytes: &[u8], of: NameOf, left: u32) -> Result<usize, Error> {
        let piece = piece(bytes, left);
        if piece.is_empty() {
            return Ok(0);
        }
        self.name.bytes.extend_from_slice(piece);
        let left = left.saturating_sub(u32::try_from(piece.len()).unwrap_or(left));
        match utf8::check(&self.name.bytes, self.name.checked, left == 0) {
            Ok(checked) => self.name.checked = checked,
            Err(bad) => {
                return Err(Error::at(ErrorCode::BadUtf8, self.name.start.wrapping_add(bad.at as u64)));
            }
        }
        let done = (self.name.bytes.len() as u64).wrapping_sub(piece.len() as u64);
        self.count_bytes(done, piece.len());
        self.take(piece.len());
        self.state = State::Name { of, left };
        if left == 0 {
            self.name_done(of)?;
        }
        Ok(piece.len())
    }

    fn take_name(&mut self) -> Result<String, Error> {
        String::from_utf8(core::mem::take(&mut self.name.bytes)).map_err(|_| self.internal())
    }

    fn name_done(&mut self, of: NameOf) -> Result<(), Error> {
        match of {
            NameOf::Custom => {
                let name = self.take_name()?;
                let start = self.section.map_or(self.offset, |section| section.start);
                self.ask(start, |policy| policy(Item::Custom { name: &name }))?;
                let reader = (self.keep_names && name == NAME_SECTION).then(NameReader::new);
                self.custom = Some((CustomSection { name: name.into(), bytes: Vec::new() }, reader));
                self.state = State::CustomContent;
                self.end_custom()?;
            }
            NameOf::ImportModule => {
                self.import_module = self.take_name()?;
                self.state = State::NameLen(NameOf::Import);
            }
            NameOf::Import => self.state = State::ImportDesc,
            NameOf::Export => self.state = State::ExportDesc,
        }
        Ok(())
    }

    /// Shows the policy an item that starts at `at`.
    fn ask(
        &mut self,
        at: u64,
        show: impl FnOnce(&mut Policy) -> Result<(), super::item::Refusal>,
    ) -> Result<(), Error> {
        let Some(policy) = &mut self.policy else { return Ok(()) };
        show(policy).map_err(|refusal| {
            Error::at(ErrorCode::Refused, at).with_operand(refusal.code).with_detail(refusal.text)
        })
    }

    // Custom sections.

    fn custom_piece(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let piece = piece(bytes, u32::MAX);
        if let Some((custom, reader)) = &mut self.custom {
            let done = custom.bytes.len() as u64;
            custom.bytes.try_reserve(piece.len()).map_err(|_| Error::new(ErrorCode::OutOfMemory))?;
            custom.bytes.extend_from_slice(piece);
            if let Some(reader) = reader {
                reader.advance(&custom.bytes);
            }
            self.count_bytes(done, piece.len());
        }
        self.take(piece.len());
        self.end_custom()?;
        Ok(piece.len())
    }

    fn end_custom(&mut self) -> Result<(), Error> {
        if self.container_left() != Some(0) {
            return Ok(());
        }
        if let Some((custom, reader)) = self.custom.take() {
            if let Some(names) = reader.and_then(|reader| reader.finish(&custom.bytes)) {
                self.data.names = names;
            }
            self.data.customs.push(custom);
        }
        self.close_section()
    }

    /// A state that the machine cannot be in.
    #[cold]
    fn internal(&self) -> Error {
        self.error(ErrorCode::Internal)
    }
}

/// The first bytes of `bytes`, at most `left` and at most one piece.
fn piece(bytes: &[u8], left: u32) -> &[u8] {
    let len = bytes.len().min(left as usize).min(PIECE_BYTES_MAX);
    bytes.get(..len).unwrap_or_default()
}
