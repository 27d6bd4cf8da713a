//! The engine: a configuration that modules and stores share.

use alloc::sync::Arc;

use super::config::Config;
use super::profile::Profile;

/// A configured engine. Cheap to clone; clones are the same engine.
#[derive(Clone, Debug)]
pub struct Engine {
    config: Arc<Config>,
}

impl Engine {
    /// An engine with these choices.
    pub fn new(config: &Config) -> Engine {
        Engine { config: Arc::new(config.clone()) }
    }

    /// The engine's configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The rules the engine follows.
    pub fn profile(&self) -> &Profile {
        &self.config.profile
    }

    /// Whether both are clones of one engine.
    pub fn same(a: &Engine, b: &Engine) -> bool {
        Arc::ptr_eq(&a.config, &b.config)
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
