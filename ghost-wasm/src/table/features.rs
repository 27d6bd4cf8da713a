//! The proposals: the single source for their names and links, for which profile has which, and for the bytes
//! by which a module shows that it needs one that is off. The errors that name a proposal, the page
//! `docs/features.md` and the tests of both come from this table.
//!
//! A row is: name, text name, specification, the first profile that has it, and marks. Operators of the
//! operator table (`ops.rs`) name their proposal there and need no mark.
//!
//! Marks are as narrow as the encoding allows, because what no proposal uses must stay "malformed". Still, a
//! single byte may be damage: texts say so.

use Mark::*;

macro_rules! features {
    ($($name:ident, $text:literal, $link:literal, $since:ident, [$($mark:expr),* $(,)?];)*) => {
        /// A proposal (or the first version of WebAssembly).
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Feature {
            $(#[doc = $link] $name,)*
        }

        impl Feature {
            /// All of them.
            pub const ALL: &'static [Feature] = &[$(Feature::$name),*];

            /// The proposal's usual name.
            pub const fn text(self) -> &'static str {
                match self { $(Feature::$name => $text,)* }
            }

            /// Where it is specified.
            pub const fn link(self) -> &'static str {
                match self { $(Feature::$name => $link,)* }
            }

            /// The first profile that has it; contracts have what `Wasm2Ext` has.
            pub const fn since(self) -> Since {
                match self { $(Feature::$name => Since::$since,)* }
            }

            /// How a module shows that it needs the proposal, beside the operators of the operator table.
            pub const fn marks(self) -> &'static [Mark] {
                match self { $(Feature::$name => &[$($mark),*],)* }
            }
        }
    };
}

