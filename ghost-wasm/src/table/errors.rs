//! The error catalogue: every error the engine can report, one row each. The code's name, its stable
//! number, its kind, the text (the specification's wording where it has one) and the help shown beside it
//! come from here; so do the trap codes. Numbers never change and are never used twice; the high byte is
//! the kind's.

/// Calls `$mac!` with all rows of the error table: first the traps, then the other kinds.
#[rustfmt::skip]
macro_rules! for_each_error {
    ($mac:ident) => {
        $mac! {
            Trap = 0x07 {
                Unreachable            = 0x01, "unreachable", "The code ran into an `unreachable`: a failed assertion or a panic of the guest.";
                MemoryOutOfBounds      = 0x02, "out of bounds memory access", "An address plus its length lies beyond the end of the memory or of the data segment.";
                TableOutOfBounds       = 0x03, "out of bounds table access", "An index plus its length lies beyond the end of the table or of the element segment.";
                IndirectCallToNull     = 0x04, "uninitialized element", "An indirect call named an empty table entry.";
                UndefinedElement       = 0x05, "undefined element", "An indirect call named an index beyond the end of the table.";
                BadSignature           = 0x06, "indirect call type mismatch", "An indirect call found a function of another type than it expects.";
                IntegerOverflow        = 0x07, "integer overflow", "A quotient, or a float converted to an integer, does not fit.";
                IntegerDivisionByZero  = 0x08, "integer divide by zero", "A divisor was zero.";
                BadConversionToInteger = 0x09, "invalid conversion to integer", "A NaN was converted to an integer.";
                StackExhausted         = 0x0a, "call stack exhausted", "Calls are nested deeper than the profile's frames or value stack allow.";
            }
            Malformed = 0x01 {
                UnexpectedEnd          = 0x01, "unexpected end", "The module ends inside its header or inside a section's header.";
                LengthOutOfBounds      = 0x02, "length out of bounds", "The module ends inside a section, or a length reaches beyond what holds it.";
                MagicMissing           = 0x03, "magic header not detected", "A module starts with the bytes 00 61 73 6d.";
                UnknownVersion         = 0x04, "unknown binary version", "The four bytes after the magic header must be 01 00 00 00.";
                IntegerTooLong         = 0x05, "integer representation too long", "A LEB128 number has more bytes than its width needs.";
                IntegerTooLarge        = 0x06, "integer too large", "A LEB128 number does not fit its width.";
                BadUtf8                = 0x07, "malformed UTF-8 encoding", "Names are UTF-8.";
                BadSectionId           = 0x08, "malformed section id", "No section has this id.";
                SectionSizeMismatch    = 0x09, "section size mismatch", "A section's content is shorter or longer than its header says.";
                UnexpectedContent      = 0x0a, "unexpected content after last section", "A section stands twice or out of order.";
                CodeCountMismatch      = 0x0b, "function and code section have inconsistent lengths", "Each declared function needs one body.";
                DataCountMismatch      = 0x0c, "data count and data section have inconsistent lengths", "The DataCount section must name the number of data segments.";
                DataCountRequired      = 0x0d, "data count section required", "`memory.init` and `data.drop` need a DataCount section before the code.";
                BadImportKind          = 0x0e, "malformed import kind", "An import is a function, table, memory or global.";
                BadExportKind          = 0x0f, "malformed export kind", "An export is a function, table, memory or global.";
                BadMutability          = 0x10, "malformed mutability", "A global's mutability is the byte 0 or 1.";
                BadValType             = 0x11, "malformed value type", "The byte is no value type of the profile.";
                BadRefType             = 0x12, "malformed reference type", "The byte is no reference type of the profile.";
                BadFuncType            = 0x13, "malformed function type", "A function type starts with the byte 60.";
                UnexpectedEndOfSection = 0x14, "unexpected end of section or function", "Content runs out inside its section or function body.";
                BadMemArgFlags         = 0x15, "malformed memop flags", "The alignment exponent of a memory access is below 32.";
                BadElemKind            = 0x16, "malformed element kind", "The kind of an element segment is the byte 0.";
                BadSegmentFlags        = 0x17, "malformed segment flags", "The flags of a segment are unknown to the profile.";
                IllegalOpcode          = 0x18, "illegal opcode", "No operator of the profile has this encoding.";
                ZeroByteExpected       = 0x19, "zero byte expected", "A reserved byte must be zero.";
                EndExpected            = 0x1a, "END opcode expected", "An expression or function body does not end where its size says.";
                TooManyLocals          = 0x1b, "too many locals", "A function has more than 4,294,967,295 locals.";
                BadBlockType           = 0x1c, "malformed block type", "A block type is empty, a value type or a type index.";
            }
            Invalid = 0x02 {
                TypeMismatch           = 0x01, "type mismatch", "An operand or result has another type than it must have here.";
                UnknownType            = 0x02, "unknown type", "No type has this index.";
                UnknownFunction        = 0x03, "unknown function", "No function has this index.";
                UnknownTable           = 0x04, "unknown table", "No table has this index.";
                UnknownMemory          = 0x05, "unknown memory", "No memory has this index.";
                UnknownGlobal          = 0x06, "unknown global", "No global that may be named here has this index.";
                UnknownLocal           = 0x07, "unknown local", "The function has no local with this index.";
                UnknownLabel           = 0x08, "unknown label", "No enclosing block has this depth.";
                UnknownElem            = 0x09, "unknown elem segment", "No element segment has this index.";
                UnknownData            = 0x0a, "unknown data segment", "No data segment has this index.";
                ImmutableGlobal        = 0x0b, "global is immutable", "`global.set` needs a mutable global.";
                BadAlignment           = 0x0c, "alignment must not be larger than natural", "The alignment of an access is at most its width.";
                ConstExprRequired      = 0x0d, "constant expression required", "The operator may not stand in a constant expression of this profile.";
                UndeclaredRef          = 0x0e, "undeclared function reference", "`ref.func` in a body needs the function to be exported or named in a segment or global.";
                DuplicateExport        = 0x0f, "duplicate export name", "Export names are unique.";
                BadStart               = 0x10, "start function", "The start function has no parameters and no results.";
                MultipleMemories       = 0x11, "multiple memories", "A module has at most one memory.";
                MultipleTables         = 0x12, "multiple tables", "A module has at most one table in this profile.";
                LimitsMinAboveMax      = 0x13, "size minimum must not be greater than maximum", "A table or memory starts larger than it may grow.";
                MemoryTooLarge         = 0x14, "memory size must be at most 65536 pages (4GiB)", "A memory has at most 65,536 pages.";
                BadResultArity         = 0x15, "invalid result arity", "A `select` with types names exactly one; without multi-value there is at most one result.";
            }
            Limit = 0x03 {
                LimitExceeded          = 0x01, "limit exceeded", "The module or call is larger than the profile allows.";
            }
            Unsupported = 0x04 {
                Unsupported            = 0x01, "unsupported", "The engine does not do this.";
                UnsupportedProposal    = 0x02, "unsupported proposal", "The module needs a proposal that the profile does not have; `docs/features.md` lists which profile has which.";
            }
            Refused = 0x05 {
                Refused                = 0x01, "refused", "The embedder's policy refuses this import, export or custom section.";
            }
            Link = 0x06 {
                UnknownImport          = 0x01, "unknown import", "Nothing is defined under the import's module and name.";
                IncompatibleImport     = 0x02, "incompatible import type", "What is defined under the import's name has another type.";
            }
            OutOfGas = 0x08 {
                OutOfGas               = 0x01, "out of gas", "The gas limit is used up.";
                OutOfGasCap            = 0x02, "out of gas under a cap", "The cap set for an inner call is used up.";
            }
            Host = 0x09 {
                HostError              = 0x01, "host error", "A host function failed.";
                YieldLost              = 0x02, "yield that cannot be resumed", "A host function yielded in a call that another host function, or the host itself, had made.";
            }
            HostFault = 0x0a {
                OutOfMemory            = 0x01, "host out of memory", "The allocator refused; the call ends without an outcome.";
                Internal               = 0x02, "internal error", "This cannot happen; please report it.";
            }
            Usage = 0x0b {
                WrongStore             = 0x01, "wrong store", "A handle was used with another store or engine than its own.";
                Poisoned               = 0x02, "poisoned store", "Guest code ran out of gas or was interrupted, so what it has written is not defined; the store can only be resumed, if its gas ran out, or dropped.";
                WrongArguments         = 0x03, "wrong arguments", "The values do not match the function's parameters or results.";
                WrongType              = 0x04, "wrong type", "The value, function, global, table or memory has another type than was asked for.";
                UnknownExport          = 0x05, "unknown export", "The instance has no such export.";
                DuplicateDefinition    = 0x06, "duplicate definition", "The linker already has something under this module and name.";
                StreamEnded            = 0x07, "stream ended", "The module stream has already failed.";
                NothingToResume        = 0x08, "nothing to resume", "No call of this store waits for what was given.";
                OutOfBounds            = 0x09, "out of bounds", "The host's access lies beyond the end of the memory or table.";
                GrowRefused            = 0x0a, "growth refused", "The memory or table may not grow by this much.";
                Suspended              = 0x0b, "suspended store", "A call waits for a host function's results; resume it or give it up before anything else runs.";
            }
            Yield = 0x0c {
                Yielded                = 0x01, "yield", "A host function has interrupted the call; it goes on when it gets that function's results.";
            }
            Interrupted = 0x0d {
                Interrupted            = 0x01, "interrupted", "The embedder has ended the call through the store's interrupt; there is no outcome.";
            }
        }
    };
}

