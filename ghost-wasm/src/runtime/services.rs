//! Operators that the driver does for the handlers: growing, bulk memory and table operators, references.
//!
//! The order is the same for all whose cost depends on a length: the base has been charged by the
//! handler; all checks (a trap or −1 has paid the base only); the cost by length; the effect.

use core::ops::Range;

use super::driver::{Place, call_from_wasm, out_of_gas, trap_here};
use super::instance::InstanceEntity;
use super::store::{Store, StoreInner};
use crate::Error;
use crate::exec::ctx::{Exit, Service, ServiceArgs};
use crate::table::errors::{ErrorCode, TrapCode};

/// Bytes that a bulk memory operator writes between two looks at the store's interrupt: below a millisecond,
/// also where pages are touched for the first time.
const PIECE_BYTES: usize = 1 << 20;

/// What can end a service early.
enum Stop {
    Trap(TrapCode),
    OutOfGas,
    Error(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Error(error)
    }
}

fn internal() -> Error {
    Error::new(ErrorCode::Internal)
}

/// Does what the handler asks for.
pub(crate) fn serve<T>(store: &mut Store<T>) -> Result<(), Error> {
    let inner = &mut store.inner;
    let args = inner.cx.service_args();
    match inner.cx.service() {
        Service::CallImport => {
            let func = running(inner)?.funcs.get(args.x as usize).copied().ok_or_else(internal)?;
            call_from_wasm(store, func, Place::Slot(args.a))
        }
        Service::CallRef => {
            let func = inner.cx.payload() as u32;
            call_from_wasm(store, func, Place::Slot(args.a))
        }
        Service::TailImport => {
            let func = running(inner)?.funcs.get(args.x as usize).copied().ok_or_else(internal)?;
            call_from_wasm(store, func, Place::Caller { from: args.y as usize })
        }
        Service::TailRef => {
            let func = inner.cx.payload() as u32;
            call_from_wasm(store, func, Place::Caller { from: args.y as usize })
        }
        Service::Pause => {
            inner.cx.skip();
            Ok(())
        }
        service => match operator(inner, service, args) {
            Ok(()) => {
                inner.cx.advance();
                Ok(())
            }
            Err(Stop::Trap(code)) => Err(trap_here(inner, code, 0, 0)),
            Err(Stop::OutOfGas) => Err(out_of_gas(inner)),
            Err(Stop::Error(error)) => {
                inner.meter.collect(&mut inner.cx);
                Err(error)
            }
        },
    }
}

fn running(inner: &StoreInner) -> Result<&InstanceEntity, Error> {
    inner.cx.instance_index().and_then(|index| inner.instances.get(index as usize)).ok_or_else(internal)
}

/// Charges what depends on a length.
fn charge(inner: &mut StoreInner, cost: u64) -> Result<(), Stop> {
    inner.meter.collect(&mut inner.cx);
    let left = inner.meter.left();
    if cost > left {
        // The op has paid its base; if the call is resumed it runs again and pays again.
        let paid = inner.cx.failed_charge(Exit::Charge).cost;
        inner.meter.run_out(left as i64 + paid);
        return Err(Stop::OutOfGas);
    }
    inner.meter.charge(cost).map_err(|_| Stop::OutOfGas)?;
    inner.meter.lend(&mut inner.cx);
    Ok(())
}

/// The range of `len` from `start`, if it ends at or below `end`.
pub(crate) fn range(start: u32, len: u32, end: usize) -> Option<Range<usize>> {
    let stop = u64::from(start) + u64::from(len);
    (stop <= end as u64).then_some(start as usize..stop as usize)
}

