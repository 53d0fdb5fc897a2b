//! Revisions of a workload's template.

use bytes::Bytes;
use pintle_runtime::codec::json;
use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::object_meta::{IMMUTABLE, validate_nonnegative};
use pintle_runtime::value::Record;

use crate::apps::v1::ControllerRevision;
use crate::validation::Rules;

pub(super) const RULES: Rules = Rules {
    create,
    update,
    subresources: &[],
};

fn create(new: &Record, errors: &mut ErrorList) {
    let revision = ControllerRevision::from_record(new);
    number(revision, errors);
    let path = Path::new("data");
    match revision.data().map(|data| data.trim_ascii()) {
        None | Some(b"" | b"null") => errors.required(&path, "data is mandatory"),
        Some(data) if !data.starts_with(b"{") => {
            errors.required(&path, "data must be a valid JSON object");
        }
        Some(_) => {}
    }
}

fn update(new: &Record, old: &Record, errors: &mut ErrorList) {
    let (new, old) = (
        ControllerRevision::from_record(new),
        ControllerRevision::from_record(old),
    );
    number(new, errors);
    // Byte for byte: white space counts.
    if new.data() != old.data() {
        errors.invalid(&Path::new("data"), shown(new.data()), IMMUTABLE);
    }
}

fn number(revision: ControllerRevision<'_>, errors: &mut ErrorList) {
    validate_nonnegative(revision.revision(), &Path::new("revision"), errors);
}

/// Go's `runtime.RawExtension` after a conversion to the internal form.
fn shown(data: Option<&Bytes>) -> BadValue {
    let mut out = Vec::new();
    match data {
        Some(data) => {
            json::encode_value(&pintle_runtime::value::Value::Raw(data.clone()), &mut out);
        }
        None => out.extend_from_slice(b"null"),
    }
    BadValue::Json(String::from_utf8_lossy(&out).into_owned())
}
