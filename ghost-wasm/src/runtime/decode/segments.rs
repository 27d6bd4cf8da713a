//! Steps for constant expressions and for the entries of the element and data sections.

use alloc::vec::Vec;

use super::entries::one_more;
use super::{Decoder, ExprOf, State, piece};
use crate::Error;
use crate::binary::entry::{self, SegmentKind};
use crate::binary::opcode;
use crate::runtime::module::{ConstExpr, ElemItem, ElemSegment, SegmentMode};
use crate::table::errors::ErrorCode;
use crate::table::features::Feature;
use crate::table::limits::Limit;
use crate::table::ops::Op;
use crate::table::work;
use crate::types::ValType;
use crate::valid::env::BodySink;
use crate::valid::module::check_elem_type;

/// An element segment says how many items it has; room is made for so many before they come.
const SHORT_ELEM: u32 = 4;

/// The largest flags of a data segment that is passive, and of an element segment.
const DATA_FLAGS_MAX: u32 = 1;
const ELEM_FLAGS_MAX: u32 = 7;

impl<S: BodySink> Decoder<S> {
    /// An operator of a constant expression.
    pub(super) fn expr_operator(&mut self, bytes: &[u8], of: ExprOf) -> Result<usize, Error> {
        let features = self.rules.features;
        let Some((instr, len)) = self.read(bytes, |c| opcode::instr(c, features))? else { return Ok(0) };
        let offset = self.offset32();
        let ended = self.expr.instr(&mut self.data.env, &self.rules, &instr, offset, &mut self.work)?;
        self.take(len);
        if ended {
            self.expr_done(of, self.expr.finish())?;
        }
        Ok(len)
    }

    fn expr_done(&mut self, of: ExprOf, expr: ConstExpr) -> Result<(), Error> {
        match of {
            ExprOf::Global => self.global_done(expr),
            ExprOf::ElemOffset => {
                self.elem_mode = self.active(expr);
                self.elem_typed()
            }
            ExprOf::DataOffset => {
                self.data_mode = self.active(expr);
                self.state = State::DataLen;
                Ok(())
            }
            ExprOf::Elem { left } => {
                let item = match expr.instrs().first().map(|instr| (instr.op, instr.x)) {
                    Some((Op::RefFunc, func)) => ElemItem::Func(func),
                    Some((Op::RefNull, _)) => ElemItem::Null,
                    Some((Op::GlobalGet, global)) => ElemItem::Global(global),
                    // No other operator yields a reference.
                    _ => return Err(self.internal()),
                };
                self.elem_item(item, left)
            }
        }
    }

    fn active(&self, offset: ConstExpr) -> Option<SegmentMode> {
        match self.segment {
            SegmentKind::Active(target) => Some(SegmentMode::Active { target, offset }),
            SegmentKind::Passive | SegmentKind::Declarative => None,
        }
    }

    /// Without bulk memory the flags of a segment are the index that `error` does not know; with it, they make
    /// the segment passive, declarative or a list of expressions.
    #[cold]
    fn by_flags(&self, error: Error, index: u32, most: u32) -> Error {
        let flags = !self.rules.has(Feature::BulkMemory) && (1..=most).contains(&index);
        if flags { error.needs(Feature::BulkMemory) } else { error }
    }

    /// Goes on to the offset of an active segment.
    fn begin_offset(&mut self, of: ExprOf) {
        self.expr.begin(ValType::I32, self.offset32());
        self.state = State::Expr(of);
    }

    // Element segments.

    pub(super) fn elem_header(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let features = self.rules.features;
        let Some((header, len)) = self.read(bytes, |c| entry::elem_header(c, features))? else {
            return Ok(0);
        };
        let at = self.offset;
        self.rules.check(Limit::ElemSegments, one_more(self.data.elems.len()), at)?;
        if let SegmentKind::Active(table) = header.kind {
            let found = self.data.env.check_elem_table(table, at);
            let table = found.map_err(|error| self.by_flags(error, table, ELEM_FLAGS_MAX))?;
            if !header.typed {
                check_elem_type(&table, ValType::FuncRef, at)?;
            }
        }
        self.count_work(work::ENTRY + work::VALUE);
        self.segment = header.kind;
        self.elem_header = Some(header);
        self.elem_type = ValType::FuncRef;
        self.take(len);
        match header.kind {
            SegmentKind::Active(_) => self.begin_offset(ExprOf::ElemOffset),
            SegmentKind::Passive => {
                self.elem_mode = Some(SegmentMode::Passive);
                self.elem_typed()?;
            }
            SegmentKind::Declarative => {
                self.elem_mode = Some(SegmentMode::Declarative);
                self.elem_typed()?;
            }
        }
        Ok(len)
    }

    /// Goes on to the type, if it is written, or to the count.
    fn elem_typed(&mut self) -> Result<(), Error> {
        let typed = self.elem_header.is_some_and(|header| header.typed);
        self.state = if typed { State::ElemType } else { State::ElemCount };
        Ok(())
    }

