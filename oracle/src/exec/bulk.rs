//! The operators whose cost depends on a length. Each does four things in this order: it has paid its base
//! (before it came here), it makes all checks, it pays for the length, it has its effect.

use ghost_wasm::TrapCode;
use ghost_wasm::internals::{Instr, Op};

use super::Machine;
use crate::error::Error;
use crate::store::Store;
use crate::value::{InstanceAddr, TableAddr};

/// What the growing operators answer when they cannot.
const CANNOT_GROW: u64 = u32::MAX as u64;

impl Machine<'_> {
    pub(super) fn bulk(&mut self, i: Instr) -> Result<(), Error> {
        let instance = self.instance_addr()?;
        match i.op {
            Op::MemoryGrow => {
                let pages = self.pop_u32()?;
                let answer = self.store.memory_grow(instance, i.x, pages)?;
                return self.push(answer);
            }
            Op::TableGrow => {
                let (count, entry) = (self.pop_u32()?, self.pop()?);
                let answer = self.store.table_grow(instance, i.x, count, entry)?;
                return self.push(answer);
            }
            Op::DataDrop => return self.store.data_drop(instance, i.x),
            Op::ElemDrop => return self.store.elem_drop(instance, i.x),
            _ => {}
        }
        if i.op == Op::TableFill {
            let (len, entry, at) = (self.pop_u32()?, self.pop()?, self.pop_u32()?);
            return self.store.table_fill(instance, i.x, at, entry, len);
        }
        let (len, from, to) = (self.pop_u32()?, self.pop_u32()?, self.pop_u32()?);
        match i.op {
            Op::MemoryFill => self.store.memory_fill(instance, i.x, to, from as u8, len),
            Op::MemoryCopy => self.store.memory_copy(instance, (i.x, to), (i.y, from), len),
            Op::MemoryInit => self.store.memory_init(instance, (i.y, to), (i.x, from), len),
            Op::TableCopy => self.store.table_copy(instance, (i.x, to), (i.y, from), len),
            Op::TableInit => self.store.table_init(instance, (i.y, to), (i.x, from), len),
            _ => Err(Error::Bug("not a bulk operator")),
        }
    }
}

fn memory_bounds() -> Error {
    Error::trap(TrapCode::MemoryOutOfBounds)
}

fn table_bounds() -> Error {
    Error::trap(TrapCode::TableOutOfBounds)
}

/// Also what instantiation does with active segments. A pair is an index and a place in what it names.
impl Store {
    fn charge_bytes(&mut self, len: u32) -> Result<(), Error> {
        self.charge(u64::from(len / self.schedule.bulk_bytes_per_gas))
    }

    fn charge_entries(&mut self, len: u32) -> Result<(), Error> {
        self.charge(u64::from(len) * u64::from(self.schedule.table_entry))
    }

    fn memory_grow(&mut self, instance: InstanceAddr, memory: u32, pages: u32) -> Result<u64, Error> {
        let memory = self.instance(instance)?.memory(memory)?;
        let before = self.memory_inst(memory)?.size_pages();
        if !self.memory_inst(memory)?.may_grow(pages, self.limits.memory_pages) {
            return Ok(CANNOT_GROW);
        }
        self.charge(u64::from(pages) * u64::from(self.schedule.grow_page))?;
        self.memory_inst_mut(memory)?.grow(pages);
        Ok(u64::from(before))
    }

    fn table_grow(
        &mut self,
        instance: InstanceAddr,
        table: u32,
        count: u32,
        entry: u64,
    ) -> Result<u64, Error> {
        let table = self.instance(instance)?.table(table)?;
        let before = self.table_inst(table)?.size();
        if !self.table_inst(table)?.may_grow(count, self.limits.table_entries) {
            return Ok(CANNOT_GROW);
        }
        self.charge_entries(count)?;
        self.table_inst_mut(table)?.grow(count, entry).ok_or(Error::HostFault)?;
        Ok(u64::from(before))
    }

    fn memory_fill(
        &mut self,
        instance: InstanceAddr,
        memory: u32,
        at: u32,
        value: u8,
        len: u32,
    ) -> Result<(), Error> {
        let memory = self.instance(instance)?.memory(memory)?;
        if !self.memory_inst(memory)?.holds(at.into(), len.into()) {
            return Err(memory_bounds());
        }
        self.charge_bytes(len)?;
        self.memory_inst_mut(memory)?.fill(at.into(), value, len.into()).ok_or_else(memory_bounds)
    }

