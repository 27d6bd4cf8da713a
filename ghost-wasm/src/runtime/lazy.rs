//! Code of a store's own: of modules whose functions are translated when they are first called. What
//! handlers see is a list of records, as of a module that was translated eagerly; a function without code
//! has a record that makes its calls leave to the driver.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::Cell;

use super::bodies::Bodies;
use super::instance::InstanceEntity;
use super::module::Module;
use crate::Error;
use crate::code::map::MapEntry;
use crate::code::module::ModuleCode;
use crate::exec::view::{CodeRecord, Word};
use crate::heap;
use crate::table::errors::ErrorCode;
use crate::translate::Translator;

fn internal() -> Error {
    Error::new(ErrorCode::Internal)
}

/// The code of one module.
struct LazyCode {
    /// Keeps the module's address its own.
    module: Module,
    /// By defined function. Cells: views name the records by address, and they change once.
    records: Box<[Cell<CodeRecord>]>,
    /// The functions that were called, by the address of their first word.
    functions: BTreeMap<usize, ModuleCode>,
}

/// The codes of a store, one for each module.
#[derive(Default)]
pub(crate) struct LazyCodes {
    codes: Vec<LazyCode>,
    numbers: BTreeMap<usize, u32>,
    /// Kept for its buffers.
    translator: Option<Box<Translator>>,
}

impl LazyCodes {
    /// The records of a module's functions, and the number of its code here.
    pub fn of_module(&mut self, module: &Module, bodies: &Bodies) -> Result<(*const CodeRecord, u32), Error> {
        let address = Arc::as_ptr(&module.inner) as usize;
        let number = match self.numbers.get(&address) {
            Some(&number) => number,
            None => {
                let number = self.codes.len() as u32;
                self.codes.push(LazyCode::new(module, bodies)?);
                self.numbers.insert(address, number);
                number
            }
        };
        let code = self.codes.get(number as usize).ok_or_else(internal)?;
        Ok((code.records.as_ptr().cast(), number))
    }

    /// Bytes of memory that they have allocated, without the buffers of translation.
    pub fn heap_bytes(&self) -> u64 {
        let codes = self.codes.iter().map(|code| {
            let functions = code.functions.values().map(ModuleCode::heap_bytes);
            heap::boxed(&*code.records)
                + heap::tree::<usize, ModuleCode>(code.functions.len())
                + functions.sum::<u64>()
        });
        heap::list(&self.codes) + heap::tree::<usize, u32>(self.numbers.len()) + codes.sum::<u64>()
    }

    /// Gives the buffers of translation back: they are as large as the largest body has made them.
    pub fn trim(&mut self) {
        self.translator = None;
    }

    /// How many modules have code here.
    pub fn count(&self) -> usize {
        self.codes.len()
    }

    /// Takes back the latest codes; nobody runs them.
    pub fn truncate(&mut self, count: usize) {
        self.codes.truncate(count);
        self.numbers.retain(|_, &mut number| (number as usize) < count);
    }

    fn of_instance(&self, instance: &InstanceEntity) -> Option<&LazyCode> {
        self.codes.get(instance.lazy? as usize)
    }

    /// The record of a function, translated now if it was not, and what entering the function costs.
    pub fn record(
        &mut self,
        instance: &InstanceEntity,
        bodies: &Bodies,
        defined: u32,
    ) -> Result<(*const CodeRecord, u32), Error> {
        let cell = self.of_instance(instance).and_then(|code| code.records.get(defined as usize));
        let cell = cell.ok_or_else(internal)?;
        let (address, record) = (cell.as_ptr().cast_const(), cell.get());
        if !record.is_untranslated() {
            return Ok((address, record.enter_cost));
        }
        Ok((address, self.translate(instance, bodies, defined)?))
    }

    #[cold]
    fn translate(&mut self, instance: &InstanceEntity, bodies: &Bodies, defined: u32) -> Result<u32, Error> {
        let module = &instance.module.inner;
        let profile = module.engine.profile();
        // Put back only after it has done its work: what an error leaves in it is of no use.
        let mut translator = self
            .translator
            .take()
            .unwrap_or_else(|| Box::new(Translator::new(profile.schedule(), profile.limits().frame_slots)));
        bodies.replay(&module.data.env, profile.features(), defined, &mut *translator)?;
        let made = translator.take_code()?;
        self.translator = Some(translator);
        let record = *made.records().first().ok_or_else(internal)?;
        let number = instance.lazy.ok_or_else(internal)?;
        let code = self.codes.get_mut(number as usize).ok_or_else(internal)?;
        code.functions.insert(made.base() as usize, made);
        code.records.get(defined as usize).ok_or_else(internal)?.set(record);
        Ok(record.enter_cost)
    }

    /// How many functions have code.
    #[cfg(feature = "internals")]
    pub fn translated(&self) -> usize {
        self.codes.iter().map(|code| code.functions.len()).sum()
    }

    /// The op at an address (`here`) or the call before it, and the function that it is in.
    pub fn place(&self, instance: &InstanceEntity, ip: *const Word, here: bool) -> Option<(MapEntry, u32)> {
        let functions = &self.of_instance(instance)?.functions;
        functions.range(..=ip as usize).next_back()?.1.place(ip, here)
    }

    /// As [`ModuleCode::near`].
    pub fn near(&self, instance: &InstanceEntity, ip: *const Word) -> Option<(u32, Option<u32>)> {
        let functions = &self.of_instance(instance)?.functions;
        functions.range(..=ip as usize).next_back()?.1.near(ip)
    }
}

impl LazyCode {
    fn new(module: &Module, bodies: &Bodies) -> Result<LazyCode, Error> {
        let mut records = Vec::new();
        records.try_reserve_exact(bodies.count()).map_err(|_| Error::new(ErrorCode::OutOfMemory))?;
        let imported = module.inner.data.env.imported_funcs;
        let untranslated = |defined| Cell::new(CodeRecord::untranslated(imported + defined as u32));
        records.extend((0..bodies.count()).map(untranslated));
        Ok(LazyCode {
            module: module.clone(),
            records: records.into_boxed_slice(),
            functions: BTreeMap::new(),
        })
    }
}

impl core::fmt::Debug for LazyCode {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("LazyCode")
            .field("functions", &self.module.inner.data.env.funcs.len())
            .field("translated", &self.functions.len())
            .finish_non_exhaustive()
    }
}