// The position of a row is its bit in the hash of a profile: rows are only ever added at the end.
features! {
    Mvp, "mvp", "<https://www.w3.org/TR/wasm-core-1/>", Wasm1, [];
    MutableGlobal, "mutable-global", "<https://github.com/WebAssembly/mutable-global>", Wasm1, [];
    SignExtension, "sign-extension", "<https://github.com/WebAssembly/sign-extension-ops>", Wasm2, [];
    SaturatingConversion, "nontrapping-fptoint", "<https://github.com/WebAssembly/nontrapping-float-to-int-conversions>", Wasm2, [];
    MultiValue, "multi-value", "<https://github.com/WebAssembly/multi-value>", Wasm2,
        [Rule("more than one result"), Rule("a block type that is a type index")];
    BulkMemory, "bulk-memory", "<https://github.com/WebAssembly/bulk-memory-operations>", Wasm2,
        [SectionId(12), Rule("a segment that is not active")];
    ReferenceTypes, "reference-types", "<https://github.com/WebAssembly/reference-types>", Wasm2,
        [RefType(0x6f), RefType(0x70), Rule("more than one table")];
    ExtendedConst, "extended-const", "<https://github.com/WebAssembly/extended-const>", Wasm2Ext,
        [Rule("addition, subtraction or multiplication in a constant expression")];
    TailCall, "tail-call", "<https://github.com/WebAssembly/tail-call>", Latest, [];
    WideArithmetic, "wide-arithmetic", "<https://github.com/WebAssembly/wide-arithmetic>", Latest, [];
    Simd, "simd", "<https://github.com/WebAssembly/simd>", Nowhere, [
        ValType(0x7b), Sub(0xfd, 0x00, 0x99), Sub(0xfd, 0x9b, 0xa1), Sub(0xfd, 0xa3, 0xa4), Sub(0xfd, 0xa7, 0xae),
        Sub(0xfd, 0xb1, 0xb1), Sub(0xfd, 0xb5, 0xba), Sub(0xfd, 0xbc, 0xc1), Sub(0xfd, 0xc3, 0xc4),
        Sub(0xfd, 0xc7, 0xce), Sub(0xfd, 0xd1, 0xd1), Sub(0xfd, 0xd5, 0xe1), Sub(0xfd, 0xe3, 0xed),
        Sub(0xfd, 0xef, 0xff)];
    RelaxedSimd, "relaxed-simd", "<https://github.com/WebAssembly/relaxed-simd>", Nowhere, [Sub(0xfd, 0x100, 0x113)];
    Threads, "threads", "<https://github.com/WebAssembly/threads>", Nowhere,
        [Sub(0xfe, 0x00, 0x03), Sub(0xfe, 0x10, 0x4e), MemoryFlag(0x02)];
    Memory64, "memory64", "<https://github.com/WebAssembly/memory64>", Nowhere, [MemoryFlag(0x04), TableFlag(0x04)];
    MultiMemory, "multi-memory", "<https://github.com/WebAssembly/multi-memory>", Nowhere,
        [MemArgFlag(0x40), Rule("more than one memory")];
    ExceptionHandling, "exception-handling", "<https://github.com/WebAssembly/exception-handling>", Nowhere, [
        Opcode(0x08, 0x08), Opcode(0x0a, 0x0a), Opcode(0x1f, 0x1f), SectionId(13), ExternKind(4), RefType(0x69),
        RefType(0x74)];
    LegacyExceptions, "legacy-exceptions", "<https://github.com/WebAssembly/exception-handling/blob/main/proposals/exception-handling/legacy/Exceptions.md>", Nowhere,
        [Opcode(0x06, 0x07), Opcode(0x09, 0x09), Opcode(0x18, 0x19)];
    FunctionReferences, "function-references", "<https://github.com/WebAssembly/function-references>", Nowhere, [
        Opcode(0x14, 0x15), Opcode(0xd4, 0xd6), RefType(0x63), RefType(0x64), TableInit(0x40),
        Rule("`ref.null` of a type index")];
    Gc, "gc", "<https://github.com/WebAssembly/gc>", Nowhere, [
        Opcode(0xd3, 0xd3), Sub(0xfb, 0x00, 0x1e), TypeForm(0x4e, 0x50), TypeForm(0x5e, 0x5f), RefType(0x6a),
        RefType(0x6b), RefType(0x6c), RefType(0x6d), RefType(0x6e), RefType(0x71), RefType(0x72), RefType(0x73),
        Rule("`global.get` of a global of the module in a constant expression")];
    CustomPageSizes, "custom-page-sizes", "<https://github.com/WebAssembly/custom-page-sizes>", Nowhere, [MemoryFlag(0x08)];
    StackSwitching, "stack-switching", "<https://github.com/WebAssembly/stack-switching>", Nowhere,
        [Opcode(0xe0, 0xe6), TypeForm(0x5d, 0x5d), RefType(0x68), RefType(0x75)];
    SharedEverything, "shared-everything-threads", "<https://github.com/WebAssembly/shared-everything-threads>", Nowhere,
        [Sub(0xfe, 0x04, 0x04), Sub(0xfe, 0x4f, 0x72), TypeForm(0x65, 0x65), RefType(0x65), TableFlag(0x02), GlobalFlag(0x02)];
    MemoryControl, "memory-control", "<https://github.com/WebAssembly/memory-control>", Nowhere, [Sub(0xfc, 0x12, 0x12)];
    CustomDescriptors, "custom-descriptors", "<https://github.com/WebAssembly/custom-descriptors>", Nowhere,
        [Sub(0xfb, 0x20, 0x26), TypeForm(0x4c, 0x4d), ImportKind(0x20)];
    CompactImports, "compact-import-section", "<https://github.com/WebAssembly/compact-import-section>", Nowhere,
        [ImportKind(0x7e), ImportKind(0x7f)];
    Stringref, "stringref", "<https://github.com/WebAssembly/stringref>", Nowhere,
        [Sub(0xfb, 0x80, 0xb7), SectionId(14), RefType(0x67)];
    ComponentModel, "component-model", "<https://github.com/WebAssembly/component-model>", Nowhere, [Layer(1)];
}

// The last bit of a set stands for bytes that belong to no proposal (`binary/opcode.rs`).
const _: () = assert!(Feature::ALL.len() < 63);

/// How a module shows that it needs a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Operators of one byte, from the first to the last.
    Opcode(u8, u8),
    /// Operators behind a prefix byte, from the first sub-opcode to the last.
    Sub(u8, u32, u32),
    /// The id of a section.
    SectionId(u8),
    /// The first byte of an entry of the type section, from the first to the last.
    TypeForm(u8, u8),
    /// The first byte of a value or block type.
    ValType(u8),
    /// The first byte of a reference type, which is a value type, too.
    RefType(u8),
    /// The first byte of an entry of the table section.
    TableInit(u8),
    /// A bit of the flags of a memory's limits.
    MemoryFlag(u8),
    /// A bit of the flags of a table's limits.
    TableFlag(u8),
    /// A bit of the mutability of a global.
    GlobalFlag(u8),
    /// A bit of the alignment of a memory access.
    MemArgFlag(u8),
    /// The kind of an import or export.
    ExternKind(u8),
    /// The kind of an import.
    ImportKind(u8),
    /// The third byte of the version.
    Layer(u8),
    /// A rule of validation that the proposal lifts; the validator names the proposal where it checks the rule.
    Rule(&'static str),
}

