//! How types are written for people. A module names one type as often as it likes, and a type may have 2,000
//! values: where a text names types, a long one is cut.

use std::fmt::{self, Display};

use ghost_wasm::{ExternType, FuncType, ValType};

/// Parameters or results of a function type that a text shows: few functions that people write have more.
const VALUES_SHOWN_MAX: usize = 16;

/// Whether a text cuts this type.
pub fn is_long(ty: &FuncType) -> bool {
    ty.params().len() > VALUES_SHOWN_MAX || ty.results().len() > VALUES_SHOWN_MAX
}

/// A function type, cut if it is long.
#[derive(Debug)]
pub struct Short<'a>(pub &'a FuncType);

impl Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        values(f, self.0.params())?;
        f.write_str(" -> ")?;
        values(f, self.0.results())
    }
}

fn values(f: &mut fmt::Formatter<'_>, types: &[ValType]) -> fmt::Result {
    f.write_str("[")?;
    for (index, ty) in types.iter().take(VALUES_SHOWN_MAX).enumerate() {
        write!(f, "{}{ty}", if index == 0 { "" } else { " " })?;
    }
    match types.len().saturating_sub(VALUES_SHOWN_MAX) {
        0 => f.write_str("]"),
        more => write!(f, " … {more} more]"),
    }
}

/// What an import or export is, with its type; that of a function is cut if it is long.
#[derive(Debug)]
pub struct ShortExtern(pub ExternType);

impl Display for ShortExtern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            ExternType::Func(ty) => write!(f, "func {}", Short(ty)),
            ExternType::Table(ty) => write!(f, "table {} of {}", Sizes(ty.min, ty.max), ty.element),
            ExternType::Memory(ty) => write!(f, "memory {} pages", Sizes(ty.min, ty.max)),
            ExternType::Global(ty) if ty.mutable => write!(f, "global mut {}", ty.content),
            ExternType::Global(ty) => write!(f, "global {}", ty.content),
        }
    }
}

/// The least and the most, which may be left open.
struct Sizes(u32, Option<u32>);

impl Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            Some(max) => write!(f, "{}..{max}", self.0),
            None => write!(f, "{}..", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_types_are_cut() {
        let ty = FuncType::new([ValType::I32; VALUES_SHOWN_MAX], [ValType::F64]);
        assert!(!is_long(&ty));
        assert_eq!(Short(&ty).to_string(), ty.to_string());
        let shown = format!("[{}i32 … 984 more] -> [f64]", "i32 ".repeat(VALUES_SHOWN_MAX - 1));
        let ty = FuncType::new([ValType::I32; 1000], [ValType::F64]);
        assert!(is_long(&ty));
        assert_eq!(ShortExtern(ExternType::Func(ty)).to_string(), format!("func {shown}"));
        assert!(is_long(&FuncType::new([], [ValType::I32; VALUES_SHOWN_MAX + 1])));
    }
}
