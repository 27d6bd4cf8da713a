//! Every host function, once: name, parameters with their roles, result, price, where it is legal, since
//! which version, what it does. From these rows come the linker's entries, the check of imports while a
//! module arrives, the charge on entry, the refusal where it is not legal, `docs/host_functions.md` and
//! the tests of bad pointers and charges.

use ghost_wasm::{FuncType, ValType};

use super::host_gas::{self, CONSTANTS, Price};
use crate::codec::Writer;

/// The module name that host functions are imported from.
pub const MODULE: &str = "env";

/// What a parameter is for. Pointers and lengths are `i32`, read as u32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The start of a range; its length is the next parameter.
    Ptr,
    /// The length of the range before it.
    Len,
    /// Points at this many bytes that are read.
    In(u32),
    /// Points at this many bytes that are written.
    Out(u32),
    /// Points at 32-byte topics; their count is the next parameter.
    Topics,
    /// A count of topics.
    Count,
    /// A number.
    I32,
    /// A number of 64 bits.
    I64,
}

impl Role {
    /// The WebAssembly type.
    pub const fn val_type(self) -> ValType {
        match self {
            Role::I64 => ValType::I64,
            _ => ValType::I32,
        }
    }
}

macro_rules! places {
    ($(#[doc = $doc:literal] $name:ident;)*) => {
        /// Where a frame stands, as far as it decides what is legal.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Place { $(#[doc = $doc] $name,)* }

        impl Place {
            /// All of them.
            pub const ALL: &'static [Place] = &[$(Place::$name),*];

            /// In words.
            pub const fn doc(self) -> &'static str {
                match self { $(Place::$name => $doc.trim_ascii(),)* }
            }
        }
    };
}

places! {
    /// `init`, `invoke` or `migrate`
    Changing;
    /// a static call
    Static;
    /// a query
    Query;
    /// `check_auth`
    CheckAuth;
}

macro_rules! legalities {
    ($(#[doc = $doc:literal] $name:ident = $number:literal: [$($place:ident)*], $start:literal;)*) => {
        /// Where a function may be called.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Legal { $(#[doc = $doc] $name = $number,)* }

        impl Legal {
            /// All of them.
            pub const ALL: &'static [Legal] = &[$(Legal::$name),*];

            /// Whether it may be called there.
            pub const fn allows(self, place: Place) -> bool {
                match self { $(Legal::$name => matches!(place, $(Place::$place)|*),)* }
            }

            /// Whether it may be called in a module's start function.
            pub const fn in_start(self) -> bool {
                match self { $(Legal::$name => $start,)* }
            }

            /// In words.
            pub const fn doc(self) -> &'static str {
                match self { $(Legal::$name => $doc.trim_ascii(),)* }
            }
        }
    };
}

// One row for each kind of function: the places, and whether a start function there may call it.
legalities! {
    /// anywhere
    Anywhere = 0: [Changing Static Query CheckAuth], true;
    /// not in queries, static calls and `check_auth`
    Changing = 1: [Changing], true;
    /// not in queries and static calls
    Storing = 2: [Changing CheckAuth], true;
    /// not in `check_auth`
    Outside = 3: [Changing Static Query], true;
    /// not in `check_auth` and start functions
    Calling = 4: [Changing Static Query], false;
    /// not in queries, static calls, `check_auth` and start functions
    Creating = 5: [Changing], false;
    /// only in queries
    Querying = 6: [Query], true;
}

/// A row.
#[derive(Clone, Copy, Debug)]
pub struct HostFn {
    /// The name in module `env`.
    pub name: &'static str,
    /// The chapter it belongs to.
    pub chapter: &'static str,
    /// Names and roles.
    pub params: &'static [(&'static str, Role)],
    /// The result type, if any.
    pub result: Option<ValType>,
    /// What it costs.
    pub price: Price,
    /// The name of the price.
    pub price_name: &'static str,
    /// Where it may be called.
    pub legal: Legal,
    /// The version of the interface it came with.
    pub since: u32,
    /// What it does.
    pub doc: &'static str,
}

