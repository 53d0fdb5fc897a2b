use crate::meta::{self, ObjectMeta, ObjectMetaMut, Status, StatusMut};
use crate::time::Time;
use crate::value::Value;
use crate::view::View;

fn object_meta() -> crate::value::Record {
    ObjectMeta::new_record()
}

#[test]
fn what_is_absent_reads_as_zero_or_none() {
    let record = object_meta();
    let meta = ObjectMeta::from_record(&record);
    assert_eq!(meta.name(), "");
    assert_eq!(meta.generation(), 0);
    assert_eq!(meta.deletion_timestamp(), None);
    assert_eq!(meta.deletion_grace_period_seconds(), None);
    assert!(!meta.labels().is_present());
    assert_eq!(meta.labels().get("app"), None);
    assert_eq!(meta.owner_references().len(), 0);
}

#[test]
fn null_reads_like_absent_and_zero_does_not() {
    let mut record = object_meta();
    record.set(
        meta::positions::object_meta::DELETION_GRACE_PERIOD_SECONDS,
        Value::Null,
    );
    assert_eq!(
        ObjectMeta::from_record(&record).deletion_grace_period_seconds(),
        None
    );
    ObjectMetaMut::from_record(&mut record).set_deletion_grace_period_seconds(0);
    assert_eq!(
        ObjectMeta::from_record(&record).deletion_grace_period_seconds(),
        Some(0)
    );
}

#[test]
fn the_zero_time_is_none() {
    let mut record = object_meta();
    ObjectMetaMut::from_record(&mut record).set_creation_timestamp(Time::ZERO);
    assert_eq!(ObjectMeta::from_record(&record).creation_timestamp(), None);
    ObjectMetaMut::from_record(&mut record).set_creation_timestamp(Time::from_seconds(7));
    assert_eq!(
        ObjectMeta::from_record(&record).creation_timestamp(),
        Some(Time::from_seconds(7))
    );
}

#[test]
fn lists_and_maps_come_into_being_with_the_first_entry() {
    let mut record = object_meta();
    let mut meta = ObjectMetaMut::from_record(&mut record);
    assert!(!meta.labels_mut().remove("app"));
    meta.finalizers_mut().retain(|_| true);
    assert!(meta.owner_references_mut().iter_mut().next().is_none());
    assert!(meta.view().record().is_empty());

    meta.labels_mut().insert("app", "web");
    meta.finalizers_mut().push("kubernetes");
    meta.owner_references_mut().push_new().set_uid("1");
    assert_eq!(meta.view().labels().get("app"), Some("web"));
    assert!(meta.view().finalizers().contains("kubernetes"));
    let uids: Vec<&str> = meta
        .view()
        .owner_references()
        .iter()
        .map(|owner| owner.uid())
        .collect();
    assert_eq!(uids, ["1"]);

    for mut owner in meta.owner_references_mut().iter_mut() {
        owner.set_controller(true);
    }
    meta.owner_references_mut()
        .retain(|owner| owner.controller() != Some(true));
    assert!(meta.view().owner_references().is_empty());
}

#[test]
fn a_struct_by_value_is_always_there() {
    let mut record = Status::new_record();
    assert_eq!(
        Status::from_record(&record).metadata().resource_version(),
        ""
    );
    StatusMut::from_record(&mut record)
        .metadata_mut()
        .set_resource_version("7");
    assert_eq!(
        Status::from_record(&record).metadata().resource_version(),
        "7"
    );
}

#[test]
fn a_struct_by_pointer_is_made_only_when_asked() {
    let mut record = Status::new_record();
    let mut status = StatusMut::from_record(&mut record);
    assert!(status.details_mut().is_none());
    status.details_or_new().set_kind("pods");
    assert_eq!(
        status.view().details().map(|details| details.kind()),
        Some("pods")
    );
    status.clear_details();
    assert!(status.view().details().is_none());
}
