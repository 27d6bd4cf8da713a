//! Steps for the entries of the type, import, function, table, memory, global, export, start and data count
//! sections, and the first item of the others'.

use super::{Decoder, ExprOf, NameOf, State};
use crate::Error;
use crate::binary::entry;
use crate::binary::section::SectionId;
use crate::runtime::item::Item;
use crate::runtime::module::{Export, Import};
use crate::table::errors::ErrorCode;
use crate::table::features::Feature;
use crate::table::limits::Limit;
use crate::table::work;
use crate::types::FuncType;
use crate::valid::env::BodySink;

impl<S: BodySink> Decoder<S> {
    /// The first item of an entry.
    pub(super) fn entry(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let Some(section) = self.section else { return Err(self.internal()) };
        match section.id {
            SectionId::Type => self.func_type_head(bytes),
            SectionId::Import => {
                self.rules.check(Limit::Imports, one_more(self.data.imports.len()), self.offset)?;
                self.name_len(bytes, NameOf::ImportModule)
            }
            SectionId::Function => self.function(bytes),
            SectionId::Table => self.table(bytes),
            SectionId::Memory => self.memory(bytes),
            SectionId::Global => self.global(bytes),
            SectionId::Export => {
                self.rules.check(Limit::Exports, one_more(self.data.exports.len()), self.offset)?;
                self.name_len(bytes, NameOf::Export)
            }
            SectionId::Start => self.start(bytes),
            SectionId::DataCount => self.data_count(bytes),
            SectionId::Element => self.elem_header(bytes),
            SectionId::Code => self.body_header(bytes),
            SectionId::Data => self.data_segment(bytes),
            SectionId::Custom => Err(self.internal()),
        }
    }

    fn func_type_head(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let Some((count, len)) = self.read(bytes, entry::func_type_head)? else { return Ok(0) };
        self.rules.check(Limit::Types, one_more(self.data.env.types.len()), self.offset)?;
        self.count_work(work::ENTRY);
        self.params.clear();
        self.results.clear();
        self.state = match count {
            0 => State::ResultCount,
            left => State::ParamTypes { left },
        };
        Ok(self.take(len))
    }

    pub(super) fn param_type(&mut self, bytes: &[u8], left: u32) -> Result<usize, Error> {
        let features = self.rules.features;
        let (mut left, mut taken) = (left, 0_usize);
        while let rest = bytes.get(taken..).unwrap_or_default()
            && let Some((ty, len)) = self.read(rest, |c| entry::val_type(c, features))?
        {
            self.rules.check(Limit::Params, one_more(self.params.len()), self.offset)?;
            self.count_work(work::TYPE_VALUE);
            self.params.push(ty);
            taken = taken.wrapping_add(self.take(len));
            left = left.saturating_sub(1);
            if left == 0 {
                self.state = State::ResultCount;
                break;
            }
            self.state = State::ParamTypes { left };
            if self.work() >= self.work_stop {
                break;
            }
        }
        Ok(taken)
    }

    pub(super) fn result_count(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let Some((count, len)) = self.read(bytes, |c| c.u32())? else { return Ok(0) };
        if count > 1 && !self.rules.has(Feature::MultiValue) {
            return Err(self.error(ErrorCode::BadResultArity).needs(Feature::MultiValue));
        }
        self.take(len);
        self.state = State::ResultTypes { left: count };
        if count == 0 {
            self.func_type_done()?;
        }
        Ok(len)
    }

    pub(super) fn result_type(&mut self, bytes: &[u8], left: u32) -> Result<usize, Error> {
        let features = self.rules.features;
        let Some((ty, len)) = self.read(bytes, |c| entry::val_type(c, features))? else { return Ok(0) };
        self.rules.check(Limit::Results, one_more(self.results.len()), self.offset)?;
        self.count_work(work::TYPE_VALUE);
        self.results.push(ty);
        self.take(len);
        match left.saturating_sub(1) {
            0 => self.func_type_done()?,
            left => self.state = State::ResultTypes { left },
        }
        Ok(len)
    }

    fn func_type_done(&mut self) -> Result<(), Error> {
        let ty = FuncType::new(self.params.iter().copied(), self.results.iter().copied());
        self.data.env.add_type(&mut self.seen_types, ty);
        self.next_entry()
    }

