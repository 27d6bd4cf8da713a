//! What an embedder chooses for an engine.

use super::profile::Profile;

/// The choices for an [`Engine`](super::engine::Engine).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    pub(crate) profile: Profile,
    pub(crate) names: bool,
    #[cfg(feature = "internals")]
    pub(crate) stepping: bool,
}

impl Config {
    /// The defaults under a profile.
    pub fn new(profile: Profile) -> Config {
        Config {
            profile,
            names: true,
            #[cfg(feature = "internals")]
            stepping: false,
        }
    }

    /// Whether function names of the name section are kept for backtraces (they are, by default).
    pub fn names(&mut self, keep: bool) -> &mut Config {
        self.names = keep;
        self
    }

    /// Whether code stops before each internal instruction, so that a store counts them
    /// ([`Store::steps`](crate::Store::steps)). Slow; changes nothing else.
    #[cfg(feature = "internals")]
    pub fn stepping(&mut self, yes: bool) -> &mut Config {
        self.stepping = yes;
        self
    }

    /// The profile.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }
}

impl Default for Config {
    fn default() -> Config {
        Config::new(Profile::WASM_2)
    }
}
