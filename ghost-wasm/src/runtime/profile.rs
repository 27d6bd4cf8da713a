//! Profiles: what must be equal wherever results must be equal.

use alloc::vec::Vec;

use crate::table::features::{Feature, FeatureSet, ProfileFeatures};
use crate::table::gas::{GasClass, Schedule};
use crate::table::limits::{Limit, Limits};
use crate::valid::rules::{ConstGlobals, Rules};

/// What consensus freezes: features, limits, gas schedule, rules. Two engines with equal profiles accept the
/// same modules and compute the same results and gas.
///
/// # Example
/// ```
/// use ghost_wasm::Profile;
/// use ghost_wasm::table::features::Feature;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let contracts = Profile::CONTRACT_V1;
/// assert!(contracts.features().has(Feature::BulkMemory));
/// assert!(!contracts.features().has(Feature::TailCall));
/// assert_eq!(contracts.limits().memory_pages, 64);
/// // Two machines that agree on these bytes agree on every module, result and gas.
/// assert_eq!(contracts.canonical_bytes(), Profile::CONTRACT_V1.canonical_bytes());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    name: &'static str,
    number: u32,
    rules: Rules,
    schedule: Schedule,
}

impl Profile {
    /// WebAssembly 1.0.
    pub const WASM_1: Profile = Profile {
        name: ProfileFeatures::WASM_1.name,
        number: 1,
        rules: Rules {
            features: ProfileFeatures::WASM_1.features,
            limits: Limits::JS_API,
            const_globals: ConstGlobals::Imported,
        },
        schedule: Schedule::V1,
    };
    /// WebAssembly 2.0 without SIMD.
    pub const WASM_2: Profile = Profile {
        name: ProfileFeatures::WASM_2.name,
        number: 2,
        rules: Rules { features: ProfileFeatures::WASM_2.features, ..Profile::WASM_1.rules },
        schedule: Schedule::V1,
    };
    /// WebAssembly 2.0 without SIMD, with extended constant expressions.
    pub const WASM_2_EXT: Profile = Profile {
        name: ProfileFeatures::WASM_2_EXT.name,
        number: 3,
        rules: Rules { features: ProfileFeatures::WASM_2_EXT.features, ..Profile::WASM_1.rules },
        schedule: Schedule::V1,
    };
    /// WebAssembly 2.0 without SIMD, with all later proposals that the engine knows. For tools and tests: it
    /// grows with the engine, so that nothing frozen may rest on it.
    pub const LATEST: Profile = Profile {
        name: ProfileFeatures::LATEST.name,
        number: 4,
        rules: Rules { features: ProfileFeatures::LATEST.features, ..Profile::WASM_1.rules },
        schedule: Schedule::V1,
    };
    /// Contracts, first version: WebAssembly 2.0 without SIMD, with extended constant expressions.
    pub const CONTRACT_V1: Profile = Profile {
        name: ProfileFeatures::CONTRACT_V1.name,
        number: 0x101,
        rules: Rules {
            features: ProfileFeatures::CONTRACT_V1.features,
            limits: Limits::CONTRACT_V1,
            const_globals: ConstGlobals::Imported,
        },
        schedule: Schedule::V1,
    };

    /// All profiles.
    pub const ALL: &'static [Profile] =
        &[Profile::WASM_1, Profile::WASM_2, Profile::WASM_2_EXT, Profile::LATEST, Profile::CONTRACT_V1];

    /// The profile's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The profile's number.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// What decides which modules are valid.
    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The proposals that are on.
    pub fn features(&self) -> FeatureSet {
        self.rules.features
    }

    /// The limits.
    pub fn limits(&self) -> &Limits {
        &self.rules.limits
    }

    /// What operators cost.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Which globals constant expressions may read.
    pub fn const_globals(&self) -> ConstGlobals {
        self.rules.const_globals
    }

    /// The same rules with other limits, for tests and tools; the name stays, the canonical bytes differ.
    ///
    /// # Example
    /// ```
    /// use ghost_wasm::{Config, Engine, ErrorKind, Module, Profile};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut limits = Profile::WASM_2.limits().clone();
    /// limits.functions = 1;
    /// let engine = Engine::new(&Config::new(Profile::WASM_2.with_limits(limits)));
    /// let error = Module::new(&engine, &wat::parse_str("(module (func) (func))")?).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Limit);
    /// assert_eq!(error.exceeded_limit().map(|(limit, most)| (limit.name(), most)), Some(("functions", 1)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_limits(mut self, limits: Limits) -> Profile {
        self.rules.limits = limits;
        self
    }

    /// The same rules with one more proposal, for tests and tools; the name stays, the canonical bytes differ. None if
    /// no profile has the proposal: the engine does not know it.
    ///
    /// # Example
    /// ```
    /// use ghost_wasm::Profile;
    /// use ghost_wasm::table::features::Feature;
    /// let lenient = Profile::CONTRACT_V1.with_feature(Feature::TailCall).expect("the profile `latest` has it");
    /// assert!(lenient.features().has(Feature::TailCall));
    /// assert_eq!(Profile::CONTRACT_V1.with_feature(Feature::Simd), None);
    /// ```
    pub fn with_feature(mut self, feature: Feature) -> Option<Profile> {
        ProfileFeatures::LATEST.features.has(feature).then(|| {
            self.rules.features = self.rules.features.with(feature);
            self
        })
    }

    /// The same rules with another gas schedule; the name stays, the canonical bytes differ. None if the schedule is
    /// not [sound](Schedule::is_sound).
    pub fn with_schedule(mut self, schedule: Schedule) -> Option<Profile> {
        schedule.is_sound().then(|| {
            self.schedule = schedule;
            self
        })
    }

    /// Everything the profile fixes, as bytes: equal exactly for equal profiles. All numbers are
    /// little-endian; lists carry their length.
    pub fn canonical_bytes(&self) -> Vec<u8> {
        // A change of this encoding, or of a rule that no field names, takes a new version byte.
        let mut out = Vec::new();
        out.extend(b"ghost-wasm profile\x01");
        put_u32(&mut out, self.name.len() as u32);
        out.extend(self.name.as_bytes());
        put_u32(&mut out, self.number);
        out.extend(self.rules.features.bits().to_le_bytes());
        put_u32(&mut out, Limit::ALL.len() as u32);
        for &limit in Limit::ALL {
            put_u32(&mut out, self.rules.limits.of(limit));
        }
        let s = &self.schedule;
        put_u32(&mut out, s.number);
        put_u32(&mut out, GasClass::ALL.len() as u32);
        for class in s.classes {
            put_u32(&mut out, class);
        }
        for value in
            [s.per_value, s.enter, s.locals_per_gas, s.bulk_bytes_per_gas, s.table_entry, s.grow_page]
        {
            put_u32(&mut out, value);
        }
        out.push(self.rules.const_globals as u8);
        // NaNs that float operators produce are canonical and positive.
        out.push(1);
        out
    }
}

fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend(value.to_le_bytes());
}
