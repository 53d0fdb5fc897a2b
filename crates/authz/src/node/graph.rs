//! Which objects are used on which nodes: [`Graph`].

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use pintle_runtime::text::Text;

/// A kind of object that pods use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Used {
    /// `secrets`
    Secret,
    /// `configmaps`
    ConfigMap,
    /// `persistentvolumeclaims`
    VolumeClaim,
    /// `serviceaccounts`
    ServiceAccount,
    /// `resourceclaims`
    ResourceClaim,
}

/// What a pod uses, in its own namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodUses {
    /// The node that it runs on.
    pub node: Text,
    /// What it uses, by name.
    pub uses: Vec<(Used, Text)>,
}

/// What a persistent volume is claimed by and needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Volume {
    /// Namespace and name of its claim.
    pub claim: (Text, Text),
    /// Secrets that a node needs for it: namespaces and names.
    pub secrets: Vec<(Text, Text)>,
}

/// A place: namespace and name.
type Place = (Text, Text);

/// Which objects are used on which nodes, as of now.
#[derive(Debug, Default)]
pub struct Graph {
    pods: HashMap<Place, PodUses>,
    /// By node: what is used there, and by how many pods.
    used: HashMap<Text, HashMap<(Used, Text, Text), usize>>,
    volumes: HashMap<Text, Volume>,
    /// By secret: the volumes that need it.
    needed_by: HashMap<Place, HashSet<Text>>,
    attachments: HashMap<Text, Text>,
    slices: HashMap<Text, Text>,
    /// Requests for certificates of pods, by place.
    certificates: HashMap<Place, Text>,
}

impl Graph {
    /// There is this pod, and on a node.
    pub fn put_pod(&mut self, namespace: &Text, name: &Text, pod: PodUses) {
        let place = (namespace.clone(), name.clone());
        if self.pods.get(&place) == Some(&pod) {
            return;
        }
        self.remove_pod(namespace, name);
        let used = self.used.entry(pod.node.clone()).or_default();
        for (kind, name) in &pod.uses {
            *used
                .entry((*kind, namespace.clone(), name.clone()))
                .or_default() += 1;
        }
        self.pods.insert(place, pod);
    }

    /// There is no such pod, or it is on no node.
    pub fn remove_pod(&mut self, namespace: &Text, name: &Text) {
        let place = (namespace.clone(), name.clone());
        let Some(pod) = self.pods.remove(&place) else {
            return;
        };
        let Some(used) = self.used.get_mut(&pod.node) else {
            return;
        };
        for (kind, name) in pod.uses {
            let key = (kind, namespace.clone(), name);
            if let Some(count) = used.get_mut(&key) {
                *count -= 1;
                if *count == 0 {
                    used.remove(&key);
                }
            }
        }
        if used.is_empty() {
            self.used.remove(&pod.node);
        }
    }

    /// There is this volume, and it is claimed.
    pub fn put_volume(&mut self, name: &Text, volume: Volume) {
        self.remove_volume(name);
        for secret in &volume.secrets {
            self.needed_by
                .entry(secret.clone())
                .or_default()
                .insert(name.clone());
        }
        self.volumes.insert(name.clone(), volume);
    }

    /// There is no such volume, or it is not claimed.
    pub fn remove_volume(&mut self, name: &str) {
        let Some(volume) = self.volumes.remove(name) else {
            return;
        };
        for secret in volume.secrets {
            if let Some(volumes) = self.needed_by.get_mut(&secret) {
                volumes.remove(name);
                if volumes.is_empty() {
                    self.needed_by.remove(&secret);
                }
            }
        }
    }

    /// A volume attachment is for a node, or is gone.
    pub fn set_attachment(&mut self, name: &Text, node: Option<Text>) {
        set(&mut self.attachments, name.clone(), node);
    }

    /// A resource slice is of a node, or is gone.
    pub fn set_slice(&mut self, name: &Text, node: Option<Text>) {
        set(&mut self.slices, name.clone(), node);
    }

    /// A request for a certificate of a pod is a node's, or is gone.
    pub fn set_certificate(&mut self, namespace: &Text, name: &Text, node: Option<Text>) {
        set(
            &mut self.certificates,
            (namespace.clone(), name.clone()),
            node,
        );
    }

    /// Forgets all pods.
    pub fn clear_pods(&mut self) {
        self.pods.clear();
        self.used.clear();
    }

    /// Forgets all volumes.
    pub fn clear_volumes(&mut self) {
        self.volumes.clear();
        self.needed_by.clear();
    }

    /// Forgets all attachments.
    pub fn clear_attachments(&mut self) {
        self.attachments.clear();
    }

    /// Forgets all slices.
    pub fn clear_slices(&mut self) {
        self.slices.clear();
    }

    /// Forgets all requests for certificates.
    pub fn clear_certificates(&mut self) {
        self.certificates.clear();
    }

