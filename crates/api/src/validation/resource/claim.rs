//! Claims to devices, and templates for them.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use pintle_runtime::field_path::{BadValue, ErrorList, FieldError, Path};
use pintle_runtime::name::label_value;
use pintle_runtime::object_meta::{validate_annotations, validate_label_name, validate_labels};
use pintle_runtime::value::Record;
use pintle_runtime::view::{List, Strings};

use super::lists::{each, each_once};
use super::{claim_status, names};
use crate::expressions;
use crate::resource::v1::{
    DeviceClaim, DeviceConstraint, DeviceRequest, DeviceSelector, DeviceToleration,
    OpaqueDeviceConfiguration, ResourceClaim, ResourceClaimTemplate,
};
use crate::validation::Rules;
use crate::validation::immutable::immutable;

pub(super) const RULES: Rules = Rules {
    create: |new, errors| {
        let claim = ResourceClaim::from_record(new).spec().devices();
        devices(claim, &Path::new("spec.devices"), errors);
    },
    update: |new, old, errors| {
        let spec = |record| ResourceClaim::from_record(record).spec().record();
        immutable(spec(new), spec(old), &Path::new("spec"), errors);
    },
    subresources: &[("status", claim_status::update)],
};

pub(super) const TEMPLATE_RULES: Rules = Rules {
    create: template,
    update: |new, old, errors| {
        let spec = |record| ResourceClaimTemplate::from_record(record).spec().record();
        immutable(spec(new), spec(old), &Path::new("spec"), errors);
    },
    subresources: &[],
};

const REQUESTS: usize = 32;
const CONSTRAINTS: usize = 32;
pub(super) const CONFIGURATIONS: usize = 32;
const SELECTORS: usize = 32;
const CHOICES: usize = 8;
const EXPRESSION_LIMIT: usize = 10 * 1024;
pub(super) const PARAMETERS_LIMIT: usize = 10 * 1024;
pub(super) const TAINT_EFFECTS: [&str; 3] = ["NoExecute", "NoSchedule", "None"];

fn template(new: &Record, errors: &mut ErrorList) {
    let spec = ResourceClaimTemplate::from_record(new).spec();
    let path = Path::new("spec");
    let metadata = path.child("metadata");
    let annotations = spec.metadata().annotations();
    validate_annotations(annotations, &metadata.child("annotations"), errors);
    validate_labels(spec.metadata().labels(), &metadata.child("labels"), errors);
    let inner = path.child("spec");
    devices(spec.spec().devices(), &inner.child("devices"), errors);
}

fn devices(claim: DeviceClaim<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let requests = RequestNames::of(claim);
    let items: Vec<DeviceRequest<'_>> = claim.requests().into_iter().collect();
    each_once(
        &items,
        REQUESTS,
        |request| request.name().to_owned(),
        &path.child("requests"),
        errors,
        request,
    );
    let constraints: Vec<DeviceConstraint<'_>> = claim.constraints().into_iter().collect();
    let at = path.child("constraints");
    each(
        constraints.into_iter(),
        CONSTRAINTS,
        &at,
        errors,
        |item, path, errors| constraint(item, &requests, path, errors),
    );
    let configurations: Vec<_> = claim.config().into_iter().collect();
    let at = path.child("config");
    each(
        configurations.into_iter(),
        CONFIGURATIONS,
        &at,
        errors,
        |item, path, errors| {
            requests.references(item.requests(), &path.child("requests"), errors);
            configuration(item.opaque(), PARAMETERS_LIMIT, path, errors);
        },
    );
}

/// The requests of a claim, with the choices of each.
pub(super) struct RequestNames<'a>(BTreeMap<&'a str, BTreeSet<&'a str>>);

impl<'a> RequestNames<'a> {
    pub(super) fn of(claim: DeviceClaim<'a>) -> Self {
        let names = claim.requests().into_iter().map(|request| {
            let choices = request.first_available().into_iter();
            (
                request.name(),
                choices.map(|choice| choice.name()).collect(),
            )
        });
        Self(names.collect())
    }

    fn has(&self, name: &str) -> bool {
        match name.split_once('/') {
            None => self.0.contains_key(name),
            Some((request, choice)) => {
                let choices = self.0.get(request);
                choices.is_some_and(|choices| choices.contains(choice))
            }
        }
    }

    /// References to requests by `request` or `request/choice`.
    pub(super) fn references(&self, list: Strings<'_>, path: &Path<'_>, errors: &mut ErrorList) {
        let items: Vec<&str> = list.iter().collect();
        each_once(
            &items,
            REQUESTS,
            str::to_owned,
            path,
            errors,
            |name, path, errors| self.reference(name, path, errors),
        );
    }

    pub(super) fn reference(&self, name: &str, path: &Path<'_>, errors: &mut ErrorList) {
        let parts = name.split('/').count();
        if parts <= 2 {
            for part in name.split('/') {
                names::label(part, path, errors);
            }
        }
        if parts > 2 || !self.has(name) {
            errors.invalid(
                path,
                name,
                "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'",
            );
        }
    }
}

