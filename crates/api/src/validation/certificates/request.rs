//! Requests for certificates: what is asked for, whether it is approved, and what came of it.

use std::collections::HashSet;

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::value::{Record, Value};
use pintle_runtime::view::Strings;

use super::{signer_name, x509};
use crate::certificates::v1::{
    CertificateSigningRequest, CertificateSigningRequestCondition, CertificateSigningRequestStatus,
};
use crate::validation::immutable::is_same;
use crate::validation::{Rules, internal_form};

pub(super) const RULES: Rules = Rules {
    create: |new, errors| request(new, None, errors),
    update: |new, old, errors| update(new, old, Through::Nothing, errors),
    subresources: &[
        ("status", |new, old, errors| {
            update(new, old, Through::Status, errors);
        }),
        ("approval", |new, old, errors| {
            update(new, old, Through::Approval, errors);
        }),
    ],
};

/// What an update may set.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Through {
    Nothing,
    /// The certificate.
    Status,
    /// Approval and denial.
    Approval,
}

const USAGES: [&str; 23] = [
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
];
/// What an older version of the API filled in where nothing was said.
const LEGACY_SIGNER: &str = "kubernetes.io/legacy-unknown";
const SHORTEST: i32 = 600;

fn request(new: &Record, old: Option<&Record>, errors: &mut ErrorList) {
    let request = CertificateSigningRequest::from_record(new);
    let old = old.map(CertificateSigningRequest::from_record);
    let spec = request.spec();
    let path = Path::new("spec");
    if let Some(problem) = x509::wrong_with_request(spec.request()) {
        let value = BadValue::from(&Value::Bytes(spec.request().clone()));
        errors.invalid(&path.child("request"), value, problem);
    }
    let before = old.map(|old| old.spec());
    usages(
        spec.usages(),
        before.map(|spec| spec.usages()),
        &path.child("usages"),
        errors,
    );
    let at = path.child("signerName");
    let was_legacy = before.is_some_and(|spec| spec.signer_name() == LEGACY_SIGNER);
    if spec.signer_name() == LEGACY_SIGNER && !was_legacy {
        errors.invalid(
            &at,
            LEGACY_SIGNER,
            "the legacy signerName is not allowed via this API version",
        );
    } else {
        signer_name::check(spec.signer_name(), &at, errors);
    }
    if let Some(seconds) = spec.expiration_seconds()
        && seconds < SHORTEST
    {
        errors.invalid(
            &path.child("expirationSeconds"),
            seconds,
            "may not specify a duration less than 600 seconds (10 minutes)",
        );
    }
    let before = old.map(|old| old.status());
    conditions(request.status(), before, errors);
    certificate(request.status(), before, errors);
}

fn usages(usages: Strings<'_>, old: Option<Strings<'_>>, path: &Path<'_>, errors: &mut ErrorList) {
    if usages.is_empty() {
        errors.required(path, "");
    }
    // What was wrong before may stay wrong.
    let was_unknown = old.is_some_and(|old| !old.iter().all(is_known));
    let was_twice = old.is_some_and(|old| has_twice(old.iter()));
    if !was_unknown {
        for (index, usage) in usages
            .iter()
            .enumerate()
            .filter(|(_, usage)| !is_known(usage))
        {
            let value = BadValue::json_string(usage);
            errors.not_supported(&path.index(index), value, USAGES);
        }
    }
    if !was_twice {
        let mut seen = HashSet::new();
        for (index, usage) in usages.iter().enumerate() {
            if !seen.insert(usage) {
                errors.duplicate(&path.index(index), BadValue::json_string(usage));
            }
        }
    }
}

fn is_known(usage: &str) -> bool {
    USAGES.binary_search(&usage).is_ok()
}

fn has_twice<'a>(mut items: impl Iterator<Item = &'a str>) -> bool {
    let mut seen = HashSet::new();
    !items.all(|item| seen.insert(item))
}

fn types(status: CertificateSigningRequestStatus<'_>) -> impl Iterator<Item = &str> {
    let conditions = status.conditions().iter();
    conditions.map(|condition| condition.type_())
}

