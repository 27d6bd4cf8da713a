//! What is running, as a backtrace: made when a call ends with an error, from the stacks as they then are.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::slice;

use super::instance::InstanceEntity;
use super::module::{ExternKind, Module};
use super::store::{FuncKind, StoreInner};
use crate::backtrace::{Backtrace, FrameInfo, INNERMOST_MAX, OUTERMOST_MAX, cut};
use crate::exec::exits::{halt_code, switch_back_code};
use crate::exec::view::{InstanceView, Switch, Word};

/// A function's activation: its instance, the op that it is at or behind.
#[derive(Clone, Copy, Debug)]
struct Activation {
    instance: *const InstanceView,
    ip: *const Word,
    /// It is at the op, not behind a call.
    here: bool,
}

/// The activations of an entry from the host, the innermost first.
struct Activations<'a, R> {
    next: Option<Activation>,
    returns: R,
    switches: core::iter::Rev<slice::Iter<'a, Switch>>,
}

fn activations(
    inner: &StoreInner,
    depth: usize,
) -> Activations<'_, impl Iterator<Item = *const Word> + use<'_>> {
    let instance = inner.cx.instance_ptr();
    let next = Activation { instance, ip: inner.cx.ip(), here: true };
    Activations {
        next: (!instance.is_null()).then_some(next),
        returns: inner.cx.return_addresses(depth),
        switches: inner.switches.iter().rev(),
    }
}

impl<R: Iterator<Item = *const Word>> Iterator for Activations<'_, R> {
    type Item = Activation;

    fn next(&mut self) -> Option<Activation> {
        let current = self.next?;
        let ip = self.returns.next().filter(|&ip| ip != halt_code());
        self.next = ip.and_then(|ip| {
            if ip != switch_back_code() {
                return Some(Activation { ip, here: false, ..current });
            }
            let switch = self.switches.next()?;
            Some(Activation { instance: switch.instance, ip: switch.ip, here: false })
        });
        Some(current)
    }
}

/// Adds what has been running since the entry that began at `depth`.
#[cold]
pub(crate) fn add_running(inner: &StoreInner, depth: usize, trace: &mut Backtrace) {
    let count = activations(inner, depth).count();
    let outermost = count.saturating_sub(OUTERMOST_MAX);
    let shown = |&(number, _): &(usize, Activation)| number < INNERMOST_MAX || number >= outermost;
    let mut frames: Vec<_> = activations(inner, depth)
        .enumerate()
        .filter(shown)
        .filter_map(|(number, activation)| Some((number, frame(inner, activation)?)))
        .collect();
    name_by_exports(&mut frames);
    let mut skipped = outermost.saturating_sub(INNERMOST_MAX);
    for (number, (frame, _)) in frames {
        if number >= INNERMOST_MAX && skipped > 0 {
            trace.skip(core::mem::take(&mut skipped));
        }
        trace.push(frame);
    }
}

/// Gives functions that have no name that of their first export, with one look at each module's exports: there may be a
/// million.
fn name_by_exports(frames: &mut [(usize, (FrameInfo, &Module))]) {
    let mut names: Vec<(&Module, BTreeMap<u32, Option<&str>>)> = Vec::new();
    for (_, (frame, module)) in frames.iter().filter(|(_, (frame, _))| frame.name.is_none()) {
        let Some(index) = frame.func_index else { continue };
        match names.iter_mut().find(|(of, _)| Module::same(of, module)) {
            Some((_, wanted)) => _ = wanted.insert(index, None),
            None => names.push((module, BTreeMap::from([(index, None)]))),
        }
    }
    for (module, wanted) in &mut names {
        let exports = module.inner.data.exports.iter().filter(|export| export.kind == ExternKind::Func);
        for export in exports {
            wanted.entry(export.index).and_modify(|name| _ = name.get_or_insert(&export.name));
        }
    }
    for (_, (frame, module)) in frames.iter_mut().filter(|(_, (frame, _))| frame.name.is_none()) {
        let of_module = names.iter().find(|(of, _)| Module::same(of, module));
        let name = frame.func_index.and_then(|index| of_module?.1.get(&index).copied().flatten());
        frame.name = name.map(cut);
    }
}

/// Adds a host function that has failed, called by instance `caller`.
#[cold]
pub(crate) fn add_host(inner: &StoreInner, host: u32, caller: Option<u32>, trace: &mut Backtrace) {
    let instances = caller.into_iter().chain(0..inner.instances.len() as u32);
    let found = instances.filter_map(|index| inner.instances.get(index as usize)).find_map(|instance| {
        let imported = instance.module.inner.data.env.imported_funcs as usize;
        let is_it = |&func: &u32| {
            let entity = inner.funcs.get(func as usize);
            entity.is_some_and(|entity| matches!(entity.kind, FuncKind::Host(number) if number == host))
        };
        let index = instance.funcs.iter().take(imported).position(is_it)? as u32;
        Some((index, import_name(&instance.module, index)))
    });
    let (func_index, name) = found.unzip();
    trace.push(FrameInfo { func_index, name: name.flatten(), offset: None, host: true });
}

/// An activation as a frame, with the name of the name section, and the module that it is of.
fn frame(inner: &StoreInner, activation: Activation) -> Option<(FrameInfo, &Module)> {
    let Activation { instance, ip, here } = activation;
    let is_it = |entity: &InstanceEntity| core::ptr::eq(entity.view.address(), instance);
    let index = inner.instances.iter().position(is_it)?;
    let (func_index, offset) = match inner.place(index as u32, ip, here) {
        Some((entry, func)) => (func, Some(entry.offset)),
        // Where gas runs out need not be where something can trap.
        None => inner.near(index as u32, ip)?,
    };
    let module = &inner.instances.get(index)?.module;
    let name = module.function_name(func_index).map(cut);
    Some((FrameInfo { func_index: Some(func_index), name, offset, host: false }, module))
}

/// `module.name` of an imported function.
fn import_name(module: &Module, index: u32) -> Option<String> {
    let mut imports = module.inner.data.imports.iter();
    let import = imports.find(|import| import.kind == ExternKind::Func && import.index == index)?;
    Some(cut(&alloc::format!("{}.{}", import.module, import.name)))
}
