//! Who is it: authenticators for Kubernetes API requests.
