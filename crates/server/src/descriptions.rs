//! What types and fields are for, in words: the texts of OpenAPI documents and `kubectl explain`.

use std::io::Read as _;

use flate2::read::ZlibDecoder;

/// Made by the build; its form is described there.
static COMPRESSED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptions.zlib"));

const DEFINITION: char = '\u{1d}';
const RECORD: char = '\u{1e}';
const UNIT: char = '\u{1f}';

/// The descriptions of all types, decompressed: some megabytes, to be dropped when the documents
/// are made.
#[derive(Debug)]
pub(crate) struct Descriptions {
    text: String,
    /// Where each definition begins, in bytewise order of their names.
    starts: Vec<u32>,
}

/// Decompresses the descriptions.
pub(crate) fn descriptions() -> Descriptions {
    let mut text = String::new();
    // The bytes are of this very build, so the only failure is one that the tests find.
    if ZlibDecoder::new(COMPRESSED)
        .read_to_string(&mut text)
        .is_err()
    {
        text.clear();
    }
    let starts = text
        .match_indices(DEFINITION)
        .map(|(at, _)| at as u32 + 1)
        .collect();
    Descriptions { text, starts }
}

impl Descriptions {
    /// What the type with this definition name is for.
    pub(crate) fn of_type(&self, definition: &str) -> Option<&str> {
        split(self.records(definition)?.next()?).map(|(_, text)| text)
    }

    /// What the field called `field` of a type is for.
    pub(crate) fn of_field(&self, definition: &str, field: &str) -> Option<&str> {
        self.fields(definition)
            .find(|(name, _)| *name == field)
            .map(|(_, text)| text)
    }

    /// Every described field of a type, in bytewise order.
    pub(crate) fn fields<'a>(
        &'a self,
        definition: &str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.records(definition)
            .into_iter()
            .flat_map(|records| records.skip(1))
            .filter_map(split)
    }

    /// The records of a definition: itself, then its fields.
    fn records<'a>(&'a self, definition: &str) -> Option<impl Iterator<Item = &'a str> + use<'a>> {
        let at = self
            .starts
            .binary_search_by(|&start| self.name(start).cmp(definition))
            .ok()?;
        let body = &self.text[self.starts[at] as usize..];
        Some(body.split(DEFINITION).next()?.split(RECORD))
    }

    fn name(&self, start: u32) -> &str {
        let rest = &self.text[start as usize..];
        rest.split(UNIT).next().unwrap_or(rest)
    }
}

/// A name and its description, if there is one.
fn split(record: &str) -> Option<(&str, &str)> {
    record.split_once(UNIT).filter(|(_, text)| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_published_type_but_lists_and_watch_events_is_described() {
        let descriptions = descriptions();
        let silent: Vec<&str> = pintle_api::types()
            .filter(|ty| ty.published && !ty.name.ends_with("List"))
            .map(|ty| ty.name.as_ref())
            .filter(|name| descriptions.records(name).is_none())
            .collect();
        assert_eq!(silent, ["io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent"]);
    }

    #[test]
    fn types_and_fields_have_their_texts() {
        let descriptions = descriptions();
        let pod = "io.k8s.api.core.v1.Pod";
        let about = descriptions.of_type(pod).unwrap();
        assert!(
            about.starts_with("Pod is a collection of containers"),
            "{about}"
        );
        let spec = descriptions.of_field(pod, "spec").unwrap();
        assert!(
            spec.starts_with("Specification of the desired behavior of the pod."),
            "{spec}"
        );
        assert_eq!(descriptions.of_field(pod, "color"), None);
        assert_eq!(descriptions.of_type("io.k8s.api.core.v1.Color"), None);
    }

    #[test]
    fn described_fields_are_fields() {
        let descriptions = descriptions();
        for ty in pintle_api::types() {
            for (name, _) in descriptions.fields(&ty.name) {
                assert!(ty.field(name).is_some(), "{} has no {name}", ty.name);
            }
        }
    }
}
