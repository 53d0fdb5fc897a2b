//! `extension-apiserver-authentication`: how servers that extend the API know who asks them.

use std::collections::BTreeMap;

use pintle_api::core::v1::{ConfigMap, ConfigMapMut};
use pintle_runtime::field_path::BadValue;
use pintle_runtime::status::ApiError;
use pintle_runtime::view::View;

use super::{MANAGER, Ours, found};

const NAME: &str = "extension-apiserver-authentication";
const NAMESPACE: &str = "kube-system";

/// How this server knows who asks.
#[derive(Debug, Clone, Default)]
pub struct AuthenticationInfo {
    /// The authorities of clients' certificates, in PEM.
    pub client_ca: Option<String>,
    /// The proxies that say in headers who asks.
    pub request_header: Option<RequestHeaderInfo>,
}

/// Proxies that say in headers who asks.
#[derive(Debug, Clone, Default)]
pub struct RequestHeaderInfo {
    /// The authorities of their certificates, in PEM.
    pub ca: String,
    /// The names that they may have; any if there are none.
    pub allowed_names: Vec<String>,
    /// Headers with the name of who asks.
    pub username_headers: Vec<String>,
    /// Headers with a uid.
    pub uid_headers: Vec<String>,
    /// Headers with a group.
    pub group_headers: Vec<String>,
    /// What headers with anything else begin with.
    pub extra_header_prefixes: Vec<String>,
}

impl AuthenticationInfo {
    fn data(&self) -> BTreeMap<&'static str, String> {
        let mut data = BTreeMap::new();
        if let Some(ca) = &self.client_ca {
            data.insert("client-ca-file", ca.clone());
        }
        if let Some(proxies) = &self.request_header {
            let lists = [
                ("requestheader-allowed-names", &proxies.allowed_names),
                ("requestheader-username-headers", &proxies.username_headers),
                ("requestheader-group-headers", &proxies.group_headers),
                (
                    "requestheader-extra-headers-prefix",
                    &proxies.extra_header_prefixes,
                ),
            ];
            data.insert("requestheader-client-ca-file", proxies.ca.clone());
            for (key, list) in lists {
                data.insert(key, BadValue::strings(list).to_string());
            }
            if !proxies.uid_headers.is_empty() {
                let list = BadValue::strings(&proxies.uid_headers).to_string();
                data.insert("requestheader-uid-headers", list);
            }
        }
        data
    }
}

pub(super) async fn make(ours: &Ours, info: &AuthenticationInfo) -> Result<(), ApiError> {
    let store = ours.store("", "configmaps")?;
    let mut wanted = info.data();
    let Some(record) = found(&store, &format!("{NAMESPACE}/{NAME}"))? else {
        let mut object = <ConfigMap<'_> as View>::new_record();
        let mut map = ConfigMapMut::from_record(&mut object);
        map.metadata_mut().set_name(NAME);
        for (key, value) in wanted {
            map.data_mut().insert(key, value);
        }
        return ours.create(&store, NAMESPACE, MANAGER, object).await;
    };
    let has = ConfigMap::from_record(&record).data();
    for (key, value) in &mut wanted {
        // Servers with other authorities share the bundle.
        if let (true, Some(had)) = (key.ends_with("-ca-file"), has.get(key)) {
            *value = together(had, value);
        }
    }
    if wanted
        .iter()
        .all(|(key, value)| has.get(key) == Some(value))
    {
        return Ok(());
    }
    let change = |record: &mut _| {
        let mut map = ConfigMapMut::from_record(record);
        for (key, value) in &wanted {
            map.data_mut().insert(*key, value.clone());
        }
    };
    ours.update(&store, NAMESPACE, MANAGER, NAME, change)
        .await?;
    Ok(())
}

/// Two bundles as one, each certificate once.
fn together(had: &str, ours: &str) -> String {
    const END: &str = "-----END CERTIFICATE-----";
    let mut all = had.to_owned();
    for certificate in ours.split_inclusive(END) {
        let certificate = certificate.trim();
        if certificate.ends_with(END) && !all.contains(certificate) {
            if !all.is_empty() && !all.ends_with('\n') {
                all.push('\n');
            }
            all.push_str(certificate);
            all.push('\n');
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundles_are_joined_without_repetition() {
        let one = "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n";
        let two = "-----BEGIN CERTIFICATE-----\nBB\n-----END CERTIFICATE-----\n";
        assert_eq!(together(one, one), one);
        assert_eq!(together(one, two), format!("{one}{two}"));
        assert_eq!(together(&format!("{one}{two}"), two), format!("{one}{two}"));
        assert_eq!(together("", two), two);
    }

    #[test]
    fn lists_are_json() {
        let info = AuthenticationInfo {
            client_ca: None,
            request_header: Some(RequestHeaderInfo {
                allowed_names: vec!["front-proxy".into()],
                ..RequestHeaderInfo::default()
            }),
        };
        let data = info.data();
        assert_eq!(data["requestheader-allowed-names"], r#"["front-proxy"]"#);
        assert_eq!(data["requestheader-group-headers"], "[]");
        assert!(!data.contains_key("client-ca-file"));
    }
}