    pub(super) fn import_desc(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let features = self.rules.features;
        let Some((desc, len)) = self.read(bytes, |c| entry::import_desc(c, features))? else { return Ok(0) };
        let at = self.offset;
        let (kind, index) = self.data.env.add_import(&self.rules, desc, at)?;
        self.count_work(match desc {
            entry::ImportDesc::Func(_) | entry::ImportDesc::Memory(_) => work::ENTRY,
            entry::ImportDesc::Table(_) | entry::ImportDesc::Global(_) => work::ENTRY + work::VALUE,
        });
        let module = core::mem::take(&mut self.import_module);
        let name = self.take_name()?;
        if self.policy.is_some() {
            let Some(ty) = self.data.extern_type(kind, index) else { return Err(self.internal()) };
            self.ask(at, |policy| policy(Item::Import { module: &module, name: &name, ty }))?;
        }
        self.data.imports.push(Import { module: module.into(), name: name.into(), kind, index });
        self.take(len);
        self.next_entry()?;
        Ok(len)
    }

    fn function(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let Some((ty, len)) = self.read(bytes, |c| c.u32())? else { return Ok(0) };
        self.data.env.add_func(&self.rules, ty, self.offset)?;
        self.whole_entry(len, work::ENTRY)
    }

    fn table(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let features = self.rules.features;
        let Some((ty, len)) = self.read(bytes, |c| entry::table_type(c, features))? else { return Ok(0) };
        self.data.env.add_table(&self.rules, ty, self.offset)?;
        self.whole_entry(len, work::ENTRY + work::VALUE)
    }

    fn memory(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let Some((ty, len)) = self.read(bytes, entry::memory_type)? else { return Ok(0) };
        self.data.env.add_memory(&self.rules, ty, self.offset)?;
        self.whole_entry(len, work::ENTRY)
    }

    fn global(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let features = self.rules.features;
        let Some((ty, len)) = self.read(bytes, |c| entry::global_type(c, features))? else { return Ok(0) };
        // Its own initialiser may not read it: it is added when the initialiser is complete.
        self.rules.check(Limit::Globals, one_more(self.data.env.globals.len()), self.offset)?;
        self.count_work(work::ENTRY + work::VALUE);
        self.global_type = Some(ty);
        self.take(len);
        self.expr.begin(ty.content, self.offset32());
        self.state = State::Expr(ExprOf::Global);
        Ok(len)
    }

    pub(super) fn global_done(&mut self, init: crate::runtime::module::ConstExpr) -> Result<(), Error> {
        let Some(ty) = self.global_type.take() else { return Err(self.internal()) };
        self.data.env.add_global(&self.rules, ty, self.offset)?;
        self.data.global_inits.push(init);
        self.next_entry()
    }

    pub(super) fn export_desc(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let Some(((kind, index), len)) = self.read(bytes, entry::export_desc)? else { return Ok(0) };
        let at = self.offset;
        self.data.env.check_export(kind, index, at)?;
        let name = self.take_name()?;
        if !self.seen_exports.insert(name.clone()) {
            return Err(self.error(ErrorCode::DuplicateExport));
        }
        self.count_work(work::ENTRY);
        if self.policy.is_some() {
            let Some(ty) = self.data.extern_type(kind, index) else { return Err(self.internal()) };
            self.ask(at, |policy| policy(Item::Export { name: &name, ty }))?;
        }
        self.data.exports.push(Export { name: name.into(), kind, index });
        self.take(len);
        self.next_entry()?;
        Ok(len)
    }

    fn start(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let Some((func, len)) = self.read(bytes, |c| c.u32())? else { return Ok(0) };
        self.data.env.check_start(func, self.offset)?;
        self.data.start = Some(func);
        self.whole_entry(len, work::ENTRY)
    }

    fn data_count(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let Some((count, len)) = self.read(bytes, |c| c.u32())? else { return Ok(0) };
        self.data.env.data_count = Some(count);
        self.whole_entry(len, work::ENTRY)
    }

    /// An entry that is one item.
    pub(super) fn whole_entry(&mut self, len: usize, work: u64) -> Result<usize, Error> {
        self.count_work(work);
        self.take(len);
        self.next_entry()?;
        Ok(len)
    }
}

/// The number of one more entry.
pub(super) fn one_more(count: usize) -> u64 {
    (count as u64).saturating_add(1)
}
