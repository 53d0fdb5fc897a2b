//! What nodes use, into the node authorizer's graph, as it is written.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use futures_util::future::join_all;
use pintle_api::certificates::v1beta1::PodCertificateRequest;
use pintle_api::core::v1::{Container, PersistentVolume, Pod, Volume as PodVolume};
use pintle_api::resource::v1::ResourceSlice;
use pintle_api::storage::v1::VolumeAttachment;
use pintle_authz::NodeAuthorizer;
use pintle_authz::node::{Graph, PodUses, Used, Volume};
use pintle_endpoints::cache::Entry;
use pintle_endpoints::registry::Registry;
use pintle_endpoints::watch::{Told, follow};
use pintle_runtime::text::Text;
use pintle_runtime::value::Record;
use tracing::error;

/// A resource that the graph is made of.
#[derive(Clone, Copy)]
struct Part {
    group: &'static str,
    version: &'static str,
    resource: &'static str,
    /// Is given the object, perhaps without its metadata.
    put: fn(&mut Graph, &Entry, &Record),
    remove: fn(&mut Graph, &Entry),
    clear: fn(&mut Graph),
}

const PARTS: [Part; 5] = [
    Part {
        group: "",
        version: "v1",
        resource: "pods",
        put: put_pod,
        remove: |graph, entry| graph.remove_pod(&own(entry.namespace()), &own(entry.name())),
        clear: Graph::clear_pods,
    },
    Part {
        group: "",
        version: "v1",
        resource: "persistentvolumes",
        put: put_volume,
        remove: |graph, entry| graph.remove_volume(entry.name()),
        clear: Graph::clear_volumes,
    },
    Part {
        group: "storage.k8s.io",
        version: "v1",
        resource: "volumeattachments",
        put: |graph, entry, object| {
            let node = VolumeAttachment::from_record(object).spec().node_name();
            graph.set_attachment(&own(entry.name()), some(node));
        },
        remove: |graph, entry| graph.set_attachment(&own(entry.name()), None),
        clear: Graph::clear_attachments,
    },
    Part {
        group: "resource.k8s.io",
        version: "v1",
        resource: "resourceslices",
        put: |graph, entry, object| {
            let node = ResourceSlice::from_record(object).spec().node_name();
            graph.set_slice(&own(entry.name()), node.and_then(some));
        },
        remove: |graph, entry| graph.set_slice(&own(entry.name()), None),
        clear: Graph::clear_slices,
    },
    Part {
        group: "certificates.k8s.io",
        version: "v1beta1",
        resource: "podcertificaterequests",
        put: |graph, entry, object| {
            let node = PodCertificateRequest::from_record(object)
                .spec()
                .node_name();
            let (namespace, name) = (own(entry.namespace()), own(entry.name()));
            graph.set_certificate(&namespace, &name, some(node));
        },
        remove: |graph, entry| {
            graph.set_certificate(&own(entry.namespace()), &own(entry.name()), None);
        },
        clear: Graph::clear_certificates,
    },
];

/// Tells `authorizer` of all objects there are, before it returns; the answer tells it of changes, until it is dropped.
pub fn feed(
    registry: &Registry,
    authorizer: &Arc<NodeAuthorizer>,
) -> impl Future<Output = ()> + Send + use<> {
    let parts: Vec<_> = PARTS
        .into_iter()
        .filter_map(|part| {
            Some((
                part,
                registry.store(part.group, part.version, part.resource)?,
            ))
        })
        .map(|(part, store)| {
            let authorizer = Arc::clone(authorizer);
            follow(
                Arc::clone(store.cache()),
                Arc::clone(store.storage()),
                move |told| {
                    authorizer.change(|graph| part.apply(graph, &told));
                },
            )
        })
        .collect();
    async move {
        join_all(parts).await;
    }
}

/// So many objects take longer to decode than a thread to start.
const WORTH_A_THREAD: usize = 256;

impl Part {
    fn apply(self, graph: &mut Graph, told: &Told<'_>) {
        match told {
            Told::All(snapshot) => {
                (self.clear)(graph);
                self.put_all(&Mutex::new(graph), &snapshot.iter().collect::<Vec<_>>());
            }
            Told::Put(entry) => self.put(&Mutex::new(graph), entry),
            Told::Gone(entry) => (self.remove)(graph, entry),
        }
    }

