//! What the server says of itself: discovery, OpenAPI, deprecations.

use std::borrow::Cow;
use std::net::SocketAddr;

use pintle_endpoints::discovery::Discovery;
use pintle_endpoints::openapi::{DescriptionSource, Descriptions, OpenApi, PlainRoute, Sources};
use pintle_endpoints::server::{Deprecation, Page};
use pintle_runtime::resource::{Group, Resource};

use crate::config::Config;
use crate::descriptions::{self, descriptions};
use crate::version;

/// Discovery of `groups` for a server at `address`.
pub(crate) fn discovery(groups: &[Group], config: &Config, address: SocketAddr) -> Discovery {
    Discovery::new(groups, &reached_at(config, address))
}

/// How others reach a server that listens at `address`, as `host:port`.
pub(crate) fn reached_at(config: &Config, address: SocketAddr) -> String {
    let host = config.advertise_address.unwrap_or_else(|| address.ip());
    match &config.external_hostname {
        Some(name) => format!("{name}:{}", address.port()),
        None => SocketAddr::new(host, address.port()).to_string(),
    }
}

/// OpenAPI of `groups` and of the documents at paths of their own.
pub(crate) fn openapi(groups: Vec<Group>, pages: &[Page]) -> OpenApi {
    let known = [PlainRoute::OPENID_CONFIGURATION, PlainRoute::OPENID_KEYS].into_iter();
    let served = known
        .filter(|route| (pages.iter()).any(|page| page.path == route.path.trim_end_matches('/')));
    OpenApi::new(
        groups,
        Sources {
            types: pintle_api::type_by_name,
            descriptions: Box::new(Carried),
            version: version::GIT_VERSION.to_owned(),
            plain: [PlainRoute::VERSION].into_iter().chain(served).collect(),
        },
    )
}

/// What is said to who uses a resource in a version that is deprecated.
pub(crate) fn deprecation(row: &Resource) -> Option<Deprecation> {
    let lifecycle = pintle_api::lifecycle(&row.group, &row.version, &row.kind)?;
    let deprecated = Some(lifecycle.deprecated).filter(|release| !release.is_empty())?;
    let kind = format!("{} {}", row.api_version(), row.kind);
    let mut text = format!("{kind} is deprecated in v{deprecated}+");
    if !lifecycle.removed.is_empty() {
        text.push_str(&format!(", unavailable in v{}+", lifecycle.removed));
    }
    if let Some(replacement) = &lifecycle.replacement {
        let api_version = if replacement.group.is_empty() {
            replacement.version.to_owned()
        } else {
            format!("{}/{}", replacement.group, replacement.version)
        };
        text.push_str(&format!("; use {api_version} {}", replacement.kind));
    }
    Some(Deprecation {
        warning: text,
        removed: lifecycle.removed.to_owned(),
    })
}

/// The descriptions that the binary carries.
struct Carried;

impl DescriptionSource for Carried {
    fn open(&self) -> Box<dyn Descriptions + '_> {
        Box::new(descriptions())
    }
}

impl Descriptions for descriptions::Descriptions {
    fn of_type(&self, definition: &str) -> Option<Cow<'_, str>> {
        self.of_type(definition).map(Cow::Borrowed)
    }

    fn of_field(&self, definition: &str, field: &str) -> Option<Cow<'_, str>> {
        self.of_field(definition, field).map(Cow::Borrowed)
    }
}