    /// Whether a pod on `node` uses an object, or a volume that is used there needs it.
    pub fn uses(&self, node: &str, kind: Used, namespace: &Text, name: &Text) -> bool {
        let Some(used) = self.used.get(node) else {
            return false;
        };
        if used.contains_key(&(kind, namespace.clone(), name.clone())) {
            return true;
        }
        if kind != Used::Secret {
            return false;
        }
        let place = (namespace.clone(), name.clone());
        let mut volumes = self.needed_by.get(&place).into_iter().flatten();
        volumes.any(|volume| self.uses_volume(node, volume))
    }

    /// Whether a pod on `node` has the claim of a volume.
    pub fn uses_volume(&self, node: &str, name: &str) -> bool {
        let Some(Volume { claim, .. }) = self.volumes.get(name) else {
            return false;
        };
        let key = (Used::VolumeClaim, claim.0.clone(), claim.1.clone());
        self.used
            .get(node)
            .is_some_and(|used| used.contains_key(&key))
    }

    /// Whether a pod runs on `node`.
    pub fn runs(&self, node: &str, namespace: &Text, name: &Text) -> bool {
        let place = (namespace.clone(), name.clone());
        self.pods.get(&place).is_some_and(|pod| pod.node == node)
    }

    /// Whether a volume attachment is for `node`.
    pub fn attaches(&self, node: &str, name: &str) -> bool {
        self.attachments
            .get(name)
            .is_some_and(|found| found == node)
    }

    /// Whether a resource slice is of `node`.
    pub fn publishes(&self, node: &str, name: &str) -> bool {
        self.slices.get(name).is_some_and(|found| found == node)
    }

    /// Whether a request for a certificate of a pod is `node`'s.
    pub fn requests(&self, node: &str, namespace: &Text, name: &Text) -> bool {
        let place = (namespace.clone(), name.clone());
        self.certificates
            .get(&place)
            .is_some_and(|found| found == node)
    }
}

fn set<K: Eq + Hash>(map: &mut HashMap<K, Text>, key: K, node: Option<Text>) {
    match node {
        Some(node) => map.insert(key, node),
        None => map.remove(&key),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph() -> Graph {
        let mut graph = Graph::default();
        let pod = |node: &'static str, uses: &[(Used, &'static str)]| PodUses {
            node: node.into(),
            uses: uses
                .iter()
                .map(|(kind, name)| (*kind, (*name).into()))
                .collect(),
        };
        graph.put_pod(
            &"blue".into(),
            &"a".into(),
            pod("n1", &[(Used::Secret, "s"), (Used::VolumeClaim, "c")]),
        );
        graph.put_pod(
            &"blue".into(),
            &"b".into(),
            pod("n1", &[(Used::Secret, "s")]),
        );
        graph.put_pod(
            &"blue".into(),
            &"d".into(),
            pod("n2", &[(Used::ConfigMap, "s")]),
        );
        graph.put_volume(
            &"v".into(),
            Volume {
                claim: ("blue".into(), "c".into()),
                secrets: vec![("vault".into(), "key".into())],
            },
        );
        graph
    }

    #[track_caller]
    fn check(
        graph: &Graph,
        node: &str,
        kind: Used,
        namespace: &'static str,
        name: &'static str,
        expected: bool,
    ) {
        let found = graph.uses(node, kind, &namespace.into(), &name.into());
        assert_eq!(found, expected, "{node} {kind:?} {namespace}/{name}");
    }

    #[test]
    fn a_node_uses_what_its_pods_use() {
        let graph = graph();
        check(&graph, "n1", Used::Secret, "blue", "s", true);
        check(&graph, "n2", Used::Secret, "blue", "s", false);
        check(&graph, "n2", Used::ConfigMap, "blue", "s", true);
        check(&graph, "n1", Used::Secret, "red", "s", false);
        check(&graph, "n3", Used::Secret, "blue", "s", false);
    }

    #[test]
    fn a_volume_brings_its_secrets_along() {
        let mut graph = graph();
        check(&graph, "n1", Used::Secret, "vault", "key", true);
        check(&graph, "n2", Used::Secret, "vault", "key", false);
        assert!(graph.uses_volume("n1", "v") && !graph.uses_volume("n2", "v"));
        graph.remove_volume("v");
        check(&graph, "n1", Used::Secret, "vault", "key", false);
    }

    #[test]
    fn the_last_pod_takes_the_use_with_it() {
        let mut graph = graph();
        graph.remove_pod(&"blue".into(), &"a".into());
        check(&graph, "n1", Used::Secret, "blue", "s", true);
        check(&graph, "n1", Used::Secret, "vault", "key", false);
        graph.remove_pod(&"blue".into(), &"b".into());
        check(&graph, "n1", Used::Secret, "blue", "s", false);
        assert!(graph.runs("n2", &"blue".into(), &"d".into()));
    }
}