    /// To decode an object takes much longer than to put it into the graph, so that is done on all cores: a start waits
    /// for it.
    fn put_all(self, graph: &Mutex<&mut Graph>, entries: &[&Arc<Entry>]) {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let put = |entries: &[&Arc<Entry>]| entries.iter().for_each(|entry| self.put(graph, entry));
        thread::scope(|scope| {
            let mut shares = entries.chunks(entries.len().div_ceil(cores).max(WORTH_A_THREAD));
            let own = shares.next();
            for share in shares {
                scope.spawn(move || put(share));
            }
            own.into_iter().for_each(put);
        });
    }

    fn put(self, graph: &Mutex<&mut Graph>, entry: &Entry) {
        let object = entry.glance_at_contents();
        let mut graph = graph.lock().unwrap_or_else(PoisonError::into_inner);
        match object {
            Ok(object) => (self.put)(&mut graph, entry, &object),
            Err(error) => {
                // What cannot be read is used by nobody.
                error!(key = entry.key(), %error, "an object that nodes may use does not decode");
                (self.remove)(&mut graph, entry);
            }
        }
    }
}

/// The annotation of a pod that stands for one that a node runs by itself.
const MIRROR: &str = "kubernetes.io/config.mirror";

fn put_pod(graph: &mut Graph, entry: &Entry, object: &Record) {
    let pod = Pod::from_record(object);
    let (namespace, name) = (own(entry.namespace()), own(entry.name()));
    let node = pod.spec().node_name();
    if node.is_empty() {
        return graph.remove_pod(&namespace, &name);
    }
    // A node makes mirror pods itself, and must not come to anything by what it writes into one.
    let uses = if is_mirror(entry) {
        Vec::new()
    } else {
        uses_of(&name, pod)
    };
    let node = own(node);
    graph.put_pod(&namespace, &name, PodUses { node, uses });
}

/// What does not decode counts as one, too.
fn is_mirror(entry: &Entry) -> bool {
    entry.mentions(MIRROR)
        && entry.glance().map_or(true, |object| {
            let metadata = Pod::from_record(&object).metadata();
            metadata.annotations().get(MIRROR).is_some()
        })
}

fn uses_of(name: &str, pod: Pod<'_>) -> Vec<(Used, Text)> {
    let mut uses = Uses(Vec::new());
    let spec = pod.spec();
    uses.add(Used::ServiceAccount, spec.service_account_name());
    for secret in spec.image_pull_secrets() {
        uses.add(Used::Secret, secret.name());
    }
    for container in spec
        .containers()
        .iter()
        .chain(spec.init_containers().iter())
    {
        uses.container(container);
    }
    for container in spec.ephemeral_containers() {
        uses.environment(container.env(), container.env_from());
    }
    for volume in spec.volumes() {
        uses.volume(volume, name);
    }
    let statuses = pod.status().resource_claim_statuses();
    for claim in spec.resource_claims() {
        let made = statuses.iter().find(|status| status.name() == claim.name());
        let name = claim
            .resource_claim_name()
            .or_else(|| made.and_then(|status| status.resource_claim_name()));
        uses.add(Used::ResourceClaim, name.unwrap_or_default());
    }
    if let Some(status) = pod.status().extended_resource_claim_status() {
        uses.add(Used::ResourceClaim, status.resource_claim_name());
    }
    uses.0
}

/// What a pod uses, each once.
struct Uses(Vec<(Used, Text)>);

type Environment<'a> = pintle_runtime::view::List<'a, pintle_api::core::v1::EnvVar<'a>>;
type EnvironmentFrom<'a> = pintle_runtime::view::List<'a, pintle_api::core::v1::EnvFromSource<'a>>;

impl Uses {
    fn add(&mut self, kind: Used, name: &str) {
        let known = |(known, found): &(Used, Text)| *known == kind && *found == name;
        if !name.is_empty() && !self.0.iter().any(known) {
            self.0.push((kind, own(name)));
        }
    }

    fn secret(&mut self, name: Option<&str>) {
        self.add(Used::Secret, name.unwrap_or_default());
    }

