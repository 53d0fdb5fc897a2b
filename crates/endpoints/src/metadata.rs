//! `metadata` of any object: reading it and changing it, without knowing the kind.

use pintle_runtime::meta::positions::object_meta as at;
use pintle_runtime::meta::{METADATA, tables};
use pintle_runtime::schema::Ref;
use pintle_runtime::text::Text;
use pintle_runtime::time::Time;
use pintle_runtime::value::{Map, Record, Value};

/// The metadata of an object, to read. Of an object without any, everything is absent.
#[derive(Clone, Copy, Debug)]
pub struct Metadata<'a>(Option<&'a Record>);

impl<'a> Metadata<'a> {
    /// The metadata of `object`.
    pub fn of(object: &'a Record) -> Self {
        Self(object.get(METADATA).and_then(Value::as_record))
    }

    fn get(self, index: usize) -> Option<&'a Value> {
        self.0?.get(index)
    }

    fn text(self, index: usize) -> &'a str {
        self.get(index).and_then(Value::as_str).unwrap_or_default()
    }

    /// `name`, empty if absent; so are the other texts.
    pub fn name(self) -> &'a str {
        self.text(at::NAME)
    }

    /// `generateName`
    pub fn generate_name(self) -> &'a str {
        self.text(at::GENERATE_NAME)
    }

    /// `namespace`
    pub fn namespace(self) -> &'a str {
        self.text(at::NAMESPACE)
    }

    /// `uid`
    pub fn uid(self) -> &'a str {
        self.text(at::UID)
    }

    /// `resourceVersion`
    pub fn resource_version(self) -> &'a str {
        self.text(at::RESOURCE_VERSION)
    }

    /// `generation`, zero if absent.
    pub fn generation(self) -> i64 {
        self.get(at::GENERATION)
            .and_then(Value::as_int)
            .unwrap_or_default()
    }

    /// `creationTimestamp`
    pub fn creation_timestamp(self) -> Option<Time> {
        self.time(at::CREATION_TIMESTAMP)
    }

    /// `deletionTimestamp`: the object is on its way out if there is one.
    pub fn deletion_timestamp(self) -> Option<Time> {
        self.time(at::DELETION_TIMESTAMP)
    }

    /// `deletionGracePeriodSeconds`
    pub fn deletion_grace_period(self) -> Option<i64> {
        self.get(at::DELETION_GRACE_PERIOD_SECONDS)
            .and_then(Value::as_int)
    }

    /// `finalizers`, in order.
    pub fn finalizers(self) -> impl DoubleEndedIterator<Item = &'a str> {
        let list = self
            .get(at::FINALIZERS)
            .and_then(Value::as_list)
            .unwrap_or_default();
        list.iter().filter_map(Value::as_str)
    }

    /// Whether `name` is among the finalizers.
    pub fn has_finalizer(self, name: &str) -> bool {
        self.finalizers().any(|found| found == name)
    }

    /// `labels`, in order of the keys.
    pub fn labels(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.map(at::LABELS)
    }

    /// `annotations`, in order of the keys.
    pub fn annotations(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.map(at::ANNOTATIONS)
    }

    /// `ownerReferences`, in order.
    pub fn owner_references(self) -> impl Iterator<Item = &'a Record> {
        let list = self
            .get(at::OWNER_REFERENCES)
            .and_then(Value::as_list)
            .unwrap_or_default();
        list.iter().filter_map(Value::as_record)
    }

    fn map(self, index: usize) -> impl Iterator<Item = (&'a str, &'a str)> {
        let map = self.get(index).and_then(Value::as_map);
        map.into_iter()
            .flat_map(Map::iter)
            .map(|(key, value)| (key.as_str(), value.as_str().unwrap_or_default()))
    }

    fn time(self, index: usize) -> Option<Time> {
        match self.get(index)? {
            Value::Time(time) if !time.is_zero() => Some(*time),
            _ => None,
        }
    }
}

/// The metadata of an object, to change.
#[derive(Debug)]
pub struct MetadataMut<'a>(&'a mut Record);

