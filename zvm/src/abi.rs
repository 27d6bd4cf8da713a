//! Arguments of contract methods as people write them: `transfer(address,uint128)` and words, to the bytes
//! of the native codec and back. The selector is the first 4 bytes of keccak-256 of the signature text.

use std::fmt;

use ruint::aliases::U256;
use serde_json::json;
use zvm_host::codec::Reader;
use zvm_host::{Address, crypto, hex, unhex};

/// `Error(string)`: how contracts say in words why they revert.
const ERROR_SELECTOR: [u8; 4] = [0x08, 0xc3, 0x79, 0xa0];
/// Bytes of a text that is read back.
const TEXT_LEN_MAX: usize = 64 * 1024;
/// Lists, arrays and tuples within each other: what reads them calls itself as often.
const DEPTH_MAX: usize = 16;

/// A type of the codec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// One byte, 0 or 1.
    Bool,
    /// Little-endian, so many bytes.
    Uint(usize),
    /// Little-endian, so many bytes, in two's complement.
    Int(usize),
    /// 20 bytes.
    Address,
    /// So many bytes, as they are.
    Fixed(usize),
    /// A length and bytes.
    Bytes,
    /// A length and UTF-8.
    Text,
    /// A count and items.
    List(Box<Type>),
    /// So many items.
    Array(Box<Type>, u32),
    /// One after the other; never empty, so that each item of a list takes a byte at least.
    Tuple(Vec<Type>),
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Bool => f.write_str("bool"),
            Type::Uint(len) => write!(f, "uint{}", len.saturating_mul(8)),
            Type::Int(len) => write!(f, "int{}", len.saturating_mul(8)),
            Type::Address => f.write_str("address"),
            Type::Fixed(len) => write!(f, "bytes{len}"),
            Type::Bytes => f.write_str("bytes"),
            Type::Text => f.write_str("string"),
            Type::List(item) => write!(f, "{item}[]"),
            Type::Array(item, count) => write!(f, "{item}[{count}]"),
            Type::Tuple(items) => {
                let names: Vec<_> = items.iter().map(Type::to_string).collect();
                write!(f, "({})", names.join(","))
            }
        }
    }
}

/// A value that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number, an address, bytes, `true` or `false`.
    Word(String),
    /// A text.
    Text(String),
    /// A list or an array.
    List(Vec<Value>),
    /// A tuple.
    Tuple(Vec<Value>),
}

impl fmt::Display for Value {
    /// As an argument is written; a text by itself has no quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let within = |value: &Value| match value {
            Value::Text(text) => json!(text).to_string(),
            other => other.to_string(),
        };
        let joined = |values: &[Value]| values.iter().map(within).collect::<Vec<_>>().join(",");
        match self {
            Value::Word(text) | Value::Text(text) => f.write_str(text),
            Value::List(items) => write!(f, "[{}]", joined(items)),
            Value::Tuple(items) => write!(f, "({})", joined(items)),
        }
    }
}

impl Value {
    /// A string, or an array of such.
    pub fn json(&self) -> serde_json::Value {
        match self {
            Value::Word(text) | Value::Text(text) => json!(text),
            Value::List(items) | Value::Tuple(items) => items.iter().map(Value::json).collect(),
        }
    }
}

impl Type {
    /// A type without parts.
    fn word(text: &str) -> Result<Type, String> {
        let number = |prefix: &str| {
            // Not `+8` or `08`, which Rust would read, too: the text is hashed.
            let digits = text.strip_prefix(prefix).filter(|rest| !rest.starts_with(['0', '+']))?;
            digits.parse::<usize>().ok()
        };
        let bits = |prefix: &str| number(prefix).filter(|bits| [8, 16, 32, 64, 128, 256].contains(bits));
        match text {
            "bool" => return Ok(Type::Bool),
            "address" => return Ok(Type::Address),
            "bytes" => return Ok(Type::Bytes),
            "string" => return Ok(Type::Text),
            _ => {}
        }
        if let Some(bits) = bits("uint") {
            return Ok(Type::Uint(bits / 8));
        }
        if let Some(bits) = bits("int") {
            return Ok(Type::Int(bits / 8));
        }
        if let Some(len) = number("bytes").filter(|len| (1..=32).contains(len)) {
            return Ok(Type::Fixed(len));
        }
        Err(format!(
            "`{text}` is no type: bool, uint8 to uint256, int8 to int256, address, bytes1 to bytes32, bytes, string, \
             T[], T[N], (T,…)"
        ))
    }

