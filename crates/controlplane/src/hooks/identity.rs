//! Which servers there are: a `Lease` for each, kept up while it runs, and collected when it is over.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use pintle_api::coordination::v1::{Lease, LeaseMut};
use pintle_endpoints::delete_options::DeleteOptions;
use pintle_endpoints::permit::Permit;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;
use pintle_runtime::view::View;
use tracing::info;

use super::{HookOptions, MANAGER, Ours, found, server_context};

/// How often leases that are over are looked for.
pub(super) const COLLECTION_PERIOD: Duration = Duration::from_secs(3_600);
const NAMESPACE: &str = "kube-system";
const LABEL: &str = "apiserver.kubernetes.io/identity";
/// Seconds.
const DURATION: i32 = 3_600;

/// What a server on a machine of this name is called: the same whenever it starts.
pub fn server_id(hostname: &str) -> String {
    let mut named = Vec::new();
    for part in [hostname, MANAGER] {
        let length = u16::try_from(part.len()).unwrap_or(u16::MAX);
        named.extend_from_slice(&length.to_be_bytes());
        named.extend_from_slice(part.as_bytes());
    }
    let hash = digest(&SHA256, &named);
    format!(
        "apiserver-{}",
        base32(hash.as_ref().get(..16).unwrap_or_default())
    )
}

/// RFC 4648 in small letters, without padding.
fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let (mut out, mut bits, mut held) = (String::new(), 0_u32, 0);
    let mut push = |value: u32| out.push(char::from(LETTERS[(value & 31) as usize]));
    for byte in bytes {
        bits = (bits << 8) | u32::from(*byte);
        held += 8;
        while held >= 5 {
            held -= 5;
            push(bits >> held);
        }
    }
    if held > 0 {
        push(bits << (5 - held));
    }
    out
}

/// This server.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    name: String,
    holder: String,
    hostname: String,
    peer: Option<String>,
}

impl Identity {
    pub(super) fn new(options: &HookOptions) -> Self {
        let name = server_id(&options.hostname);
        let address = |ip| std::net::SocketAddr::new(ip, options.port).to_string();
        Self {
            holder: format!("{name}_{}", options.environment.random.uid()),
            name,
            hostname: options.hostname.clone(),
            peer: options.advertise.map(address),
        }
    }

    /// Says that the server runs.
    pub(super) async fn renew(&self, ours: &Ours) -> Result<(), ApiError> {
        let store = ours.store("coordination.k8s.io", "leases")?;
        let now = ours.environment.clock.now();
        let fill = |record: &mut Record| {
            let mut lease = LeaseMut::from_record(record);
            let mut metadata = lease.metadata_mut();
            metadata.labels_mut().insert(LABEL, MANAGER);
            metadata
                .labels_mut()
                .insert("kubernetes.io/hostname", self.hostname.clone());
            if let Some(peer) = &self.peer {
                metadata
                    .annotations_mut()
                    .insert("kubernetes.io/peer-advertise-address", peer.clone());
            }
            let mut spec = lease.spec_mut();
            spec.set_holder_identity(self.holder.clone());
            spec.set_lease_duration_seconds(DURATION);
            spec.set_renew_time(now);
        };
        if found(&store, &format!("{NAMESPACE}/{}", self.name))?.is_some() {
            ours.update(&store, NAMESPACE, MANAGER, &self.name, fill)
                .await?;
            return Ok(());
        }
        let mut new = <Lease<'_> as View>::new_record();
        LeaseMut::from_record(&mut new)
            .metadata_mut()
            .set_name(self.name.clone());
        fill(&mut new);
        ours.create(&store, NAMESPACE, MANAGER, new).await
    }
}

/// Deletes the leases of servers that have not been heard of for longer than they said.
pub(super) async fn collect(ours: &Ours) -> Result<(), ApiError> {
    let store = ours.store("coordination.k8s.io", "leases")?;
    let (snapshot, _) = store.cache().newest();
    let now = ours.environment.clock.now();
    let of_servers = snapshot
        .entries()
        .filter(|entry| entry.namespace() == NAMESPACE && entry.label(LABEL) == Some(MANAGER));
    for entry in of_servers {
        let record = entry.record()?;
        let spec = Lease::from_record(&record).spec();
        let end = spec
            .renew_time()
            .zip(spec.lease_duration_seconds())
            .map(|(renewed, seconds)| renewed.plus_seconds(seconds.into()));
        if end.is_some_and(|end| end >= now) {
            continue;
        }
        info!(
            name = entry.name(),
            "collecting the lease of a server that is gone"
        );
        let permit = Permit::of_the_server_itself("start-up");
        let cx = server_context(&ours.environment, NAMESPACE);
        let options = DeleteOptions::default();
        match store.delete(&permit, &cx, entry.name(), &options).await {
            Ok(_) | Err(ApiError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_called_after_its_machine() {
        assert_eq!(server_id("vm"), "apiserver-wlv32tlttr4jl3gtroqexyxapa");
        assert_ne!(server_id("vm"), server_id("vm2"));
    }
}
