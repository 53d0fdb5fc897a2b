//! An event as a line of JSON, with the fields in the order of `audit.k8s.io/v1` `Event`.

use bytes::Bytes;
use pintle_runtime::codec::json::encode_str;
use pintle_runtime::status::Status;
use pintle_runtime::text::Text;
use pintle_runtime::time::Time;
use pintle_runtime::user::UserInfo;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use super::{Facts, Findings, Level, Stage};

/// What an event without its objects is marked with.
const TRUNCATED: &str = "audit.k8s.io/truncated";

/// One event.
pub(super) struct Event<'a> {
    pub(super) level: Level,
    pub(super) stage: Stage,
    pub(super) facts: &'a Facts,
    pub(super) findings: &'a Findings,
    pub(super) outcome: Option<Outcome<'a>>,
    pub(super) now: Time,
}

/// How the request ended.
pub(super) struct Outcome<'a> {
    pub(super) code: u16,
    pub(super) status: Option<&'a Status>,
    /// Why nobody was let in.
    pub(super) refusal: Option<&'a str>,
}

impl Event<'_> {
    /// The event with a newline at its end.
    pub(super) fn to_line(&self) -> Vec<u8> {
        line(&Form {
            event: self,
            is_bare: false,
        })
    }

    /// The same without the objects, and with an annotation that says so.
    pub(super) fn to_bare_line(&self) -> Vec<u8> {
        line(&Form {
            event: self,
            is_bare: true,
        })
    }
}

fn line(form: &Form<'_>) -> Vec<u8> {
    let mut line = serde_json::to_vec(form).unwrap_or_default();
    line.push(b'\n');
    line
}

/// An event with its objects, or without.
struct Form<'a> {
    event: &'a Event<'a>,
    is_bare: bool,
}

impl Serialize for Form<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Event {
            level,
            stage,
            facts,
            findings,
            outcome,
            now,
        } = self.event;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kind", "Event")?;
        map.serialize_entry("apiVersion", "audit.k8s.io/v1")?;
        map.serialize_entry("level", level.name())?;
        map.serialize_entry("auditID", &facts.audit_id)?;
        map.serialize_entry("stage", stage.name())?;
        map.serialize_entry("requestURI", &facts.request_uri)?;
        map.serialize_entry("verb", facts.attributes.verb.as_str())?;
        let nobody = UserInfo::default();
        let user = if facts.knows_user {
            &facts.attributes.user
        } else {
            &nobody
        };
        map.serialize_entry("user", &User(user))?;
        if let Some(user) = &findings.impersonated {
            map.serialize_entry("impersonatedUser", &User(user))?;
        }
        if !findings.constraint.is_empty() {
            map.serialize_entry("authenticationMetadata", &Constraint(findings.constraint))?;
        }
        map.serialize_entry("sourceIPs", &facts.source_ips)?;
        entry_unless_empty(&mut map, "userAgent", &facts.user_agent)?;
        if facts.attributes.resource.is_some() {
            map.serialize_entry("objectRef", &ObjectRef(facts, findings))?;
        }
        if let Some(outcome) = outcome {
            map.serialize_entry("responseStatus", outcome)?;
        }
        if *stage != Stage::RequestReceived && !self.is_bare {
            raw_entry(&mut map, "requestObject", findings.request_object.as_ref())?;
            raw_entry(
                &mut map,
                "responseObject",
                findings.response_object.as_ref(),
            )?;
        }
        map.serialize_entry("requestReceivedTimestamp", &Micros(facts.received))?;
        map.serialize_entry("stageTimestamp", &Micros(*now))?;
        if self.is_bare {
            let mut annotations = findings.annotations.clone();
            annotations.push((Text::from_static(TRUNCATED), "true".to_owned()));
            map.serialize_entry("annotations", &Sorted(&annotations))?;
        } else if !findings.annotations.is_empty() {
            map.serialize_entry("annotations", &Sorted(&findings.annotations))?;
        }
        map.end()
    }
}

/// By which constrained right the user acts as somebody else.
struct Constraint(&'static str);

impl Serialize for Constraint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([("impersonationConstraint", self.0)])
    }
}

struct User<'a>(&'a UserInfo);

impl Serialize for User<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let user = self.0;
        let mut map = serializer.serialize_map(None)?;
        entry_unless_empty(&mut map, "username", &user.name)?;
        entry_unless_empty(&mut map, "uid", &user.uid)?;
        if !user.groups.is_empty() {
            map.serialize_entry("groups", &Texts(&user.groups))?;
        }
        if !user.extra.is_empty() {
            let extra = user.extra.iter();
            map.serialize_entry(
                "extra",
                &Pairs(extra.map(|(key, values)| (key, Texts(values)))),
            )?;
        }
        map.end()
    }
}

/// The object that a request is about; what its body says of it stands in for what the path does not.
struct ObjectRef<'a>(&'a Facts, &'a Findings);

