//! How values become bytes and back: little-endian integers, length-bounded strings, nothing else. A
//! declared length is compared with its bound and with the bytes at hand before anything is allocated.

/// Bytes that are not the message they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The first byte at fault, counted from the message's first.
    pub offset: usize,
    /// What was expected.
    pub expected: &'static str,
}

impl core::fmt::Display for Malformed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "expected {} at byte {}", self.expected, self.offset)
    }
}

impl core::error::Error for Malformed {}

/// Reads a message from its front.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// A reader at `bytes`' first byte, which has the number `offset` in the message.
    pub fn new(bytes: &'a [u8], offset: usize) -> Reader<'a> {
        Reader { rest: bytes, offset }
    }

    /// The error that `expected` is not here.
    pub fn malformed(&self, expected: &'static str) -> Malformed {
        Malformed { offset: self.offset, expected }
    }

    /// The next `len` bytes.
    pub fn take(&mut self, len: usize, expected: &'static str) -> Result<&'a [u8], Malformed> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or_else(|| self.malformed(expected))?;
        self.rest = rest;
        self.offset = self.offset.saturating_add(len);
        Ok(head)
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self, expected: &'static str) -> Result<[u8; N], Malformed> {
        let at = self.malformed(expected);
        self.take(N, expected)?.try_into().map_err(|_| at)
    }

    /// Ends the message.
    pub fn end(&self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.malformed("the end of the message")) }
    }
}

/// A value with one encoding.
pub trait Wire: Sized {
    /// How the documentation calls its layout.
    fn layout() -> String;
    /// Appends its bytes.
    fn put(&self, out: &mut Vec<u8>);
    /// Reads it.
    fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed>;
}

macro_rules! wire_ints {
    ($($ty:ident)*) => {$(
        impl Wire for $ty {
            fn layout() -> String {
                stringify!($ty).into()
            }
            fn put(&self, out: &mut Vec<u8>) {
                out.extend(self.to_le_bytes());
            }
            fn take(reader: &mut Reader<'_>) -> Result<$ty, Malformed> {
                Ok(<$ty>::from_le_bytes(reader.array(stringify!($ty))?))
            }
        }
    )*};
}
wire_ints!(u8 u16 u32 u64 u128 i32);

impl<const N: usize> Wire for [u8; N] {
    fn layout() -> String {
        format!("{N} bytes")
    }
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self);
    }
    fn take(reader: &mut Reader<'_>) -> Result<[u8; N], Malformed> {
        reader.array("a field of fixed length")
    }
}

/// At most `MAX` bytes, behind their u32 length.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Blob<const MAX: usize>(Vec<u8>);

impl<const MAX: usize> Blob<MAX> {
    /// Wraps `bytes`; gives them back when they are too many.
    pub fn new(bytes: Vec<u8>) -> Result<Blob<MAX>, Vec<u8>> {
        if bytes.len() <= MAX && u32::try_from(bytes.len()).is_ok() { Ok(Blob(bytes)) } else { Err(bytes) }
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// The bytes.
    pub fn into_vec(self) -> Vec<u8> {
        self.0
    }
}

fn put_sized(bytes: &[u8], out: &mut Vec<u8>) {
    // Blob and Text bound their length at construction, far below 2^32.
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).put(out);
    out.extend(bytes);
}

fn take_sized<'a>(reader: &mut Reader<'a>, max: usize) -> Result<&'a [u8], Malformed> {
    let at = reader.malformed("a length within its bound");
    let len = usize::try_from(u32::take(reader)?).map_err(|_| at)?;
    if len > max {
        return Err(at);
    }
    reader.take(len, "as many bytes as announced")
}

impl<const MAX: usize> Wire for Blob<MAX> {
    fn layout() -> String {
        format!("u32 length ≤ {MAX}, then as many bytes")
    }
    fn put(&self, out: &mut Vec<u8>) {
        put_sized(&self.0, out);
    }
    fn take(reader: &mut Reader<'_>) -> Result<Blob<MAX>, Malformed> {
        Ok(Blob(take_sized(reader, MAX)?.to_vec()))
    }
}

/// At most `MAX` bytes of UTF-8, behind their u32 length.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    /// As much of `text` as fits.
    pub fn clipped(text: &str) -> Text<MAX> {
        Text(text.get(..text.floor_char_boundary(MAX)).unwrap_or(text).to_owned())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> Wire for Text<MAX> {
    fn layout() -> String {
        format!("u32 length ≤ {MAX}, then as many bytes of UTF-8")
    }
    fn put(&self, out: &mut Vec<u8>) {
        put_sized(self.0.as_bytes(), out);
    }
    fn take(reader: &mut Reader<'_>) -> Result<Text<MAX>, Malformed> {
        let at = reader.malformed("UTF-8");
        let bytes = take_sized(reader, MAX)?;
        Ok(Text(core::str::from_utf8(bytes).map_err(|_| at)?.to_owned()))
    }
}

/// Declares messages: the struct, its codec and its rows in the documentation.
macro_rules! messages {
    ($($(#[doc = $doc:literal])* $Name:ident { $($field:ident: $ty:ty, $what:literal;)* })*) => {
        $(
            $(#[doc = $doc])*
            #[derive(Clone, Debug, PartialEq, Eq)]
            pub struct $Name { $(#[doc = $what] pub $field: $ty,)* }

            impl Wire for $Name {
                fn layout() -> String {
                    stringify!($Name).into()
                }
                fn put(&self, _out: &mut Vec<u8>) {
                    $(self.$field.put(_out);)*
                }
                fn take(_reader: &mut Reader<'_>) -> Result<$Name, Malformed> {
                    Ok($Name { $($field: <$ty>::take(_reader)?,)* })
                }
            }
        )*

        /// Name, explanation and fields (name, layout, meaning) of every message.
        pub fn layouts() -> Vec<(&'static str, String, Vec<(&'static str, String, &'static str)>)> {
            vec![$((
                stringify!($Name),
                [$($doc),*].concat().trim().to_owned(),
                vec![$((stringify!($field), <$ty>::layout(), $what),)*],
            ),)*]
        }
    };
}
pub(crate) use messages;