fn operator(inner: &mut StoreInner, service: Service, args: ServiceArgs) -> Result<(), Stop> {
    let a = usize::from(args.a);
    let slot = |inner: &StoreInner, n: usize| inner.cx.slot(a + n) as u32;
    let (first, second, third) = (slot(inner, 0), slot(inner, 1), slot(inner, 2));
    match service {
        Service::CallImport | Service::CallRef | Service::TailImport | Service::TailRef | Service::Pause => {
            Err(internal().into())
        }
        Service::MemoryGrow => {
            let result = memory_grow(inner, first)?;
            inner.cx.set_slot(a, u64::from(result));
            Ok(())
        }
        Service::MemoryCopy => memory_copy(inner, first, second, third),
        Service::MemoryFill => memory_fill(inner, first, second as u8, third),
        Service::MemoryInit => {
            let instance = inner.cx.instance_index().ok_or_else(internal)?;
            memory_init(inner, instance, args.x, first, second, third, true)
        }
        Service::DataDrop => {
            let instance = inner.cx.instance_index().ok_or_else(internal)?;
            drop_data(inner, instance, args.x)
        }
        Service::TableGet => {
            let table = table_index(inner, args.x)?;
            let entry =
                inner.tables.get(table).and_then(|table| table.entries().get(first as usize)).copied();
            let entry = entry.ok_or(Stop::Trap(TrapCode::TableOutOfBounds))?;
            inner.cx.set_slot(a, u64::from(entry));
            Ok(())
        }
        Service::TableSet => {
            let table = table_index(inner, args.x)?;
            let entry =
                inner.tables.get_mut(table).and_then(|table| table.entries_mut().get_mut(first as usize));
            *entry.ok_or(Stop::Trap(TrapCode::TableOutOfBounds))? = second;
            Ok(())
        }
        Service::TableSize => {
            let table = table_index(inner, args.x)?;
            let size = inner.tables.get(table).map_or(0, |table| table.size());
            inner.cx.set_slot(a, u64::from(size));
            Ok(())
        }
        Service::TableGrow => {
            let result = table_grow(inner, args.x, first, second)?;
            inner.cx.set_slot(a, u64::from(result));
            Ok(())
        }
        Service::TableFill => table_fill(inner, args.x, first, second, third),
        Service::TableCopy => table_copy(inner, args, first, second, third),
        Service::TableInit => {
            let instance = inner.cx.instance_index().ok_or_else(internal)?;
            let lengths = TableInit { segment: args.x, table: args.y, to: first, from: second, len: third };
            table_init(inner, instance, lengths, true)
        }
        Service::ElemDrop => {
            let instance = inner.cx.instance_index().ok_or_else(internal)?;
            drop_elem(inner, instance, args.x)
        }
        Service::RefFunc => {
            let func = running(inner)?.funcs.get(args.x as usize).copied().ok_or_else(internal)?;
            inner.cx.set_slot(a, u64::from(func) + 1);
            Ok(())
        }
    }
}

fn memory_index(inner: &StoreInner, memory: u32) -> Result<usize, Stop> {
    let index = running(inner)?.memories.get(memory as usize).copied().ok_or_else(internal)?;
    Ok(index as usize)
}

fn table_index(inner: &StoreInner, table: u32) -> Result<usize, Stop> {
    let index = running(inner)?.tables.get(table as usize).copied().ok_or_else(internal)?;
    Ok(index as usize)
}

fn memory_len(inner: &StoreInner, index: usize) -> usize {
    inner.memories.get(index).map_or(0, |memory| memory.bytes().len())
}

fn bulk_bytes(inner: &StoreInner, len: u32) -> u64 {
    u64::from(len / inner.engine.profile().schedule().bulk_bytes_per_gas)
}

fn bulk_entries(inner: &StoreInner, len: u32) -> u64 {
    u64::from(len) * u64::from(inner.engine.profile().schedule().table_entry)
}

fn memory_grow(inner: &mut StoreInner, pages: u32) -> Result<u32, Stop> {
    let index = memory_index(inner, 0)?;
    let memory = inner.memories.get(index).ok_or_else(internal)?;
    let before = memory.pages();
    let Some(size) = memory.grown(pages) else { return Ok(u32::MAX) };
    if inner.allow_memory(before, size).is_err() {
        return Ok(u32::MAX);
    }
    charge(inner, u64::from(pages) * u64::from(inner.engine.profile().schedule().grow_page))?;
    inner.memories.get_mut(index).ok_or_else(internal)?.grow_to(size)?;
    inner.cx.refresh();
    Ok(before)
}