impl<'a> MetadataMut<'a> {
    /// The metadata of `object`, which gets some if it has none.
    ///
    /// `None` where the type of the object has no metadata: that is not an object to be kept.
    pub fn of(object: &'a mut Record) -> Option<Self> {
        if object
            .ty()
            .fields
            .get(METADATA)
            .is_none_or(|field| field.name != "metadata")
        {
            return None;
        }
        let empty = || Value::Record(Record::new(Ref::Static(&tables::OBJECT_META)));
        match object.get_or_insert_with(METADATA, empty) {
            Value::Record(metadata) => Some(Self(metadata)),
            _ => None,
        }
    }

    /// The metadata, to read.
    pub fn read(&self) -> Metadata<'_> {
        Metadata(Some(self.0))
    }

    /// Sets `name`.
    pub fn set_name(&mut self, name: impl Into<Text>) {
        self.set_text(at::NAME, name.into());
    }

    /// Sets `namespace`; removes it if empty.
    pub fn set_namespace(&mut self, namespace: impl Into<Text>) {
        self.set_text(at::NAMESPACE, namespace.into());
    }

    /// Sets `uid`.
    pub fn set_uid(&mut self, uid: impl Into<Text>) {
        self.set_text(at::UID, uid.into());
    }

    /// Sets `generation`; zero is written as nothing.
    pub fn set_generation(&mut self, generation: i64) {
        self.set_or_remove(
            at::GENERATION,
            (generation != 0).then_some(Value::Int(generation)),
        );
    }

    /// Sets `creationTimestamp`.
    pub fn set_creation_timestamp(&mut self, time: Option<Time>) {
        self.set_or_remove(at::CREATION_TIMESTAMP, time.map(Value::Time));
    }

    /// Sets `deletionTimestamp`.
    pub fn set_deletion_timestamp(&mut self, time: Option<Time>) {
        self.set_or_remove(at::DELETION_TIMESTAMP, time.map(Value::Time));
    }

    /// Sets `deletionGracePeriodSeconds`.
    pub fn set_deletion_grace_period(&mut self, seconds: Option<i64>) {
        self.set_or_remove(at::DELETION_GRACE_PERIOD_SECONDS, seconds.map(Value::Int));
    }

    /// Sets `finalizers`; no finalizers are written as nothing.
    pub fn set_finalizers(&mut self, finalizers: Vec<Text>) {
        let list: Vec<_> = finalizers.into_iter().map(Value::String).collect();
        self.set_or_remove(
            at::FINALIZERS,
            (!list.is_empty()).then_some(Value::List(list)),
        );
    }

    /// Takes `managedFields` away, if there are any.
    pub fn take_managed_fields(&mut self) -> bool {
        self.0.remove(at::MANAGED_FIELDS).is_some()
    }

    /// Sets the annotation `key`.
    pub fn set_annotation(&mut self, key: impl Into<Text>, value: impl Into<Text>) {
        if let Value::Map(map) = self
            .0
            .get_or_insert_with(at::ANNOTATIONS, || Value::Map(Map::new()))
        {
            map.insert(key, Value::String(value.into()));
        }
    }

    /// Sets `resourceVersion`; removes it if empty.
    pub fn set_resource_version(&mut self, version: impl Into<Text>) {
        self.set_text(at::RESOURCE_VERSION, version.into());
    }

    /// Removes `selfLink`, which is never kept.
    pub fn clear_self_link(&mut self) {
        self.0.remove(at::SELF_LINK);
    }

    /// The value at a position of `meta::positions::object_meta`, to take from another object.
    pub fn set_or_remove(&mut self, index: usize, value: Option<Value>) {
        match value {
            Some(value) => {
                self.0.set(index, value);
            }
            None => {
                self.0.remove(index);
            }
        }
    }

    fn set_text(&mut self, index: usize, text: Text) {
        self.set_or_remove(index, (!text.is_empty()).then_some(Value::String(text)));
    }
}
