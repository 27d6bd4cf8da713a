//! The proposals that operators, types and sections belong to.

macro_rules! features {
    ($($name:ident, $text:literal, $link:literal;)*) => {
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
        }
    };
}

features! {
    Mvp, "mvp", "<https://www.w3.org/TR/wasm-core-1/>";
    MutableGlobal, "mutable-global", "<https://github.com/WebAssembly/mutable-global>";
    SignExtension, "sign-extension", "<https://github.com/WebAssembly/sign-extension-ops>";
    SaturatingConversion, "nontrapping-fptoint", "<https://github.com/WebAssembly/nontrapping-float-to-int-conversions>";
    MultiValue, "multi-value", "<https://github.com/WebAssembly/multi-value>";
    BulkMemory, "bulk-memory", "<https://github.com/WebAssembly/bulk-memory-operations>";
    ReferenceTypes, "reference-types", "<https://github.com/WebAssembly/reference-types>";
    ExtendedConst, "extended-const", "<https://github.com/WebAssembly/extended-const>";
    TailCall, "tail-call", "<https://github.com/WebAssembly/tail-call>";
    WideArithmetic, "wide-arithmetic", "<https://github.com/WebAssembly/wide-arithmetic>";
}

/// A set of proposals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct FeatureSet(u64);

impl FeatureSet {
    /// WebAssembly 1.0, to which the mutable-global proposal already belonged.
    pub const WASM_1: FeatureSet = FeatureSet(0).with(Feature::Mvp).with(Feature::MutableGlobal);
    /// WebAssembly 2.0 without SIMD.
    pub const WASM_2: FeatureSet = FeatureSet::WASM_1
        .with(Feature::SignExtension)
        .with(Feature::SaturatingConversion)
        .with(Feature::MultiValue)
        .with(Feature::BulkMemory)
        .with(Feature::ReferenceTypes);

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
