//! `Ingress` and `IngressClass`.

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::ip;
use pintle_runtime::name::{
    dns1123_label, dns1123_subdomain, path_segment_name, port_name, port_number,
    wildcard_dns1123_subdomain,
};
use pintle_runtime::value::Record;

use crate::networking::v1::{
    HTTPIngressPath, Ingress, IngressBackend, IngressRule, IngressServiceBackend, IngressSpec,
};
use crate::validation::Rules;
use crate::validation::core::service::balancer::validate_hostname;

pub(super) mod class;

pub(super) const RULES: Rules = Rules {
    create,
    update,
    subresources: &[("status", update_status)],
};

/// The annotation from before there were classes.
const CLASS: &str = "kubernetes.io/ingress.class";
const NOWHERE_IN_PATHS: [&str; 5] = ["//", "/./", "/../", "%2f", "%2F"];
const NOT_AT_THE_END: [&str; 2] = ["/..", "/."];

/// What an Ingress may keep that it has had.
#[derive(Default, Clone, Copy)]
struct Kept {
    secret_names: bool,
    wildcard_rules: bool,
}

fn create(new: &Record, errors: &mut ErrorList) {
    let ingress = Ingress::from_record(new);
    validate_spec(ingress.spec(), Kept::default(), errors);
    let annotation = ingress.metadata().annotations().get(CLASS);
    if let (Some(annotation), Some(class)) = (annotation, ingress.spec().ingress_class_name())
        && annotation != class
    {
        let annotations = Path::new("annotations");
        errors.invalid(
            &annotations.child(CLASS),
            annotation,
            "must match `ingressClassName` when both are specified",
        );
    }
}

fn update(new: &Record, old: &Record, errors: &mut ErrorList) {
    let before = Ingress::from_record(old).spec();
    let mut rules = ErrorList::new();
    for rule in before
        .rules()
        .iter()
        .filter(|rule| rule.host().contains('*'))
    {
        validate_paths(rule, &Path::new("rule"), &mut rules);
    }
    let kept = Kept {
        secret_names: before
            .tls()
            .iter()
            .any(|tls| !is_secret_name(tls.secret_name())),
        wildcard_rules: !rules.is_empty(),
    };
    validate_spec(Ingress::from_record(new).spec(), kept, errors);
}

fn is_secret_name(name: &str) -> bool {
    name.is_empty() || dns1123_subdomain(name).is_empty()
}

fn validate_spec(spec: IngressSpec<'_>, kept: Kept, errors: &mut ErrorList) {
    let path = Path::new("spec");
    if spec.rules().is_empty() && spec.default_backend().is_none() {
        let shown = if spec.rules().is_present() {
            "[]"
        } else {
            "null"
        };
        errors.invalid(
            &path,
            BadValue::Json(shown.to_owned()),
            "either `defaultBackend` or `rules` must be specified",
        );
    }
    if let Some(backend) = spec.default_backend() {
        validate_backend(backend, &path.child("defaultBackend"), errors);
    }
    for (at, rule) in spec.rules().iter().enumerate() {
        validate_rule(rule, kept, &path.child("rules").index(at), errors);
    }
    for (at, tls) in spec.tls().iter().enumerate() {
        let list = path.child("tls");
        let path = list.index(at);
        for (at, host) in tls.hosts().iter().enumerate() {
            validate_host(host, &path.child("hosts").index(at), errors);
        }
        let secret = tls.secret_name();
        if !kept.secret_names && !secret.is_empty() {
            errors.invalid_each(&path.child("secretName"), secret, dns1123_subdomain(secret));
        }
    }
    if let Some(class) = spec.ingress_class_name() {
        errors.invalid_each(
            &path.child("ingressClassName"),
            class,
            dns1123_subdomain(class),
        );
    }
}

fn validate_host(host: &str, path: &Path<'_>, errors: &mut ErrorList) {
    let wrong = if host.contains('*') {
        wildcard_dns1123_subdomain(host)
    } else {
        dns1123_subdomain(host)
    };
    errors.invalid_each(path, host, wrong);
}

fn validate_rule(rule: IngressRule<'_>, kept: Kept, path: &Path<'_>, errors: &mut ErrorList) {
    let (host, at) = (rule.host(), path.child("host"));
    if !host.is_empty() {
        if ip::parse(host).is_some() {
            errors.invalid(&at, host, "must be a DNS name, not an IP address");
        }
        validate_host(host, &at, errors);
    }
    if !(kept.wildcard_rules && host.contains('*')) {
        validate_paths(rule, path, errors);
    }
}

