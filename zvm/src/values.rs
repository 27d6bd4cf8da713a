//! Values on the command line, on the screen and in JSON. The text format's spelling where it has one.

use ghost_wasm::{Val, ValType};
use serde_json::{Value, json};

/// Reads a value of type `ty`; the error says what would be one.
pub fn parse(text: &str, ty: ValType) -> Result<Val, String> {
    let parsed = match ty {
        ValType::I32 => integer(text).and_then(|value| {
            let signed = i32::try_from(value).ok();
            signed.or_else(|| u32::try_from(value).ok().map(u32::cast_signed)).map(Val::I32)
        }),
        ValType::I64 => integer(text).and_then(|value| {
            let signed = i64::try_from(value).ok();
            signed.or_else(|| u64::try_from(value).ok().map(u64::cast_signed)).map(Val::I64)
        }),
        ValType::F32 => match nan(text) {
            Some(nan) => nan.bits(8, 23).and_then(|bits| u32::try_from(bits).ok()).map(Val::F32),
            None => {
                text.parse::<f32>().ok().filter(|_| is_number(text)).map(|value| Val::F32(value.to_bits()))
            }
        },
        ValType::F64 => match nan(text) {
            Some(nan) => nan.bits(11, 52).map(Val::F64),
            None => {
                text.parse::<f64>().ok().filter(|_| is_number(text)).map(|value| Val::F64(value.to_bits()))
            }
        },
        ValType::FuncRef => (text == "null").then_some(Val::FuncRef(None)),
        ValType::ExternRef if text == "null" => Some(Val::ExternRef(None)),
        ValType::ExternRef => {
            text.parse().ok().filter(|&value| value < u32::MAX).map(|value| Val::ExternRef(Some(value)))
        }
    };
    parsed.ok_or_else(|| format!("`{text}` is no {ty}: {}", expected(ty)))
}

fn expected(ty: ValType) -> &'static str {
    match ty {
        ValType::I32 => "-2147483648 to 4294967295, decimal or 0x…",
        ValType::I64 => "-9223372036854775808 to 18446744073709551615, decimal or 0x…",
        ValType::F32 | ValType::F64 => "a decimal number, inf, nan or nan:0x…, with a sign or without",
        ValType::FuncRef => "only null can be given",
        ValType::ExternRef => "null, or a number below 4294967295",
    }
}

fn integer(text: &str) -> Option<i128> {
    let (negative, digits) = sign(text);
    let digits = digits.replace('_', "");
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let value = match digits.strip_prefix("0x") {
        Some(hex) if hex.starts_with(|c: char| c.is_ascii_hexdigit()) => i128::from_str_radix(hex, 16),
        Some(_) => return None,
        None => digits.parse(),
    };
    value.ok().map(|value| if negative { -value } else { value })
}

fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// Rust also reads `infinity`, which the text format does not know.
fn is_number(text: &str) -> bool {
    let (_, digits) = sign(text);
    digits == "inf" || digits.starts_with(|c: char| c.is_ascii_digit())
}

/// A NaN as written; no payload: the canonical one.
struct Nan {
    negative: bool,
    payload: Option<u64>,
}

fn nan(text: &str) -> Option<Nan> {
    let (negative, rest) = sign(text);
    match rest.strip_prefix("nan")? {
        "" => Some(Nan { negative, payload: None }),
        rest => {
            let payload = u64::from_str_radix(rest.strip_prefix(":0x")?, 16).ok()?;
            Some(Nan { negative, payload: Some(payload) })
        }
    }
}

impl Nan {
    /// The bits of a float with so many exponent and fraction bits.
    fn bits(&self, exponent: u32, fraction: u32) -> Option<u64> {
        let payload = self.payload.unwrap_or(1u64 << fraction.saturating_sub(1));
        let fits = payload != 0 && payload < 1u64 << fraction;
        let sign = u64::from(self.negative) << exponent.saturating_add(fraction);
        let ones = ((1u64 << exponent).saturating_sub(1)) << fraction;
        fits.then_some(sign | ones | payload)
    }
}

/// A value as [`parse`] would read it.
pub fn text(value: &Val) -> String {
    match *value {
        Val::I32(value) => value.to_string(),
        Val::I64(value) => value.to_string(),
        Val::F32(bits) => {
            let value = f32::from_bits(bits);
            if value.is_nan() {
                nan_text(bits >> 31 != 0, u64::from(bits) & 0x7f_ffff)
            } else {
                format!("{value:?}")
            }
        }
        Val::F64(bits) => {
            let value = f64::from_bits(bits);
            if value.is_nan() {
                nan_text(bits >> 63 != 0, bits & 0xf_ffff_ffff_ffff)
            } else {
                format!("{value:?}")
            }
        }
        Val::FuncRef(None) | Val::ExternRef(None) => "null".into(),
        Val::FuncRef(Some(_)) => "func".into(),
        Val::ExternRef(Some(value)) => value.to_string(),
    }
}

fn nan_text(negative: bool, payload: u64) -> String {
    format!("{}nan:{payload:#x}", if negative { "-" } else { "" })
}

/// A value for programs; floats also as their bits.
pub fn to_json(value: &Val) -> Value {
    let mut object = json!({ "type": value.ty().text(), "value": text(value) });
    match *value {
        Val::F32(bits) => object["bits"] = json!(format!("{bits:#010x}")),
        Val::F64(bits) => object["bits"] = json!(format!("{bits:#018x}")),
        _ => {}
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_both_signs_and_bases() {
        let i32 = |text| parse(text, ValType::I32).ok();
        assert_eq!(i32("-1"), Some(Val::I32(-1)));
        assert_eq!(i32("0xffff_ffff"), Some(Val::I32(-1)));
        assert_eq!(i32("4294967295"), Some(Val::I32(-1)));
        assert_eq!(i32("-0x80000000"), Some(Val::I32(i32::MIN)));
        for bad in ["", "-", "4294967296", "-2147483649", "0x", "1.0", "--1", "0x-1", "a", "+-1"] {
            assert_eq!(i32(bad), None, "{bad}");
        }
        assert_eq!(parse("18446744073709551615", ValType::I64), Ok(Val::I64(-1)));
        assert!(parse("18446744073709551616", ValType::I64).is_err());
    }

    #[test]
    fn floats_and_their_bits() {
        for (given, bits) in [
            ("1.5", 0x3fc0_0000),
            ("-0", 0x8000_0000),
            ("inf", 0x7f80_0000),
            ("-inf", 0xff80_0000),
            ("nan", 0x7fc0_0000),
            ("-nan:0x1", 0xff80_0001),
        ] {
            let value = parse(given, ValType::F32).expect("a float");
            assert_eq!(value, Val::F32(bits), "{given}");
            assert_eq!(parse(&text(&value), ValType::F32), Ok(value), "{given}");
        }
        assert_eq!(parse("nan", ValType::F64), Ok(Val::F64(0x7ff8_0000_0000_0000)));
        for bad in ["", "nan:0x0", "nan:0x800000", "infinity", "NaN", "x"] {
            assert!(parse(bad, ValType::F32).is_err(), "{bad}");
        }
    }

    #[test]
    fn references() {
        assert_eq!(parse("null", ValType::FuncRef), Ok(Val::FuncRef(None)));
        assert_eq!(parse("7", ValType::ExternRef), Ok(Val::ExternRef(Some(7))));
        assert!(parse("7", ValType::FuncRef).is_err());
        assert!(parse("4294967295", ValType::ExternRef).is_err());
    }
}
