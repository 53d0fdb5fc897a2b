//! Whether a value is what a schema says, in the words of the library that kube-apiserver has for it.

use pintle_runtime::codec::{Problems, json};
use pintle_runtime::field_path::{BadValue, ErrorList, FieldError, Path};
use pintle_runtime::quote::Quoted;
use pintle_runtime::value::{Map, Value};

use super::formats;
use super::schema::{Schema, item_schema};

/// Checks the value at `path`.
pub(super) fn check(value: &Value, schema: Schema<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    for fault in of(value, schema, "").faults {
        errors.push(fault.at(path));
    }
}

/// A fault of a part of the value.
struct Fault {
    /// Where it is; nothing for what is said of the whole.
    name: Option<String>,
    detail: String,
    kind: Kind,
}

enum Kind {
    Required,
    NotSupported(BadValue, Vec<String>),
    TooLong(usize),
    TooMany(usize, usize),
    Type(&'static str),
    Format(String),
    Invalid(BadValue),
}

impl Fault {
    fn new(name: &str, kind: Kind, detail: String) -> Self {
        Self {
            name: Some(name.to_owned()),
            detail,
            kind,
        }
    }

    fn invalid(name: &str, value: impl Into<BadValue>, what: &str) -> Self {
        Self::new(
            name,
            Kind::Invalid(value.into()),
            format!("{name} in body {what}"),
        )
    }

    fn whole(detail: String) -> Self {
        Self {
            name: None,
            detail,
            kind: Kind::Invalid("".into()),
        }
    }

    fn at(self, path: &Path<'_>) -> FieldError {
        let name = self.name.as_deref().unwrap_or_default();
        let name = name.strip_prefix('.').unwrap_or(name);
        let below = path.child(name);
        let path = if name.is_empty() { path } else { &below };
        match self.kind {
            Kind::Required => FieldError::required(path, ""),
            Kind::NotSupported(value, allowed) => FieldError::not_supported(path, value, allowed),
            Kind::TooLong(most) => FieldError::too_long(path, most),
            Kind::TooMany(found, most) => FieldError::too_many(path, found, most),
            Kind::Type(found) => FieldError::type_invalid(path, found, self.detail),
            Kind::Format(text) => FieldError::type_invalid(path, text, self.detail),
            Kind::Invalid(value) => FieldError::invalid(path, value, self.detail),
        }
    }
}

/// What is wrong, and how much was looked at: of alternatives that all fail the one counts that got furthest.
#[derive(Default)]
struct Outcome {
    faults: Vec<Fault>,
    looked: usize,
}

impl Outcome {
    fn is_valid(&self) -> bool {
        self.faults.is_empty()
    }

    /// The same is not said twice.
    fn add(&mut self, fault: Fault) {
        if !self.faults.iter().any(|it| it.detail == fault.detail) {
            self.faults.push(fault);
        }
    }

