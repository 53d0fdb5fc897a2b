//! What an operator configures does what `--help` says of it, and what an operator reads is true.

mod audit;
mod backup;
mod balance;
mod deploy;
mod fairness;
mod limits;
mod logs;
mod metrics;
mod steps;
mod swap;
