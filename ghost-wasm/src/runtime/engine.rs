//! The engine: a configuration that modules and stores share.

use alloc::sync::Arc;

use super::config::Config;
use super::memory::Spare;
use super::profile::Profile;

/// A configured engine. Cheap to clone; clones are the same engine.
///
/// # Example
/// ```
/// use ghost_wasm::{Config, Engine, Profile};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let engine = Engine::new(&Config::new(Profile::CONTRACT_V1));
/// assert_eq!(engine.profile().name(), "contract-v1");
/// assert!(Engine::same(&engine, &engine.clone()));
/// // The defaults: WebAssembly 2.0 without SIMD, translated while it arrives.
/// assert_eq!(Engine::default().profile(), &Profile::WASM_2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Engine {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    config: Config,
    spare: Spare,
}

impl Engine {
    /// An engine with these choices.
    pub fn new(config: &Config) -> Engine {
        Engine { shared: Arc::new(Shared { config: config.clone(), spare: Spare::default() }) }
    }

    /// The engine's configuration.
    pub fn config(&self) -> &Config {
        &self.shared.config
    }

    /// The rules the engine follows.
    pub fn profile(&self) -> &Profile {
        &self.shared.config.profile
    }

    /// Memory for the next instances.
    pub(crate) fn spare(&self) -> &Spare {
        &self.shared.spare
    }

    /// Whether both are clones of one engine.
    pub fn same(a: &Engine, b: &Engine) -> bool {
        Arc::ptr_eq(&a.shared, &b.shared)
    }
}

impl Default for Engine {
    fn default() -> Engine {
        Engine::new(&Config::default())
    }
}

const _: () = {
    const fn send_sync<T: Send + Sync>() {}
    send_sync::<Engine>();
};
