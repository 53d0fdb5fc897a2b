//! `apiextensions.k8s.io`.

use pintle_api::apiextensions::v1::{CustomResourceDefinition, CustomResourceDefinitionMut};
use pintle_api::validation::definition::unrecognized_formats;
use pintle_endpoints::context::RequestContext;
use pintle_runtime::quote::Quoted;
use pintle_runtime::value::Record;

use super::Particular;

/// What is particular to a resource of this group.
pub(super) fn of(resource: &str) -> Option<&'static dyn Particular> {
    (resource == "customresourcedefinitions").then_some(&Definitions)
}

struct Definitions;

impl Particular for Definitions {
    fn prepare_for_create(&self, _: &RequestContext, new: &mut Record) {
        note_stored_version(new);
    }

    fn prepare_for_update(&self, _: &RequestContext, new: &mut Record, _: &Record) {
        note_stored_version(new);
    }

    /// Formats that mean nothing, unless they did not before.
    fn warnings(&self, new: &Record, old: Option<&Record>) -> Vec<String> {
        let formats =
            |record| unrecognized_formats(CustomResourceDefinition::from_record(record).spec());
        let before = old.map(formats).unwrap_or_default();
        let mut found = formats(new);
        found.retain(|format| !before.contains(format));
        let warning = |format| format!("unrecognized format {}", Quoted(format));
        found.into_iter().map(warning).collect()
    }
}

/// Objects may be kept in the version that is marked for storage from now on.
fn note_stored_version(new: &mut Record) {
    let definition = CustomResourceDefinition::from_record(new);
    let mut versions = definition.spec().versions().into_iter();
    let Some(stored) = versions.find(|version| version.storage()) else {
        return;
    };
    let name = stored.name();
    if !definition.status().stored_versions().contains(name) {
        let name = name.to_owned();
        CustomResourceDefinitionMut::from_record(new)
            .status_mut()
            .stored_versions_mut()
            .push(name);
    }
}
