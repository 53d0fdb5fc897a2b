//! An event as a line of JSON, with the fields in the order of `audit.k8s.io/v1` `Event`.

use bytes::Bytes;
use pintle_authz::ResourceAttributes;
use pintle_runtime::codec::json::{compact, encode_str};
use pintle_runtime::status::Status;
use pintle_runtime::text::Text;
use pintle_runtime::time::Time;
use pintle_runtime::user::UserInfo;
use serde_json::value::RawValue;

use super::{Facts, Findings, Level, ObjectFacts, Stage};

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
        self.line(false)
    }

    /// The same without the objects, and with an annotation that says so.
    pub(super) fn to_bare_line(&self) -> Vec<u8> {
        self.line(true)
    }

    fn line(&self, is_bare: bool) -> Vec<u8> {
        let mut line = Vec::with_capacity(LINE);
        let mut event = Members::begin(&mut line);
        self.write_request(&mut event);
        if let Some(outcome) = &self.outcome {
            event.object("responseStatus", |status| outcome.write(status));
        }
        let findings = self.findings;
        if self.stage != Stage::RequestReceived && !is_bare {
            event.json("requestObject", findings.request_object.as_ref());
            event.json("responseObject", findings.response_object.as_ref());
        }
        event.time("requestReceivedTimestamp", self.facts.received);
        event.time("stageTimestamp", self.now);
        let annotations = findings.annotations.iter();
        let annotations = annotations.map(|(key, value)| (key.as_str(), value.as_str()));
        let mut annotations: Vec<_> = annotations
            .chain(is_bare.then_some((TRUNCATED, "true")))
            .collect();
        annotations.sort_unstable();
        if !annotations.is_empty() {
            event.object("annotations", |members| {
                for (key, value) in annotations {
                    encode_str(value, members.key(key));
                }
            });
        }
        event.end();
        line.push(b'\n');
        line
    }

    fn write_request(&self, event: &mut Members<'_>) {
        let (facts, findings) = (self.facts, self.findings);
        event.text("kind", "Event");
        event.text("apiVersion", "audit.k8s.io/v1");
        event.text("level", self.level.name());
        event.written(facts.repeated.id());
        event.text("stage", self.stage.name());
        event.written(facts.repeated.request());
        if let Some(user) = &findings.impersonated {
            event.object("impersonatedUser", |members| write_user(user, members));
        }
        if !findings.constraint.is_empty() {
            event.object("authenticationMetadata", |members| {
                members.text("impersonationConstraint", findings.constraint);
            });
        }
        event.written(facts.repeated.client());
        if let Some(target) = &facts.attributes.resource {
            event.object("objectRef", |members| {
                write_object(target, &findings.object, members);
            });
        }
    }
}

/// What all events of a request say alike.
pub(super) struct Origin<'a> {
    pub(super) audit_id: &'a str,
    pub(super) request_uri: &'a str,
    pub(super) verb: &'a str,
    /// Who asks, as far as that is known.
    pub(super) user: Option<&'a UserInfo>,
    pub(super) source_ips: &'a [String],
    pub(super) user_agent: &'a str,
}

/// The same as members of an event, each behind its comma, written once for all events.
pub(super) struct Repeated {
    text: Vec<u8>,
    end_of_id: usize,
    end_of_request: usize,
}

impl Repeated {
    pub(super) fn of(origin: &Origin<'_>) -> Self {
        let mut text = Vec::with_capacity(LINE / 2);
        let mut members = Members(&mut text);
        members.text("auditID", origin.audit_id);
        let end_of_id = members.0.len();
        members.text("requestURI", origin.request_uri);
        members.text("verb", origin.verb);
        members.object("user", |members| {
            if let Some(user) = origin.user {
                write_user(user, members);
            }
        });
        let end_of_request = members.0.len();
        members.texts("sourceIPs", origin.source_ips.iter().map(String::as_str));
        members.text_if_any("userAgent", origin.user_agent);
        Self {
            text,
            end_of_id,
            end_of_request,
        }
    }

    fn id(&self) -> &[u8] {
        &self.text[..self.end_of_id]
    }

    fn request(&self) -> &[u8] {
        &self.text[self.end_of_id..self.end_of_request]
    }

    fn client(&self) -> &[u8] {
        &self.text[self.end_of_request..]
    }
}

/// What most lines have room in.
const LINE: usize = 1024;

/// The members of a JSON object that is being written, escaped as Go does.
struct Members<'a>(&'a mut Vec<u8>);

impl<'a> Members<'a> {
    fn begin(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self(out)
    }

    fn end(self) {
        self.0.push(b'}');
    }

    /// Begins a member, whose value is to follow. A name needs no escapes.
    fn name(&mut self, name: &'static str) -> &mut Vec<u8> {
        let comma: &[u8] = if self.0.last() == Some(&b'{') {
            b"\""
        } else {
            b",\""
        };
        self.0.extend_from_slice(comma);
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
        self.0
    }

    /// Begins a member under a key that somebody chose.
    fn key(&mut self, key: &str) -> &mut Vec<u8> {
        if self.0.last() != Some(&b'{') {
            self.0.push(b',');
        }
        encode_str(key, self.0);
        self.0.push(b':');
        self.0
    }

    /// Members that are written already.
    fn written(&mut self, members: &[u8]) {
        self.0.extend_from_slice(members);
    }

    fn text(&mut self, name: &'static str, text: &str) {
        encode_str(text, self.name(name));
    }

    fn text_if_any(&mut self, name: &'static str, text: &str) {
        if !text.is_empty() {
            self.text(name, text);
        }
    }

