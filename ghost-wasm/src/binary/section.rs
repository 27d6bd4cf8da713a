//! The sections of a module.

use crate::table::features::{Feature, FeatureSet};

macro_rules! sections {
    ($($name:ident = $id:literal, $order:literal, $feature:ident, $doc:literal;)*) => {
        /// A section's id.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum SectionId {
            $(#[doc = $doc] $name = $id,)*
        }

        impl SectionId {
            /// The section of an id byte, if the features have it.
            pub fn from_byte(byte: u8, features: FeatureSet) -> Option<SectionId> {
                match byte {
                    $($id if features.has(Feature::$feature) => Some(SectionId::$name),)*
                    _ => None,
                }
            }

            /// The place in the order of sections; 0 for custom sections, which stand anywhere.
            pub const fn order(self) -> u8 {
                match self { $(SectionId::$name => $order,)* }
            }

            /// The section's name in the specification.
            pub const fn text(self) -> &'static str {
                match self { $(SectionId::$name => $doc,)* }
            }
        }
    };
}

sections! {
    Custom    = 0,  0,  Mvp,        "custom";
    Type      = 1,  1,  Mvp,        "type";
    Import    = 2,  2,  Mvp,        "import";
    Function  = 3,  3,  Mvp,        "function";
    Table     = 4,  4,  Mvp,        "table";
    Memory    = 5,  5,  Mvp,        "memory";
    Global    = 6,  6,  Mvp,        "global";
    Export    = 7,  7,  Mvp,        "export";
    Start     = 8,  8,  Mvp,        "start";
    Element   = 9,  9,  Mvp,        "element";
    DataCount = 12, 10, BulkMemory, "data count";
    Code      = 10, 11, Mvp,        "code";
    Data      = 11, 12, Mvp,        "data";
}
