//! The ways out to nodes, and to what runs on them: logs, streams into containers, proxies to pods, services and nodes.
//!
//! | subresource | leads to |
//! | --- | --- |
//! | `pods/log` | the kubelet's `/containerLogs` |
//! | `pods/exec`, `pods/attach`, `pods/portforward` | the kubelet's streams; the client's connection becomes that to the kubelet |
//! | `pods/proxy` | the pod's address |
//! | `services/proxy` | an endpoint of the Service that is a pod |
//! | `nodes/proxy` | the kubelet, or another port of the node |
//!
//! Nothing of what goes through is looked at. Who asks is not told to whom it goes to: the kubelet sees this server.

pub(crate) mod dial;
mod options;
mod pass;
mod place;
mod pods;
mod proxies;

use std::sync::Arc;

use pintle_api::core::v1::Node;
use pintle_endpoints::unkept::Asked;
use pintle_runtime::status::ApiError;
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsConnector;

use self::dial::{Peer, Trust};
use crate::unkept::Answerers;

/// The port of a kubelet that names none.
const KUBELET_PORT: u16 = 10250;

/// How kubelets are reached.
#[derive(Debug, Default)]
pub struct KubeletOptions {
    /// Who this server says it is.
    pub own: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    /// Who may have signed a kubelet's certificate; without, no certificate is verified, as upstream does.
    pub authorities: Option<RootCertStore>,
    /// Types of node addresses, the best first.
    pub address_types: Vec<String>,
}

/// The kubelets of the cluster, and what else is reached from here.
pub(crate) struct Kubelets {
    /// To kubelets, as this server.
    verified: TlsConnector,
    /// The same, whoever answers.
    unverified: TlsConnector,
    /// To pods and services, as nobody.
    plain: TlsConnector,
    address_types: Vec<String>,
}

impl Kubelets {
    fn new(options: KubeletOptions) -> Result<Self, rustls::Error> {
        let own = |given: &Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>| {
            let (certificates, key) = given.as_ref()?;
            Some((certificates.clone(), key.clone_key()))
        };
        let connector = |trust, own| {
            let config = dial::client(trust, own)?;
            Ok::<_, rustls::Error>(TlsConnector::from(Arc::new(config)))
        };
        let trust = options.authorities.map_or(Trust::Anyone, Trust::Roots);
        Ok(Self {
            verified: connector(trust, own(&options.own))?,
            unverified: connector(Trust::Anyone, own(&options.own))?,
            plain: connector(Trust::Anyone, None)?,
            address_types: options.address_types,
        })
    }

    /// Where the kubelet of a node listens.
    async fn of_node(&self, asked: Asked<'_>, node: &str) -> Result<Peer, ApiError> {
        let nodes = asked.store("", "v1", "nodes")?;
        let record = nodes
            .get(asked.permit, asked.cx, node, "")
            .await?
            .record()?;
        let status = Node::from_record(&record).status();
        let addresses = status.addresses();
        let best = self
            .address_types
            .iter()
            .find_map(|wanted| addresses.iter().find(|address| address.type_() == wanted));
        let Some(best) = best else {
            let known: Vec<String> = addresses
                .iter()
                .map(|address| format!("{{{} {}}}", address.type_(), address.address()))
                .collect();
            return Err(ApiError::unknown(format!(
                "no preferred addresses found; known addresses: [{}]",
                known.join(" ")
            )));
        };
        let port = status.daemon_endpoints().kubelet_endpoint().port();
        Ok(Peer {
            tls: true,
            host: best.address().to_owned(),
            port: u16::try_from(port)
                .ok()
                .filter(|port| *port > 0)
                .unwrap_or(KUBELET_PORT),
        })
    }
}

impl Answerers {
    /// The same with the ways out.
    ///
    /// # Errors
    /// Where TLS cannot be set up with what the options say.
    pub fn with_nodes(self, options: KubeletOptions) -> Result<Self, rustls::Error> {
        let kubelets = Arc::new(Kubelets::new(options)?);
        let stream = |kind| pods::Streams {
            kubelets: Arc::clone(&kubelets),
            kind,
        };
        Ok(self
            .with_connect("", "pods", "log", pods::Logs(Arc::clone(&kubelets)))
            .with_connect("", "pods", "exec", stream(pods::Kind::Exec))
            .with_connect("", "pods", "attach", stream(pods::Kind::Attach))
            .with_connect("", "pods", "portforward", stream(pods::Kind::PortForward))
            .with_connect("", "pods", "proxy", proxies::Pods(Arc::clone(&kubelets)))
            .with_connect(
                "",
                "services",
                "proxy",
                proxies::Services(Arc::clone(&kubelets)),
            )
            .with_connect("", "nodes", "proxy", proxies::Nodes(kubelets)))
    }
}