impl Serialize for ObjectRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (Self(facts, findings), mut map) = (self, serializer.serialize_map(None)?);
        let Some(target) = &facts.attributes.resource else {
            return map.end();
        };
        let object = &findings.object;
        let or = |of_path: &'_ Text, of_body: &'_ str| {
            let of_path = of_path.as_str();
            if of_path.is_empty() {
                of_body.to_owned()
            } else {
                of_path.to_owned()
            }
        };
        entry_unless_empty(&mut map, "resource", &target.resource)?;
        entry_unless_empty(
            &mut map,
            "namespace",
            &or(&target.namespace, &object.namespace),
        )?;
        entry_unless_empty(&mut map, "name", &or(&target.name, &object.name))?;
        entry_unless_empty(&mut map, "uid", &object.uid)?;
        entry_unless_empty(&mut map, "apiGroup", &target.group)?;
        entry_unless_empty(&mut map, "apiVersion", &target.version)?;
        entry_unless_empty(&mut map, "resourceVersion", &object.resource_version)?;
        entry_unless_empty(&mut map, "subresource", &target.subresource)?;
        map.end()
    }
}

impl Serialize for Outcome<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// `metadata` is there and says nothing.
        #[derive(serde::Serialize)]
        struct Nothing {}
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("metadata", &Nothing {})?;
        if let Some(status) = self.status {
            let json = status.to_json();
            let parts: StatusParts<'_> = serde_json::from_slice(&json).unwrap_or_default();
            for (name, part) in [
                ("status", parts.status),
                ("message", parts.message),
                ("reason", parts.reason),
                ("details", parts.details),
            ] {
                if let Some(part) = part {
                    map.serialize_entry(name, part)?;
                }
            }
        }
        if let Some(message) = self.refusal {
            map.serialize_entry("message", message)?;
        }
        map.serialize_entry("code", &self.code)?;
        map.end()
    }
}

/// What an event repeats of a `Status`.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct StatusParts<'a> {
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    reason: Option<&'a RawValue>,
    #[serde(borrow)]
    details: Option<&'a RawValue>,
}

struct Micros(Time);

impl Serialize for Micros {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = Vec::with_capacity(27);
        self.0.write_micros(&mut text);
        serializer.serialize_str(&String::from_utf8_lossy(&text))
    }
}

struct Texts<'a>(&'a [Text]);

impl Serialize for Texts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Text::as_str))
    }
}

struct Pairs<I>(I);

impl<'a, I: Iterator<Item = (&'a Text, Texts<'a>)> + Clone> Serialize for Pairs<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.clone().map(|(key, values)| (key.as_str(), values)))
    }
}

/// Annotations in the order of their keys.
struct Sorted<'a>(&'a [(Text, String)]);

impl Serialize for Sorted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pairs: Vec<_> = self
            .0
            .iter()
            .map(|(key, value)| (key.as_str(), value))
            .collect();
        pairs.sort_unstable();
        serializer.collect_map(pairs)
    }
}

fn entry_unless_empty<M: SerializeMap>(
    map: &mut M,
    name: &str,
    text: &str,
) -> Result<(), M::Error> {
    if text.is_empty() {
        return Ok(());
    }
    map.serialize_entry(name, text)
}

/// JSON that is written already. What is none, such as a patch in YAML, goes in as a string.
fn raw_entry<M: SerializeMap>(
    map: &mut M,
    name: &str,
    json: Option<&Bytes>,
) -> Result<(), M::Error> {
    let Some(json) = json else { return Ok(()) };
    if let Ok(raw) = serde_json::from_slice::<&RawValue>(json) {
        return map.serialize_entry(name, raw);
    }
    let mut quoted = Vec::with_capacity(json.len() + 2);
    encode_str(&String::from_utf8_lossy(json), &mut quoted);
    match serde_json::from_slice::<&RawValue>(&quoted) {
        Ok(raw) => map.serialize_entry(name, raw),
        Err(_) => Ok(()),
    }
}

/// An object, or the items of a list, without `metadata.managedFields`; `None` if that is how it is.
pub(super) fn without_managed_fields(json: &[u8]) -> Option<Bytes> {
    fn strip(object: &mut serde_json::Value) -> bool {
        let metadata = object
            .get_mut("metadata")
            .and_then(|metadata| metadata.as_object_mut());
        let had = metadata.is_some_and(|metadata| metadata.remove("managedFields").is_some());
        let items = object
            .get_mut("items")
            .and_then(|items| items.as_array_mut());
        // All of them, whatever the first ones had.
        let stripped = items
            .into_iter()
            .flatten()
            .filter_map(|item| strip(item).then_some(()));
        had | (stripped.count() > 0)
    }
    if !json.windows(15).any(|part| part == br#""managedFields""#) {
        return None;
    }
    let mut object = serde_json::from_slice(json).ok()?;
    strip(&mut object).then(|| serde_json::to_vec(&object).map(Bytes::from).ok())?
}
