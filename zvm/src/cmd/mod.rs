//! The commands, one file each.

mod account;
mod bundle;
mod call;
mod chain;
mod check;
mod demo;
mod deploy;
mod health;
pub mod inspect;
mod key;
mod node;
mod query;
mod receipt;
mod replay;
mod run;
mod selector;
mod state;
pub mod validate;
mod wast;

use clap::Subcommand;

use crate::failure::Failure;
use crate::output::{Done, Output, SHAPE};

/// Declares the commands: variant, module, name.
macro_rules! commands {
    ($($(#[doc = $doc:literal])* $Command:ident, $module:ident;)*) => {
        /// What to do.
        #[derive(Debug, Subcommand)]
        pub enum Command {
            $($(#[doc = $doc])* $Command($module::Args),)*
        }

        impl Command {
            /// What it logs unless asked for something else: a node has no other way to tell of faults.
            pub fn log(&self) -> Option<&'static str> {
                matches!(self, Command::Node(_)).then_some("warn")
            }

            /// The version of its JSON shapes: see `docs/cli.md`.
            pub fn shape(&self) -> u32 {
                if matches!(self, Command::Inspect(_)) { inspect::SHAPE } else { SHAPE }
            }

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
    /// Show the whole way: a node, a contract streamed to it, calls of every outcome, a restart
    Demo, demo;
    /// Serve a chain
    Node, node;
    /// Stream a contract to a node and initialise it
    Deploy, deploy;
    /// Sign and send a call
    Call, call;
    /// Ask a contract
    Query, query;
    /// Show an account
    Account, account;
    /// Show how a call ended
    Receipt, receipt;
    /// Show what the state holds under a key, with its proof checked
    State, state;
    /// Show the chain of a node
    Chain, chain;
    /// Ask whether a node answers
    Health, health;
    /// Write a block to a file, to be run again anywhere
    Bundle, bundle;
    /// Run the block of a file again, and compare all of it
    Replay, replay;
    /// Compute the selectors of methods and the topics of events
    Selector, selector;
    /// Make or show a key
    Key, key;
    /// Run a function of a module
    Run, run;
    /// Decode and validate modules, as a whole or in chunks
    Validate, validate;
    /// Tell every reason why a module would not be deployed, and what would make it dear
    Check, check;
    /// Show what a module is made of
    Inspect, inspect;
    /// Run official script files and count every directive
    Wast, wast;
}
