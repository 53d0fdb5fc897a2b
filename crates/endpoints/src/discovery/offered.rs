//! Rows without what a server does not offer.

use std::borrow::Cow;

use pintle_runtime::resource::{Group, GroupVersion, Many, Name, Resource, Subresource};

/// One verb of a resource or subresource, of which a server says whether it offers it.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    /// The resource.
    pub resource: &'a Resource,
    /// The subresource, if the verb is one of a subresource.
    pub subresource: Option<&'a Subresource>,
    /// The verb as in discovery, such as `deletecollection`.
    pub verb: &'a str,
}

/// The rows of `groups` with only those verbs that `keep` keeps. A resource, subresource, version
/// or group that has none left is gone; a resource that is gone takes its subresources along.
/// Verbs of a streaming subresource decide on its HTTP methods.
pub fn offered(groups: &[Group], keep: impl Fn(Offer<'_>) -> bool) -> Vec<Group> {
    let version = |version: &GroupVersion| {
        let resources: Vec<_> = version
            .resources
            .iter()
            .filter_map(|row| resource(row, &keep))
            .collect();
        (!resources.is_empty()).then(|| GroupVersion {
            resources: Cow::Owned(resources),
            ..version.clone()
        })
    };
    let group = |group: &Group| {
        let versions: Vec<_> = group.versions.iter().filter_map(version).collect();
        (!versions.is_empty()).then(|| Group {
            versions: Cow::Owned(versions),
            ..group.clone()
        })
    };
    groups.iter().filter_map(group).collect()
}

fn resource(row: &Resource, keep: &impl Fn(Offer<'_>) -> bool) -> Option<Resource> {
    let verbs = verbs(&row.verbs, |verb| {
        keep(Offer {
            resource: row,
            subresource: None,
            verb,
        })
    })?;
    let subresources = row
        .subresources
        .iter()
        .filter_map(|subresource| self::subresource(row, subresource, keep));
    let subresources = Cow::Owned(subresources.collect());
    Some(Resource {
        verbs,
        subresources,
        ..row.clone()
    })
}

fn subresource(
    parent: &Resource,
    row: &Subresource,
    keep: &impl Fn(Offer<'_>) -> bool,
) -> Option<Subresource> {
    let verbs = verbs(&row.verbs, |verb| {
        keep(Offer {
            resource: parent,
            subresource: Some(row),
            verb,
        })
    })?;
    let connect = row
        .connect
        .iter()
        .filter(|method| verb_of(method).is_none_or(|verb| verbs.iter().any(|v| v == verb)));
    let connect = Cow::Owned(connect.cloned().collect());
    Some(Subresource {
        verbs,
        connect,
        ..row.clone()
    })
}

fn verbs(all: &[Name], keep: impl Fn(&str) -> bool) -> Option<Many<Name>> {
    let kept: Vec<_> = all.iter().filter(|verb| keep(verb)).cloned().collect();
    (!kept.is_empty()).then_some(Cow::Owned(kept))
}

/// The verb that discovery shows for an HTTP method of a streaming subresource; `HEAD` and
/// `OPTIONS` have none of their own.
fn verb_of(method: &str) -> Option<&'static str> {
    match method {
        "GET" => Some("get"),
        "POST" => Some("create"),
        "PUT" => Some("update"),
        "PATCH" => Some("patch"),
        "DELETE" => Some("delete"),
        _ => None,
    }
}
