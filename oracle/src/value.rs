//! Values as the outside sees them, and the u64 that the value stack holds.

use ghost_wasm::ValType;

macro_rules! addresses {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        $($(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub(crate) u32);

        impl $name {
            /// The position in the store, in the order of creation.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        })*
    };
}

addresses! {
    /// A function of the store. Equal addresses, the same function.
    FuncAddr;
    /// A table of the store.
    TableAddr;
    /// A memory of the store.
    MemoryAddr;
    /// A global of the store.
    GlobalAddr;
    /// An instance of the store.
    InstanceAddr;
}

/// Something that can be imported or exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extern {
    /// A function.
    Func(FuncAddr),
    /// A table.
    Table(TableAddr),
    /// A memory.
    Memory(MemoryAddr),
    /// A global.
    Global(GlobalAddr),
}

/// A value. Floats are their bits, so that payloads survive and equality is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Val {
    /// A 32-bit integer.
    I32(i32),
    /// A 64-bit integer.
    I64(i64),
    /// The bits of a 32-bit float.
    F32(u32),
    /// The bits of a 64-bit float.
    F64(u64),
    /// A function, or null.
    FuncRef(Option<FuncAddr>),
    /// Something of the host's, or null.
    ExternRef(Option<u32>),
}

impl Val {
    /// Its type.
    pub fn ty(self) -> ValType {
        match self {
            Val::I32(_) => ValType::I32,
            Val::I64(_) => ValType::I64,
            Val::F32(_) => ValType::F32,
            Val::F64(_) => ValType::F64,
            Val::FuncRef(_) => ValType::FuncRef,
            Val::ExternRef(_) => ValType::ExternRef,
        }
    }

    /// The value that a fresh local of the type has.
    pub fn zero(ty: ValType) -> Val {
        Val::from_raw(ty, 0)
    }

    /// As the value stack holds it: 32-bit values zero-extended, references as index + 1 or 0.
    pub fn to_raw(self) -> u64 {
        match self {
            Val::I32(v) => u64::from(v as u32),
            Val::I64(v) => v as u64,
            Val::F32(bits) => u64::from(bits),
            Val::F64(bits) => bits,
            Val::FuncRef(func) => func.map_or(0, |f| u64::from(f.0) + 1),
            Val::ExternRef(host) => host.map_or(0, |h| u64::from(h) + 1),
        }
    }

    /// The value of a type that `raw` stands for.
    pub fn from_raw(ty: ValType, raw: u64) -> Val {
        let reference = || raw.checked_sub(1).map(|index| index as u32);
        match ty {
            ValType::I32 => Val::I32(raw as u32 as i32),
            ValType::I64 => Val::I64(raw as i64),
            ValType::F32 => Val::F32(raw as u32),
            ValType::F64 => Val::F64(raw),
            ValType::FuncRef => Val::FuncRef(reference().map(FuncAddr)),
            ValType::ExternRef => Val::ExternRef(reference()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_and_back() {
        let cases = [
            (Val::I32(-1), 0xffff_ffff),
            (Val::I64(-1), u64::MAX),
            (Val::F32(0x7fa0_0001), 0x7fa0_0001),
            (Val::F64(0x7ff4_0000_0000_0001), 0x7ff4_0000_0000_0001),
            (Val::FuncRef(None), 0),
            (Val::FuncRef(Some(FuncAddr(0))), 1),
            (Val::ExternRef(None), 0),
            (Val::ExternRef(Some(u32::MAX)), 0x1_0000_0000),
        ];
        for (val, raw) in cases {
            assert_eq!(val.to_raw(), raw, "{val:?}");
            assert_eq!(Val::from_raw(val.ty(), raw), val);
        }
    }
}
