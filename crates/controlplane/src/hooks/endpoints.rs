//! Who answers for the Service `kubernetes`: every server that runs.
//!
//! A server says that it runs with a key of its own that expires, `masterleases/<address>`, an Endpoints
//! object in which only the address counts. Each of them writes the addresses that it finds so into the
//! Endpoints and the EndpointSlice of the Service. So those of a server that died go within seconds.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use futures_util::future::try_join;
use pintle_api::core::v1::{Endpoints, EndpointsMut};
use pintle_api::discovery::v1::{EndpointSlice, EndpointSliceMut};
use pintle_runtime::codec::protobuf;
use pintle_runtime::ip;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::{Record, Value};
use pintle_runtime::view::View;
use pintle_storage::{Expect, Key, KeyRange, Page, Revision, StorageError};

use super::kubernetes_service::{NAME, NAMESPACE, PORT_NAME};
use super::{HookOptions, MANAGER, Ours, found};

/// How long a server counts as running after it has said so.
const LEASE: Duration = Duration::from_secs(15);

fn prefix(options: &HookOptions) -> String {
    format!("{}/masterleases/", options.key_prefix.trim_end_matches('/'))
}

fn failed(error: StorageError) -> ApiError {
    ApiError::internal_from("the store can not serve the request", error)
}

/// Says that this server runs, and publishes all that do.
pub(super) async fn publish(ours: &Ours, options: &HookOptions) -> Result<(), ApiError> {
    let Some(address) = options.advertise else {
        return Ok(());
    };
    renew(options, address).await?;
    reconcile(ours, options).await
}

async fn renew(options: &HookOptions, address: IpAddr) -> Result<(), ApiError> {
    let key = Key::from(format!("{}{address}", prefix(options)));
    let kept = options.storage.get(&key, Revision::ZERO).await;
    let expect = match kept.map_err(failed)?.value {
        Some(record) => Expect::At(record.mod_revision),
        None => Expect::Absent,
    };
    let mut record = <Endpoints<'_> as View>::new_record();
    let mut endpoints = EndpointsMut::from_record(&mut record);
    // A write that changes nothing would not renew the lease of kube-apiserver's, which counts here.
    endpoints.metadata_mut().set_generation(1);
    let mut subsets = endpoints.subsets_mut();
    let mut subset = subsets.push_new();
    subset
        .addresses_mut()
        .push_new()
        .set_ip(address.to_string());
    let mut value = Vec::new();
    protobuf::envelope::encode("v1", "Endpoints", &record, &mut value);
    let put = options.storage.put(&key, expect, value.into(), Some(LEASE));
    match put.await {
        Ok(_) | Err(StorageError::Conflict { .. } | StorageError::Exists { .. }) => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

/// The addresses of all servers that run, in order.
async fn running(options: &HookOptions) -> Result<Vec<String>, ApiError> {
    let prefix = prefix(options);
    let range = KeyRange::prefix(prefix.clone());
    let page = Page {
        limit: None,
        from: None,
        at: None,
    };
    let listing = options.storage.list(&range, page).await.map_err(failed)?;
    let keys = listing
        .value
        .records
        .iter()
        .map(|record| record.key.as_bytes());
    let address = |key: &[u8]| {
        let name = std::str::from_utf8(key.get(prefix.len()..)?).ok()?;
        ip::parse(name)
    };
    let distinct: BTreeSet<IpAddr> = keys.filter_map(address).collect();
    Ok(distinct.into_iter().map(|ip| ip.to_string()).collect())
}

async fn reconcile(ours: &Ours, options: &HookOptions) -> Result<(), ApiError> {
    let addresses = running(options).await?;
    let endpoints = write_endpoints(ours, options, &addresses);
    let slice = write_slice(ours, options, &addresses);
    try_join(endpoints, slice).await.map(drop)
}

async fn write_endpoints(
    ours: &Ours,
    options: &HookOptions,
    addresses: &[String],
) -> Result<(), ApiError> {
    let store = ours.store("", "endpoints")?;
    let fill = |record: &mut Record| {
        let mut endpoints = EndpointsMut::from_record(record);
        let mut metadata = endpoints.metadata_mut();
        metadata
            .labels_mut()
            .insert("endpointslice.kubernetes.io/skip-mirror", "true");
        endpoints.set_subsets(Vec::<Value>::new());
        if addresses.is_empty() {
            return endpoints.clear_subsets();
        }
        let mut subsets = endpoints.subsets_mut();
        let mut subset = subsets.push_new();
        for address in addresses {
            subset.addresses_mut().push_new().set_ip(address.clone());
        }
        let mut ports = subset.ports_mut();
        let mut port = ports.push_new();
        port.set_name(PORT_NAME);
        port.set_port(options.port.into());
        port.set_protocol("TCP");
    };
    if found(&store, "default/kubernetes")?.is_some() {
        ours.update(&store, NAMESPACE, MANAGER, NAME, fill).await?;
        return Ok(());
    }
    let mut new = <Endpoints<'_> as View>::new_record();
    EndpointsMut::from_record(&mut new)
        .metadata_mut()
        .set_name(NAME);
    fill(&mut new);
    ours.create(&store, NAMESPACE, MANAGER, new).await
}

async fn write_slice(
    ours: &Ours,
    options: &HookOptions,
    addresses: &[String],
) -> Result<(), ApiError> {
    let store = ours.store("discovery.k8s.io", "endpointslices")?;
    let family = match options.advertise {
        Some(IpAddr::V6(_)) => "IPv6",
        _ => "IPv4",
    };
    let fill = |record: &mut Record| {
        let mut slice = EndpointSliceMut::from_record(record);
        let mut metadata = slice.metadata_mut();
        metadata
            .labels_mut()
            .insert("kubernetes.io/service-name", NAME);
        slice.set_address_type(family);
        slice.set_endpoints(Vec::<Value>::new());
        for address in addresses {
            let mut endpoints = slice.endpoints_mut();
            let mut endpoint = endpoints.push_new();
            endpoint.addresses_mut().push(address.clone());
            endpoint.conditions_mut().set_ready(true);
        }
        slice.set_ports(Vec::<Value>::new());
        let mut ports = slice.ports_mut();
        let mut port = ports.push_new();
        port.set_name(PORT_NAME);
        port.set_protocol("TCP");
        port.set_port(options.port.into());
    };
    if found(&store, "default/kubernetes")?.is_some() {
        ours.update(&store, NAMESPACE, MANAGER, NAME, fill).await?;
        return Ok(());
    }
    let mut new = <EndpointSlice<'_> as View>::new_record();
    EndpointSliceMut::from_record(&mut new)
        .metadata_mut()
        .set_name(NAME);
    fill(&mut new);
    ours.create(&store, NAMESPACE, MANAGER, new).await
}

/// Takes this server out of the endpoints: it is about to stop.
///
/// # Errors
/// Those of the stores; what is left goes by itself.
pub async fn withdraw(options: &HookOptions) -> Result<(), ApiError> {
    let Some(address) = options.advertise else {
        return Ok(());
    };
    let key = Key::from(format!("{}{address}", prefix(options)));
    let kept = options.storage.get(&key, Revision::ZERO).await;
    if let Some(record) = kept.map_err(failed)?.value {
        let deleted = options.storage.delete(&key, record.mod_revision).await;
        deleted.map_err(failed)?;
    }
    let ours = Ours {
        registry: std::sync::Arc::clone(&options.registry),
        environment: options.environment.clone(),
    };
    reconcile(&ours, options).await
}
