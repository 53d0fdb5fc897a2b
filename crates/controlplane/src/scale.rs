//! `scale`: an object that has replicas, shown as one of autoscaling/v1.

use pintle_api::autoscaling::v1::{Scale, ScaleMut};
use pintle_endpoints::facet::Facet;
use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::fields::PathElement;
use pintle_runtime::meta;
use pintle_runtime::resource::Resource;
use pintle_runtime::selector::LabelSelector;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::{Record, Value};

/// The scale of Kubernetes' own kinds that have one.
pub(crate) struct BuiltInScale {
    group: String,
    /// Versions that objects have been written in, served or not.
    versions: &'static [&'static str],
}

impl BuiltInScale {
    /// Of the kind of `row`, if that has a scale.
    pub(crate) fn of(row: &Resource) -> Option<Self> {
        row.subresource("scale")?;
        let versions: &[_] = match &*row.group {
            "apps" => &["v1beta1", "v1beta2", "v1"],
            _ => &["v1"],
        };
        Some(Self {
            group: row.group.to_string(),
            versions,
        })
    }
}

impl Facet for BuiltInScale {
    fn show(&self, object: &Record, shown: &mut Record) -> Result<(), ApiError> {
        let spec = part(object, "spec");
        let replicas = |part: Option<&Record>| {
            let found = part.and_then(|part| part.get_by_name("replicas")?.as_int());
            i32::try_from(found.unwrap_or_default()).unwrap_or(i32::MAX)
        };
        let selector = selector(spec)?;
        let (wanted, found) = (replicas(spec), replicas(part(object, "status")));
        let mut scale = ScaleMut::from_record(shown);
        scale.spec_mut().set_replicas(wanted);
        let mut status = scale.status_mut();
        status.set_replicas(found);
        if !selector.is_empty() {
            status.set_selector(selector);
        }
        Ok(())
    }

    fn validate(&self, shown: &Record) -> ErrorList {
        let mut errors = ErrorList::new();
        let replicas = Scale::from_record(shown).spec().replicas();
        if replicas < 0 {
            errors.invalid(
                &Path::new("spec.replicas"),
                replicas,
                "must be greater than or equal to 0",
            );
        }
        errors
    }

    fn write(&self, shown: &Record, object: &mut Record) {
        let replicas = Scale::from_record(shown).spec().replicas();
        let Some(at) = object.ty().field_index("spec") else {
            return;
        };
        if let Some(Value::Record(spec)) = object.get_mut(at)
            && let Some(field) = spec.ty().field_index("replicas")
        {
            spec.set(field, Value::Int(replicas.into()));
        }
    }

    fn place_in_object(&self, api_version: &str) -> Option<Vec<PathElement>> {
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        (group == self.group && self.versions.contains(&version)).then(|| self.place_in_facet())
    }

    fn place_in_facet(&self) -> Vec<PathElement> {
        ["spec", "replicas"]
            .map(|name| PathElement::Field(name.into()))
            .to_vec()
    }
}

fn part<'a>(record: &'a Record, name: &str) -> Option<&'a Record> {
    record.get_by_name(name).and_then(Value::as_record)
}

/// The selector as text: of an object, or of the plain labels that a replication controller has.
fn selector(spec: Option<&Record>) -> Result<String, ApiError> {
    let found = match spec.and_then(|spec| spec.get_by_name("selector")) {
        Some(Value::Record(selector)) => {
            LabelSelector::try_from(Some(meta::LabelSelector::from_record(selector)))
                .map_err(|error| ApiError::bad_request(error.to_string()))?
        }
        Some(Value::Map(labels)) => {
            let labels = labels.iter().filter_map(|(key, value)| {
                let value = value.as_str()?;
                Some((key.as_str(), value))
            });
            LabelSelector::from_object(labels, [])
                .map_err(|error| ApiError::bad_request(error.to_string()))?
        }
        _ => return Ok(String::new()),
    };
    Ok(found.to_string())
}