fn validate_paths(rule: IngressRule<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let Some(http) = rule.http() else { return };
    let http_path = path.child("http");
    let path = http_path.child("paths");
    if http.paths().is_empty() {
        errors.required(&path, "");
    }
    for (at, found) in http.paths().iter().enumerate() {
        validate_path(found, &path.index(at), errors);
    }
}

fn validate_path(found: HTTPIngressPath<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let Some(ty) = found.path_type() else {
        return errors.required(&path.child("pathType"), "pathType must be specified");
    };
    let (text, at) = (found.path(), path.child("path"));
    let absolute = "must be an absolute path";
    match ty {
        "Exact" | "Prefix" => {
            if !text.starts_with('/') {
                errors.invalid(&at, text, absolute);
            }
            for part in NOWHERE_IN_PATHS.iter().filter(|part| text.contains(**part)) {
                errors.invalid(&at, text, format!("must not contain '{part}'"));
            }
            for end in NOT_AT_THE_END.iter().filter(|end| text.ends_with(**end)) {
                errors.invalid(&at, text, format!("cannot end with '{end}'"));
            }
        }
        "ImplementationSpecific" => {
            if !text.is_empty() && !text.starts_with('/') {
                errors.invalid(&at, text, absolute);
            }
        }
        _ => errors.not_supported(
            &path.child("pathType"),
            BadValue::json_string(ty),
            ["Exact", "ImplementationSpecific", "Prefix"],
        ),
    }
    validate_backend(found.backend(), &path.child("backend"), errors);
}

fn validate_backend(backend: IngressBackend<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    match (backend.resource(), backend.service()) {
        (Some(_), Some(_)) => {
            errors.invalid(path, "", "cannot set both resource and service backends");
        }
        (Some(found), None) => {
            let reference = Reference {
                group: found.api_group(),
                kind: found.kind(),
                name: found.name(),
            };
            validate_reference(reference, &path.child("resource"), errors);
        }
        (None, Some(service)) => validate_service(service, path, errors),
        (None, None) => errors.invalid(path, "", "resource or service backend is required"),
    }
}

fn validate_service(service: IngressServiceBackend<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let at = path.child("service");
    let name = service.name();
    if name.is_empty() {
        errors.required(&at.child("name"), "");
    } else {
        errors.invalid_each(&at.child("name"), name, dns1123_label(name));
    }
    let (port, port_path) = (service.port(), at.child("port"));
    match (port.name(), port.number()) {
        ("", 0) => errors.required(path, "port name or number is required"),
        ("", number) => {
            for why in port_number(number.into()) {
                errors.invalid(&port_path.child("number"), number, why);
            }
        }
        (name, 0) => errors.invalid_each(&port_path.child("name"), name, port_name(name)),
        _ => errors.invalid(path, "", "cannot set both port name & port number"),
    }
}

/// Another object, of any kind.
struct Reference<'a> {
    group: Option<&'a str>,
    kind: &'a str,
    name: &'a str,
}

fn validate_reference(reference: Reference<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    if let Some(group) = reference.group {
        errors.invalid_each(&path.child("apiGroup"), group, dns1123_subdomain(group));
    }
    for (field, value) in [("kind", reference.kind), ("name", reference.name)] {
        let path = path.child(field);
        if value.is_empty() {
            errors.required(&path, "");
        } else {
            errors.invalid_each(&path, value, path_segment_name(value));
        }
    }
}

fn update_status(new: &Record, old: &Record, errors: &mut ErrorList) {
    let (new, old) = (Ingress::from_record(new), Ingress::from_record(old));
    let had = old.status().load_balancer();
    let had: Vec<&str> = had.ingress().iter().map(|ingress| ingress.ip()).collect();
    let path = Path::new("status.loadBalancer.ingress");
    let status = new.status().load_balancer();
    for (at, ingress) in status.ingress().iter().enumerate() {
        let path = path.index(at);
        if !ingress.ip().is_empty() {
            ip::validate_legacy(ingress.ip(), &had, &path.child("ip"), errors);
        }
        validate_hostname(ingress.hostname(), &path.child("hostname"), errors);
    }
}

#[cfg(test)]
mod tests;