/// The kinds of errors; they are never mixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ErrorKind {
    /// The bytes are no module.
    Malformed = 0x01,
    /// The module breaks a rule of validation.
    Invalid = 0x02,
    /// A limit of the profile is exceeded.
    Limit = 0x03,
    /// The engine cannot do this.
    Unsupported = 0x04,
    /// The embedder's policy refused.
    Refused = 0x05,
    /// Imports cannot be satisfied.
    Link = 0x06,
    /// The guest trapped.
    Trap = 0x07,
    /// The gas is used up.
    OutOfGas = 0x08,
    /// A host function failed.
    Host = 0x09,
    /// The host could not do its part; there is no outcome.
    HostFault = 0x0a,
    /// The embedder used the interface wrongly.
    Usage = 0x0b,
    /// A host function interrupted the call, which can go on.
    Yield = 0x0c,
    /// The embedder has ended the call; there is no outcome.
    Interrupted = 0x0d,
}

impl ErrorKind {
    /// The kind's name.
    pub const fn text(self) -> &'static str {
        match self {
            ErrorKind::Malformed => "malformed",
            ErrorKind::Invalid => "invalid",
            ErrorKind::Limit => "limit",
            ErrorKind::Unsupported => "unsupported",
            ErrorKind::Refused => "refused",
            ErrorKind::Link => "link",
            ErrorKind::Trap => "trap",
            ErrorKind::OutOfGas => "out of gas",
            ErrorKind::Host => "host",
            ErrorKind::HostFault => "host fault",
            ErrorKind::Usage => "usage",
            ErrorKind::Yield => "yield",
            ErrorKind::Interrupted => "interrupted",
        }
    }
}