impl HostFn {
    /// Whether the range that begins with this parameter is written.
    fn writes(&self, param: &str) -> bool {
        param == "out" || (self.name == "storage_next" && param != "iter")
    }

    /// The type that an import must have.
    pub fn ty(&self) -> FuncType {
        FuncType::new(self.params.iter().map(|(_, role)| role.val_type()), self.result)
    }
}

/// Gives all rows to a macro.
macro_rules! for_each_host_fn {
    ($then:ident) => {
        $then! {
            context input_len() -> i32, FLOOR, Anywhere, 1, "Bytes of the input.";
            context input_read(out: Ptr, cap: Len) -> i32, COPY, Anywhere, 1, "Copies the input; returns its full length.";
            context self_address(out: Out20) -> none, FLOOR, Anywhere, 1, "The address of this contract.";
            context caller(out: Out20) -> none, FLOOR, Anywhere, 1, "The address that called this contract; zero in a query.";
            context origin(out: Out20) -> none, FLOOR, Anywhere, 1, "The address that signed the call, whoever called this contract; zero in a query.";
            context caller_key(out: Ptr, cap: Len) -> i32, COPY, Anywhere, 1, "Copies the signer's public key if the signer is the caller; returns its length, else 0.";
            context value(out: Out16) -> none, FLOOR, Anywhere, 1, "Base units that came with the call.";
            context balance(address: In20, out: Out16) -> none, READ, Outside, 1, "The balance of an address.";
            context self_balance(out: Out16) -> none, READ, Anywhere, 1, "The balance of this contract.";
            context chain_id() -> i64, FLOOR, Anywhere, 1, "The number of the chain.";
            context block_height() -> i64, FLOOR, Anywhere, 1, "The height of the block.";
            context block_timestamp() -> i64, FLOOR, Anywhere, 1, "The time of the block in unix milliseconds.";
            context gas_left() -> i64, FLOOR, Anywhere, 1, "Gas that is left after this function is paid.";
            output return_data(data: Ptr, len: Len) -> none, KEPT, Anywhere, 1, "Sets what the call returns; the last one counts.";
            output revert(code: I32, data: Ptr, len: Len) -> none, KEPT, Anywhere, 1, "Ends the call with this code and return data, undoing its effects. Does not return.";
            output log(data: Ptr, len: Len) -> none, LOG, Changing, 1, "Logs data without topics.";
            output emit(topics: Topics, topic_count: Count, data: Ptr, len: Len) -> none, LOG, Changing, 1, "Logs data under at most four topics of 32 bytes.";
            output debug(text: Ptr, len: Len) -> none, KEPT, Anywhere, 1, "Shows a text to whoever made the call; never hashed. 1 KiB of each, 16 KiB in all are read and paid.";
            output abort(message: I32, file: I32, line: I32, column: I32) -> none, FLOOR, Anywhere, 1, "AssemblyScript's abort: a runtime error. Does not return.";
            hashes hash(data: Ptr, len: Len, out: Out32) -> none, BLAKE3, Anywhere, 1, "BLAKE3, 32 bytes; the same as `blake3`.";
            hashes blake3(data: Ptr, len: Len, out: Out32) -> none, BLAKE3, Anywhere, 1, "BLAKE3, 32 bytes.";
            hashes sha256(data: Ptr, len: Len, out: Out32) -> none, SHA256, Anywhere, 1, "SHA-256.";
            hashes keccak256(data: Ptr, len: Len, out: Out32) -> none, KECCAK256, Anywhere, 1, "Keccak-256 as Ethereum uses it.";
            hashes ed25519_verify(key: In32, signature: In64, message: Ptr, len: Len) -> i32, ED25519_VERIFY, Anywhere, 1, "1 if the signature counts by the rule of signed calls, else 0.";
            hashes secp256k1_recover(hash: In32, signature: In64, recovery_id: I32, out: Out64) -> i32, SECP256K1_RECOVER, Anywhere, 1, "1 and the public key that signed the hash, x ‖ y, else 0 and nothing written. Signature r ‖ s and key big-endian; recovery id 0 to 3; a high s (above half the order) is refused.";
            u256 u256_add(a: In32, b: In32, out: Out32) -> i32, U256_ADD, Anywhere, 1, "a + b mod 2^256; 1 if it overflowed, else 0.";
            u256 u256_sub(a: In32, b: In32, out: Out32) -> i32, U256_ADD, Anywhere, 1, "a − b mod 2^256; 1 if b is larger, else 0.";
            u256 u256_mul(a: In32, b: In32, out: Out32) -> i32, U256_MUL, Anywhere, 1, "a · b mod 2^256; 1 if it overflowed, else 0.";
            u256 u256_div(a: In32, b: In32, out: Out32) -> none, U256_DIV, Anywhere, 1, "a / b rounded down; 0 if b is 0.";
            u256 u256_rem(a: In32, b: In32, out: Out32) -> none, U256_DIV, Anywhere, 1, "a mod b; 0 if b is 0.";
            u256 u256_addmod(a: In32, b: In32, modulus: In32, out: Out32) -> none, U256_ADDMOD, Anywhere, 1, "a + b mod modulus, the sum not cut; 0 if the modulus is 0.";
            u256 u256_mulmod(a: In32, b: In32, modulus: In32, out: Out32) -> none, U256_MULMOD, Anywhere, 1, "a · b mod modulus, the product not cut; 0 if the modulus is 0.";
            u256 u256_pow(base: In32, exponent: In32, out: Out32) -> none, U256_POW, Anywhere, 1, "base^exponent mod 2^256; 0^0 is 1. Paid by the bytes of the exponent without leading zeros.";
            u256 u256_powmod(base: In32, exponent: In32, modulus: In32, out: Out32) -> none, U256_POWMOD, Anywhere, 1, "base^exponent mod modulus; 0 if the modulus is 0. Paid by the bytes of the exponent without leading zeros.";
            u256 u256_cmp(a: In32, b: In32) -> i32, U256_CMP, Anywhere, 1, "−1 if a is less than b, 0 if they are equal, 1 if a is greater.";
            storage storage_read(key: Ptr, key_len: Len, out: Ptr, cap: Len) -> i32, READ, Anywhere, 1, "Copies a value; returns its full length, −1 if absent.";
            storage storage_write(key: Ptr, key_len: Len, value: Ptr, len: Len) -> none, WRITE, Storing, 1, "Sets a value; growth of key and value is paid by the byte.";
            storage storage_remove(key: Ptr, key_len: Len) -> i32, READ, Storing, 1, "Removes a value; 1 if there was one, which costs `REMOVE` besides, else 0.";
            storage storage_has(key: Ptr, key_len: Len) -> i32, READ, Anywhere, 1, "1 if there is a value, be it empty, else 0.";
            storage storage_len(key: Ptr, key_len: Len) -> i32, READ, Anywhere, 1, "The length of a value, −1 if absent.";
            storage storage_iter(prefix: Ptr, prefix_len: Len) -> i32, READ, Querying, 1, "Begins with the first key that has the prefix, in order of the bytes; returns a handle. At most 16 in a frame.";
            storage storage_next(iter: I32, key: Ptr, key_cap: Len, value: Ptr, value_cap: Len) -> i64, READ, Querying, 1, "Copies the next key and its value, as far as they fit; returns the key's length · 2^32 + the value's length, −1 behind the last one.";
            storage transient_read(key: Ptr, key_len: Len, out: Ptr, cap: Len) -> i32, TRANSIENT_READ, Anywhere, 1, "Copies a value that the contract has set in this signed call; returns its full length, −1 if absent.";
            storage transient_write(key: Ptr, key_len: Len, value: Ptr, len: Len) -> none, TRANSIENT_WRITE, Storing, 1, "Sets a value until the end of the signed call; undone with the frame.";
            calls call(to: In20, value: In16, gas: I64, input: Ptr, len: Len, flags: I32) -> i32, CALL, Calling, 1, "Calls `invoke` of a contract with at most this gas and 63/64 of what is left, or sends base units to an address without code; returns its status. Flag 1: static, it changes nothing; flag 2: its `query`, which is static.";
            calls create(code_hash: In32, value: In16, gas: I64, input: Ptr, len: Len, out: Out20) -> i32, CREATE, Creating, 1, "Makes a contract of code that is in the state and calls its `init`; returns the status, and with 0 the address.";
            calls migrate(contract: In20, code_hash: In32, input: Ptr, len: Len) -> i32, MIGRATE, Creating, 1, "Gives a contract that this one administers other code that is in the state, and calls its `migrate`; returns the status.";
            calls set_admin(contract: In20, admin: In20) -> i32, SET_ADMIN, Creating, 1, "Gives a contract that this one administers to another administrator, zero for none; returns 0, or 9 if it does not administer it.";
            calls returned_len() -> i32, FLOOR, Anywhere, 1, "Bytes that the last `call`, `create` or `migrate` of this frame returned.";
            calls returned_read(out: Ptr, cap: Len) -> i32, COPY, Anywhere, 1, "Copies them; returns their full length.";
        }
    };
}
pub(crate) use for_each_host_fn;

