//! What an embedder chooses for an engine.

use super::profile::Profile;

/// When validated bodies are translated to internal code. Results, gas and traps are the same; modules are
/// refused at the same bytes. Validation is never put off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Translation {
    /// While the module arrives; all stores share the code.
    #[default]
    Eager,
    /// Each function at its first call in a store, which keeps the code. For modules of which little runs.
    /// (Where addresses have 32 bits this is `Eager`.)
    Lazy,
}

/// The choices for an [`Engine`](super::engine::Engine).
///
/// # Example
/// ```
/// use ghost_wasm::{Config, Engine, Profile, Translation};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut config = Config::new(Profile::LATEST);
/// config.names(false).translation(Translation::Lazy);
/// let engine = Engine::new(&config);
/// assert_eq!(engine.config().profile().name(), "latest");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    pub(crate) profile: Profile,
    pub(crate) names: bool,
    #[cfg(feature = "internals")]
    pub(crate) stepping: bool,
    pub(crate) translation: Translation,
}

impl Config {
    /// The defaults under a profile.
    pub fn new(profile: Profile) -> Config {
        Config {
            profile,
            names: true,
            translation: Translation::Eager,
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

    /// When bodies are translated: eagerly, by default.
    pub fn translation(&mut self, when: Translation) -> &mut Config {
        self.translation = when;
        self
    }

    /// Whether it steps: such code is always translated eagerly.
    pub(crate) fn steps(&self) -> bool {
        #[cfg(feature = "internals")]
        return self.stepping;
        #[cfg(not(feature = "internals"))]
        false
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