    fn container(&mut self, container: Container<'_>) {
        self.environment(container.env(), container.env_from());
    }

    fn environment(&mut self, env: Environment<'_>, env_from: EnvironmentFrom<'_>) {
        for source in env.iter().filter_map(|variable| variable.value_from()) {
            self.secret(source.secret_key_ref().map(|key| key.name()));
            let map = source.config_map_key_ref().map(|key| key.name());
            self.add(Used::ConfigMap, map.unwrap_or_default());
        }
        for source in env_from {
            self.secret(source.secret_ref().map(|secret| secret.name()));
            let map = source.config_map_ref().map(|map| map.name());
            self.add(Used::ConfigMap, map.unwrap_or_default());
        }
    }

    fn volume(&mut self, volume: PodVolume<'_>, pod: &str) {
        if let Some(claim) = volume.persistent_volume_claim() {
            self.add(Used::VolumeClaim, claim.claim_name());
        } else if volume.ephemeral().is_some() {
            self.add(Used::VolumeClaim, &format!("{pod}-{}", volume.name()));
        }
        let map = volume.config_map().map(|map| map.name());
        self.add(Used::ConfigMap, map.unwrap_or_default());
        self.secret(volume.secret().map(|secret| secret.secret_name()));
        self.secret(volume.azure_file().map(|file| file.secret_name()));
        let references = [
            volume.cephfs().and_then(|source| source.secret_ref()),
            volume.cinder().and_then(|source| source.secret_ref()),
            volume.flex_volume().and_then(|source| source.secret_ref()),
            volume.rbd().and_then(|source| source.secret_ref()),
            volume.scale_io().and_then(|source| source.secret_ref()),
            volume.iscsi().and_then(|source| source.secret_ref()),
            volume.storageos().and_then(|source| source.secret_ref()),
            volume
                .csi()
                .and_then(|source| source.node_publish_secret_ref()),
        ];
        for reference in references.into_iter().flatten() {
            self.add(Used::Secret, reference.name());
        }
        let Some(projected) = volume.projected() else {
            return;
        };
        for source in projected.sources() {
            self.secret(source.secret().map(|secret| secret.name()));
            let map = source.config_map().map(|map| map.name());
            self.add(Used::ConfigMap, map.unwrap_or_default());
        }
    }
}

fn put_volume(graph: &mut Graph, entry: &Entry, object: &Record) {
    let spec = PersistentVolume::from_record(object).spec();
    let Some(claim) = spec.claim_ref() else {
        return graph.remove_volume(entry.name());
    };
    let namespace = claim.namespace();
    let mut secrets = Vec::new();
    // A secret without a namespace is the claim's.
    let mut add = |of: Option<&str>, name: &str| {
        let of = of.filter(|of| !of.is_empty()).unwrap_or(namespace);
        if !name.is_empty() {
            secrets.push((own(of), own(name)));
        }
    };
    if let Some(file) = spec.azure_file() {
        add(file.secret_namespace(), file.secret_name());
    }
    let references = [
        spec.cephfs().and_then(|source| source.secret_ref()),
        spec.cinder().and_then(|source| source.secret_ref()),
        spec.flex_volume().and_then(|source| source.secret_ref()),
        spec.rbd().and_then(|source| source.secret_ref()),
        spec.scale_io().and_then(|source| source.secret_ref()),
        spec.iscsi().and_then(|source| source.secret_ref()),
        spec.csi()
            .and_then(|source| source.node_publish_secret_ref()),
        spec.csi().and_then(|source| source.node_stage_secret_ref()),
        spec.csi()
            .and_then(|source| source.node_expand_secret_ref()),
    ];
    for reference in references.into_iter().flatten() {
        add(Some(reference.namespace()), reference.name());
    }
    if let Some(reference) = spec.storageos().and_then(|source| source.secret_ref()) {
        add(Some(reference.namespace()), reference.name());
    }
    let claim = (own(namespace), own(claim.name()));
    graph.put_volume(&own(entry.name()), Volume { claim, secrets });
}

fn some(text: &str) -> Option<Text> {
    (!text.is_empty()).then(|| own(text))
}

fn own(text: &str) -> Text {
    Text::from(text.to_owned())
}
