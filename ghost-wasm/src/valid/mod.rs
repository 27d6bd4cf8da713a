//! Validation: module rules and the algorithm of the specification's appendix for function bodies.

pub mod env;