macro_rules! role {
    (Ptr) => {
        Role::Ptr
    };
    (Len) => {
        Role::Len
    };
    (In16) => {
        Role::In(16)
    };
    (In20) => {
        Role::In(20)
    };
    (In32) => {
        Role::In(32)
    };
    (In64) => {
        Role::In(64)
    };
    (Out16) => {
        Role::Out(16)
    };
    (Out20) => {
        Role::Out(20)
    };
    (Out32) => {
        Role::Out(32)
    };
    (Out64) => {
        Role::Out(64)
    };
    (Topics) => {
        Role::Topics
    };
    (Count) => {
        Role::Count
    };
    (I32) => {
        Role::I32
    };
    (I64) => {
        Role::I64
    };
}

macro_rules! result {
    (none) => {
        None
    };
    (i32) => {
        Some(ValType::I32)
    };
    (i64) => {
        Some(ValType::I64)
    };
}

macro_rules! rows {
    ($($chapter:ident $name:ident($($param:ident: $role:ident),*) -> $result:ident,
        $price:ident, $legal:ident, $since:literal, $doc:literal;)*) => {
        /// All rows.
        pub const HOST_FNS: &[HostFn] = &[$(HostFn {
            name: stringify!($name),
            chapter: stringify!($chapter),
            params: &[$((stringify!($param), role!($role))),*],
            result: result!($result),
            price: host_gas::$price,
            price_name: stringify!($price),
            legal: Legal::$legal,
            since: $since,
            doc: $doc,
        }),*];

        /// The rows by name.
        #[allow(non_upper_case_globals, reason = "named as the functions are")]
        pub(crate) mod row {
            use super::*;
            $(pub(crate) const $name: HostFn = HostFn {
                name: stringify!($name),
                chapter: stringify!($chapter),
                params: &[$((stringify!($param), role!($role))),*],
                result: result!($result),
                price: host_gas::$price,
                price_name: stringify!($price),
                legal: Legal::$legal,
                since: $since,
                doc: $doc,
            };)*
        }
    };
}
for_each_host_fn!(rows);