/// Does an effect on `len` bytes in pieces, and looks between them whether the call is to end.
fn in_pieces(
    inner: &mut StoreInner,
    len: usize,
    ascending: bool,
    mut effect: impl FnMut(&mut StoreInner, Range<usize>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut done = 0;
    while done < len {
        if done > 0 {
            inner.check_interrupt()?;
        }
        let piece = PIECE_BYTES.min(len - done);
        let start = if ascending { done } else { len - done - piece };
        effect(inner, start..start + piece)?;
        done += piece;
    }
    Ok(())
}

fn memory_copy(inner: &mut StoreInner, to: u32, from: u32, len: u32) -> Result<(), Stop> {
    let index = memory_index(inner, 0)?;
    let end = memory_len(inner, index);
    let (Some(to), Some(from)) = (range(to, len, end), range(from, len, end)) else {
        return Err(Stop::Trap(TrapCode::MemoryOutOfBounds));
    };
    charge(inner, bulk_bytes(inner, len))?;
    // What a piece overwrites must have been copied before.
    let ascending = to.start <= from.start;
    in_pieces(inner, from.len(), ascending, |inner, piece| {
        let memory = inner.memories.get_mut(index).ok_or_else(internal)?;
        memory.copy_within(from.start + piece.start..from.start + piece.end, to.start + piece.start);
        Ok(())
    })
}

fn memory_fill(inner: &mut StoreInner, to: u32, value: u8, len: u32) -> Result<(), Stop> {
    let index = memory_index(inner, 0)?;
    let to = range(to, len, memory_len(inner, index)).ok_or(Stop::Trap(TrapCode::MemoryOutOfBounds))?;
    charge(inner, bulk_bytes(inner, len))?;
    in_pieces(inner, to.len(), true, |inner, piece| {
        let memory = inner.memories.get_mut(index).ok_or_else(internal)?;
        if let Some(bytes) = memory.range_mut(to.start + piece.start..to.start + piece.end) {
            bytes.fill(value);
        }
        Ok(())
    })
}

/// `memory.init` of an instance. `lent`: a slice of gas is handed out.
fn memory_init(
    inner: &mut StoreInner,
    instance: u32,
    segment: u32,
    to: u32,
    from: u32,
    len: u32,
    lent: bool,
) -> Result<(), Stop> {
    let entity = inner.instance(instance)?;
    let memory = entity.memories.first().copied().ok_or_else(internal)? as usize;
    let module = entity.module.clone();
    let dropped = entity.dropped_datas.get(segment as usize).copied().unwrap_or(true);
    let bytes: &[u8] = match module.inner.data.datas.get(segment as usize) {
        Some(segment) if !dropped => module.inner.data.datas.bytes_of(segment),
        _ => &[],
    };
    let to = range(to, len, memory_len(inner, memory));
    let (Some(to), Some(from)) = (to, range(from, len, bytes.len())) else {
        return Err(Stop::Trap(TrapCode::MemoryOutOfBounds));
    };
    let cost = bulk_bytes(inner, len);
    if lent {
        charge(inner, cost)?;
    } else {
        inner.meter.charge(cost).map_err(|_| Stop::OutOfGas)?;
    }
    in_pieces(inner, to.len(), true, |inner, piece| {
        let memory = inner.memories.get_mut(memory).ok_or_else(internal)?;
        let from = bytes.get(from.start + piece.start..from.start + piece.end);
        let to = memory.range_mut(to.start + piece.start..to.start + piece.end);
        if let (Some(to), Some(from)) = (to, from) {
            to.copy_from_slice(from);
        }
        Ok(())
    })
}

fn drop_data(inner: &mut StoreInner, instance: u32, segment: u32) -> Result<(), Stop> {
    let entity = inner.instances.get_mut(instance as usize).ok_or_else(internal)?;
    *entity.dropped_datas.get_mut(segment as usize).ok_or_else(internal)? = true;
    Ok(())
}

fn drop_elem(inner: &mut StoreInner, instance: u32, segment: u32) -> Result<(), Stop> {
    let entity = inner.instances.get_mut(instance as usize).ok_or_else(internal)?;
    *entity.dropped_elems.get_mut(segment as usize).ok_or_else(internal)? = true;
    Ok(())
}

fn table_grow(inner: &mut StoreInner, table: u32, init: u32, by: u32) -> Result<u32, Stop> {
    let index = table_index(inner, table)?;
    let table = inner.tables.get(index).ok_or_else(internal)?;
    let before = table.size();
    let Some(size) = table.grown(by) else { return Ok(u32::MAX) };
    if inner.allow_table(before, size).is_err() {
        return Ok(u32::MAX);
    }
    charge(inner, bulk_entries(inner, by))?;
    inner.tables.get_mut(index).ok_or_else(internal)?.grow_to(size, init)?;
    Ok(before)
}

fn table_fill(inner: &mut StoreInner, table: u32, to: u32, value: u32, len: u32) -> Result<(), Stop> {
    let index = table_index(inner, table)?;
    let end = inner.tables.get(index).map_or(0, |table| table.entries().len());
    let to = range(to, len, end).ok_or(Stop::Trap(TrapCode::TableOutOfBounds))?;
    charge(inner, bulk_entries(inner, len))?;
    if let Some(entries) = inner.tables.get_mut(index).and_then(|table| table.entries_mut().get_mut(to)) {
        entries.fill(value);
    }
    Ok(())
}

fn table_copy(inner: &mut StoreInner, args: ServiceArgs, to: u32, from: u32, len: u32) -> Result<(), Stop> {
    let (target, source) = (table_index(inner, args.x)?, table_index(inner, args.y)?);
    let size = |index: usize| inner.tables.get(index).map_or(0, |table| table.entries().len());
    let (Some(to), Some(from)) = (range(to, len, size(target)), range(from, len, size(source))) else {
        return Err(Stop::Trap(TrapCode::TableOutOfBounds));
    };
    charge(inner, bulk_entries(inner, len))?;
    if target == source {
        let table = inner.tables.get_mut(target).ok_or_else(internal)?;
        table.entries_mut().copy_within(from, to.start);
    } else if let Ok([target, source]) = inner.tables.get_disjoint_mut([target, source])
        && let (Some(to), Some(from)) = (target.entries_mut().get_mut(to), source.entries().get(from))
    {
        to.copy_from_slice(from);
    }
    Ok(())
}

/// Operands of `table.init`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TableInit {
    pub segment: u32,
    pub table: u32,
    pub to: u32,
    pub from: u32,
    pub len: u32,
}

