//! Every limit of the engine: name, unit, reason, and its value in each named set. A limit has its own
//! error kind, neither malformed nor invalid.

/// Calls `$mac!` with all rows: name, unit, JS_API, CONTRACT_V1, reason.
#[rustfmt::skip]
macro_rules! for_each_limit {
    ($mac:ident) => {
        $mac! {
            module_bytes,      ModuleBytes,      "bytes",    1 << 30,    2 << 20, "what a module may weigh, and so everything kept of it";
            types,             Types,            "types",    1_000_000,  4_096,   "the type section";
            functions,         Functions,        "functions", 1_000_000, 10_000,  "functions, imported ones included";
            imports,           Imports,          "imports",  1_000_000,  256,     "the import section";
            exports,           Exports,          "exports",  1_000_000,  1_024,   "the export section";
            globals,           Globals,          "globals",  1_000_000,  4_096,   "globals, imported ones included";
            data_segments,     DataSegments,     "segments", 100_000,    100_000, "the data section";
            elem_segments,     ElemSegments,     "segments", 100_000,    100_000, "the element section";
            tables,            Tables,           "tables",   100_000,    1,       "tables, imported ones included";
            table_entries,     TableEntries,     "entries",  10_000_000, 10_000,  "the size of a table, when it is made or grows; entries of an element segment";
            memories,          Memories,         "memories", 100,        1,       "memories, imported ones included";
            memory_pages,      MemoryPages,      "pages",    65_536,     64,      "the size of a memory, when it is made or grows";
            params,            Params,           "values",   1_000,      64,      "parameters of a function type";
            results,           Results,          "values",   1_000,      64,      "results of a function type";
            locals,            Locals,           "locals",   50_000,     2_048,   "locals of a function, parameters included";
            body_bytes,        BodyBytes,        "bytes",    7_654_321,  256 << 10, "a function body or a constant expression";
            name_bytes,        NameBytes,        "bytes",    100_000,    100_000, "the name of an import, export, custom section or function";
            br_table_targets,  BrTableTargets,   "targets",  7_654_321,  4_096,   "targets of one `br_table`, without the default";
            nesting,           Nesting,          "blocks",   7_654_321,  1_024,   "blocks within blocks of a function, its body included";
            operand_height,    OperandHeight,    "values",   65_535,     2_048,   "values on the operand stack of a function or constant expression";
            frame_slots,       FrameSlots,       "slots",    65_535,     65_535,  "a frame: slot numbers have 16 bits";
            frames,            Frames,           "frames",   50_000,     1_024,   "nested calls";
            value_stack_slots, ValueStackSlots,  "slots",    1_048_576,  131_072, "the slots of all frames together";
            host_nesting,      HostNesting,      "calls",    64,         16,      "guest to host to guest: each level uses native stack";
        }
    };
}

macro_rules! define_limits {
    ($($field:ident, $variant:ident, $unit:literal, $js:expr, $v1:expr, $reason:literal;)*) => {
        /// The limits of a profile.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Limits {
            $(#[doc = concat!("In ", $unit, ": ", $reason, ".")] pub $field: u32,)*
        }

        /// The name of a limit.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Limit {
            $(#[doc = concat!("In ", $unit, ": ", $reason, ".")] $variant,)*
        }

        impl Limits {
            /// The numbers that the engines of the web agreed on.
            pub const JS_API: Limits = Limits { $($field: $js,)* };
            /// Contracts.
            pub const CONTRACT_V1: Limits = Limits { $($field: $v1,)* };

            /// The same limits with another value of one.
            #[must_use]
            pub const fn with(mut self, limit: Limit, value: u32) -> Limits {
                match limit { $(Limit::$variant => self.$field = value,)* }
                self
            }

            /// The value of a limit.
            pub const fn of(&self, limit: Limit) -> u32 {
                match limit { $(Limit::$variant => self.$field,)* }
            }
        }

        impl Limit {
            /// All limits, in the order of the table.
            pub const ALL: &'static [Limit] = &[$(Limit::$variant),*];

            /// The field's name in [`Limits`].
            pub const fn name(self) -> &'static str {
                match self { $(Limit::$variant => stringify!($field),)* }
            }

            /// What is counted.
            pub const fn unit(self) -> &'static str {
                match self { $(Limit::$variant => $unit,)* }
            }

            /// What it limits.
            pub const fn reason(self) -> &'static str {
                match self { $(Limit::$variant => $reason,)* }
            }
        }
    };
}
for_each_limit!(define_limits);

const fn coherent(limits: &Limits) -> bool {
    limits.body_bytes <= limits.module_bytes
        && limits.name_bytes <= limits.module_bytes
        && limits.imports <= limits.module_bytes
        && limits.params <= limits.locals
        && limits.params <= limits.operand_height
        && limits.results <= limits.operand_height
        && limits.memory_pages <= 65_536
        && limits.frame_slots <= u16::MAX as u32
        && limits.frame_slots <= limits.value_stack_slots
        && limits.locals <= limits.frame_slots
        && limits.host_nesting <= limits.frames
        // Offsets in a module and positions in a body are u32 with room to add.
        && limits.module_bytes <= u32::MAX / 2
}
const _: () = assert!(coherent(&Limits::JS_API));
const _: () = assert!(coherent(&Limits::CONTRACT_V1));
