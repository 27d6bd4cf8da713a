//! What validation must know of a profile.

use crate::Error;
use crate::table::features::{Feature, FeatureSet};
use crate::table::limits::{Limit, Limits};

/// Which globals a constant expression may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ConstGlobals {
    /// Imported immutable ones (WebAssembly 1.0 and 2.0).
    Imported = 0,
    /// Any immutable one declared before (WebAssembly 3.0).
    Earlier = 1,
}

/// The part of a profile that decides which modules are valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The proposals that are on.
    pub features: FeatureSet,
    /// The limits.
    pub limits: Limits,
    /// Which globals constant expressions may read.
    pub const_globals: ConstGlobals,
}

impl Rules {
    /// Whether a proposal is on.
    #[inline]
    pub fn has(&self, feature: Feature) -> bool {
        self.features.has(feature)
    }

    /// Fails if `count` is more than the limit allows.
    #[inline]
    pub fn check(&self, limit: Limit, count: u64, offset: u64) -> Result<(), Error> {
        let most = u64::from(self.limits.of(limit));
        if count > most { Err(Error::limit(limit, most).with_offset(offset)) } else { Ok(()) }
    }
}