    fn merge(&mut self, other: Self) {
        self.looked += other.looked;
        for fault in other.faults {
            self.add(fault);
        }
    }
}

fn of(value: &Value, schema: Schema<'_>, name: &str) -> Outcome {
    let mut outcome = Outcome::default();
    if value.is_null() {
        let ty = schema.type_();
        if !ty.is_empty() && !schema.nullable() {
            outcome.add(wrong_type(name, ty, "null"));
        }
        options(value, schema, name, &mut outcome);
        return outcome;
    }
    if !schema.type_().is_empty() || !schema.format().is_empty() {
        match type_fault(value, schema, name) {
            Some(fault) => outcome.add(fault),
            None => outcome.looked += 1,
        }
        outcome.looked += 1;
    }
    junctors(value, schema, name, &mut outcome);
    outcome.looked += 1;
    match value {
        Value::String(text) => string(text.as_str(), schema, name, &mut outcome),
        Value::Int(_) | Value::Float(_) => {
            number(value, schema, name, &mut outcome);
            outcome.looked += 2;
        }
        Value::List(items) => list(items, schema, name, &mut outcome),
        _ => {}
    }
    options(value, schema, name, &mut outcome);
    outcome.looked += 1;
    if let Value::Map(map) = value {
        object(map, schema, name, &mut outcome);
        outcome.looked += 1;
    }
    outcome.looked += 1;
    outcome
}

/// The type of a value, and the format that a value of its kind has.
fn type_of(value: &Value) -> (&'static str, &'static str) {
    match value {
        Value::String(_) => ("string", ""),
        Value::Map(_) | Value::Record(_) => ("object", ""),
        Value::List(_) => ("array", ""),
        Value::Bool(_) => ("boolean", ""),
        Value::Int(_) => ("integer", "int64"),
        Value::Float(_) => ("number", "float64"),
        _ => ("null", ""),
    }
}

fn wrong_type(name: &str, wanted: &str, found: &'static str) -> Fault {
    let detail = format!("{name} in body must be of type {wanted}: {}", Quoted(found));
    Fault::new(name, Kind::Type(found), detail)
}

fn type_fault(value: &Value, schema: Schema<'_>, name: &str) -> Option<Fault> {
    let (wanted, format) = (schema.type_(), schema.format());
    let (found, own_format) = type_of(value);
    let fits = match wanted {
        "integer" => {
            found == "integer" || matches!(value, Value::Float(number) if is_whole(*number))
        }
        "number" => matches!(found, "number" | "integer"),
        _ => wanted == found,
    };
    let has_parts = matches!(value, Value::String(_) | Value::List(_));
    if !format.is_empty() && !has_parts {
        // Who names a format is told of that.
        return (!fits && own_format != format).then(|| wrong_type(name, format, own_format));
    }
    let is_numeric = matches!(wanted, "integer" | "number");
    let is_exempt = !format.is_empty() && !is_numeric;
    (!fits && !is_exempt).then(|| wrong_type(name, wanted, found))
}

/// Whether all programs take a number for the same whole one.
fn is_whole(number: f64) -> bool {
    const SAFE: f64 = 9_007_199_254_740_991.0;
    number.fract() == 0.0 && number.abs() <= SAFE
}

fn string(text: &str, schema: Schema<'_>, name: &str, outcome: &mut Outcome) {
    let count = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    if let Some(most) = schema.max_length().filter(|most| count > *most) {
        let detail = format!("{name} in body should be at most {most} chars long");
        let most = usize::try_from(most).unwrap_or_default();
        outcome.add(Fault::new(name, Kind::TooLong(most), detail));
    } else if let Some(least) = schema.min_length().filter(|least| count < *least) {
        let what = format!("should be at least {least} chars long");
        outcome.add(Fault::invalid(name, text, &what));
    }
    outcome.looked += 1;
    let format = schema.format();
    if let Some(fits) = formats::fits(format, text) {
        if !fits {
            let detail = format!("{name} in body must be of type {format}: {}", Quoted(text));
            outcome.add(Fault::new(name, Kind::Format(text.to_owned()), detail));
        }
        outcome.looked += 1;
    }
}

/// Checks a number, which is compared with bounds as what it is, or as a fraction where the type cannot hold a bound.
fn number(value: &Value, schema: Schema<'_>, name: &str, outcome: &mut Outcome) {
    let (exact, number) = match value {
        Value::Int(number) => (Some(*number), *number as f64),
        Value::Float(number) => (None, *number),
        _ => return,
    };
    out_of_range("Checked", exact, number, schema, name, outcome);
    let mut bound =
        |limit: Option<f64>, what: &str, said: &str, fails: &dyn Fn(f64, f64) -> bool| {
            let Some(limit) = limit else { return };
            let beyond = out_of_range(what, None, limit, schema, name, outcome);
            let (limit, shown, value): (f64, BadValue, BadValue) = match exact {
                Some(exact) if !beyond => (limit.trunc(), (limit as i64).into(), exact.into()),
                _ => (limit, limit.into(), number.into()),
            };
            if what == "MultipleOf" && limit <= 0.0 {
                let detail =
                    format!("factor MultipleOf declared for {name} must be positive: {shown}");
                outcome.add(Fault::new(name, Kind::Invalid(shown), detail));
            } else if fails(number, limit) {
                outcome.add(Fault::invalid(
                    name,
                    value,
                    &format!("should be {said} {shown}"),
                ));
            }
        };
    bound(
        schema.multiple_of(),
        "MultipleOf",
        "a multiple of",
        &|number, factor| {
            let inverse = factor < 1.0;
            !is_whole(if inverse {
                1.0 / factor * number
            } else {
                number / factor
            })
        },
    );
    let (least, what) = (schema.minimum(), "Minimum boundary");
    if schema.exclusive_minimum() {
        bound(least, what, "greater than", &|number, least| {
            number <= least
        });
    } else {
        let said = "greater than or equal to";
        bound(least, what, said, &|number, least| number < least);
    }
    let (most, what) = (schema.maximum(), "Maximum boundary");
    if schema.exclusive_maximum() {
        bound(most, what, "less than", &|number, most| number >= most);
    } else {
        let said = "less than or equal to";
        bound(most, what, said, &|number, most| number > most);
    }
}

/// Whether the type of a schema cannot hold a number, and says so.
fn out_of_range(
    what: &str,
    exact: Option<i64>,
    number: f64,
    schema: Schema<'_>,
    name: &str,
    outcome: &mut Outcome,
) -> bool {
    let (ty, format) = (schema.type_(), schema.format());
    let whole = || {
        // All integers of 64 bits lie between these.
        const LIMIT: f64 = 9_223_372_036_854_775_808.0;
        let is_integer = number.fract() == 0.0 && (-LIMIT..LIMIT).contains(&number);
        exact.or_else(|| is_integer.then_some(number as i64))
    };
    let fits = match (ty, format) {
        ("integer", "int32") => whole().is_some_and(|number| i32::try_from(number).is_ok()),
        ("integer", _) => whole().is_some(),
        ("number", "float") => (number as f32).is_finite(),
        _ => true,
    };
    if !fits {
        let format = match format {
            "int32" | "int64" | "float" => format!("with format {format}"),
            _ => "(default format)".to_owned(),
        };
        outcome.add(Fault::whole(format!(
            "{what} value must be of type {ty} {format} in {name}"
        )));
    }
    !fits
}

fn list(items: &[Value], schema: Schema<'_>, name: &str, outcome: &mut Outcome) {
    if let Some(inner) = item_schema(schema.items()) {
        for (at, item) in items.iter().enumerate() {
            outcome.merge(of(item, inner, &format!("{name}[{at}]")));
        }
    }
    let count = i64::try_from(items.len()).unwrap_or(i64::MAX);
    if let Some(least) = schema.min_items().filter(|least| count < *least) {
        let what = format!("should have at least {least} items");
        outcome.add(Fault::invalid(name, count, &what));
    }
    if let Some(most) = schema.max_items().filter(|most| count > *most) {
        outcome.add(too_many(name, "items", items.len(), most));
    }
    outcome.looked += 2;
}

fn too_many(name: &str, what: &str, found: usize, most: i64) -> Fault {
    let detail = format!("{name} in body should have at most {most} {what}");
    let most = usize::try_from(most).unwrap_or_default();
    Fault::new(name, Kind::TooMany(found, most), detail)
}

fn object(map: &Map, schema: Schema<'_>, name: &str, outcome: &mut Outcome) {
    let count = i64::try_from(map.len()).unwrap_or(i64::MAX);
    if let Some(least) = schema.min_properties().filter(|least| count < *least) {
        let what = format!("should have at least {least} properties");
        outcome.add(Fault::invalid(name, count, &what));
    }
    if let Some(most) = schema.max_properties().filter(|most| count > *most) {
        outcome.add(too_many(name, "properties", map.len(), most));
    }
    let properties = schema.properties();
    if let Some(others) = item_schema(schema.additional_properties()) {
        for (key, value) in map.iter().filter(|(key, _)| properties.get(key).is_none()) {
            outcome.merge(of(value, others, &format!("{name}.{key}")));
        }
    }
    for (key, property) in properties.iter() {
        let Some(value) = map.get(key) else { continue };
        let dot = if name.is_empty() { "" } else { "." };
        outcome.merge(of(value, property, &format!("{name}{dot}{key}")));
    }
    for key in schema
        .required()
        .iter()
        .filter(|key| !map.contains_key(key))
    {
        let name = format!("{name}.{key}");
        let detail = format!("{name} in body is required");
        outcome.add(Fault::new(&name, Kind::Required, detail));
    }
}

/// Checks against `enum`.
fn options(value: &Value, schema: Schema<'_>, name: &str, outcome: &mut Outcome) {
    let allowed: Vec<Value> = schema.enum_().iter().map(parsed).collect();
    if allowed.is_empty() || allowed.iter().any(|one| is_same(value, one)) {
        return;
    }
    let shown = allowed.iter().map(|one| match one {
        Value::String(text) => text.to_string(),
        other => BadValue::from(other).to_string(),
    });
    let shown: Vec<String> = shown.collect();
    let detail = format!("{name} in body should be one of {shown:?}");
    outcome.add(Fault::new(
        name,
        Kind::NotSupported(bad(value), shown),
        detail,
    ));
}

fn parsed(value: &Value) -> Value {
    match value {
        Value::Raw(bytes) => {
            json::decode_value(bytes, &mut Problems::ignored()).unwrap_or_default()
        }
        other => other.clone(),
    }
}

fn is_same(value: &Value, option: &Value) -> bool {
    match (value, option) {
        (Value::Null, _) => false,
        (Value::Int(value), Value::Float(option)) => *value as f64 == *option,
        (Value::Float(value), Value::Int(option)) => value.trunc() == *option as f64,
        _ => value == option,
    }
}

fn bad(value: &Value) -> BadValue {
    match value {
        Value::String(text) => text.into(),
        Value::Float(number) => (*number).into(),
        other => other.into(),
    }
}

/// Checks against `anyOf`, `oneOf`, `allOf` and `not`.
fn junctors(value: &Value, schema: Schema<'_>, name: &str, outcome: &mut Outcome) {
    let quoted = Quoted(name);
    let each = |part: Schema<'_>| of(value, part, name);
    if !schema.any_of().is_empty() {
        let mut best: Option<Outcome> = None;
        for found in schema.any_of().iter().map(each) {
            let further = |best: &Outcome| found.looked > best.looked;
            let done = found.is_valid();
            if done || best.as_ref().is_none_or(further) {
                best = Some(found);
            }
            if done {
                break;
            }
        }
        let best = best.unwrap_or_default();
        if !best.is_valid() {
            let detail = format!("{quoted} must validate at least one schema (anyOf)");
            outcome.add(Fault::whole(detail));
        }
        outcome.merge(best);
    }
    if !schema.one_of().is_empty() {
        let (valid, failed): (Vec<_>, Vec<_>) = schema
            .one_of()
            .iter()
            .map(each)
            .partition(Outcome::is_valid);
        let said = match valid.len() {
            0 => "Found none valid".to_owned(),
            count => format!("Found {count} valid alternatives"),
        };
        if valid.len() != 1 {
            let detail = format!("{quoted} must validate one and only one schema (oneOf). {said}");
            outcome.add(Fault::whole(detail));
        }
        if valid.is_empty() {
            let best = failed.into_iter().reduce(|best, next| {
                if next.looked > best.looked {
                    next
                } else {
                    best
                }
            });
            outcome.merge(best.unwrap_or_default());
        } else if valid.len() == 1 {
            outcome.looked += valid.iter().map(|it| it.looked).sum::<usize>();
        }
    }
    let all = schema.all_of();
    let mut valid = 0;
    for found in all.iter().map(each) {
        valid += usize::from(found.is_valid());
        outcome.merge(found);
    }
    if valid != all.len() {
        let more = if valid == 0 { ". None validated" } else { "" };
        let detail = format!("{quoted} must validate all the schemas (allOf){more}");
        outcome.add(Fault::whole(detail));
    }
    if schema.not().is_some_and(|part| each(part).is_valid()) {
        let detail = format!("{quoted} must not validate the schema (not)");
        outcome.add(Fault::whole(detail));
    }
    outcome.looked += 1;
}
