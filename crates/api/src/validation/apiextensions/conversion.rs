//! How objects get from one version to another.

use pintle_runtime::field_path::{ErrorList, Path};

use crate::apiextensions::v1::{CustomResourceConversion, WebhookClientConfig};
use crate::validation::webhook::{self, Service};

/// Whether a bundle of certificates must be one: not before the kind is served.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Bundle {
    Checked,
    Kept,
}

impl Bundle {
    /// What is wrong with a bundle already, or was never put to use, may stay.
    pub(super) fn of(established: bool, old: Option<CustomResourceConversion<'_>>) -> Self {
        let before = old
            .and_then(|old| old.webhook())
            .and_then(|webhook| webhook.client_config());
        let was_wrong = before.is_some_and(|client| {
            let mut errors = ErrorList::new();
            bundle(client, &Path::NOWHERE, &mut errors);
            !errors.is_empty()
        });
        if established && !was_wrong {
            Self::Checked
        } else {
            Self::Kept
        }
    }
}

fn bundle(client: WebhookClientConfig<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    if !client.ca_bundle().is_empty() {
        webhook::ca_bundle(client.ca_bundle(), &path.child("caBundle"), errors);
    }
}

/// Whether a webhook that was there before must take a version of the review that is known.
pub(super) fn needs_known_version(old: Option<CustomResourceConversion<'_>>) -> bool {
    let versions = old
        .and_then(|old| old.webhook())
        .map(|webhook| webhook.conversion_review_versions());
    versions.is_none_or(|versions| versions.is_empty() || webhook::has_known_version(versions))
}

/// Checks a conversion.
pub(super) fn check(
    conversion: CustomResourceConversion<'_>,
    known_version: bool,
    bundles: Bundle,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let at = path.child("strategy");
    match conversion.strategy() {
        "" => errors.required(&at, ""),
        "None" | "Webhook" => {}
        other => errors.not_supported(&at, other, ["None", "Webhook"]),
    }
    let (at_client, at_versions) = (
        path.child("webhookClientConfig"),
        path.child("conversionReviewVersions"),
    );
    let hook = conversion.webhook();
    let client = hook.and_then(|hook| hook.client_config());
    let versions = hook.map(|hook| hook.conversion_review_versions());
    if conversion.strategy() != "Webhook" {
        let detail = "should not be set when strategy is not set to Webhook";
        if client.is_some() {
            errors.forbidden(&at_client, detail);
        }
        if versions.is_some_and(|versions| !versions.is_empty()) {
            errors.forbidden(&at_versions, detail);
        }
        return;
    }
    match client {
        None => errors.required(&at_client, "required when strategy is set to Webhook"),
        Some(client) => {
            let service = client.service().map(|service| Service {
                namespace: service.namespace(),
                name: service.name(),
                path: service.path(),
                port: service.port().unwrap_or(0),
            });
            webhook::client(client.url(), service, &at_client, errors);
            if bundles == Bundle::Checked {
                bundle(client, &at_client, errors);
            }
        }
    }
    webhook::review_versions(
        versions.unwrap_or_default(),
        "",
        known_version,
        &at_versions,
        errors,
    );
}
