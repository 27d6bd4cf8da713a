//! Whether a result is the one a script expects.

use crate::{Options, WastVal};
use wast::WastRet;
use wast::core::{AbstractHeapType, HeapType, NanPattern, WastRetCore};

/// Compares all results; `Err` says what differs, `Ok(false)` that the script asks for something this runner
/// has no values for.
pub(crate) fn results(expected: &[WastRet<'_>], got: &[WastVal], options: &Options) -> Result<bool, String> {
    if expected.len() != got.len() {
        return Err(format!("{} results, expected {}", got.len(), expected.len()));
    }
    for (index, (expected, got)) in expected.iter().zip(got).enumerate() {
        let WastRet::Core(expected) = expected else { return Ok(false) };
        match one(expected, *got, options) {
            None => return Ok(false),
            Some(true) => {}
            Some(false) => return Err(format!("result {index} is {got:x?}, expected {expected:x?}")),
        }
    }
    Ok(true)
}

/// `None`: a kind of value that the runner does not know.
fn one(expected: &WastRetCore<'_>, got: WastVal, options: &Options) -> Option<bool> {
    Some(match (expected, got) {
        (WastRetCore::I32(want), WastVal::I32(got)) => *want == got,
        (WastRetCore::I64(want), WastVal::I64(got)) => *want == got,
        (WastRetCore::F32(want), WastVal::F32(got)) => f32_matches(want, got, options.strict_nan),
        (WastRetCore::F64(want), WastVal::F64(got)) => f64_matches(want, got, options.strict_nan),
        (WastRetCore::RefNull(of), got) => return null_matches(of.as_ref(), got),
        (WastRetCore::RefExtern(want), WastVal::ExternRef(Some(got))) => want.is_none_or(|want| want == got),
        (WastRetCore::RefFunc(None), WastVal::FuncRef { null }) => !null,
        (WastRetCore::Either(cases), got) => {
            let answers: Vec<_> = cases.iter().map(|case| one(case, got, options)).collect();
            if answers.contains(&Some(true)) {
                true
            } else if answers.contains(&None) {
                return None;
            } else {
                false
            }
        }
        (
            WastRetCore::I32(_)
            | WastRetCore::I64(_)
            | WastRetCore::F32(_)
            | WastRetCore::F64(_)
            | WastRetCore::RefExtern(_)
            | WastRetCore::RefFunc(None),
            _,
        ) => false,
        _ => return None,
    })
}

fn null_matches(of: Option<&HeapType<'_>>, got: WastVal) -> Option<bool> {
    let (is_func, is_null) = match got {
        WastVal::FuncRef { null } => (true, null),
        WastVal::ExternRef(value) => (false, value.is_none()),
        _ => return Some(false),
    };
    let wants_func = match of {
        None => return Some(is_null),
        Some(HeapType::Abstract { ty: AbstractHeapType::Func, .. }) => true,
        Some(HeapType::Abstract { ty: AbstractHeapType::Extern, .. }) => false,
        Some(_) => return None,
    };
    Some(is_null && wants_func == is_func)
}

const F32_NAN: u32 = 0x7fc0_0000;
const F64_NAN: u64 = 0x7ff8_0000_0000_0000;

fn f32_matches(want: &NanPattern<wast::token::F32>, got: u32, strict: bool) -> bool {
    match want {
        NanPattern::Value(want) => want.bits == got,
        NanPattern::CanonicalNan if strict => got == F32_NAN,
        NanPattern::CanonicalNan => got & 0x7fff_ffff == F32_NAN,
        NanPattern::ArithmeticNan => got & F32_NAN == F32_NAN,
    }
}

fn f64_matches(want: &NanPattern<wast::token::F64>, got: u64, strict: bool) -> bool {
    match want {
        NanPattern::Value(want) => want.bits == got,
        NanPattern::CanonicalNan if strict => got == F64_NAN,
        NanPattern::CanonicalNan => got & 0x7fff_ffff_ffff_ffff == F64_NAN,
        NanPattern::ArithmeticNan => got & F64_NAN == F64_NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wast::token::F32;

    #[test]
    fn nan_patterns_look_at_the_right_bits() {
        let canonical = NanPattern::CanonicalNan;
        assert!(f32_matches(&canonical, 0x7fc0_0000, true));
        assert!(f32_matches(&canonical, 0xffc0_0000, false));
        assert!(!f32_matches(&canonical, 0xffc0_0000, true));
        assert!(!f32_matches(&canonical, 0x7fc0_0001, false));
        let arithmetic = NanPattern::ArithmeticNan;
        assert!(f32_matches(&arithmetic, 0xffc0_0001, true));
        assert!(!f32_matches(&arithmetic, 0x7fa0_0000, true));
        assert!(!f32_matches(&arithmetic, 0x7f80_0000, false));
        assert!(f64_matches(&NanPattern::ArithmeticNan, 0x7ff8_0000_0000_0001, true));
        assert!(!f64_matches(&NanPattern::CanonicalNan, 0x7ff4_0000_0000_0000, false));
    }

    #[test]
    fn values_are_compared_by_their_bits() {
        let zero = NanPattern::Value(F32 { bits: 0 });
        assert!(f32_matches(&zero, 0, true));
        assert!(!f32_matches(&zero, 0x8000_0000, false));
        let options = Options::default();
        assert_eq!(one(&WastRetCore::I32(0), WastVal::I64(0), &options), Some(false));
        assert_eq!(one(&WastRetCore::RefNull(None), WastVal::FuncRef { null: true }, &options), Some(true));
        assert_eq!(one(&WastRetCore::RefExtern(Some(1)), WastVal::ExternRef(Some(2)), &options), Some(false));
        let either = WastRetCore::Either(vec![WastRetCore::I32(1), WastRetCore::I32(2)]);
        assert_eq!(one(&either, WastVal::I32(2), &options), Some(true));
        assert_eq!(one(&either, WastVal::I32(3), &options), Some(false));
    }
}
