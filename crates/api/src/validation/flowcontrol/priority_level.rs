//! Priority levels.

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::value::Record;

use super::flow_schema::condition_types;
use super::mandatory;
use crate::flowcontrol::v1::{
    LimitResponse, LimitedPriorityLevelConfiguration, PriorityLevelConfiguration,
    PriorityLevelConfigurationSpec, PriorityLevelConfigurationSpecMut, QueuingConfiguration,
};
use crate::validation::immutable::is_same;
use crate::validation::{Rules, internal_form};

pub(super) const RULES: Rules = Rules {
    create: level,
    update: |new, _, errors| level(new, errors),
    subresources: &[("status", |new, _, errors| conditions(new, errors))],
};

const MOST_QUEUES: i32 = 10_000_000;
/// Bits of a hash that choose the queues of a flow.
const HASH_BITS: u32 = 60;
/// An annotation by which an older version of the API told nothing from zero.
const ZERO_SHARES: &str = "flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares";

fn level(new: &Record, errors: &mut ErrorList) {
    let level = PriorityLevelConfiguration::from_record(new);
    let metadata = level.metadata();
    if metadata.annotations().contains_key(ZERO_SHARES) {
        errors.forbidden(
            &Path::new("metadata").child("annotations"),
            format!("annotation '{ZERO_SHARES}' is forbidden"),
        );
    }
    let path = Path::new("spec");
    spec(metadata.name(), level.spec(), &path, errors);
    fixed(metadata.name(), level.spec(), &path, errors);
    conditions(new, errors);
}

fn conditions(new: &Record, errors: &mut ErrorList) {
    let conditions = PriorityLevelConfiguration::from_record(new)
        .status()
        .conditions();
    let types = conditions.iter().map(|condition| condition.type_());
    condition_types(types, errors);
}

fn fixed(
    name: &str,
    spec: PriorityLevelConfigurationSpec<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let Some(expected) = mandatory::priority_level(name) else {
        return;
    };
    let (mut have, mut want) = (spec.record().clone(), expected.clone());
    let mut detail = format!("spec of '{name}' must equal the fixed value");
    if name == "exempt" {
        PriorityLevelConfigurationSpecMut::from_record(&mut have).clear_exempt();
        PriorityLevelConfigurationSpecMut::from_record(&mut want).clear_exempt();
        detail =
            format!("spec of '{name}' except the 'spec.exempt' field must equal the fixed value");
    }
    if !is_same(&have, &want) {
        errors.invalid(path, internal_form::shown(Some(spec.record())), detail);
    }
}

fn spec(
    name: &str,
    spec: PriorityLevelConfigurationSpec<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let at = path.child("type");
    if (name == "exempt") != (spec.type_() == "Exempt") {
        errors.invalid(
            &at,
            BadValue::json_string(spec.type_()),
            "must be 'Exempt' if and only if `name` is 'exempt'",
        );
    }
    let (at_limited, at_exempt) = (path.child("limited"), path.child("exempt"));
    match spec.type_() {
        "Exempt" => {
            if spec.limited().is_some() {
                errors.forbidden(&at_limited, "must be nil if the type is not Limited");
            }
            if let Some(exempt) = spec.exempt() {
                let shares = exempt.nominal_concurrency_shares();
                nonnegative(shares, "nominalConcurrencyShares", &at_exempt, errors);
                percent(exempt.lendable_percent(), &at_exempt, errors);
            }
        }
        "Limited" => {
            if spec.exempt().is_some() {
                errors.forbidden(&at_exempt, "must be nil if the type is Limited");
            }
            match spec.limited() {
                Some(found) => limited(found, &at_limited, errors),
                None => errors.required(&at_limited, "must not be empty when type is Limited"),
            }
        }
        "" => errors.required(&at, ""),
        other => {
            errors.not_supported(&at, BadValue::json_string(other), ["Exempt", "Limited"]);
        }
    }
}

fn nonnegative(value: Option<i32>, name: &str, path: &Path<'_>, errors: &mut ErrorList) {
    if let Some(value) = value
        && value < 0
    {
        errors.invalid(&path.child(name), value, "must be a non-negative integer");
    }
}

fn percent(value: Option<i32>, path: &Path<'_>, errors: &mut ErrorList) {
    if let Some(value) = value
        && !(0..=100).contains(&value)
    {
        errors.invalid(
            &path.child("lendablePercent"),
            value,
            "must be between 0 and 100, inclusive",
        );
    }
}

fn limited(
    limited: LimitedPriorityLevelConfiguration<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let shares = limited.nominal_concurrency_shares();
    nonnegative(shares, "nominalConcurrencyShares", path, errors);
    let response = limited.limit_response();
    limit_response(response, &path.child("limitResponse"), errors);
    percent(limited.lendable_percent(), path, errors);
    if let Some(value) = limited.borrowing_limit_percent()
        && value < 0
    {
        errors.invalid(
            &path.child("borrowingLimitPercent"),
            value,
            "if specified, must be a non-negative integer",
        );
    }
}

fn limit_response(response: LimitResponse<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let (at, at_type) = (path.child("queuing"), path.child("type"));
    match (response.type_(), response.queuing()) {
        ("Reject", Some(_)) => errors.forbidden(
            &at,
            "must be nil if limited.limitResponse.type is not Limited",
        ),
        ("Reject", None) => {}
        ("Queue", Some(found)) => queuing(found, &at, errors),
        ("Queue", None) => errors.required(
            &at,
            "must not be empty if limited.limitResponse.type is Limited",
        ),
        ("", _) => errors.required(&at_type, ""),
        (other, _) => {
            errors.not_supported(&at_type, BadValue::json_string(other), ["Queue", "Reject"]);
        }
    }
}

fn queuing(queuing: QueuingConfiguration<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let positive = "must be positive";
    if queuing.queue_length_limit() <= 0 {
        let at = path.child("queueLengthLimit");
        errors.invalid(&at, queuing.queue_length_limit(), positive);
    }
    let (queues, hand) = (queuing.queues(), queuing.hand_size());
    let at = path.child("queues");
    if queues <= 0 {
        errors.invalid(&at, queues, positive);
    } else if queues > MOST_QUEUES {
        let detail = format!("must not be greater than {MOST_QUEUES}");
        errors.invalid(&at, queues, detail);
    }
    let at = path.child("handSize");
    if hand <= 0 {
        errors.invalid(&at, hand, positive);
    } else if hand > queues {
        let detail = format!("should not be greater than queues ({queues})");
        errors.invalid(&at, hand, detail);
    } else if (f64::from(queues).log2() * f64::from(hand)).ceil() > f64::from(HASH_BITS) {
        errors.invalid(
            &at,
            hand,
            format!(
                "required entropy bits of deckSize {queues} and handSize {hand} should not be greater than {HASH_BITS}"
            ),
        );
    }
}
