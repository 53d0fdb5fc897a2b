//! `Secret`.

use pintle_runtime::codec::{DecodeError, Problems, json};
use pintle_runtime::field_path::{ErrorList, FieldError, Path};
use pintle_runtime::name::config_map_key;
use pintle_runtime::value::{Map, Record, Value};

use super::config_map::{DATA_LIMIT, LOCKED, length};
use crate::core::v1::Secret;
use crate::validation::Rules;
use crate::validation::immutable::immutable;

pub(super) const RULES: Rules = Rules {
    create,
    update,
    subresources: &[],
};

/// Names the service account that a token is for.
const SERVICE_ACCOUNT: &str = "kubernetes.io/service-account.name";
const DATA: Path<'static> = Path::new("data");

fn create(new: &Record, errors: &mut ErrorList) {
    let secret = Secret::from_record(new);
    let data = secret.data();
    let mut size = 0;
    for (key, value) in data.iter() {
        errors.invalid_each(&DATA.key(key), key, config_map_key(key));
        size += length(value);
    }
    if size > DATA_LIMIT {
        errors.push(FieldError::too_long(&DATA, DATA_LIMIT));
    }
    match secret.type_() {
        "kubernetes.io/service-account-token" => {
            let account = secret.metadata().annotations().get(SERVICE_ACCOUNT);
            if account.is_none_or(str::is_empty) {
                let path = Path::new("metadata.annotations");
                errors.required(&path.key(SERVICE_ACCOUNT), "");
            }
        }
        "kubernetes.io/dockercfg" => json_object(data, ".dockercfg", errors),
        "kubernetes.io/dockerconfigjson" => json_object(data, ".dockerconfigjson", errors),
        "kubernetes.io/basic-auth"
            if !data.contains_key("username") && !data.contains_key("password") =>
        {
            errors.required(&DATA.key("username"), "");
            errors.required(&DATA.key("password"), "");
        }
        "kubernetes.io/ssh-auth" if data.get("ssh-privatekey").map_or(0, length) == 0 => {
            errors.required(&DATA.key("ssh-privatekey"), "");
        }
        "kubernetes.io/tls" => {
            for key in ["tls.crt", "tls.key"] {
                if !data.contains_key(key) {
                    errors.required(&DATA.key(key), "");
                }
            }
        }
        _ => {}
    }
}

fn update(new: &Record, old: &Record, errors: &mut ErrorList) {
    let (now, before) = (Secret::from_record(new), Secret::from_record(old));
    immutable(now.type_(), before.type_(), &Path::new("type"), errors);
    if before.immutable() == Some(true) {
        if now.immutable() != Some(true) {
            errors.forbidden(&Path::new("immutable"), LOCKED);
        }
        if now.data() != before.data() {
            errors.forbidden(&DATA, LOCKED);
        }
    }
    create(new, errors);
}

/// The value at `key` must be there, and a JSON object. It is a secret, so no message shows it.
fn json_object(data: &Map, key: &str, errors: &mut ErrorList) {
    let path = DATA.key(key);
    let Some(Value::Bytes(value)) = data.get(key) else {
        return errors.required(&path, "");
    };
    let problem = match json::decode_value(value, &mut Problems::ignored()) {
        Ok(Value::Map(_) | Value::Null) => return,
        Ok(other) => format!(
            "json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
            json_kind(&other)
        ),
        Err(DecodeError::Syntax(problem)) => problem.to_string(),
        Err(other) => other.to_string(),
    };
    errors.invalid(&path, "<secret contents redacted>", problem);
}

/// What Go calls a JSON value that is no object.
fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::Float(_) => "number",
        Value::List(_) => "array",
        _ => "string",
    }
}
