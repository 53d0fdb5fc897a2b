//! What kube-controller-manager, kube-scheduler and a kubelet ask of the server, played in their order and in their
//! content types: everything in protobuf, as their clients send it, but patches, which are JSON.

mod addresses;
mod batch;
mod coverage;
mod kubelet;
mod nodes;
mod services;
mod workloads;
mod world;