    /// Appends the value that `text` means.
    fn encode(&self, text: &str, out: &mut Vec<u8>) -> Result<(), String> {
        match self {
            Type::List(_) | Type::Array(..) | Type::Tuple(_) => {
                let mut rest = Rest(text);
                self.encode_part(&mut rest, out)?;
                rest.end().map_err(|left| format!("`{left}` is left over behind the {self}"))
            }
            _ => self.encode_word(text, out),
        }
    }

    /// Appends the next value of a text that has several.
    fn encode_part(&self, rest: &mut Rest<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        let (open, close) = if matches!(self, Type::Tuple(_)) { ('(', ')') } else { ('[', ']') };
        let opened = |rest: &mut Rest<'_>| match rest.eat(open) {
            true => Ok(()),
            false => Err(format!("`{}` is no {self}: {open}…{close} expected", rest.0)),
        };
        let closed = |rest: &mut Rest<'_>| match rest.eat(close) {
            true => Ok(()),
            false => Err(format!("`{close}` expected where `{}` stands, for {self}", rest.0)),
        };
        match self {
            Type::List(item) => {
                opened(rest)?;
                let (mut count, mut items) = (0u32, Vec::new());
                while !rest.eat(close) {
                    if count > 0 && !rest.eat(',') {
                        return closed(rest);
                    }
                    item.encode_part(rest, &mut items)?;
                    count = count.saturating_add(1);
                }
                out.extend(count.to_le_bytes());
                out.extend(items);
                Ok(())
            }
            Type::Array(item, count) => {
                opened(rest)?;
                for index in 0..*count {
                    if index > 0 && !rest.eat(',') {
                        return Err(format!("{count} items expected, {index} given: {self}"));
                    }
                    item.encode_part(rest, out)?;
                }
                closed(rest)
            }
            Type::Tuple(items) => {
                opened(rest)?;
                for (index, item) in items.iter().enumerate() {
                    if index > 0 && !rest.eat(',') {
                        return Err(format!("{} items expected, {index} given: {self}", items.len()));
                    }
                    item.encode_part(rest, out)?;
                }
                closed(rest)
            }
            _ => self.encode_word(&rest.word()?, out),
        }
    }

    /// Appends a value without parts.
    fn encode_word(&self, text: &str, out: &mut Vec<u8>) -> Result<(), String> {
        let wrong = |expected: &str| format!("`{text}` is no {self}: {expected}");
        match self {
            Type::Bool => match text {
                "true" => out.push(1),
                "false" => out.push(0),
                _ => return Err(wrong("true or false")),
            },
            Type::Uint(len) => {
                let bits = len.saturating_mul(8);
                let value = number(text).filter(|value| value.bit_len() <= bits);
                let value = value.ok_or_else(|| wrong(&format!("0 to 2^{bits} - 1, decimal or 0x…")))?;
                out.extend(value.to_le_bytes::<32>().get(..*len).unwrap_or_default());
            }
            Type::Int(len) => {
                let bits = len.saturating_mul(8).saturating_sub(1);
                let expected = || wrong(&format!("-2^{bits} to 2^{bits} - 1, decimal or 0x…"));
                let digits = text.strip_prefix('-');
                let size = number(digits.unwrap_or(text)).ok_or_else(expected)?;
                let (value, largest) = match digits {
                    Some(_) => (size.wrapping_neg(), size.saturating_sub(U256::ONE)),
                    None => (size, size),
                };
                if largest.bit_len() > bits {
                    return Err(expected());
                }
                out.extend(value.to_le_bytes::<32>().get(..*len).unwrap_or_default());
            }
            Type::Address => {
                let address: Address = text.parse().map_err(|error| wrong(&format!("{error}")))?;
                out.extend(address.as_bytes());
            }
            Type::Fixed(len) => match bytes(text) {
                Some(bytes) if bytes.len() == *len => out.extend(bytes),
                _ => return Err(wrong(&format!("0x and {} hex digits", len.saturating_mul(2)))),
            },
            Type::Bytes => put_sized(&bytes(text).ok_or_else(|| wrong("0x and hex digits"))?, out),
            Type::Text => put_sized(text.as_bytes(), out),
            Type::List(_) | Type::Array(..) | Type::Tuple(_) => return Err(wrong("a list of values")),
        }
        Ok(())
    }

    /// Reads a value. Each item of a list takes a byte at least: no count makes it longer than the bytes.
    fn decode(&self, reader: &mut Reader<'_>) -> Option<Value> {
        let words = |count: u32, item: &Type, reader: &mut Reader<'_>| {
            (0..count).map(|_| item.decode(reader)).collect::<Option<Vec<_>>>().map(Value::List)
        };
        Some(Value::Word(match self {
            Type::Bool => match reader.u8().ok()? {
                0 => "false".into(),
                1 => "true".into(),
                _ => return None,
            },
            Type::Uint(len) => U256::from_le_slice(reader.bytes(*len).ok()?).to_string(),
            Type::Int(len) => {
                let bytes = reader.bytes(*len).ok()?;
                let is_negative = bytes.last()? & 0x80 != 0;
                let mut word = [if is_negative { 0xff } else { 0 }; 32];
                word.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
                let value = U256::from_le_bytes(word);
                if is_negative { format!("-{}", value.wrapping_neg()) } else { value.to_string() }
            }
            Type::Address => Address(reader.array().ok()?).to_string(),
            Type::Fixed(len) => format!("0x{}", hex(reader.bytes(*len).ok()?)),
            Type::Bytes => format!("0x{}", hex(reader.sized(TEXT_LEN_MAX, "bytes").ok()?)),
            Type::Text => {
                let text = reader.sized(TEXT_LEN_MAX, "string").ok()?.to_vec();
                return String::from_utf8(text).ok().map(Value::Text);
            }
            Type::List(item) => {
                let count = reader.u32().ok()?;
                return words(count, item, reader);
            }
            Type::Array(item, count) => return words(*count, item, reader),
            Type::Tuple(items) => {
                return items.iter().map(|item| item.decode(reader)).collect::<Option<_>>().map(Value::Tuple);
            }
        }))
    }
}