macro_rules! define_errors {
    (Trap = $trap_page:literal { $($trap:ident = $trap_low:literal, $trap_text:literal, $trap_help:literal;)* }
     $($kind:ident = $page:literal { $($name:ident = $low:literal, $text:literal, $help:literal;)* })*) => {
        /// What went wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum ErrorCode {
            $(#[doc = concat!("\"", $trap_text, "\": ", $trap_help)] $trap = $trap_page << 8 | $trap_low,)*
            $($(#[doc = concat!("\"", $text, "\": ", $help)] $name = $page << 8 | $low,)*)*
        }

        impl ErrorCode {
            /// All codes, in the order of the table.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$trap,)* $($(ErrorCode::$name,)*)*];

            /// The kind of error.
            pub const fn kind(self) -> ErrorKind {
                match self {
                    $(ErrorCode::$trap => ErrorKind::Trap,)*
                    $($(ErrorCode::$name => ErrorKind::$kind,)*)*
                }
            }

            /// The stable name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(ErrorCode::$trap => stringify!($trap),)*
                    $($(ErrorCode::$name => stringify!($name),)*)*
                }
            }

            /// The text, in the specification's words where it has some.
            pub const fn text(self) -> &'static str {
                match self {
                    $(ErrorCode::$trap => $trap_text,)*
                    $($(ErrorCode::$name => $text,)*)*
                }
            }

            /// A sentence for the person who meets the error.
            pub const fn help(self) -> &'static str {
                match self {
                    $(ErrorCode::$trap => $trap_help,)*
                    $($(ErrorCode::$name => $help,)*)*
                }
            }
        }

        /// Why a guest trapped: the rows of the error table whose kind is `Trap`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum TrapCode {
            $(#[doc = concat!("\"", $trap_text, "\": ", $trap_help)] $trap = $trap_low,)*
        }

        impl TrapCode {
            /// All trap codes, in the order of the table.
            pub const ALL: &'static [TrapCode] = &[$(TrapCode::$trap),*];

            /// The row of the error table.
            pub const fn error_code(self) -> ErrorCode {
                match self { $(TrapCode::$trap => ErrorCode::$trap,)* }
            }

            /// The trap with this number.
            pub const fn from_u8(number: u8) -> Option<TrapCode> {
                match number { $($trap_low => Some(TrapCode::$trap),)* _ => None }
            }

            /// The specification's words.
            pub const fn text(self) -> &'static str {
                self.error_code().text()
            }
        }

        $($(const _: () = assert!(ErrorKind::$kind as u16 == $page && $low > 0 && $low < 0x100);)*)*
    };
}
for_each_error!(define_errors);

impl ErrorCode {
    /// The stable number. The high byte is the kind's.
    pub const fn number(self) -> u16 {
        self as u16
    }
}
