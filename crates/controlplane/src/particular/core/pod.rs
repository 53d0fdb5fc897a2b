//! Pods.

use crate::particular::Particular;

/// Pods.
pub(super) struct Pods;

impl Particular for Pods {}
