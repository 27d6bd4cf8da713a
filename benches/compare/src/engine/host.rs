//! The host functions that a contract imports, over a store in which nothing is, for the engines whose linkers
//! have the same shape. Only the input is real; what a contract hands out goes nowhere.

/// Defines them in a linker of stores that hold an [`Input`](super::Input). The length of the input is
/// returned, absent keys are −1, everything else does nothing.
macro_rules! define_contract_host {
    ($linker:expr, $caller:ident, $memory:path) => {{
        $linker.func_wrap("env", "input_len", |caller: $caller<'_, Input>| caller.data().len() as i32)?;
        $linker.func_wrap("env", "input_read", |mut caller: $caller<'_, Input>, to: i32, _: i32| -> i32 {
            let input = *caller.data();
            if let Some($memory(memory)) = caller.get_export("memory") {
                // A contract that hands out a bad pointer shows by its result.
                let _ = memory.write(&mut caller, to as u32 as usize, &input);
            }
            input.len() as i32
        })?;
        $linker.func_wrap(
            "env",
            "storage_read",
            |_: $caller<'_, Input>, _: i32, _: i32, _: i32, _: i32| -1i32,
        )?;
        $linker.func_wrap("env", "storage_remove", |_: $caller<'_, Input>, _: i32, _: i32| 0i32)?;
        $linker.func_wrap(
            "env",
            "storage_write",
            |_: $caller<'_, Input>, _: i32, _: i32, _: i32, _: i32| (),
        )?;
        $linker.func_wrap("env", "emit", |_: $caller<'_, Input>, _: i32, _: i32, _: i32, _: i32| ())?;
        $linker.func_wrap("env", "revert", |_: $caller<'_, Input>, _: i32, _: i32, _: i32| ())?;
        $linker.func_wrap("env", "return_data", |_: $caller<'_, Input>, _: i32, _: i32| ())?;
        $linker.func_wrap("env", "caller", |_: $caller<'_, Input>, _: i32| ())?;
        $linker.func_wrap("env", "value", |_: $caller<'_, Input>, _: i32| ())?;
    }};
}

/// An entry of an instance with its types, for the engines whose typed functions have the same shape.
macro_rules! typed_entry {
    () => {
        enum Typed {
            Run(TypedFunc<(i32,), i64>),
            Query(TypedFunc<(), i32>),
        }

        impl Typed {
            fn find(store: &mut Store<Input>, instance: Instance, entry: Entry) -> Result<Typed, Failure> {
                Ok(match entry {
                    Entry::Run => Typed::Run(instance.get_typed_func(&mut *store, "run")?),
                    Entry::Query(_) => Typed::Query(instance.get_typed_func(&mut *store, "query")?),
                })
            }

            fn call(&self, store: &mut Store<Input>, argument: i32) -> Result<i64, Failure> {
                Ok(match self {
                    Typed::Run(run) => run.call(&mut *store, (argument,))?,
                    Typed::Query(query) => query.call(&mut *store, ())?.into(),
                })
            }
        }
    };
}

/// What the store holds for an entry.
pub fn input_of(entry: super::Entry) -> super::Input {
    match entry {
        super::Entry::Run => [0; 4],
        super::Entry::Query(input) => input,
    }
}

pub(super) use {define_contract_host, typed_entry};
