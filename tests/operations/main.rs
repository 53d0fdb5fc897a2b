//! What an operator configures does what `--help` says of it.

mod audit;
mod deploy;
mod fairness;
