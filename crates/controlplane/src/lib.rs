//! Kubernetes' own API on the generic server: strategies and start-up hooks.
