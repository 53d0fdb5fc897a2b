//! Logs of containers and streams into them.

use std::sync::Arc;

use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use pintle_api::core::v1::{
    Pod, PodAttachOptions, PodExecOptions, PodLogOptions, PodPortForwardOptions,
};
use pintle_endpoints::body::Body;
use pintle_endpoints::connect::{Connect, Passed};
use pintle_endpoints::unkept::{Answer, Asked};
use pintle_runtime::gvk::GroupResource;
use pintle_runtime::schema::TypeRef;
use pintle_runtime::status::{ApiError, Responded};
use pintle_runtime::value::Record;
use pintle_runtime::view::View;

use super::pass::{Way, pass, text};
use super::{Kubelets, options};

/// How much of a kubelet's refusal is shown, in bytes.
const MOST: usize = 2048;

/// `pods/log`
pub(super) struct Logs(pub(super) Arc<Kubelets>);

impl Connect for Logs {
    fn is_admitted(&self) -> bool {
        false
    }

    fn options(&self) -> TypeRef {
        <PodLogOptions<'_> as View>::new_record().type_ref().clone()
    }

    fn connect<'a>(
        &'a self,
        asked: Asked<'a>,
        options: Record,
        _: Passed,
    ) -> Answer<'a, Response<Body>> {
        Box::pin(async move {
            let options = PodLogOptions::from_record(&options);
            options::check(asked.name, options)?;
            let record = pod(asked).await?;
            let pod = Pod::from_record(&record);
            let container = container(pod, options.container())?;
            let node = pod.spec().node_name();
            if node.is_empty() {
                // It has said nothing yet.
                let mut nothing = Response::new(Body::empty());
                *nothing.status_mut() = StatusCode::NO_CONTENT;
                return Ok(nothing);
            }
            let peer = self.0.of_node(asked, node).await?;
            let mut uri = format!(
                "/containerLogs/{}/{}/{container}",
                pod.metadata().namespace(),
                pod.metadata().name()
            );
            let query = options::of_log(options);
            if !query.is_empty() {
                uri.push('?');
                uri.push_str(&query);
            }
            let connector = if options.insecure_skip_tls_verify_backend() {
                &self.0.unverified
            } else {
                &self.0.verified
            };
            let request = Request::get(&uri)
                .header(http::header::HOST, peer.authority())
                .body(Empty::new())
                .map_err(ApiError::internal)?;
            let answer = peer.send(connector, request).await.map_err(|why| {
                ApiError::unknown(format!("Get \"https://{}{uri}\": {why}", peer.authority()))
            })?;
            if (200..=206).contains(&answer.status().as_u16()) {
                return Ok(text(answer));
            }
            let code = answer.status().as_u16();
            let body = Limited::new(answer.into_body(), MOST).collect().await;
            let body = body.map(|body| body.to_bytes()).unwrap_or_default();
            Err(refusal(code, &String::from_utf8_lossy(&body), asked.name))
        })
    }
}

/// A kubelet's refusal, as this server's.
fn refusal(code: u16, said: &str, name: &str) -> ApiError {
    match code {
        500 => ApiError::internal(said),
        400 => ApiError::bad_request(said.to_owned()),
        code => Responded {
            resource: GroupResource::new("", "pods"),
            name,
            server_message: said,
            ..Responded::new(code)
        }
        .into(),
    }
}

/// Which stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `pods/exec`
    Exec,
    /// `pods/attach`
    Attach,
    /// `pods/portforward`
    PortForward,
}

/// A stream into a pod.
pub(super) struct Streams {
    pub(super) kubelets: Arc<Kubelets>,
    pub(super) kind: Kind,
}

impl Connect for Streams {
    fn options(&self) -> TypeRef {
        let record = match self.kind {
            Kind::Exec => <PodExecOptions<'_> as View>::new_record(),
            Kind::Attach => <PodAttachOptions<'_> as View>::new_record(),
            Kind::PortForward => <PodPortForwardOptions<'_> as View>::new_record(),
        };
        record.type_ref().clone()
    }

    fn connect<'a>(
        &'a self,
        asked: Asked<'a>,
        options: Record,
        request: Passed,
    ) -> Answer<'a, Response<Body>> {
        Box::pin(async move {
            let record = pod(asked).await?;
            let pod = Pod::from_record(&record);
            let (what, container, query) = match self.kind {
                Kind::Exec => {
                    let options = PodExecOptions::from_record(&options);
                    let container = container(pod, options.container())?;
                    ("exec", Some(container), options::of_exec(options))
                }
                Kind::Attach => {
                    let options = PodAttachOptions::from_record(&options);
                    let container = container(pod, options.container())?;
                    ("attach", Some(container), options::of_attach(options))
                }
                Kind::PortForward => {
                    let ports = PodPortForwardOptions::from_record(&options).ports();
                    let ports = ports
                        .iter()
                        .filter_map(pintle_runtime::value::Value::as_int);
                    ("portForward", None, options::of_ports(ports))
                }
            };
            let node = pod.spec().node_name();
            if node.is_empty() {
                let name = asked.name;
                return Err(ApiError::bad_request(format!(
                    "pod {name} does not have a host assigned"
                )));
            }
            let peer = self.kubelets.of_node(asked, node).await?;
            let metadata = pod.metadata();
            let mut path = format!("/{what}/{}/{}", metadata.namespace(), metadata.name());
            if let Some(container) = container {
                path.push('/');
                path.push_str(container);
            }
            let way = Way {
                peer,
                connector: &self.kubelets.verified,
                path,
                query,
                only_upgrades: true,
            };
            pass(way, request).await
        })
    }
}

/// The pod that is asked about.
async fn pod(asked: Asked<'_>) -> Result<Record, ApiError> {
    let pods = asked.parent()?;
    pods.get(asked.permit, asked.cx, asked.name, "")
        .await?
        .record()
}

/// The container that is meant: the only one, if none is named.
fn container<'a>(pod: Pod<'a>, named: &'a str) -> Result<&'a str, ApiError> {
    let spec = pod.spec();
    let containers: Vec<&str> = spec.containers().iter().map(|it| it.name()).collect();
    let init: Vec<&str> = spec.init_containers().iter().map(|it| it.name()).collect();
    let ephemeral: Vec<&str> = spec
        .ephemeral_containers()
        .iter()
        .map(|it| it.name())
        .collect();
    let name = pod.metadata().name();
    if !named.is_empty() {
        let mut all = containers.iter().chain(&init).chain(&ephemeral);
        if all.any(|known| *known == named) {
            return Ok(named);
        }
        return Err(ApiError::bad_request(format!(
            "container {named} is not valid for pod {name}"
        )));
    }
    if let [only] = *containers {
        return Ok(only);
    }
    let mut why = format!("a container name must be specified for pod {name}");
    if !containers.is_empty() {
        why.push_str(&format!(", choose one of: [{}]", containers.join(" ")));
        if !init.is_empty() {
            why.push_str(&format!(
                " or one of the init containers: [{}]",
                init.join(" ")
            ));
        }
    }
    Err(ApiError::bad_request(why))
}
