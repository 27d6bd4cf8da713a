//! Arguments of contract methods as people write them: `transfer(address,uint128)` and words, to the bytes
//! of the native codec and back. The selector is the first 4 bytes of keccak-256 of the signature text.

use std::fmt;
use std::str::FromStr;

use zvm_host::codec::Reader;
use zvm_host::{Address, crypto, hex, unhex};

/// `Error(string)`: how contracts say in words why they revert.
const ERROR_SELECTOR: [u8; 4] = [0x08, 0xc3, 0x79, 0xa0];
/// Bytes of a text that is read back.
const TEXT_LEN_MAX: usize = 64 * 1024;

/// A type of the codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// One byte, 0 or 1.
    Bool,
    /// Little-endian, so many bytes.
    Uint(usize),
    /// 20 bytes.
    Address,
    /// So many bytes, as they are.
    Fixed(usize),
    /// A length and bytes.
    Bytes,
    /// A length and UTF-8.
    Text,
}

impl FromStr for Type {
    type Err = String;

    fn from_str(text: &str) -> Result<Type, String> {
        let number = |prefix: &str| text.strip_prefix(prefix).and_then(|rest| rest.parse::<usize>().ok());
        match text {
            "bool" => Ok(Type::Bool),
            "address" => Ok(Type::Address),
            "bytes" => Ok(Type::Bytes),
            "string" => Ok(Type::Text),
            _ => {
                if let Some(bits) = number("uint").filter(|bits| [8, 16, 32, 64, 128, 256].contains(bits)) {
                    return Ok(Type::Uint(bits / 8));
                }
                if let Some(len) = number("bytes").filter(|len| (1..=32).contains(len)) {
                    return Ok(Type::Fixed(len));
                }
                Err(format!(
                    "`{text}` is no type: bool, uint8 to uint256, address, bytes1 to bytes32, bytes, string"
                ))
            }
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Bool => f.write_str("bool"),
            Type::Uint(len) => write!(f, "uint{}", len.saturating_mul(8)),
            Type::Address => f.write_str("address"),
            Type::Fixed(len) => write!(f, "bytes{len}"),
            Type::Bytes => f.write_str("bytes"),
            Type::Text => f.write_str("string"),
        }
    }
}

impl Type {
    /// Appends the value that `text` means.
    fn encode(self, text: &str, out: &mut Vec<u8>) -> Result<(), String> {
        let wrong = |expected: &str| format!("`{text}` is no {self}: {expected}");
        match self {
            Type::Bool => match text {
                "true" => out.push(1),
                "false" => out.push(0),
                _ => return Err(wrong("true or false")),
            },
            Type::Uint(len) => {
                let digits = text.replace('_', "");
                let value = match digits.strip_prefix("0x") {
                    Some(hex) => u128::from_str_radix(hex, 16),
                    None => digits.parse(),
                };
                let range = format!("0 to 2^{} - 1, decimal or 0x…", len.saturating_mul(8).min(128));
                let value = value.map_err(|_| wrong(&range))?;
                let mut word = [0; 32];
                word.iter_mut().zip(value.to_le_bytes()).for_each(|(to, from)| *to = from);
                let (kept, rest) = word.split_at(len);
                if rest.iter().any(|&byte| byte != 0) {
                    return Err(wrong(&range));
                }
                out.extend(kept);
            }
            Type::Address => {
                let address: Address = text.parse().map_err(|error| wrong(&format!("{error}")))?;
                out.extend(address.as_bytes());
            }
            Type::Fixed(len) => match bytes(text) {
                Some(bytes) if bytes.len() == len => out.extend(bytes),
                _ => return Err(wrong(&format!("0x and {} hex digits", len.saturating_mul(2)))),
            },
            Type::Bytes => put_sized(&bytes(text).ok_or_else(|| wrong("0x and hex digits"))?, out),
            Type::Text => put_sized(text.as_bytes(), out),
        }
        Ok(())
    }

    /// Reads a value and writes it as [`Type::encode`] would read it.
    fn decode(self, reader: &mut Reader<'_>) -> Option<String> {
        Some(match self {
            Type::Bool => match reader.u8().ok()? {
                0 => "false".into(),
                1 => "true".into(),
                _ => return None,
            },
            Type::Uint(len) => {
                let bytes = reader.bytes(len).ok()?;
                let (low, high) = bytes.split_at(len.min(16));
                let mut word = [0; 16];
                word.iter_mut().zip(low).for_each(|(to, from)| *to = *from);
                if high.iter().all(|&byte| byte == 0) {
                    u128::from_le_bytes(word).to_string()
                } else {
                    let big_endian: Vec<u8> = bytes.iter().rev().copied().collect();
                    format!("0x{}", hex(&big_endian))
                }
            }
            Type::Address => Address(reader.array().ok()?).to_string(),
            Type::Fixed(len) => format!("0x{}", hex(reader.bytes(len).ok()?)),
            Type::Bytes => format!("0x{}", hex(reader.sized(TEXT_LEN_MAX, "bytes").ok()?)),
            Type::Text => String::from_utf8(reader.sized(TEXT_LEN_MAX, "string").ok()?.to_vec()).ok()?,
        })
    }
}

fn put_sized(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend(bytes);
}

/// Bytes written as `0x` and hex digits.
pub fn bytes(text: &str) -> Option<Vec<u8>> {
    unhex(text.strip_prefix("0x")?)
}

