//! Replication controllers and pod templates.

use std::borrow::Cow;

use pintle_api::core::v1::{
    PodTemplate, PodTemplateMut, ReplicationController, ReplicationControllerMut,
};
use pintle_endpoints::context::RequestContext;
use pintle_runtime::field_path::Path;
use pintle_runtime::meta::ObjectMeta;
use pintle_runtime::name::dns1123_label;
use pintle_runtime::value::Record;

use crate::particular::Particular;
use crate::particular::pods::{drop_disabled_of_template, of_template};

/// Replication controllers.
pub(super) struct Controllers;

impl Particular for Controllers {
    fn prepare_for_create(&self, _: &RequestContext, new: &mut Record) {
        let mut controller = ReplicationControllerMut::from_record(new);
        if let Some(mut template) = controller.spec_mut().template_mut() {
            drop_disabled_of_template(&mut template, None);
        }
    }

    fn prepare_for_update(&self, _: &RequestContext, new: &mut Record, old: &Record) {
        let old = ReplicationController::from_record(old).spec().template();
        let mut controller = ReplicationControllerMut::from_record(new);
        if let Some(mut template) = controller.spec_mut().template_mut() {
            drop_disabled_of_template(&mut template, old);
        }
    }

    fn warnings(&self, new: &Record, old: Option<&Record>) -> Vec<String> {
        let new = ReplicationController::from_record(new);
        let mut warnings = Vec::new();
        match old.map(ReplicationController::from_record) {
            None => warnings.extend(host_name(new.metadata(), "Pod names and hostnames")),
            Some(old) if is_same(new.metadata(), old.metadata()) => return warnings,
            Some(_) => {}
        }
        if let Some(template) = new.spec().template() {
            warnings.extend(of_template(template, &Path::new("template")));
        }
        warnings
    }
}

/// Pod templates, which nothing makes pods from.
pub(super) struct Templates;

impl Particular for Templates {
    fn prepare_for_create(&self, _: &RequestContext, new: &mut Record) {
        drop_disabled_of_template(&mut PodTemplateMut::from_record(new).template_mut(), None);
    }

    fn prepare_for_update(&self, _: &RequestContext, new: &mut Record, old: &Record) {
        let old = PodTemplate::from_record(old).template();
        let mut new = PodTemplateMut::from_record(new);
        drop_disabled_of_template(&mut new.template_mut(), Some(old));
    }

    fn warnings(&self, new: &Record, old: Option<&Record>) -> Vec<String> {
        let new = PodTemplate::from_record(new);
        match old.map(PodTemplate::from_record) {
            Some(old) if is_same(new.metadata(), old.metadata()) => Vec::new(),
            _ => of_template(new.template(), &Path::new("template")),
        }
    }
}

fn is_same(new: ObjectMeta<'_>, old: ObjectMeta<'_>) -> bool {
    new.generation() == old.generation()
}

/// What is said of a name that pods will have as hosts, and that hosts cannot have.
pub(super) fn host_name(meta: ObjectMeta<'_>, used: &str) -> Option<String> {
    let faults = dns1123_label(meta.name());
    if faults.is_empty() {
        return None;
    }
    let faults: Vec<Cow<'_, str>> = faults;
    let faults = faults.join(" ");
    Some(format!(
        "metadata.name: this is used in {used}, which can result in surprising behavior; a DNS label is recommended: [{faults}]"
    ))
}
