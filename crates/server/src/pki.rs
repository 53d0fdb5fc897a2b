//! Certificates and keys that a server without flags makes for itself, once.
//!
//! `ca.crt` signs the serving certificate and the administrator's client certificate; `sa.key` is
//! for service account tokens. A second start finds them and changes nothing, except that a
//! certificate which is near its end, or lacks a name that it must have now, is made anew by the
//! same CA.

use std::fs;
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use x509_parser::extensions::GeneralName;
use x509_parser::pem::Pem;

/// How long a CA lives.
const CA_LIFE: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
/// How long a certificate lives.
const LIFE: Duration = Duration::from_secs(365 * 24 * 3600);
/// A certificate that ends sooner than this is made anew.
const RENEWAL: Duration = Duration::from_secs(30 * 24 * 3600);

/// The files of a server's self-made identity.
#[derive(Debug)]
pub(crate) struct Pki {
    dir: PathBuf,
}

/// Names and addresses that a serving certificate is for.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// DNS names.
    pub dns: Vec<String>,
    /// IP addresses.
    pub addresses: Vec<IpAddr>,
}

impl Pki {
    /// Opens the directory, and makes the CA if there is none.
    ///
    /// # Errors
    /// Where the directory cannot be written or holds files that are no certificates and keys.
    pub(crate) fn open(dir: &Path) -> Result<Self> {
        fs::create_dir_all(dir)
            .with_context(|| format!("cannot make the directory {}", dir.display()))?;
        let pki = Self {
            dir: dir.to_owned(),
        };
        pki.ensure_ca()?;
        Ok(pki)
    }

    /// The file of the private key of service account tokens in `dir`, if there is one.
    pub(crate) fn service_account_key(dir: &Path) -> Option<PathBuf> {
        let (public, key) = (dir.join("sa.pub"), dir.join("sa.key"));
        (public.exists() && key.exists()).then_some(key)
    }

    /// Makes a private key of service account tokens in `dir`, in PEM. It takes a tenth of a second.
    ///
    /// # Errors
    /// Where the directory cannot be written.
    pub(crate) fn make_service_account_key(dir: &Path) -> Result<String> {
        // RSA, as every verifier of OpenID tokens has to know it.
        let pair = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048)?;
        let key = pair.serialize_pem();
        fs::create_dir_all(dir)
            .with_context(|| format!("cannot make the directory {}", dir.display()))?;
        write_secret(&dir.join("sa.key"), &key)?;
        write(&dir.join("sa.pub"), &pair.public_key_pem())?;
        Ok(key)
    }

    /// The CA's certificate.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.dir.join("ca.crt")
    }

    /// The serving certificate and its key, made for `names` unless the one at hand will do.
    ///
    /// # Errors
    /// Where files cannot be read or written.
    pub(crate) fn serving(&self, names: &Names) -> Result<(PathBuf, PathBuf)> {
        let mut params = CertificateParams::default();
        params.distinguished_name = subject("kube-apiserver", None);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        for name in &names.dns {
            params
                .subject_alt_names
                .push(SanType::DnsName(name.as_str().try_into()?));
        }
        params.subject_alt_names.extend(
            names
                .addresses
                .iter()
                .map(|&address| SanType::IpAddress(address)),
        );
        self.certificate("apiserver", params, |found| names.covered_by(found))
    }

    /// The administrator's client certificate and its key: `kubernetes-admin` in `system:masters`.
    ///
    /// # Errors
    /// Where files cannot be read or written.
    pub(crate) fn admin(&self) -> Result<(PathBuf, PathBuf)> {
        let mut params = CertificateParams::default();
        params.distinguished_name = subject("kubernetes-admin", Some("system:masters"));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.certificate("admin", params, |_| true)
    }

    fn ensure_ca(&self) -> Result<()> {
        let (cert, key) = (self.ca_file(), self.dir.join("ca.key"));
        if cert.exists() && key.exists() {
            return Ok(());
        }
        let pair = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name = subject("kubernetes", None);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::CrlSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        live(&mut params, CA_LIFE);
        write_secret(&key, &pair.serialize_pem())?;
        write(&cert, &params.self_signed(&pair)?.pem())
    }

    fn certificate(
        &self,
        name: &str,
        mut params: CertificateParams,
        fits: impl Fn(&x509_parser::certificate::X509Certificate<'_>) -> bool,
    ) -> Result<(PathBuf, PathBuf)> {
        let (cert, key) = (
            self.dir.join(format!("{name}.crt")),
            self.dir.join(format!("{name}.key")),
        );
        if key.exists() && still_good(&cert, fits)? {
            return Ok((cert, key));
        }
        let ca_pem = read(&self.ca_file())?;
        let ca_key = KeyPair::from_pem(&read(&self.dir.join("ca.key"))?)
            .context("ca.key is no private key")?;
        let issuer =
            Issuer::from_ca_cert_pem(&ca_pem, ca_key).context("ca.crt is no certificate")?;
        let pair = KeyPair::generate()?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        live(&mut params, LIFE);
        write_secret(&key, &pair.serialize_pem())?;
        write(&cert, &params.signed_by(&pair, &issuer)?.pem())?;
        Ok((cert, key))
    }
}

