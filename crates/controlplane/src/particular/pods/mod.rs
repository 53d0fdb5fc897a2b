//! What pods and templates for pods have in common: fields of features that are off, and warnings.

mod drop;
mod paths;
mod warnings;

pub(crate) use drop::{drop_disabled, drop_disabled_of_template};
pub(crate) use warnings::{fraction, of_pod, of_template};

#[cfg(test)]
mod tests;