/// A list of types, as in `uint64,string`; with parentheses or without.
pub fn types(text: &str) -> Result<Vec<Type>, String> {
    let inner = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(text).trim();
    if inner.is_empty() {
        return Ok(Vec::new());
    }
    inner.split(',').map(|ty| ty.trim().parse()).collect()
}

/// The arguments alone: the input of `init`.
pub fn encode_args(types: &[Type], args: &[String]) -> Result<Vec<u8>, String> {
    if types.len() != args.len() {
        let names: Vec<_> = types.iter().map(Type::to_string).collect();
        let count = |n: usize| if n == 1 { "1 argument".into() } else { format!("{n} arguments") };
        return Err(format!("{} expected: ({}), {} given", count(types.len()), names.join(", "), args.len()));
    }
    let mut out = Vec::new();
    types.iter().zip(args).try_for_each(|(ty, text)| ty.encode(text, &mut out))?;
    Ok(out)
}

/// Name and types of a signature such as `transfer(address, uint128)`, and its text without blanks, which is hashed.
fn signature(text: &str) -> Result<(Vec<Type>, String), String> {
    let expected = || format!("`{text}` is no signature: NAME(TYPE,…) expected");
    let (name, rest) = text.split_once('(').ok_or_else(expected)?;
    let list = rest.strip_suffix(')').ok_or_else(expected)?;
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(expected());
    }
    let types = types(list)?;
    let names: Vec<_> = types.iter().map(Type::to_string).collect();
    let hashed = format!("{name}({})", names.join(","));
    Ok((types, hashed))
}

/// The text of a method's or event's signature as it is hashed.
pub fn hashed(text: &str) -> Result<String, String> {
    signature(text).map(|(_, hashed)| hashed)
}

/// Selector and arguments of a method such as `transfer(address,uint128)`: the input of `invoke`, `query`.
pub fn encode_call(method: &str, args: &[String]) -> Result<Vec<u8>, String> {
    let (types, hashed) = signature(method)?;
    let mut out = crypto::selector(&hashed).to_vec();
    out.extend(encode_args(&types, args)?);
    Ok(out)
}

/// The values in `bytes`; nothing if they are not exactly these types.
pub fn decode(types: &[Type], bytes: &[u8]) -> Option<Vec<String>> {
    let mut reader = Reader::new(bytes);
    let values = types.iter().map(|ty| ty.decode(&mut reader)).collect::<Option<_>>()?;
    reader.end().ok()?;
    Some(values)
}

/// The words of a revert, if the return data has some.
pub fn revert_text(return_data: &[u8]) -> Option<String> {
    let rest = return_data.strip_prefix(&ERROR_SELECTOR)?;
    decode(&[Type::Text], rest)?.pop()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(list: &[&str]) -> Vec<String> {
        list.iter().map(|word| word.to_string()).collect()
    }

    #[test]
    fn a_transfer_is_encoded_as_the_contracts_page_shows() {
        let to = format!("0x{}", "22".repeat(20));
        let input = encode_call("transfer(address, uint128)", &words(&[&to, "300"])).expect("a call");
        assert_eq!(hex(&input), format!("fbb001d6{}2c01{}", "22".repeat(20), "00".repeat(14)));
        assert_eq!(encode_call("get()", &[]).map(|input| hex(&input)).as_deref(), Ok("6d4ce63c"));
    }

    #[test]
    fn values_of_every_type_come_back() {
        let list = types("(bool,uint8,uint64,uint128,uint256,address,bytes4,bytes,string)").expect("types");
        let values = words(&[
            "true",
            "255",
            "18446744073709551615",
            "340282366920938463463374607431768211455",
            "7",
            "0x9c949ba1bc36b62185b5a3cf399b20a1bcad6cc9",
            "0x01020304",
            "0x",
            "grün",
        ]);
        let bytes = encode_args(&list, &values).expect("values");
        assert_eq!(decode(&list, &bytes), Some(values));
        assert_eq!(decode(&list, &bytes[1..]), None);
        assert_eq!(decode(&[Type::Uint(1)], &[1, 2]), None, "a byte too many");
        let big = decode(&[Type::Uint(32)], &[0xff; 32]).expect("a word");
        assert_eq!(big, [format!("0x{}", "ff".repeat(32))]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (ty, text) in [
            ("uint8", "256"),
            ("uint8", "-1"),
            ("uint8", ""),
            ("bool", "1"),
            ("bytes2", "0x01"),
            ("bytes", "01"),
            ("address", "0x00"),
        ] {
            let ty: Type = ty.parse().expect("a type");
            assert!(encode_args(&[ty], &words(&[text])).is_err(), "{ty} {text}");
        }
        for method in ["", "f", "f(", "(uint8)", "f(uint7)", "f g()", "f()x"] {
            assert!(encode_call(method, &[]).is_err(), "{method}");
        }
        assert!(encode_call("f(bool)", &[]).is_err());
    }

    #[test]
    fn the_words_of_a_revert() {
        let mut data = ERROR_SELECTOR.to_vec();
        data.extend([2, 0, 0, 0, b'n', b'o']);
        assert_eq!(revert_text(&data).as_deref(), Some("no"));
        assert_eq!(revert_text(&data[..7]), None);
        assert_eq!(revert_text(b""), None);
    }
}
