//! `zvm key`: makes key files and shows what is public about a key. The secret half never reaches a screen,
//! an argument or the environment.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};
use zvm_host::hex;
use zvm_host::key::{self, Hardness};

use crate::failure::{Exit, Failure};
use crate::output::{Done, Output};
use crate::secret;

/// Make or show a key
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make a key and keep it in a new, encrypted file
    New {
        /// The file to make; one that exists is not touched
        file: PathBuf,

        /// A file whose first line encrypts the key file; without it the terminal is asked
        #[arg(long, value_name = "FILE", env = "ZVM_PASSWORD_FILE", hide_env_values = true)]
        password_file: Option<PathBuf>,

        /// Derive the key from a passphrase (RealID-v1) instead of from randomness
        #[arg(long)]
        real_id: bool,

        /// A file whose first line is that passphrase; without it the terminal is asked
        #[arg(long, value_name = "FILE", requires = "real_id")]
        passphrase_file: Option<PathBuf>,
    },
    /// Show address, public key and QID
    Show {
        /// A key file; without it the key of a passphrase is shown
        #[arg(required_unless_present = "real_id")]
        file: Option<PathBuf>,

        /// A file whose first line decrypts the key file: finds out, too, whether it was changed
        #[arg(long, value_name = "FILE", env = "ZVM_PASSWORD_FILE", hide_env_values = true)]
        password_file: Option<PathBuf>,

        /// The key that a passphrase stands for (RealID-v1)
        #[arg(long, conflicts_with = "file")]
        real_id: bool,

        /// A file whose first line is that passphrase; without it the terminal is asked
        #[arg(long, value_name = "FILE", requires = "real_id")]
        passphrase_file: Option<PathBuf>,
    },
}

/// Runs the command.
pub fn run(args: Args, out: &Output) -> Result<Done, Failure> {
    let public = match args.what {
        What::New { file, password_file, real_id, passphrase_file } => {
            // Before the questions; `save` itself never overwrites.
            if file.exists() {
                let text = format!("{}: a file of this name exists", file.display());
                return Err(Failure::new(Exit::Usage, "io", text));
            }
            let key = if real_id {
                key::from_passphrase(secret::choose(passphrase_file.as_deref(), "Passphrase")?.as_bytes())
            } else {
                key::generate().map_err(|error| secret::key_failure(&file, &error))?
            };
            let password = secret::choose(password_file.as_deref(), "Password for the key file")?;
            key::save(&file, &key, password.as_bytes(), Hardness::DEFAULT)
                .map_err(|error| secret::key_failure(&file, &error))?;
            key.public()
        }
        What::Show { file: Some(file), password_file, .. } => {
            let known = key::public_of(&file).map_err(|error| secret::key_failure(&file, &error))?;
            match known {
                Some(public) if password_file.is_none() => public,
                // A file of version 1, or somebody wants to know whether it was changed.
                _ => secret::open(&file, password_file.as_deref())?.public(),
            }
        }
        What::Show { file: None, passphrase_file, .. } => {
            key::from_passphrase(secret::read(passphrase_file.as_deref(), "Passphrase")?.as_bytes()).public()
        }
    };
    let shown = shown(&public);
    for name in ["address", "key", "qid"] {
        out.line(format_args!("{name:<8} {}", shown[name].as_str().unwrap_or_default()));
    }
    Ok(Done::ok(shown))
}

fn shown(public: &[u8; 32]) -> Value {
    json!({
        "address": key::address(public).to_string(),
        "key": hex(public),
        "qid": key::qid(public).to_string(),
    })
}
