//! `LimitRange`.

use std::collections::{BTreeSet, HashSet};

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::name::label_key;
use pintle_runtime::quantity::{Format, Quantity};
use pintle_runtime::value::Record;
use pintle_runtime::view::StringMap;

use crate::core::v1::{LimitRange, LimitRangeItem};
use crate::validation::Rules;
use crate::validation::quantity::{
    amount, container_resource_name, is_overcommit_allowed, resource_name,
};

pub(super) const RULES: Rules = Rules {
    create,
    update,
    subresources: &[],
};

/// The largest number whose thousandths are still counted in 64 bits.
const MAX_MILLI_VALUE: i64 = i64::MAX / 1000;

fn create(new: &Record, errors: &mut ErrorList) {
    let range = LimitRange::from_record(new);
    let mut seen = HashSet::new();
    for (at, limit) in range.spec().limits().iter().enumerate() {
        let path = Path::new("spec.limits");
        let path = path.index(at);
        type_name(limit.type_(), &path.child("type"), errors);
        if !seen.insert(limit.type_()) {
            errors.duplicate(&path.child("type"), BadValue::json_string(limit.type_()));
        }
        item(limit, &path, errors);
    }
}

fn update(new: &Record, _old: &Record, errors: &mut ErrorList) {
    create(new, errors);
}

fn type_name(name: &str, path: &Path<'_>, errors: &mut ErrorList) {
    let problems = label_key(name);
    let standard = matches!(name, "Pod" | "Container" | "PersistentVolumeClaim");
    if problems.is_empty() && !name.contains('/') && !standard {
        errors.invalid(
            path,
            BadValue::json_string(name),
            "must be a standard limit type or fully qualified",
        );
    }
    for problem in problems {
        errors.invalid(path, BadValue::json_string(name), problem);
    }
}

fn item(limit: LimitRangeItem<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let of_pod = limit.type_() == "Pod";
    let check_name = if of_pod || limit.type_() == "Container" {
        container_resource_name
    } else {
        resource_name
    };
    let names = |amounts: StringMap<'_>, field: &str, errors: &mut ErrorList| {
        for (name, _) in amounts.iter() {
            check_name(name, &path.child(field).key(name), errors);
        }
    };
    names(limit.max(), "max", errors);
    names(limit.min(), "min", errors);
    if of_pod {
        for (field, amounts) in [
            ("default", limit.default()),
            ("defaultRequest", limit.default_request()),
        ] {
            if !amounts.is_empty() {
                errors.forbidden(
                    &path.child(field),
                    "may not be specified when `type` is 'Pod'",
                );
            }
        }
    } else {
        names(limit.default(), "default", errors);
        names(limit.default_request(), "defaultRequest", errors);
    }
    if limit.type_() == "PersistentVolumeClaim"
        && !limit.min().contains_key("storage")
        && !limit.max().contains_key("storage")
    {
        errors.required(
            &path.child("limits"),
            "either minimum or maximum storage value is required, but neither was provided",
        );
    }
    names(
        limit.max_limit_request_ratio(),
        "maxLimitRequestRatio",
        errors,
    );

    let absent = StringMap::default();
    let (default, request) = if of_pod {
        (absent, absent)
    } else {
        (limit.default(), limit.default_request())
    };
    let maps = [
        limit.max(),
        limit.min(),
        default,
        request,
        limit.max_limit_request_ratio(),
    ];
    let names: BTreeSet<&str> = maps
        .iter()
        .flat_map(StringMap::iter)
        .map(|(name, _)| name)
        .collect();
    for name in names {
        let of = |map: StringMap<'_>| map.get(name).map(amount);
        let bounds = Bounds {
            name,
            min: of(limit.min()),
            max: of(limit.max()),
            default: of(default),
            request: of(request),
            ratio: of(limit.max_limit_request_ratio()),
        };
        bounds.check(path, errors);
    }
}

/// What a limit says about one resource.
struct Bounds<'a> {
    name: &'a str,
    min: Option<Quantity>,
    max: Option<Quantity>,
    default: Option<Quantity>,
    request: Option<Quantity>,
    ratio: Option<Quantity>,
}

impl Bounds<'_> {
    fn check(&self, path: &Path<'_>, errors: &mut ErrorList) {
        // What may be at most what, what is shown of the two, and what they are called.
        let min = (self.min, "min");
        let max = (self.max, "max");
        let default = (self.default, "default");
        let order = [
            (min, max, "min", self.min, "min value", "max value"),
            (
                min,
                (self.request, ""),
                "defaultRequest",
                self.request,
                "min value",
                "default request value",
            ),
            (
                (self.request, ""),
                max,
                "defaultRequest",
                self.request,
                "default request value",
                "max value",
            ),
            (
                (self.request, ""),
                default,
                "defaultRequest",
                self.request,
                "default request value",
                "default limit value",
            ),
            (
                min,
                default,
                "default",
                self.min,
                "min value",
                "default value",
            ),
            (
                default,
                max,
                "default",
                self.max,
                "default value",
                "max value",
            ),
        ];
        for ((low, _), (high, _), field, shown, low_name, high_name) in order {
            if let (Some(low), Some(high), Some(shown)) = (low, high, shown)
                && low > high
            {
                let detail = format!("{low_name} {low} is greater than {high_name} {high}");
                errors.invalid(&path.child(field).key(self.name), quantity(shown), detail);
            }
        }
        self.check_ratio(path, errors);
        // What cannot be overcommitted is asked for as it is limited.
        if let (Some(default), Some(request)) = (self.default, self.request)
            && !is_overcommit_allowed(self.name)
            && default != request
        {
            let detail = format!(
                "default value {default} must equal to defaultRequest value {request} in {}",
                self.name
            );
            errors.invalid(
                &path.child("defaultRequest").key(self.name),
                quantity(request),
                detail,
            );
        }
    }

    fn check_ratio(&self, path: &Path<'_>, errors: &mut ErrorList) {
        let Some(ratio) = self.ratio else { return };
        let path = path.child("maxLimitRequestRatio");
        let path = path.key(self.name);
        if ratio < Quantity::new(1, Format::DecimalSi) {
            errors.invalid(
                &path,
                quantity(ratio),
                format!("ratio {ratio} is less than 1"),
            );
        }
        let (Some(min), Some(max)) = (self.min, self.max) else {
            return;
        };
        let small = [ratio, min, max]
            .iter()
            .all(|amount| amount.value() < MAX_MILLI_VALUE);
        let (most, min, max) = if small {
            (
                ratio.milli_value() as f64 / 1000.0,
                min.milli_value(),
                max.milli_value(),
            )
        } else {
            (ratio.value() as f64, min.value(), max.value())
        };
        let limit = max as f64 / min as f64;
        if most > limit {
            errors.invalid(
                &path,
                quantity(ratio),
                format!("ratio {ratio} is greater than max/min = {limit:.6}"),
            );
        }
    }
}

/// An amount as such, which messages show as JSON does.
fn quantity(amount: Quantity) -> BadValue {
    BadValue::json_string(&amount.to_string())
}
