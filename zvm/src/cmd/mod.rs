//! The commands, one file each.

mod inspect;
mod key;
mod run;
mod validate;

use clap::Subcommand;

use crate::failure::Failure;
use crate::output::{Done, Output};

/// Declares the commands: variant, module, name.
macro_rules! commands {
    ($($(#[doc = $doc:literal])* $Command:ident, $module:ident;)*) => {
        /// What to do.
        #[derive(Debug, Subcommand)]
        pub enum Command {
            $($(#[doc = $doc])* $Command($module::Args),)*
        }

        impl Command {
            /// The name on the command line.
            pub fn name(&self) -> &'static str {
                match self { $(Command::$Command(_) => stringify!($module),)* }
            }

            /// Does it.
            pub fn run(self, out: &Output) -> Result<Done, Failure> {
                match self { $(Command::$Command(args) => $module::run(args, out),)* }
            }
        }
    };
}

commands! {
    /// Make or show a key
    Key, key;
    /// Run a function of a module
    Run, run;
    /// Decode and validate modules, as a whole or in chunks
    Validate, validate;
    /// Show what a module is made of
    Inspect, inspect;
}
