//! Every built-in Kubernetes type and resource of v1.36, as tables and typed views.
