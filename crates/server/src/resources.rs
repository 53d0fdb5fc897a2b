//! Which resource is kept under a key of the store.

use std::collections::HashMap;

/// The resources by the places in which they are kept.
pub(crate) struct Resources {
    /// With a slash at the end.
    root: Vec<u8>,
    /// Group and resource by prefix, such as `services/specs`.
    by_prefix: HashMap<String, (String, String)>,
}

/// What is kept that is no resource of the API, and what upstream calls it here.
const OTHERS: [(&str, &str); 3] = [
    ("masterleases", "apiServerIPInfo"),
    ("peerserverleases", "peerserverleases"),
    ("ranges/servicenodeports", "servicenodeportallocations"),
];

impl Resources {
    /// The places below a prefix such as `/registry`.
    pub(crate) fn below(key_prefix: &str) -> Self {
        let versions = pintle_api::groups()
            .iter()
            .flat_map(|group| group.versions.iter());
        let rows = versions.flat_map(|version| version.resources.iter());
        let kept = rows.filter_map(|row| {
            let storage = row.storage.as_ref()?;
            let resource = (storage.group.to_string(), row.name.to_string());
            Some((storage.prefix.to_string(), resource))
        });
        let others =
            OTHERS.map(|(prefix, name)| (prefix.to_owned(), (String::new(), name.to_owned())));
        Self {
            root: format!("{}/", key_prefix.trim_end_matches('/')).into_bytes(),
            by_prefix: kept.chain(others).collect(),
        }
    }

    /// The group and the resource of what is kept under a key.
    pub(crate) fn of<'a>(&'a self, key: &'a [u8]) -> Option<(&'a str, &'a str)> {
        let below = std::str::from_utf8(key.strip_prefix(&self.root[..])?).ok()?;
        let first = below.find('/')?;
        let second = below[first + 1..].find('/').map(|at| first + 1 + at);
        let long = below.get(..second.unwrap_or(below.len()));
        let known = |prefix: &str| {
            let (group, resource) = self.by_prefix.get(prefix)?;
            Some((group.as_str(), resource.as_str()))
        };
        let custom = || {
            let (group, resource) = (&below[..first], &below[first + 1..second?]);
            group.contains('.').then_some((group, resource))
        };
        long.and_then(known)
            .or_else(|| known(&below[..first]))
            .or_else(custom)
    }
}
