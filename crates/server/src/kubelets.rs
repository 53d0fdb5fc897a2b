//! How kubelets are reached: the flags that begin with `--kubelet-`.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use pintle_controlplane::nodes::KubeletOptions;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;

use crate::fault::Faults;
use crate::flags::Flags;
use crate::tls::{authorities, certificates};

/// How kubelets are reached.
#[derive(Debug, Clone, Default)]
pub struct KubeletConfig {
    /// Certificate and key by which kubelets know this server.
    pub client: Option<(PathBuf, PathBuf)>,
    /// CA bundle of kubelets' certificates; without, they are not verified.
    pub ca_file: Option<PathBuf>,
    /// Types of node addresses, the best first.
    pub address_types: Vec<String>,
}

impl KubeletConfig {
    pub(crate) fn from_flags(flags: &Flags, faults: &mut Faults) -> Self {
        let file = |name| flags.given(name).map(PathBuf::from);
        let client = match (
            file("kubelet-client-certificate"),
            file("kubelet-client-key"),
        ) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => {
                faults.add("--kubelet-client-certificate and --kubelet-client-key are given together or not at all");
                None
            }
        };
        Self {
            client,
            ca_file: file("kubelet-certificate-authority"),
            address_types: flags
                .many("kubelet-preferred-address-types")
                .iter()
                .map(ToString::to_string)
                .collect(),
        }
    }

    /// Reads the files.
    ///
    /// # Errors
    /// A file that is not there, or not what it should be.
    pub(crate) fn load(&self) -> Result<KubeletOptions> {
        let own = match &self.client {
            Some((certificate, key)) => Some((
                certificates(certificate)?,
                PrivateKeyDer::from_pem_file(key)
                    .with_context(|| format!("cannot read {}", key.display()))?,
            )),
            None => None,
        };
        let ca = self.ca_file.as_ref();
        let authorities = ca.map(|file| authorities([file])).transpose()?;
        Ok(KubeletOptions {
            own,
            authorities,
            address_types: self.address_types.clone(),
        })
    }
}
