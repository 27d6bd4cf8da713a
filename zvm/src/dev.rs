//! Keys for development. Their secrets are derived from their names and so known to everybody: `zvm node --dev`
//! funds them, and their files open without a question.

use std::path::{Path, PathBuf};

use zvm_host::crypto::{self, SigningKey};
use zvm_host::key::{self, Hardness};
use zvm_host::{Address, Hash};

use crate::failure::{Exit, Failure};
use crate::secret;

/// The names.
const NAMES: [&str; 3] = ["alice", "bob", "carol"];
/// Base units that each begins with: a billion calls of 10^9 gas at the lowest price.
pub const COINS: u128 = 1_000_000_000_000_000_000;
/// Opens the files. It hides nothing: what it protects is public.
const PASSWORD: &[u8] = b"zvm development key";
const HARDNESS: Hardness = Hardness { memory_kib: 64, passes: 1 };

/// A key that everybody has.
#[derive(Debug)]
pub struct DevKey {
    /// What it is called.
    pub name: &'static str,
    key: SigningKey,
}

/// All of them.
pub fn keys() -> impl Iterator<Item = DevKey> {
    let key = |name: &str| {
        SigningKey::from_seed(&crypto::sha256_parts(&[b"zvm development key: ", name.as_bytes()]))
    };
    NAMES.into_iter().map(move |name| DevKey { name, key: key(name) })
}

impl DevKey {
    /// Its address.
    pub fn address(&self) -> Address {
        key::address(&self.key.public())
    }

    /// Writes its file into a folder, unless it is there.
    pub fn write(&self, dir: &Path) -> Result<PathBuf, Failure> {
        let path = dir.join(self.name).with_extension("key");
        if path.exists() {
            let found = key::public_of(&path).map_err(|error| secret::key_failure(&path, &error))?;
            if found != Some(self.key.public()) {
                let text = format!("{}: a file of this name exists, with another key", path.display());
                return Err(Failure::new(Exit::Usage, "io", text));
            }
            return Ok(path);
        }
        key::save(&path, &self.key, PASSWORD, HARDNESS)
            .map_err(|error| secret::key_failure(&path, &error))?;
        Ok(path)
    }
}

/// The password of a key file, if the key in it is one that everybody has.
pub fn password_of(public: Option<Hash>) -> Option<&'static [u8]> {
    let public = public?;
    keys().any(|dev| dev.key.public() == public).then_some(PASSWORD)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// People have the addresses in their scripts.
    #[test]
    fn the_addresses_stay() {
        let addresses: Vec<_> = keys().map(|dev| dev.address().to_string()).collect();
        assert_eq!(
            addresses,
            [
                "0x4faedf868c1ac165670a865fbcaa85afcbd982a2",
                "0xc46287a35d2e4a4fff32186997bab9fda04658af",
                "0x8c9bb7e375db1054f189d13cb9112048127db806"
            ]
        );
    }
}
