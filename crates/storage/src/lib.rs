//! Bytes, keys and revisions: the storage trait of the Pintle API server and its backends.