    fn memory_copy(
        &mut self,
        instance: InstanceAddr,
        to: (u32, u32),
        from: (u32, u32),
        len: u32,
    ) -> Result<(), Error> {
        let (to_memory, to) = (self.instance(instance)?.memory(to.0)?, u64::from(to.1));
        let (from_memory, from) = (self.instance(instance)?.memory(from.0)?, u64::from(from.1));
        if !self.memory_inst(from_memory)?.holds(from, len.into())
            || !self.memory_inst(to_memory)?.holds(to, len.into())
        {
            return Err(memory_bounds());
        }
        self.charge_bytes(len)?;
        // By way of a copy: right whether the ranges overlap or not.
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len as usize).map_err(|_| Error::HostFault)?;
        bytes.resize(len as usize, 0);
        self.memory_inst(from_memory)?.read(from, &mut bytes).ok_or_else(memory_bounds)?;
        self.memory_inst_mut(to_memory)?.write(to, &bytes).ok_or_else(memory_bounds)
    }

    pub(crate) fn memory_init(
        &mut self,
        instance: InstanceAddr,
        to: (u32, u32),
        from: (u32, u32),
        len: u32,
    ) -> Result<(), Error> {
        let (memory, to) = (self.instance(instance)?.memory(to.0)?, to.1);
        let module = self.instance(instance)?.module.clone();
        let dropped = self.instance(instance)?.dropped_datas.get(from.0 as usize).copied();
        let segment = match dropped {
            Some(true) => &[],
            Some(false) => module.data_bytes(from.0)?,
            None => return Err(Error::Bug("no such data segment")),
        };
        let source = slice(segment, from.1, len).ok_or_else(memory_bounds)?;
        if !self.memory_inst(memory)?.holds(to.into(), len.into()) {
            return Err(memory_bounds());
        }
        self.charge_bytes(len)?;
        self.memory_inst_mut(memory)?.write(to.into(), source).ok_or_else(memory_bounds)
    }

    pub(crate) fn data_drop(&mut self, instance: InstanceAddr, segment: u32) -> Result<(), Error> {
        let dropped = self.instance_mut(instance)?.dropped_datas.get_mut(segment as usize);
        *dropped.ok_or(Error::Bug("no such data segment"))? = true;
        Ok(())
    }

    fn table_fill(
        &mut self,
        instance: InstanceAddr,
        table: u32,
        at: u32,
        entry: u64,
        len: u32,
    ) -> Result<(), Error> {
        let table = self.instance(instance)?.table(table)?;
        if !self.table_inst(table)?.holds(at, len) {
            return Err(table_bounds());
        }
        self.charge_entries(len)?;
        for index in 0..len {
            self.table_inst_mut(table)?.set(at + index, entry).ok_or_else(table_bounds)?;
        }
        Ok(())
    }

    fn table_copy(
        &mut self,
        instance: InstanceAddr,
        to: (u32, u32),
        from: (u32, u32),
        len: u32,
    ) -> Result<(), Error> {
        let (to_table, to) = (self.instance(instance)?.table(to.0)?, to.1);
        let (from_table, from) = (self.instance(instance)?.table(from.0)?, from.1);
        if !self.table_inst(from_table)?.holds(from, len) || !self.table_inst(to_table)?.holds(to, len) {
            return Err(table_bounds());
        }
        self.charge_entries(len)?;
        let entries = slice(self.table_inst(from_table)?.entries(), from, len).map(<[u64]>::to_vec);
        self.table_write(to_table, to, &entries.ok_or_else(table_bounds)?)
    }

    pub(crate) fn table_init(
        &mut self,
        instance: InstanceAddr,
        to: (u32, u32),
        from: (u32, u32),
        len: u32,
    ) -> Result<(), Error> {
        let (table, to) = (self.instance(instance)?.table(to.0)?, to.1);
        let segment = self.instance(instance)?.elems.get(from.0 as usize);
        let segment = segment.ok_or(Error::Bug("no such element segment"))?;
        let entries = slice(segment, from.1, len).map(<[u64]>::to_vec).ok_or_else(table_bounds)?;
        if !self.table_inst(table)?.holds(to, len) {
            return Err(table_bounds());
        }
        self.charge_entries(len)?;
        self.table_write(table, to, &entries)
    }

    fn table_write(&mut self, table: TableAddr, to: u32, entries: &[u64]) -> Result<(), Error> {
        for (index, entry) in entries.iter().enumerate() {
            self.table_inst_mut(table)?.set(to + index as u32, *entry).ok_or_else(table_bounds)?;
        }
        Ok(())
    }

    pub(crate) fn elem_drop(&mut self, instance: InstanceAddr, segment: u32) -> Result<(), Error> {
        let elem = self.instance_mut(instance)?.elems.get_mut(segment as usize);
        elem.ok_or(Error::Bug("no such element segment"))?.clear();
        Ok(())
    }
}

/// `len` items at `at`.
fn slice<T>(items: &[T], at: u32, len: u32) -> Option<&[T]> {
    items.get(at as usize..)?.get(..len as usize)
}