    fn texts<'t>(&mut self, name: &'static str, texts: impl Iterator<Item = &'t str>) {
        list(texts, self.name(name));
    }

    fn object(&mut self, name: &'static str, write: impl FnOnce(&mut Members<'_>)) {
        let mut members = Members::begin(self.name(name));
        write(&mut members);
        members.end();
    }

    fn time(&mut self, name: &'static str, time: Time) {
        let out = self.name(name);
        out.push(b'"');
        time.write_micros(out);
        out.push(b'"');
    }

    /// JSON that is written already. What is none, such as a patch in YAML, goes in as a string.
    fn json(&mut self, name: &'static str, json: Option<&Bytes>) {
        let Some(json) = json else { return };
        if serde_json::from_slice::<&RawValue>(json).is_ok() {
            compact(json, self.name(name));
        } else {
            self.text(name, &String::from_utf8_lossy(json));
        }
    }
}

fn list<'t>(texts: impl Iterator<Item = &'t str>, out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, text) in texts.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        encode_str(text, out);
    }
    out.push(b']');
}

fn write_user(user: &UserInfo, members: &mut Members<'_>) {
    members.text_if_any("username", &user.name);
    members.text_if_any("uid", &user.uid);
    if !user.groups.is_empty() {
        members.texts("groups", user.groups.iter().map(Text::as_str));
    }
    if !user.extra.is_empty() {
        members.object("extra", |members| {
            let mut extra: Vec<_> = user.extra.iter().collect();
            extra.sort_unstable_by(|a, b| a.0.cmp(&b.0));
            for (key, values) in extra {
                list(values.iter().map(Text::as_str), members.key(key));
            }
        });
    }
}

/// The object that a request is about; what its body says of it stands in for what the path does not.
fn write_object(target: &ResourceAttributes, object: &ObjectFacts, members: &mut Members<'_>) {
    fn or<'a>(of_path: &'a str, of_body: &'a str) -> &'a str {
        if of_path.is_empty() { of_body } else { of_path }
    }
    members.text_if_any("resource", &target.resource);
    members.text_if_any("namespace", or(&target.namespace, &object.namespace));
    members.text_if_any("name", or(&target.name, &object.name));
    members.text_if_any("uid", &object.uid);
    members.text_if_any("apiGroup", &target.group);
    members.text_if_any("apiVersion", &target.version);
    members.text_if_any("resourceVersion", &object.resource_version);
    members.text_if_any("subresource", &target.subresource);
}

impl Outcome<'_> {
    fn write(&self, members: &mut Members<'_>) {
        members.object("metadata", |_| {});
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
                    members.name(name).extend_from_slice(part.get().as_bytes());
                }
            }
        }
        if let Some(message) = self.refusal {
            members.text("message", message);
        }
        members
            .name("code")
            .extend_from_slice(self.code.to_string().as_bytes());
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

#[cfg(test)]
mod tests {
    use pintle_authz::Attributes;

    use super::*;

    fn time(seconds: i64) -> Time {
        Time { seconds, nanos: 0 }
    }

    #[track_caller]
    fn check(findings: &Findings, code: Option<u16>, expected: &str) {
        let user = UserInfo {
            name: "alice".into(),
            extra: vec![
                ("b".into(), vec!["1".into(), "2".into()]),
                ("a".into(), vec![]),
            ],
            ..UserInfo::default()
        };
        let facts = Facts {
            repeated: Repeated::of(&Origin {
                audit_id: "1",
                request_uri: "/version?a=<1>&b",
                verb: "get",
                user: Some(&user),
                source_ips: &["10.0.0.1".to_owned(), "10.0.0.2".to_owned()],
                user_agent: "",
            }),
            attributes: Attributes {
                user: user.into(),
                verb: "get".into(),
                path: "/version".into(),
                resource: None,
            },
            knows_user: true,
            is_long_running: false,
            received: time(0),
        };
        let event = Event {
            level: Level::Metadata,
            stage: Stage::ResponseComplete,
            facts: &facts,
            findings,
            outcome: code.map(|code| Outcome {
                code,
                status: None,
                refusal: None,
            }),
            now: time(1),
        };
        let start = "{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"level\":\"Metadata\",\"auditID\":\"1\",\
                     \"stage\":\"ResponseComplete\",\"requestURI\":\"/version?a=\\u003c1\\u003e\\u0026b\",\"verb\":\"get\",\
                     \"user\":{\"username\":\"alice\",\"extra\":{\"a\":[],\"b\":[\"1\",\"2\"]}},\
                     \"sourceIPs\":[\"10.0.0.1\",\"10.0.0.2\"],";
        let line = String::from_utf8(event.to_line()).expect("text");
        assert_eq!(line, format!("{start}{expected}\n"));
    }

    const TIMES: &str = "\"requestReceivedTimestamp\":\"1970-01-01T00:00:00.000000Z\",\
                         \"stageTimestamp\":\"1970-01-01T00:00:01.000000Z\"";

    #[test]
    fn a_line_is_what_go_writes() {
        check(&Findings::default(), None, &format!("{TIMES}}}"));
        let findings = Findings {
            annotations: vec![
                ("b".into(), "\"2\"".to_owned()),
                ("a".into(), "1".to_owned()),
            ],
            request_object: Some(Bytes::from_static(br#"{"a": "<"}"#)),
            response_object: Some(Bytes::from_static(b"a: 1")),
            ..Findings::default()
        };
        let rest = format!(
            "\"responseStatus\":{{\"metadata\":{{}},\"code\":200}},\"requestObject\":{{\"a\":\"\\u003c\"}},\
             \"responseObject\":\"a: 1\",{TIMES},\"annotations\":{{\"a\":\"1\",\"b\":\"\\\"2\\\"\"}}}}"
        );
        check(&findings, Some(200), &rest);
    }
}