/// The row of a name.
pub fn host_fn(name: &str) -> Option<&'static HostFn> {
    HOST_FNS.iter().find(|row| row.name == name)
}

impl Role {
    /// The bytes that stand for the role in the hash of the rules: its number, and how many bytes it is for.
    const fn canonical(self) -> (u8, u32) {
        match self {
            Role::Ptr => (1, 0),
            Role::Len => (2, 0),
            Role::In(len) => (3, len),
            Role::Out(len) => (4, len),
            Role::Topics => (5, 32),
            Role::Count => (6, 0),
            Role::I32 => (7, 0),
            Role::I64 => (8, 0),
        }
    }
}

/// A row of the hash of the rules: everything of a function but its words.
pub(crate) fn canonical_row(row: &HostFn) -> Vec<u8> {
    let mut out = Writer::default();
    out.sized(MODULE.as_bytes()).sized(row.name.as_bytes());
    for (_, role) in row.params {
        let (number, len) = role.canonical();
        out.u8(role.val_type() as u8).u8(number).u32(len);
    }
    out.u8(0).u8(row.result.map_or(0, |ty| ty as u8)).u8(row.legal as u8).u32(row.since);
    out.u64(row.price.base).u64(row.price.per_unit).u64(row.price.unit_len);
    out.finish()
}

