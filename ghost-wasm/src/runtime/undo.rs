//! What a failed instantiation takes back: all it has added to the store, unless a table that was there before
//! holds one of its functions. (Active segments before the one that fails stay applied: specification,
//! "Instantiation".) A start function can hand anything on, so nothing is taken back once it runs.

use super::pool::Sizes;
use super::store::{Store, StoreInner};
use crate::Error;
use crate::types::ValType;

/// Runs a part of an instantiation that runs no guest code.
pub(crate) fn all_or_nothing<T, R>(
    store: &mut Store<T>,
    part: impl FnOnce(&mut Store<T>) -> Result<R, Error>,
) -> Result<R, Error> {
    let before = Sizes::of(&store.inner, &store.hosts);
    let result = part(store);
    if result.is_err() && !reachable(&store.inner, &before) {
        let inner = &mut store.inner;
        inner.instances.truncate(before.instances);
        inner.funcs.truncate(before.funcs);
        inner.views.truncate(before.funcs);
        inner.tables.truncate(before.tables);
        inner.memories.truncate(before.memories);
        inner.globals.truncate(before.globals);
        inner.forget_types(before.types);
        inner.lazy.truncate(before.lazy);
        store.hosts.truncate(before.hosts);
    }
    result
}

/// Whether a table that was there holds a function that was not.
fn reachable(inner: &StoreInner, before: &Sizes) -> bool {
    let tables = inner.tables.iter().take(before.tables);
    tables
        .filter(|table| table.ty.element == ValType::FuncRef)
        .any(|table| table.entries().iter().any(|&entry| entry as usize > before.funcs))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use alloc::format;

    use super::Sizes;
    use crate::{Engine, Error, ErrorKind, Linker, Memory, MemoryType, Module, Store, Table, TableType, Val};
    use crate::{Func, ValType};

    struct House {
        store: Store<()>,
        linker: Linker<()>,
    }

    fn house() -> House {
        let engine = Engine::default();
        let mut store = Store::new(&engine, ());
        let ty = TableType { element: ValType::FuncRef, min: 4, max: None };
        let table = Table::new(&mut store, ty, Val::FuncRef(None)).unwrap();
        let others = TableType { element: ValType::ExternRef, min: 1, max: None };
        let others = Table::new(&mut store, others, Val::ExternRef(Some(1_000))).unwrap();
        let memory = Memory::new(&mut store, MemoryType { min: 1, max: None }).unwrap();
        let mut linker = Linker::new(&engine);
        linker.define("h", "t", table).unwrap();
        linker.define("h", "others", others).unwrap();
        linker.define("h", "m", memory).unwrap();
        linker.func_wrap("h", "f", || 4_i32).unwrap();
        linker.func_wrap("h", "fails", || Err::<(), Error>(Error::host(core::fmt::Error))).unwrap();
        House { store, linker }
    }

    impl House {
        fn instantiate(&mut self, text: &str) -> Result<crate::Instance, Error> {
            let module = Module::new(self.store.engine(), &wat::parse_str(text).unwrap()).unwrap();
            self.linker.instantiate(&mut self.store, &module)
        }

        fn sizes(&self) -> Sizes {
            Sizes::of(&self.store.inner, &self.store.hosts)
        }

        /// Calls an entry of the shared table.
        fn entry(&mut self, at: i32) -> i32 {
            let text = r#"(module (import "h" "t" (table 4 funcref))
                (func (export "call") (param i32) (result i32) (call_indirect (result i32) (local.get 0))))"#;
            let instance = self.instantiate(text).unwrap();
            let call = instance.get_typed_func::<(i32,), i32>(&self.store, "call").unwrap();
            call.call(&mut self.store, (at,)).unwrap()
        }
    }

    /// Everything a module can add, and in the end something that fails.
    const ADDS: &str = r#"(import "h" "f" (func $f (result i32))) (import "h" "m" (memory 1))
        (import "h" "t" (table 4 funcref)) (import "h" "others" (table 1 externref))
        (table $own 3 funcref) (global $g funcref (ref.func $own))
        (func $own (result i32) (i32.const 5)) (func (param i64 f32) (result f64) (f64.const 0))
        (elem (table $own) (i32.const 0) func $own $f)"#;

    #[test]
    fn what_nobody_can_reach_goes() {
        let mut house = house();
        let before = house.sizes();
        for (fails, kind) in [
            // The segment does not fit: nothing of it is written.
            ("(elem (table 0) (i32.const 3) func $own $own)", ErrorKind::Trap),
            (
                "(elem (table 0) (i32.const 0) funcref (ref.null func)) (data (i32.const 65536) \"x\")",
                ErrorKind::Trap,
            ),
            ("(data (i32.const 0) \"kept\") (data (i32.const 65535) \"xy\")", ErrorKind::Trap),
            // Allocation fails half-way.
            ("(table 10_000_001 funcref)", ErrorKind::Limit),
            ("(import \"h\" \"nobody\" (func))", ErrorKind::Link),
            ("(import \"h\" \"m\" (table 1 funcref))", ErrorKind::Link),
        ] {
            // Imports come first.
            let text = if fails.starts_with("(import") {
                format!("(module {fails} {ADDS})")
            } else {
                format!("(module {ADDS} {fails})")
            };
            for _ in 0..3 {
                assert_eq!(house.instantiate(&text).unwrap_err().kind(), kind, "{fails}");
                assert_eq!(house.sizes(), before, "{fails}");
            }
        }
        house.store.set_gas(1);
        assert!(
            house
                .instantiate(&format!("(module {ADDS} (data (i32.const 0) \"x\"))"))
                .unwrap_err()
                .is_out_of_gas()
        );
        assert_eq!(house.sizes(), before, "out of gas");
        house.store.set_gas(1 << 30);
        // Numbers are used again, and lead to what has them now.
        house.instantiate(&format!("(module {ADDS} (elem (table 0) (i32.const 2) func $own $f))")).unwrap();
        assert_eq!((house.entry(2), house.entry(3)), (5, 4));
    }

    #[test]
    fn what_a_table_holds_stays() {
        let mut house = house();
        for (at, function, value) in [(0, "$own", 5), (1, "$f", 4)] {
            let fails =
                format!("(elem (table 0) (i32.const {at}) func {function}) (data (i32.const 65536) \"x\")");
            let before = house.sizes();
            assert_eq!(
                house.instantiate(&format!("(module {ADDS} {fails})")).unwrap_err().kind(),
                ErrorKind::Trap
            );
            assert_ne!(house.sizes(), before);
            for _ in 0..3 {
                house.instantiate(&format!("(module {ADDS} (data (i32.const 65536) \"x\"))")).unwrap_err();
            }
            assert_eq!(house.entry(at), value, "{function}");
        }
    }

    /// A start function may have handed its instance's functions to anybody.
    #[test]
    fn what_a_start_function_has_handed_on_stays() {
        let mut house = house();
        for (end, kind) in [("unreachable", ErrorKind::Trap), ("call $fails", ErrorKind::Host)] {
            let text = format!(
                r#"(module (import "h" "fails" (func $fails)) {ADDS}
                (func $start (table.set 0 (i32.const 3) (global.get $g)) {end}) (start $start))"#
            );
            assert_eq!(house.instantiate(&text).unwrap_err().kind(), kind);
            assert_eq!(house.entry(3), 5);
        }
        let f = Func::wrap(&mut house.store, || 9_i32).unwrap();
        let mut result = [Val::I32(0)];
        f.call(&mut house.store, &[], &mut result).unwrap();
        assert_eq!(result, [Val::I32(9)]);
    }
}
