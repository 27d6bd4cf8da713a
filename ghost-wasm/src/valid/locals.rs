//! The types of a body's locals. Neither declared counts nor long parameter lists cost anything: the first
//! locals are looked up in a small array, the others in the function's type or by binary search over the
//! declared runs. The translator has one of its own.

use alloc::vec::Vec;

use crate::types::{FuncType, ValType};

/// How many locals are looked up directly.
const DIRECT: usize = 128;

/// The locals of one body.
#[derive(Debug)]
pub struct Locals {
    /// By any byte: the type of that local, if it is one of the first 128.
    direct: [Option<ValType>; 256],
    ty: Option<FuncType>,
    /// Index behind the run's last local, type.
    runs: Vec<(u32, ValType)>,
    count: u32,
}

impl Locals {
    pub fn new() -> Locals {
        Locals { direct: [None; 256], ty: None, runs: Vec::new(), count: 0 }
    }

    /// Starts over with the parameters of a function.
    pub fn start(&mut self, ty: Option<&FuncType>) {
        // All at once: how many were used is hard to foretell.
        if let Some(direct) = self.direct.first_chunk_mut() {
            *direct = [None; DIRECT];
        }
        self.runs.clear();
        self.ty = ty.cloned();
        let params = ty.map_or(&[][..], FuncType::params);
        // Two slices, which compilers copy many bytes at a time.
        let count = params.len().min(DIRECT);
        let direct = self.direct.get_mut(..count).unwrap_or_default();
        for (direct, &param) in direct.iter_mut().zip(params.get(..count).unwrap_or_default()) {
            *direct = Some(param);
        }
        // A type's parameters are counted in a u32.
        self.count = u32::try_from(params.len()).unwrap_or(u32::MAX);
    }

    pub fn count(&self) -> u32 {
        self.count
    }

    /// Appends a run; `None` if there are more than 2^32 - 1 locals then.
    pub fn push(&mut self, count: u32, ty: ValType) -> Option<()> {
        let end = self.count.checked_add(count)?;
        let direct = self.direct.get_mut(self.count as usize..DIRECT.min(end as usize));
        if let Some(direct) = direct {
            direct.fill(Some(ty));
        }
        match self.runs.last_mut() {
            Some(last) if last.1 == ty => last.0 = end,
            _ if count == 0 => {}
            _ => self.runs.push((end, ty)),
        }
        self.count = end;
        Some(())
    }

    /// A local's type, if its index is below 128.
    #[inline(always)]
    pub fn direct(&self, index: u8) -> Option<ValType> {
        #[expect(clippy::indexing_slicing, reason = "a byte is an index below 256")]
        self.direct[usize::from(index)]
    }

    /// A local's type.
    #[inline(always)]
    pub fn get(&self, index: u32) -> Option<ValType> {
        match u8::try_from(index).ok().and_then(|index| self.direct(index)) {
            Some(ty) => Some(ty),
            None if index < self.count => self.search(index),
            None => None,
        }
    }

    #[inline(never)]
    fn search(&self, index: u32) -> Option<ValType> {
        let params = self.ty.as_ref().map_or(&[][..], FuncType::params);
        if let Some(&param) = params.get(index as usize) {
            return Some(param);
        }
        let at = self.runs.partition_point(|&(end, _)| end <= index);
        self.runs.get(at).map(|&(_, ty)| ty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn direct_and_searched_locals_agree_with_the_runs() {
        let mut locals = Locals::new();
        let params = [ValType::F32; 100];
        locals.start(Some(&FuncType::new(params, [])));
        let runs =
            [(3, ValType::I32), (0, ValType::F32), (70, ValType::I64), (1, ValType::F64), (9, ValType::I32)];
        let mut expected = params.to_vec();
        for (count, ty) in runs {
            assert!(locals.push(count, ty).is_some());
            expected.extend(core::iter::repeat_n(ty, count as usize));
        }
        for (index, &ty) in (0_u32..).zip(&expected) {
            assert_eq!(locals.get(index), Some(ty), "local {index}");
        }
        assert_eq!(locals.get(183), None);
        assert!(locals.push(u32::MAX, ValType::I32).is_none());
        locals.start(None);
        assert_eq!(locals.get(0), None);
    }
}
