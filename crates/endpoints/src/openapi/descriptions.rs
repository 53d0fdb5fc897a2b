//! Where descriptions come from.

use std::borrow::Cow;

use pintle_runtime::schema::{Field, FieldType, Type};

/// What is said about types and fields, opened for as long as a document is being built.
pub trait Descriptions {
    /// What is said about the type called `definition`, such as `io.k8s.api.core.v1.Pod`.
    fn of_type(&self, definition: &str) -> Option<Cow<'_, str>>;

    /// What is said about its field `field`, by JSON name.
    fn of_field(&self, definition: &str, field: &str) -> Option<Cow<'_, str>>;
}

/// Opens [`Descriptions`], which may mean to decompress them; they are dropped with the answer.
pub trait DescriptionSource: Send + Sync {
    /// The descriptions, ready for look-ups.
    fn open(&self) -> Box<dyn Descriptions + '_>;
}

/// A source that has nothing to say.
#[derive(Debug, Clone, Copy)]
pub struct NoDescriptions;

impl Descriptions for NoDescriptions {
    fn of_type(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }

    fn of_field(&self, _: &str, _: &str) -> Option<Cow<'_, str>> {
        None
    }
}

impl DescriptionSource for NoDescriptions {
    fn open(&self) -> Box<dyn Descriptions + '_> {
        Box::new(Self)
    }
}

/// What every type says of `kind` and `apiVersion` is taken from this one where a source leaves
/// lists out.
const SPOKESMAN: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions";

/// What is said about `ty`, empty if nothing is.
pub(super) fn of_type<'a>(descriptions: &'a dyn Descriptions, ty: &Type) -> Cow<'a, str> {
    let said = descriptions.of_type(&ty.name);
    said.or_else(|| {
        let list = ty.kinds.first()?;
        Some(Cow::Owned(format!(
            "{} is a list of {}.",
            list.kind,
            item_of(ty)?
        )))
    })
    .unwrap_or_default()
}

/// What is said about a field of `ty`, with its possible values as upstream shows them.
pub(super) fn of_field<'a>(
    descriptions: &'a dyn Descriptions,
    ty: &Type,
    field: &Field,
) -> Cow<'a, str> {
    let said = descriptions.of_field(&ty.name, &field.name);
    let said = said.or_else(|| match (field.name.as_ref(), item_of(ty)) {
        ("kind" | "apiVersion", _) => descriptions.of_field(SPOKESMAN, &field.name),
        ("metadata", Some(_)) => Some(Cow::Borrowed("Standard list metadata.")),
        ("items", Some(item)) => Some(Cow::Owned(format!("Items is the list of {item}."))),
        _ => None,
    });
    let mut text = said.unwrap_or_default();
    if !field.enumeration.is_empty() {
        let separator = if text.is_empty() { "" } else { "\n\n" };
        let text = text.to_mut();
        text.push_str(separator);
        text.push_str("Possible enum values:");
        for value in field.enumeration.iter() {
            text.push_str("\n - `\"");
            text.push_str(value);
            text.push_str("\"`");
        }
    }
    text
}

/// The kind of the items, if the type is the list of a kind.
fn item_of(ty: &Type) -> Option<&str> {
    let list = ty.kinds.first()?;
    let FieldType::List(element) = &ty.field("items")?.ty else {
        return None;
    };
    let FieldType::Object(item) = &**element else {
        return None;
    };
    let kind = item.name.rsplit('.').next()?;
    (list.kind.strip_suffix("List") == Some(kind)).then_some(kind)
}