    pub(super) fn elem_type(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let features = self.rules.features;
        let exprs = self.elem_header.is_some_and(|header| header.exprs);
        let Some((ty, len)) = self.read(bytes, |c| entry::elem_type(c, exprs, features))? else {
            return Ok(0);
        };
        if let SegmentKind::Active(table) = self.segment {
            check_elem_type(&self.data.env.check_elem_table(table, self.offset)?, ty, self.offset)?;
        }
        self.elem_type = ty;
        self.state = State::ElemCount;
        Ok(self.take(len))
    }

    pub(super) fn elem_count(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let Some((count, len)) = self.read(bytes, |c| c.u32())? else { return Ok(0) };
        let Some(mode) = self.elem_mode.take() else { return Err(self.internal()) };
        // Short lists get the room that they need: a module may have 100,000 segments.
        let items = Vec::with_capacity(count.min(SHORT_ELEM) as usize);
        self.elem = Some(ElemSegment { ty: self.elem_type, mode, items });
        self.take(len);
        self.next_elem(count)?;
        Ok(len)
    }

    /// Goes on to the next of `left` elements, or ends the segment.
    fn next_elem(&mut self, left: u32) -> Result<(), Error> {
        if left == 0 {
            let Some(elem) = self.elem.take() else { return Err(self.internal()) };
            self.data.env.elems.push(elem.ty);
            self.data.elems.push(elem);
            return self.next_entry();
        }
        let count = self.elem.as_ref().map_or(0, |elem| elem.items.len());
        self.rules.check(Limit::TableEntries, one_more(count), self.offset)?;
        if self.elem_header.is_some_and(|header| header.exprs) {
            self.expr.begin(self.elem_type, self.offset32());
            self.state = State::Expr(ExprOf::Elem { left });
        } else {
            self.state = State::Elem { left };
        }
        Ok(())
    }

    pub(super) fn elem_func(&mut self, bytes: &[u8], left: u32) -> Result<usize, Error> {
        let Some((func, len)) = self.read(bytes, |c| c.u32())? else { return Ok(0) };
        self.data.env.check_elem_func(func, self.offset)?;
        self.take(len);
        self.elem_item(ElemItem::Func(func), left)?;
        Ok(len)
    }

    fn elem_item(&mut self, item: ElemItem, left: u32) -> Result<(), Error> {
        self.count_work(work::ENTRY);
        let Some(elem) = &mut self.elem else { return Err(self.internal()) };
        elem.items.push(item);
        self.next_elem(left.saturating_sub(1))
    }

    // Data segments.

    /// A segment, as far as its bytes are there: some modules have 100,000 short ones.
    pub(super) fn data_segment(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let mut taken = self.data_header(bytes)?;
        while taken != 0 && self.work() < self.work_stop {
            let rest = bytes.get(taken..).unwrap_or_default();
            let took = match self.state {
                State::Expr(of) => self.expr_operator(rest, of)?,
                State::DataLen => self.data_len(rest)?,
                State::Data { left } => self.data_piece(rest, left)?,
                _ => break,
            };
            if took == 0 {
                break;
            }
            taken = taken.wrapping_add(took);
        }
        Ok(taken)
    }

    fn data_header(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let features = self.rules.features;
        let Some((kind, len)) = self.read(bytes, |c| entry::data_header(c, features))? else { return Ok(0) };
        let at = self.offset;
        self.rules.check(Limit::DataSegments, one_more(self.data.datas.count()), at)?;
        if let SegmentKind::Active(memory) = kind {
            let found = self.data.env.check_data_memory(memory, at);
            found.map_err(|error| self.by_flags(error, memory, DATA_FLAGS_MAX))?;
        }
        self.count_work(work::ENTRY);
        self.segment = kind;
        self.take(len);
        match kind {
            SegmentKind::Active(_) => self.begin_offset(ExprOf::DataOffset),
            SegmentKind::Passive | SegmentKind::Declarative => {
                self.data_mode = Some(SegmentMode::Passive);
                self.state = State::DataLen;
            }
        }
        Ok(len)
    }

    pub(super) fn data_len(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let Some((left, len)) = self.read(bytes, |c| c.u32())? else { return Ok(0) };
        self.check_fits(left, len, ErrorCode::UnexpectedEndOfSection)?;
        let Some(mode) = self.data_mode.take() else { return Err(self.internal()) };
        self.data.datas.open(mode, left).map_err(|_| Error::new(ErrorCode::OutOfMemory))?;
        self.take(len);
        self.state = State::Data { left };
        if left == 0 {
            self.next_entry()?;
        }
        Ok(len)
    }

    pub(super) fn data_piece(&mut self, bytes: &[u8], left: u32) -> Result<usize, Error> {
        let piece = piece(bytes, left);
        let done = self.data.datas.extend(piece).map_err(|_| Error::new(ErrorCode::OutOfMemory))?;
        self.count_bytes(done.into(), piece.len());
        self.take(piece.len());
        match left.saturating_sub(u32::try_from(piece.len()).unwrap_or(left)) {
            0 => self.next_entry()?,
            left => self.state = State::Data { left },
        }
        Ok(piece.len())
    }
}