impl Feature {
    /// The first proposal that has a mark for which `is` holds.
    pub fn marked(is: impl Fn(Mark) -> bool) -> Option<Feature> {
        Feature::ALL.iter().copied().find(|feature| feature.marks().iter().any(|&mark| is(mark)))
    }

    /// Whether `byte` is the prefix of operators of some proposal that no profile has.
    pub fn is_prefix(byte: u8) -> bool {
        Feature::marked(|mark| matches!(mark, Sub(prefix, ..) if prefix == byte)).is_some()
    }

    /// The names of the profiles that have the proposal.
    pub fn profiles(self) -> impl Iterator<Item = &'static str> {
        ProfileFeatures::ALL
            .iter()
            .filter(move |profile| profile.features.has(self))
            .map(|profile| profile.name)
    }
}

/// The profiles in the order in which proposals came into them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Since {
    /// WebAssembly 1.0.
    Wasm1,
    /// WebAssembly 2.0.
    Wasm2,
    /// 2.0 with extended constant expressions; contracts.
    Wasm2Ext,
    /// Tools and tests.
    Latest,
    /// No profile of this version.
    Nowhere,
}

/// A profile's name and its proposals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProfileFeatures {
    /// The name.
    pub name: &'static str,
    /// The proposals.
    pub features: FeatureSet,
}

impl ProfileFeatures {
    /// WebAssembly 1.0, to which the mutable-global proposal already belonged.
    pub const WASM_1: ProfileFeatures = ProfileFeatures::up_to("wasm-1", Since::Wasm1);
    /// WebAssembly 2.0 without SIMD.
    pub const WASM_2: ProfileFeatures = ProfileFeatures::up_to("wasm-2", Since::Wasm2);
    /// WebAssembly 2.0 without SIMD, with extended constant expressions.
    pub const WASM_2_EXT: ProfileFeatures = ProfileFeatures::up_to("wasm-2-ext", Since::Wasm2Ext);
    /// All proposals that the engine knows.
    pub const LATEST: ProfileFeatures = ProfileFeatures::up_to("latest", Since::Latest);
    /// Contracts, first version.
    pub const CONTRACT_V1: ProfileFeatures = ProfileFeatures::up_to("contract-v1", Since::Wasm2Ext);

    /// All profiles.
    pub const ALL: &'static [ProfileFeatures] = &[
        ProfileFeatures::WASM_1,
        ProfileFeatures::WASM_2,
        ProfileFeatures::WASM_2_EXT,
        ProfileFeatures::LATEST,
        ProfileFeatures::CONTRACT_V1,
    ];

    const fn up_to(name: &'static str, since: Since) -> ProfileFeatures {
        let mut features = FeatureSet(0);
        let mut row = 0;
        while row < Feature::ALL.len() {
            if Feature::ALL[row].since() as u8 <= since as u8 {
                features = features.with(Feature::ALL[row]);
            }
            row += 1;
        }
        ProfileFeatures { name, features }
    }
}

/// A set of proposals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct FeatureSet(u64);

impl FeatureSet {
    /// The set with one more.
    pub const fn with(self, feature: Feature) -> FeatureSet {
        FeatureSet(self.0 | 1 << feature as u64)
    }

    /// Whether the set has it.
    pub const fn has(self, feature: Feature) -> bool {
        self.0 >> feature as u64 & 1 != 0
    }

    /// The set as bits, by position in [`Feature::ALL`].
    pub const fn bits(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sets are part of the hash of the rules: a new row must not move an old bit.
    #[test]
    fn the_sets_of_the_profiles_are_pinned() {
        let bits = ProfileFeatures::ALL.iter().map(|profile| (profile.name, profile.features.bits()));
        assert!(bits.eq([
            ("wasm-1", 0x003),
            ("wasm-2", 0x07f),
            ("wasm-2-ext", 0x0ff),
            ("latest", 0x3ff),
            ("contract-v1", 0x0ff),
        ]));
    }
}
