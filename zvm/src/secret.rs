//! Passphrases: from a file or from the terminal without echo, never from the command line or the
//! environment. And the key files they open.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;
use zvm_host::crypto::SigningKey;
use zvm_host::key::{self, KeyFileError};

use crate::dev;
use crate::failure::{Exit, Failure};

/// Bytes of a passphrase at most.
const LEN_MAX: usize = 4096;

/// Who signs.
#[derive(Debug, clap::Args)]
pub struct Signer {
    /// The key file of the signer (made by `zvm key new`)
    #[arg(long, value_name = "FILE", env = "ZVM_KEY", hide_env_values = true)]
    key: PathBuf,

    /// A file whose first line is the key file's password; without it the terminal is asked
    #[arg(long, value_name = "FILE", env = "ZVM_PASSWORD_FILE", hide_env_values = true)]
    password_file: Option<PathBuf>,
}

impl Signer {
    /// Opens the key file.
    pub fn open(&self) -> Result<SigningKey, Failure> {
        open(&self.key, self.password_file.as_deref())
    }
}

/// Opens a key file. Keys that everybody has need no password.
pub fn open(path: &Path, password_file: Option<&Path>) -> Result<SigningKey, Failure> {
    // Before the question: nobody should type a password for a file that is not there.
    std::fs::metadata(path).map_err(|error| Failure::io(path, &error))?;
    let public = key::public_of(path).map_err(|error| key_failure(path, &error))?;
    if let Some(password) = dev::password_of(public) {
        return key::load(path, password).map_err(|error| key_failure(path, &error));
    }
    let password = read(password_file, "Password of the key file")?;
    key::load(path, password.as_bytes()).map_err(|error| key_failure(path, &error))
}

/// A failure of a key file.
pub fn key_failure(path: &Path, error: &KeyFileError) -> Failure {
    match error {
        KeyFileError::Io(error) => Failure::io(path, error),
        other => Failure::new(Exit::Failed, "key", other).in_file(path),
    }
}

/// A secret: the first line of a file, or what a person types.
pub fn read(file: Option<&Path>, what: &str) -> Result<Secret, Failure> {
    let text = match file {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| Failure::io(path, &error))?;
            let text = Zeroizing::new(text);
            Secret(Zeroizing::new(text.lines().next().unwrap_or_default().to_string()))
        }
        None => ask(what)?,
    };
    check(text, what)
}

/// A secret that is being chosen: typed twice when a person types it.
pub fn choose(file: Option<&Path>, what: &str) -> Result<Secret, Failure> {
    let first = read(file, what)?;
    if file.is_none() && ask("The same again")?.0 != first.0 {
        return Err(Failure::usage("the two are not the same"));
    }
    Ok(first)
}

fn ask(what: &str) -> Result<Secret, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(format_args!("{what}: no terminal to ask on"))
            .with_help("name a file whose first line it is: --password-file or --passphrase-file"));
    }
    rpassword::prompt_password(format!("{what}: "))
        .map(|text| Secret(Zeroizing::new(text)))
        .map_err(|error| Failure::new(Exit::Usage, "io", format_args!("{what}: {error}")))
}

fn check(secret: Secret, what: &str) -> Result<Secret, Failure> {
    if secret.0.is_empty() {
        return Err(Failure::usage(format_args!("{what}: it is empty")));
    }
    if secret.0.len() > LEN_MAX {
        return Err(Failure::usage(format_args!("{what}: longer than {LEN_MAX} bytes")));
    }
    Ok(secret)
}

/// A text that is never shown, and wiped when dropped.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}
