//! Real clients against a real server: kube-rs, every kubectl there is, and the official Python client.

#![allow(clippy::print_stdout, reason = "what is left out has to be said")]

mod kube_rs;
mod kubectl;
mod kubectl_access;
mod kubectl_writes;
mod python;
