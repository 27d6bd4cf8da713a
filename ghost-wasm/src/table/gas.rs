//! Gas classes and the numbered schedules that price them.
//!
//! Costs belong to WebAssembly operators, never to internal instructions, so that fusion, chunking and
//! builds cannot change them. The unit: 10 gas are about 1 ns on the reference machine.

macro_rules! classes {
    ($($(#[$doc:meta])* $name:ident = $v1:literal;)*) => {
        /// What an operator costs by.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum GasClass {
            $($(#[$doc])* $name,)*
        }

        impl GasClass {
            /// All classes with their names.
            pub const ALL: &'static [(GasClass, &'static str)] = &[$((GasClass::$name, stringify!($name))),*];
        }

        const V1_CLASSES: [u32; GasClass::ALL.len()] = [$($v1),*];
    };
}

classes! {
    /// Blocks, their ends, `nop`, `drop`, `unreachable`.
    Structure = 0;
    /// Constants.
    Const = 1;
    /// Reads and writes of locals.
    Local = 1;
    /// Reads and writes of globals, sizes.
    Global = 3;
    /// Integer arithmetic, comparisons, bit operations.
    Alu = 4;
    /// Integer multiplication, sums and differences of 128 bits.
    Mul = 8;
    /// Integer division and remainder.
    Div = 8;
    /// Conversions between integers, and of bits.
    Convert = 2;
    /// Conversions to, from and between floats.
    FloatConvert = 12;
    /// `select`.
    Select = 6;
    /// Loads.
    Load = 4;
    /// Stores.
    Store = 4;
    /// Float addition, multiplication, rounding.
    FloatAlu = 8;
    /// Float comparisons.
    FloatCmp = 4;
    /// Float division and square root.
    FloatDiv = 24;
    /// `br`; and one per value of the label.
    Br = 6;
    /// `br_if`; and one per value of the label.
    BrIf = 4;
    /// `if`.
    If = 4;
    /// `br_table`; and one per value of the labels.
    BrTable = 8;
    /// `return`, and the `end` of a function body; and one per result.
    Return = 2;
    /// `call`, `return_call`; and one per argument.
    Call = 56;
    /// `call_indirect`, `return_call_indirect`; and one per argument.
    CallIndirect = 100;
    /// `memory.grow`; and `grow_page` per page.
    MemoryGrow = 100;
    /// `memory.copy`, `.fill`, `.init`; and one per `bulk_bytes_per_gas`.
    BulkMemory = 120;
    /// `table.copy`, `.fill`, `.init`, `.grow`; and `table_entry` per entry.
    BulkTable = 80;
    /// `data.drop`, `elem.drop`.
    Drop = 60;
    /// `ref.func`, `table.get`, `table.set`, `table.size`: the driver does them.
    Reference = 400;
}

/// A numbered gas schedule. Its canonical bytes are part of the profile's hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The schedule's number.
    pub number: u32,
    /// Cost by class.
    pub classes: [u32; GasClass::ALL.len()],
    /// Per value that `br*`, `return`, `call*` statically move.
    pub per_value: u32,
    /// Entering a function.
    pub enter: u32,
    /// Declared (non-parameter) locals that one gas zeroes on entry.
    pub locals_per_gas: u32,
    /// Bytes that one gas moves in a bulk memory operator (rounded down).
    pub bulk_bytes_per_gas: u32,
    /// One entry of a bulk table operator.
    pub table_entry: u32,
    /// One page of `memory.grow`.
    pub grow_page: u32,
}

impl Schedule {
    /// The first schedule.
    pub const V1: Schedule = Schedule {
        number: 1,
        classes: V1_CLASSES,
        per_value: 1,
        enter: 4,
        locals_per_gas: 1,
        bulk_bytes_per_gas: 16,
        table_entry: 1,
        grow_page: 6_140,
    };

    /// The cost of a class.
    pub const fn class(&self, class: GasClass) -> u32 {
        self.classes[class as usize]
    }

    /// What entering a function with `locals` declared locals costs.
    pub const fn enter_cost(&self, locals: u32) -> u32 {
        self.enter + locals / self.locals_per_gas
    }
}

/// The highest price of a class and of entering a function. With the other two it keeps what any op charges, and what it
/// may pay ahead, far below 31 bits.
pub const PRICE_MAX: u32 = 1 << 20;
/// The highest price of a constant, and of a read or write of a local: as many of them as the operand stack is high may
/// wait for one op that pays.
pub const WAITING_PRICE_MAX: u32 = 1 << 12;
/// The highest price of a value that is moved: operators move up to 65,535.
pub const PER_VALUE_MAX: u32 = 1 << 8;

impl Schedule {
    /// Whether the engine can keep to it.
    ///
    /// The native stack is bounded by handlers per charge: a cycle that costs nothing would not be. And nothing that
    /// emits an op is free: an op takes time and, where calls in tail position are calls, native stack. The operators in
    /// `Structure` emit none, and are free: what `end` moves has been paid by those that pushed it.
    pub const fn is_sound(&self) -> bool {
        let mut class = 0;
        while class < GasClass::ALL.len() {
            let most = match GasClass::ALL[class].0 {
                GasClass::Structure => 0,
                GasClass::Const | GasClass::Local => WAITING_PRICE_MAX,
                _ => PRICE_MAX,
            };
            let price = self.classes[class];
            if price > most || (price == 0 && most != 0) {
                return false;
            }
            class += 1;
        }
        self.enter >= 1
            && self.enter <= PRICE_MAX
            && self.per_value <= PER_VALUE_MAX
            && self.locals_per_gas >= 1
            && self.bulk_bytes_per_gas >= 1
    }
}
const _: () = assert!(Schedule::V1.is_sound());
