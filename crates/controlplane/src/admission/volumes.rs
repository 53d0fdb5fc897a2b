//! Plug-ins about claims and volumes: `DefaultStorageClass`, `StorageObjectInUseProtection`,
//! `PersistentVolumeClaimResize`.

use std::cmp::Reverse;
use std::sync::Arc;

use pintle_api::core::v1::{PersistentVolumeClaim, PersistentVolumeClaimMut};
use pintle_api::storage::v1::StorageClass;
use pintle_endpoints::admission::{Attributes, Interest, Operation, Target};
use pintle_endpoints::cache::Entry;
use pintle_endpoints::context::RequestContext;
use pintle_endpoints::metadata::{Metadata, MetadataMut};
use pintle_runtime::status::ApiError;
use pintle_runtime::text::Text;
use pintle_runtime::value::Record;

use super::amounts::quantity;
use super::lookup::{Computed, Lookup, Place};
use super::rule::Rule;

const STORAGE_CLASSES: Place = ("storage.k8s.io", "v1", "storageclasses");
const CLASS_ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";

/// The name of the object that says by one of these annotations that it is the default one: the newest of several, and
/// of those the first by name.
pub(super) fn default_of(
    entries: &[Arc<Entry>],
    annotations: &[&str],
) -> Result<Option<String>, ApiError> {
    let mut found = Vec::new();
    for entry in entries {
        let object = entry.record()?;
        let metadata = Metadata::of(&object);
        let is_default = metadata
            .annotations()
            .any(|(key, value)| annotations.contains(&key) && value == "true");
        if is_default {
            let created = metadata.creation_timestamp();
            found.push((Reverse(created), metadata.name().to_owned()));
        }
    }
    found.sort();
    Ok(found.into_iter().next().map(|(_, name)| name))
}

/// `DefaultStorageClass`: a claim that names no class gets the default one.
pub(super) struct DefaultStorageClass {
    lookup: Lookup,
    default: Computed<Option<String>>,
}

impl DefaultStorageClass {
    pub(super) fn new(lookup: Lookup) -> Self {
        Self {
            lookup,
            default: Computed::default(),
        }
    }
}

impl Rule for DefaultStorageClass {
    const NAME: &'static str = "DefaultStorageClass";

    fn interest(&self, target: Target<'_>) -> Interest {
        Interest::MUTATES.when(target.is("", "persistentvolumeclaims") && target.creates())
    }

    fn mutate(
        &self,
        _: &RequestContext,
        _: &Attributes<'_>,
        object: &mut Record,
    ) -> Result<(), ApiError> {
        let mut claim = PersistentVolumeClaimMut::from_record(object);
        let annotations = claim.view().metadata().annotations();
        let says = claim.view().spec().storage_class_name().is_some()
            || annotations.contains_key(CLASS_ANNOTATION);
        if says {
            return Ok(());
        }
        let default = self.default.get(&self.lookup, STORAGE_CLASSES, |classes| {
            default_of(
                classes,
                &[
                    "storageclass.kubernetes.io/is-default-class",
                    "storageclass.beta.kubernetes.io/is-default-class",
                ],
            )
        })?;
        if let Some(name) = &*default {
            claim.spec_mut().set_storage_class_name(name.clone());
        }
        Ok(())
    }
}

/// `StorageObjectInUseProtection`: a finalizer holds claims, volumes and attribute classes as long as somebody uses
/// them, which a controller knows.
pub(super) struct InUseProtection;

impl Rule for InUseProtection {
    const NAME: &'static str = "StorageObjectInUseProtection";

    fn interest(&self, target: Target<'_>) -> Interest {
        let protected = target.is("", "persistentvolumeclaims")
            || target.is("", "persistentvolumes")
            || target.is("storage.k8s.io", "volumeattributesclasses");
        Interest::MUTATES.when(protected && target.creates())
    }

    fn mutate(
        &self,
        _: &RequestContext,
        attributes: &Attributes<'_>,
        object: &mut Record,
    ) -> Result<(), ApiError> {
        let finalizer = match &*attributes.resource.name {
            "persistentvolumeclaims" => "kubernetes.io/pvc-protection",
            "persistentvolumes" => "kubernetes.io/pv-protection",
            _ => "kubernetes.io/vac-protection",
        };
        let Some(mut metadata) = MetadataMut::of(object) else {
            return Ok(());
        };
        if !metadata.read().has_finalizer(finalizer) {
            let mut finalizers: Vec<Text> = metadata
                .read()
                .finalizers()
                .map(|it| Text::from(it.to_owned()))
                .collect();
            finalizers.push(Text::from_static(finalizer));
            metadata.set_finalizers(finalizers);
        }
        Ok(())
    }
}

/// `PersistentVolumeClaimResize`: a claim grows where its storage class says that it can.
pub(super) struct Resize(pub Lookup);

impl Rule for Resize {
    const NAME: &'static str = "PersistentVolumeClaimResize";

    fn interest(&self, target: Target<'_>) -> Interest {
        let updates = target.operation == Operation::Update;
        Interest::VALIDATES.when(target.is("", "persistentvolumeclaims") && updates)
    }

    fn validate(
        &self,
        _: &RequestContext,
        attributes: &Attributes<'_>,
        object: &Record,
    ) -> Result<(), ApiError> {
        let Some(old) = attributes.old.map(PersistentVolumeClaim::from_record) else {
            return Ok(());
        };
        let new = PersistentVolumeClaim::from_record(object);
        let size = |claim: PersistentVolumeClaim<'_>| {
            let asked = claim.spec().resources().requests().get("storage");
            quantity(asked.unwrap_or_default())
        };
        if size(new) <= size(old) {
            return Ok(());
        }
        if old.status().phase() != "Bound" {
            let why = "Only bound persistent volume claims can be expanded";
            return Err(attributes.forbid(why));
        }
        let name = class(new);
        let class = self.0.object(STORAGE_CLASSES, "", name)?;
        let expands = class.is_some_and(|class| {
            StorageClass::from_record(&class).allow_volume_expansion() == Some(true)
        });
        if name.is_empty() || name != self::class(old) || !expands {
            return Err(attributes.forbid(
                "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must \
                 support resize",
            ));
        }
        Ok(())
    }
}

/// The class of a claim, which an annotation says first.
pub(crate) fn class(claim: PersistentVolumeClaim<'_>) -> &str {
    let annotation = claim.metadata().annotations().get(CLASS_ANNOTATION);
    annotation
        .or(claim.spec().storage_class_name())
        .unwrap_or_default()
}