/// The generated page `docs/host_functions.md`.
pub fn page() -> String {
    use std::fmt::Write as _;
    let mut page = String::from(
        "# Host functions\n\nGenerated from `zvm-host/src/table/host_fns.rs`; a test keeps it fresh.\n\n\
         All are imported from module `env`. Pointers and lengths are `i32`, read as u32; numbers in memory\n\
         are little-endian. Ranges are checked in the order of the arguments, before the charge by length,\n\
         which comes before the effect; a range outside memory traps. A function that copies into\n\
         `out`, `cap` copies what fits and returns the full length. 10 gas are about 1 ns.\n",
    );
    let mut chapter = "";
    for row in HOST_FNS {
        if row.chapter != chapter {
            chapter = row.chapter;
            let _ = write!(
                page,
                "\n## {chapter}\n\n| function | gas | where | what it does |\n|---|---|---|---|\n"
            );
        }
        let params: Vec<String> = row
            .params
            .iter()
            .map(|(name, role)| match role {
                Role::In(len) => format!("{name}: *const [u8; {len}]"),
                Role::Out(len) => format!("{name}: *mut [u8; {len}]"),
                Role::Topics => format!("{name}: *const [u8; 32]"),
                Role::Ptr if row.writes(name) => format!("{name}: *mut u8"),
                Role::Ptr => format!("{name}: *const u8"),
                Role::Len | Role::Count => format!("{name}: u32"),
                Role::I32 => format!("{name}: i32"),
                Role::I64 => format!("{name}: i64"),
            })
            .collect();
        let result = row.result.map_or(String::new(), |ty| format!(" -> {ty}"));
        let legal = row.legal.doc();
        let Price { base, per_unit, unit_len } = row.price;
        let gas =
            if per_unit == 0 { base.to_string() } else { format!("{base} + {per_unit} per {unit_len} B") };
        let _ = writeln!(
            page,
            "| `{}({}){result}` | {gas} | {legal} | {} |",
            row.name,
            params.join(", "),
            row.doc
        );
    }
    page.push_str("\n## Other charges\n\n| what | gas |\n|---|---:|\n");
    for (name, value) in CONSTANTS {
        let _ = writeln!(page, "| `{name}` | {value} |");
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_fresh() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/host_functions.md");
        if std::env::var_os("ZVM_BLESS").is_some() {
            std::fs::write(path, page()).unwrap();
        }
        let found = std::fs::read_to_string(path).unwrap_or_default();
        assert!(found == page(), "docs/host_functions.md is stale: run this test with ZVM_BLESS=1");
    }

    #[test]
    fn rows_are_well_formed() {
        for (index, row) in HOST_FNS.iter().enumerate() {
            assert_eq!(HOST_FNS.iter().position(|other| other.name == row.name), Some(index), "{}", row.name);
            assert!(row.price.base >= host_gas::FLOOR.base, "{}", row.name);
            for (at, (_, role)) in row.params.iter().enumerate() {
                let next = row.params.get(at + 1).map(|(_, role)| *role);
                match role {
                    Role::Ptr => assert_eq!(next, Some(Role::Len), "{}", row.name),
                    Role::Topics => assert_eq!(next, Some(Role::Count), "{}", row.name),
                    _ => {}
                }
            }
        }
        assert!(host_fn("storage_read").is_some());
        assert!(host_fn("storage_iterate").is_none());
    }
}