fn table_init(inner: &mut StoreInner, instance: u32, init: TableInit, lent: bool) -> Result<(), Stop> {
    let entity = inner.instance(instance)?;
    let table = entity.tables.get(init.table as usize).copied().ok_or_else(internal)? as usize;
    let module = entity.module.clone();
    let dropped = entity.dropped_elems.get(init.segment as usize).copied().unwrap_or(true);
    let items: &[_] = match module.inner.data.elems.get(init.segment as usize) {
        Some(segment) if !dropped => &segment.items,
        _ => &[],
    };
    let end = inner.tables.get(table).map_or(0, |table| table.entries().len());
    let (Some(to), Some(from)) = (range(init.to, init.len, end), range(init.from, init.len, items.len()))
    else {
        return Err(Stop::Trap(TrapCode::TableOutOfBounds));
    };
    let cost = bulk_entries(inner, init.len);
    if lent {
        charge(inner, cost)?;
    } else {
        inner.meter.charge(cost).map_err(|_| Stop::OutOfGas)?;
    }
    for (at, &item) in to.zip(items.get(from).unwrap_or_default()) {
        let value = inner.element(instance, item)?;
        let entries = inner.tables.get_mut(table).ok_or_else(internal)?.entries_mut();
        if let Some(entry) = entries.get_mut(at) {
            *entry = value;
        }
    }
    Ok(())
}

/// A segment applied at instantiation, when no slice is handed out.
pub(crate) enum Segment {
    Elem(TableInit),
    Data { segment: u32, to: u32, len: u32 },
}

/// Applies an active segment.
pub(crate) fn apply(inner: &mut StoreInner, instance: u32, segment: &Segment) -> Result<(), Error> {
    let outcome = match *segment {
        Segment::Elem(init) => table_init(inner, instance, init, false),
        Segment::Data { segment, to, len } => memory_init(inner, instance, segment, to, 0, len, false),
    };
    outcome.map_err(|stop| match stop {
        Stop::Trap(code) => super::driver::trap(code),
        Stop::OutOfGas => Error::new(ErrorCode::OutOfGas),
        Stop::Error(error) => error,
    })
}