impl Names {
    fn covered_by(&self, certificate: &x509_parser::certificate::X509Certificate<'_>) -> bool {
        let Ok(Some(alternatives)) = certificate.subject_alternative_name() else {
            return false;
        };
        let found = &alternatives.value.general_names;
        let dns = |name: &String| {
            found
                .iter()
                .any(|at| matches!(at, GeneralName::DNSName(at) if at == name))
        };
        let address = |address: &IpAddr| {
            let bytes = match address {
                IpAddr::V4(address) => address.octets().to_vec(),
                IpAddr::V6(address) => address.octets().to_vec(),
            };
            found
                .iter()
                .any(|at| matches!(at, GeneralName::IPAddress(at) if *at == bytes))
        };
        self.dns.iter().all(dns) && self.addresses.iter().all(address)
    }
}

fn subject(name: &str, organization: Option<&str>) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    if let Some(organization) = organization {
        subject.push(DnType::OrganizationName, organization);
    }
    subject.push(DnType::CommonName, name);
    subject
}

fn live(params: &mut CertificateParams, life: Duration) {
    let now = SystemTime::now();
    // Clocks of a cluster differ a little.
    params.not_before = (now - Duration::from_secs(300)).into();
    params.not_after = (now + life).into();
}

fn still_good(
    cert: &Path,
    fits: impl Fn(&x509_parser::certificate::X509Certificate<'_>) -> bool,
) -> Result<bool> {
    if !cert.exists() {
        return Ok(false);
    }
    let text = read(cert)?;
    let Some(Ok(pem)) = Pem::iter_from_buffer(text.as_bytes()).next() else {
        return Ok(false);
    };
    let Ok(certificate) = pem.parse_x509() else {
        return Ok(false);
    };
    let lasts = certificate
        .validity()
        .time_to_expiration()
        .is_some_and(|left| left.whole_seconds() > RENEWAL.as_secs() as i64);
    Ok(lasts && fits(&certificate))
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

fn write(file: &Path, text: &str) -> Result<()> {
    replace(file, text, 0o644)
}

/// Writes a file that only its owner may read.
pub(crate) fn write_secret(file: &Path, text: &str) -> Result<()> {
    replace(file, text, 0o600)
}

/// Writes beside the file and renames, so that a crash leaves the old or the new one.
fn replace(file: &Path, text: &str, mode: u32) -> Result<()> {
    // Another instance may share the folder.
    let beside = file.with_added_extension(format!("{}.new", std::process::id()));
    let written = (|| -> io::Result<()> {
        let mut out = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(mode)
            .open(&beside)?;
        out.write_all(text.as_bytes())?;
        out.sync_all()?;
        fs::rename(&beside, file)
    })();
    written.with_context(|| format!("cannot write {}", file.display()))
}