fn conditions(
    status: CertificateSigningRequestStatus<'_>,
    old: Option<CertificateSigningRequestStatus<'_>>,
    errors: &mut ErrorList,
) {
    let was = |test: fn(CertificateSigningRequestStatus<'_>) -> bool| old.is_some_and(test);
    let was_both = was(|old| {
        ["Approved", "Denied"]
            .iter()
            .all(|ty| types(old).any(|found| found == *ty))
    });
    let was_nameless = was(|old| types(old).any(str::is_empty));
    let was_twice = was(|old| has_twice(types(old)));
    let root = Path::new("status");
    let path = root.child("conditions");
    let mut seen = HashSet::new();
    for (index, condition) in status.conditions().iter().enumerate() {
        let ty = condition.type_();
        let at = path.index(index);
        if ty.is_empty() && !was_nameless {
            errors.required(&at.child("type"), "");
        }
        let allowed: &[&str] = match ty {
            "Approved" | "Denied" | "Failed" => &["True"],
            _ => &["False", "True", "Unknown"],
        };
        match condition.status() {
            "" => errors.required(&at.child("status"), ""),
            found if allowed.contains(&found) => {}
            found => {
                let value = BadValue::json_string(found);
                errors.not_supported(&at.child("status"), value, allowed);
            }
        }
        let opposite = match ty {
            "Approved" => "Denied",
            "Denied" => "Approved",
            _ => "",
        };
        if !was_both && !opposite.is_empty() && seen.contains(opposite) {
            errors.invalid(
                &path,
                BadValue::json_string(ty),
                "Approved and Denied conditions are mutually exclusive",
            );
        }
        if !seen.insert(ty) && !was_twice {
            errors.duplicate(&at.child("type"), BadValue::json_string(ty));
        }
    }
}

fn certificate(
    status: CertificateSigningRequestStatus<'_>,
    old: Option<CertificateSigningRequestStatus<'_>>,
    errors: &mut ErrorList,
) {
    let is_as_before = old.is_some_and(|old| {
        old.certificate() == status.certificate()
            || x509::wrong_with_certificates(old.certificate()).is_some()
    });
    if is_as_before {
        return;
    }
    if let Some(problem) = x509::wrong_with_certificates(status.certificate()) {
        errors.invalid(
            &Path::new("status").child("certificate"),
            "<certificate data>",
            problem,
        );
    }
}

fn update(new: &Record, old: &Record, through: Through, errors: &mut ErrorList) {
    request(new, Some(old), errors);
    let new = CertificateSigningRequest::from_record(new).status();
    let old = CertificateSigningRequest::from_record(old).status();
    let root = Path::new("status");
    let path = root.child("conditions");
    for ty in ["Approved", "Denied", "Failed"] {
        if of_type(new, ty).len() < of_type(old, ty).len() {
            errors.forbidden(
                &path,
                format!("updates may not remove a condition of type \"{ty}\""),
            );
        }
    }
    if through != Through::Approval {
        for ty in ["Approved", "Denied"] {
            unchanged(&of_type(new, ty), &of_type(old, ty), ty, &path, errors);
        }
    }
    if new.certificate() == old.certificate() {
        return;
    }
    let at = root.child("certificate");
    if through != Through::Status {
        errors.forbidden(&at, "updates may not set certificate content");
    } else if !old.certificate().is_empty() {
        errors.forbidden(&at, "updates may not modify existing certificate content");
    }
}

fn of_type<'a>(
    status: CertificateSigningRequestStatus<'a>,
    ty: &str,
) -> Vec<CertificateSigningRequestCondition<'a>> {
    let conditions = status.conditions().into_iter();
    conditions
        .filter(|condition| condition.type_() == ty)
        .collect()
}

fn unchanged(
    new: &[CertificateSigningRequestCondition<'_>],
    old: &[CertificateSigningRequestCondition<'_>],
    ty: &str,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    if new.len() > old.len() {
        return errors.forbidden(
            path,
            format!("updates may not add a condition of type \"{ty}\""),
        );
    }
    let mut pairs = new.iter().zip(old);
    let differs = pairs.any(|(new, old)| !is_same(new.record(), old.record()));
    if new.len() == old.len() && differs {
        let list = |conditions: &[CertificateSigningRequestCondition<'_>]| -> Vec<Value> {
            let records = conditions
                .iter()
                .map(|condition| condition.record().clone());
            records.map(Value::Record).collect()
        };
        let difference = internal_form::list_difference(&list(old), &list(new));
        errors.forbidden(
            path,
            format!("updates may not modify a condition of type \"{ty}\"\n{difference}"),
        );
    }
}