/// A number of 256 bits, decimal or `0x…`, without a sign; `_` between digits counts for nothing.
fn number(text: &str) -> Option<U256> {
    let digits = text.replace('_', "");
    let (digits, radix) = match digits.strip_prefix("0x") {
        Some(hex) => (hex, 16),
        None => (digits.as_str(), 10),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    U256::from_str_radix(digits, u64::from(radix)).ok()
}

/// A text that is read from the front.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// Takes a character, if it comes next behind blanks.
    fn eat(&mut self, c: char) -> bool {
        let rest = self.0.trim_start();
        match rest.strip_prefix(c) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    /// Takes what ends before one of these, without blanks around it.
    fn until(&mut self, ends: &[char]) -> &'a str {
        let (word, rest) = self.0.split_at(self.0.find(ends).unwrap_or(self.0.len()));
        self.0 = rest;
        word.trim()
    }

    /// Takes a value without parts: in quotes, as JSON has texts, or up to the next `,`, `]` or `)`.
    fn word(&mut self) -> Result<String, String> {
        if !self.0.trim_start().starts_with('"') {
            return match self.until(&[',', ']', ')']) {
                "" => Err(format!("a value expected where `{}` stands; an empty text is \"\"", self.0)),
                word => Ok(word.into()),
            };
        }
        let mut texts = serde_json::Deserializer::from_str(self.0).into_iter::<String>();
        let text = texts.next().and_then(Result::ok);
        let text = text.ok_or_else(|| format!("`{}` is no text in quotes", self.0))?;
        self.0 = self.0.get(texts.byte_offset()..).unwrap_or_default();
        Ok(text)
    }

    /// Whether nothing but blanks is left; else what is.
    fn end(&self) -> Result<(), &'a str> {
        if self.0.trim().is_empty() { Ok(()) } else { Err(self.0.trim()) }
    }

    /// Takes a type.
    fn ty(&mut self, depth: usize) -> Result<Type, String> {
        let deeper = |depth: usize| match depth.checked_add(1).filter(|&depth| depth <= DEPTH_MAX) {
            Some(depth) => Ok(depth),
            None => Err(format!("types are nested deeper than {DEPTH_MAX}")),
        };
        let mut depth = depth;
        let mut ty = if self.eat('(') {
            depth = deeper(depth)?;
            let items = self.types(depth)?;
            if !self.eat(')') {
                return Err(format!("`)` expected where `{}` stands", self.0));
            }
            if items.is_empty() {
                return Err("a tuple has one type at least".into());
            }
            Type::Tuple(items)
        } else {
            Type::word(self.until(&[',', '(', ')', '[', ']']))?
        };
        while self.eat('[') {
            depth = deeper(depth)?;
            let count = self.until(&[']']);
            if !self.eat(']') {
                return Err("a `]` is missing".into());
            }
            ty = match count {
                "" => Type::List(Box::new(ty)),
                count => match count.parse() {
                    Ok(number) if number > 0 && !count.starts_with(['0', '+']) => {
                        Type::Array(Box::new(ty), number)
                    }
                    _ => return Err(format!("`{count}` is no number of items: 1 to 4294967295")),
                },
            };
        }
        Ok(ty)
    }

    /// Takes types between commas, up to a `)` or the end.
    fn types(&mut self, depth: usize) -> Result<Vec<Type>, String> {
        let mut types = Vec::new();
        if self.0.trim_start().is_empty() || self.0.trim_start().starts_with(')') {
            return Ok(types);
        }
        loop {
            types.push(self.ty(depth)?);
            if !self.eat(',') {
                return Ok(types);
            }
        }
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

/// A list of types, as in `uint64,string`; with parentheses around it or without.
pub fn types(text: &str) -> Result<Vec<Type>, String> {
    let mut rest = Rest(text);
    if rest.eat('(')
        && let Ok(types) = rest.types(0)
        && rest.eat(')')
        && rest.end().is_ok()
    {
        return Ok(types);
    }
    list(text)
}

/// A list of types without parentheses around it: those that are there make a tuple.
fn list(text: &str) -> Result<Vec<Type>, String> {
    let mut rest = Rest(text);
    let types = rest.types(0)?;
    rest.end().map_err(|left| format!("`{left}` is no type"))?;
    Ok(types)
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
    let inner = rest.strip_suffix(')').ok_or_else(expected)?;
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(expected());
    }
    let types = list(inner)?;
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
pub fn decode(types: &[Type], bytes: &[u8]) -> Option<Vec<Value>> {
    let mut reader = Reader::new(bytes);
    let values = types.iter().map(|ty| ty.decode(&mut reader)).collect::<Option<_>>()?;
    reader.end().ok()?;
    Some(values)
}

/// The words of a revert, if the return data has some.
pub fn revert_text(return_data: &[u8]) -> Option<String> {
    let rest = return_data.strip_prefix(&ERROR_SELECTOR)?;
    decode(&[Type::Text], rest)?.pop().map(|text| text.to_string())
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
        let shown = decode(&list, &bytes).map(|values| values.iter().map(Value::to_string).collect());
        assert_eq!(shown, Some(values));
        assert_eq!(decode(&list, &bytes[1..]), None);
        assert_eq!(decode(&[Type::Uint(1)], &[1, 2]), None, "a byte too many");
        let big = decode(&[Type::Uint(32)], &[0xff; 32]).expect("a word");
        let most = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
        assert_eq!(big, [Value::Word(most.into())]);
        assert_eq!(encode_args(&[Type::Uint(32)], &words(&[most])).ok(), Some(vec![0xff; 32]));
        let beyond = format!("{}6", &most[..most.len() - 1]);
        assert!(encode_args(&[Type::Uint(32)], &words(&[&beyond])).is_err());
    }

    #[test]
    fn integers_with_a_sign_have_two_complement() {
        for (ty, text, bytes) in [
            ("int8", "-128", "80"),
            ("int8", "127", "7f"),
            ("int8", "-1", "ff"),
            ("int8", "0", "00"),
            ("int16", "-2", "feff"),
            ("int32", "-2147483648", "00000080"),
            ("int64", "-1", "ffffffffffffffff"),
            ("int128", "-170141183460469231731687303715884105728", "00000000000000000000000000000080"),
        ] {
            let list = types(ty).expect("a type");
            let encoded = encode_args(&list, &words(&[text])).expect(text);
            assert_eq!(hex(&encoded), bytes, "{ty} {text}");
            assert_eq!(decode(&list, &encoded), Some(vec![Value::Word(text.into())]), "{ty}");
        }
        let int256 = types("int256").expect("a type");
        let least = "-57896044618658097711785492504343953926634992332820282019728792003956564819968";
        let encoded = encode_args(&int256, &words(&[least])).expect("it fits");
        assert_eq!(hex(&encoded), format!("{}80", "00".repeat(31)));
        assert_eq!(decode(&int256, &encoded), Some(vec![Value::Word(least.into())]));
        assert_eq!(encode_args(&int256, &words(&["-0x8"])).ok().map(|bytes| bytes[0]), Some(0xf8));
        for (ty, text) in [
            ("int8", "128"),
            ("int8", "-129"),
            ("int8", "--1"),
            ("int8", "-"),
            ("int256", "57896044618658097711785492504343953926634992332820282019728792003956564819968"),
            ("int256", "-57896044618658097711785492504343953926634992332820282019728792003956564819969"),
        ] {
            assert!(encode_args(&types(ty).expect("a type"), &words(&[text])).is_err(), "{ty} {text}");
        }
    }

    /// host.md, 7: a list is a count and its items, a structure its fields in order.
    #[test]
    fn lists_arrays_and_tuples_within_each_other() {
        for (ty, text, bytes) in [
            ("uint8[]", "[]", "00000000"),
            ("uint8[]", "[1, 2,3]", "03000000010203"),
            ("uint16[2]", "[1,2]", "01000200"),
            ("((uint8,bool))", "(7,true)", "0701"),
            ("(uint8,int8[])[]", "[(1,[-1]),(2,[])]", "02000000010 1000000ff0200000000"),
            ("uint8[2][]", "[[1,2],[3,4]]", "0200000001020304"),
            ("uint8[][2]", "[[],[5]]", "000000000100000005"),
            ("string[]", r#"["a,b","]",""]"#, "03000000 03000000612c62 010000005d 00000000"),
        ] {
            let list = types(ty).expect(ty);
            let encoded = encode_args(&list, &words(&[text])).expect(text);
            assert_eq!(hex(&encoded), bytes.replace(' ', ""), "{ty} {text}");
            let read = decode(&list, &encoded).expect(ty);
            assert_eq!(read[0].to_string(), text.replace(", ", ","), "{ty}");
        }
        let nested = types("string[],(bool,uint8)").expect("types");
        let encoded = encode_args(&nested, &words(&["[ a b , \"c\" ]", "(false, 0x10)"])).expect("values");
        let read: Vec<_> = decode(&nested, &encoded).expect("values").iter().map(Value::json).collect();
        assert_eq!(read, [json!(["a b", "c"]), json!(["false", "16"])]);
        for (ty, text) in [
            ("uint8[]", ""),
            ("uint8[]", "1"),
            ("uint8[]", "[1"),
            ("uint8[]", "[1,]"),
            ("uint8[]", "[,1]"),
            ("uint8[]", "[1]2"),
            ("uint8[]", "[256]"),
            ("uint8[2]", "[1]"),
            ("uint8[2]", "[1,2,3]"),
            ("((uint8,bool))", "(1)"),
            ("((uint8,bool))", "[1,true]"),
            ("string[]", r#"["a]"#),
        ] {
            assert!(encode_args(&types(ty).expect(ty), &words(&[text])).is_err(), "{ty} {text}");
        }
    }

    #[test]
    fn types_are_what_is_hashed() {
        for (text, want) in [
            ("f((uint8, bool)[ ] , int256[3][])", "f((uint8,bool)[],int256[3][])"),
            ("f((bool))", "f((bool))"),
            ("f()", "f()"),
        ] {
            assert_eq!(hashed(text).as_deref(), Ok(want));
        }
        assert_eq!(types("(uint8,bool)"), types("uint8,bool"));
        assert_eq!(types("(uint8),(bool)").map(|list| list.len()), Ok(2));
        assert_eq!(types(" ( ) "), Ok(vec![]));
        let deep = format!("uint8{}", "[]".repeat(17));
        let tuples = format!("{}uint8{}", "(".repeat(40), ")".repeat(40));
        for bad in [
            "uint08",
            "int7",
            "int",
            "uint8[",
            "uint8]",
            "uint8[0]",
            "uint8[01]",
            "uint8[+1]",
            "uint8[-1]",
            "uint8[x]",
            "uint8[4294967296]",
            "()[]",
            "(uint8",
            "uint8)",
            "uint8,",
            ",uint8",
            "uint8 bool",
            "bytes33",
            "bytes0",
            &deep,
            &tuples,
        ] {
            assert!(types(bad).is_err(), "{bad}");
        }
    }

    /// What a contract returns is not believed: no count makes work or room beyond the bytes.
    #[test]
    fn counts_that_lie_end_with_the_bytes() {
        let list = types("uint8[][]").expect("types");
        assert_eq!(decode(&list, &[0xff; 8]), None);
        let array = types("(bool[4294967295][4294967295])[]").expect("types");
        assert_eq!(decode(&array, &[1, 0, 0, 0, 1, 1, 1]), None);
        assert_eq!(decode(&types("int8[]").expect("types"), &[1, 0, 0, 0, 1, 2]), None, "a byte too many");
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
            let ty = Type::word(ty).expect("a type");
            assert!(encode_args(std::slice::from_ref(&ty), &words(&[text])).is_err(), "{ty} {text}");
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
