//! May they: authorizers for Kubernetes API requests.
