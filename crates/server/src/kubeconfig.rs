//! The administrator's kubeconfig.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use crate::pki::write_secret;

/// Writes a kubeconfig for the server at `address`, with the CA and the client certificate inside.
/// A file that already says the same is left alone.
///
/// # Errors
/// Where a file cannot be read or written.
pub(crate) fn write(
    file: &Path,
    address: SocketAddr,
    ca: &Path,
    certificate: &Path,
    key: &Path,
) -> Result<()> {
    let host = if address.ip().is_unspecified() {
        "127.0.0.1".parse()?
    } else {
        address.ip()
    };
    let server = format!("https://{}", SocketAddr::new(host, address.port()));
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "pintle", "cluster": {"server": server, "certificate-authority-data": embed(ca)?}}],
        "users": [{"name": "kubernetes-admin", "user": {
            "client-certificate-data": embed(certificate)?,
            "client-key-data": embed(key)?,
        }}],
        "contexts": [{"name": "pintle", "context": {"cluster": "pintle", "user": "kubernetes-admin"}}],
        "current-context": "pintle",
    });
    let text = format!("{config:#}\n");
    if fs::read_to_string(file).is_ok_and(|found| found == text) {
        return Ok(());
    }
    write_secret(file, &text)
}

fn embed(file: &Path) -> Result<String> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(BASE64_STANDARD.encode(bytes))
}