fn request(request: DeviceRequest<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    names::label(request.name(), &path.child("name"), errors);
    let choices: Vec<_> = request.first_available().into_iter().collect();
    match (request.exactly(), choices.is_empty()) {
        (None, true) => errors.required(
            path,
            "exactly one of `exactly` or `firstAvailable` is required",
        ),
        (Some(_), false) => errors.invalid(
            path,
            BadValue::null(),
            "exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set",
        ),
        (Some(exactly), true) => {
            let path = path.child("exactly");
            let wanted = Wanted {
                class: exactly.device_class_name(),
                selectors: exactly.selectors(),
                mode: exactly.allocation_mode(),
                count: exactly.count(),
                tolerations: exactly.tolerations(),
            };
            wanted.check(&path, errors);
        }
        (None, false) => each_once(
            &choices,
            CHOICES,
            |choice| choice.name().to_owned(),
            &path.child("firstAvailable"),
            errors,
            |choice, path, errors| {
                names::label(choice.name(), &path.child("name"), errors);
                let wanted = Wanted {
                    class: choice.device_class_name(),
                    selectors: choice.selectors(),
                    mode: choice.allocation_mode(),
                    count: choice.count(),
                    tolerations: choice.tolerations(),
                };
                wanted.check(path, errors);
            },
        ),
    }
}

/// What a request, or one choice of it, asks for.
struct Wanted<'a> {
    class: &'a str,
    selectors: List<'a, DeviceSelector<'a>>,
    mode: &'a str,
    count: i64,
    tolerations: List<'a, DeviceToleration<'a>>,
}

impl Wanted<'_> {
    fn check(&self, path: &Path<'_>, errors: &mut ErrorList) {
        names::class(self.class, &path.child("deviceClassName"), errors);
        selectors(self.selectors, &path.child("selectors"), errors);
        let at = path.child("count");
        match self.mode {
            "All" if self.count != 0 => errors.invalid(
                &at,
                self.count,
                "must not be specified when allocationMode is 'All'",
            ),
            "ExactCount" if self.count <= 0 => {
                errors.invalid(&at, self.count, "must be greater than zero");
            }
            "All" | "ExactCount" => {}
            other => errors.not_supported(
                &path.child("allocationMode"),
                BadValue::json_string(other),
                ["All", "ExactCount"],
            ),
        }
        tolerations(self.tolerations, &path.child("tolerations"), errors);
    }
}

/// Expressions that choose devices.
pub(super) fn selectors(
    list: List<'_, DeviceSelector<'_>>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let items: Vec<DeviceSelector<'_>> = list.into_iter().collect();
    each(
        items.into_iter(),
        SELECTORS,
        path,
        errors,
        |selector, path, errors| {
            let at = path.child("cel");
            match selector.cel() {
                None => errors.required(&at, ""),
                Some(cel) => {
                    let (text, at) = (cel.expression(), at.child("expression"));
                    if text.len() > EXPRESSION_LIMIT {
                        errors.push(FieldError::too_long(&at, EXPRESSION_LIMIT));
                    } else if let Err(why) = expressions::devices::compile(text) {
                        errors.invalid(&at, text, why);
                    }
                }
            }
        },
    );
}

/// Taints that a request puts up with.
pub(super) fn tolerations(
    list: List<'_, DeviceToleration<'_>>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    for (index, toleration) in list.iter().enumerate() {
        let path = path.index(index);
        if !toleration.key().is_empty() {
            validate_label_name(toleration.key(), &path.child("key"), errors);
        }
        let (value, at) = (toleration.value(), path.child("value"));
        let operator = path.child("operator");
        match toleration.operator() {
            "Exists" if value.is_empty() => {}
            "Exists" => errors.invalid(&at, value, "must be empty for operator `Exists`"),
            "Equal" => errors.invalid_each(&at, value, label_value(value)),
            "" => errors.required(&operator, ""),
            other => {
                errors.not_supported(&operator, BadValue::json_string(other), ["Equal", "Exists"]);
            }
        }
        let effect = toleration.effect();
        if !effect.is_empty() && !TAINT_EFFECTS.contains(&effect) {
            let at = path.child("effect");
            errors.not_supported(&at, BadValue::json_string(effect), TAINT_EFFECTS);
        }
    }
}

fn constraint(
    constraint: DeviceConstraint<'_>,
    requests: &RequestNames<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    requests.references(constraint.requests(), &path.child("requests"), errors);
    if let Some(name) = constraint.match_attribute() {
        names::fully_qualified(name, &path.child("matchAttribute"), errors);
    } else if let Some(name) = constraint.distinct_attribute() {
        names::fully_qualified(name, &path.child("distinctAttribute"), errors);
    } else {
        errors.required(
            path,
            "exactly one of \"matchAttribute\" or \"distinctAttribute\" is required, but multiple fields are set",
        );
    }
}

/// What a driver is told, in its own words, of which there are at most `limit` bytes.
pub(super) fn configuration(
    opaque: Option<OpaqueDeviceConfiguration<'_>>,
    limit: usize,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let at = path.child("opaque");
    let Some(opaque) = opaque else {
        return errors.required(&at, "");
    };
    names::driver(opaque.driver(), &at.child("driver"), errors);
    let parameters = at.child("parameters");
    object(opaque.parameters(), limit, &parameters, errors);
}

/// JSON of somebody else's, which must be an object.
pub(super) fn object(json: Option<&Bytes>, limit: usize, path: &Path<'_>, errors: &mut ErrorList) {
    match json.map(|json| json.trim_ascii()) {
        None | Some(b"" | b"null") => errors.required(path, ""),
        Some(json) if json.len() > limit => errors.push(FieldError::too_long(path, limit)),
        Some(json) if !json.starts_with(b"{") => {
            errors.invalid(path, "<value omitted>", "must be a valid JSON object");
        }
        Some(_) => {}
    }
}
