//! A generic Kubernetes API server: handler chain, verbs, cache, watch, discovery and OpenAPI.
