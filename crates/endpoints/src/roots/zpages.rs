//! `/flagz` and `/statusz`: what the server was started with, and how it is.
//!
//! For people a page of text; for programs an object of `config.k8s.io`, if it is asked for by kind and version. What
//! is asked for without one is a 406, as upstream negotiates.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{HeaderMap, WARNING};
use http::{HeaderValue, Response, StatusCode};
use pintle_runtime::status::ApiError;
use pintle_runtime::time::Time;
use serde::Serialize;

use super::openapi::http_date;
use crate::body::Body;
use crate::negotiate::{Clause, Format, Representation, Transform, clauses, is_pretty};
use crate::query::Query;
use crate::respond;

/// What the server tells of itself at `/flagz` and `/statusz`.
#[derive(Debug, Clone)]
pub struct AboutSelf {
    /// Every flag and its value, as `/flagz` shows them.
    pub flags: BTreeMap<String, String>,
    /// Version of the program.
    pub version: String,
    /// Version of the API that it behaves as, such as `1.36`.
    pub emulates: String,
    /// When it started.
    pub started: SystemTime,
}

/// One of the two pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zpage {
    Flags,
    Status,
}

/// How a page is written.
#[derive(Debug, PartialEq, Eq)]
enum Form {
    Text,
    /// In JSON or YAML, as an object of this version.
    Object(Format, &'static str),
}

const COMPONENT: &str = "apiserver";
const ACCEPTED: [&str; 3] = ["application/json", "application/yaml", "text/plain"];
/// First path elements that are no help in debugging.
const NOT_FOR_DEBUGGING: [&str; 5] = ["apis", "api", "openid", "openapi", ".well-known"];

impl Zpage {
    pub(super) fn at(path: &str) -> Option<Self> {
        match path {
            "/flagz" => Some(Self::Flags),
            "/statusz" => Some(Self::Status),
            _ => None,
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Flags => "Flagz",
            Self::Status => "Statusz",
        }
    }

    /// The page. `paths` are all that are listed at `/`.
    pub(super) fn answer(
        self,
        about: &AboutSelf,
        paths: &[String],
        headers: &HeaderMap,
        query: Query<'_>,
    ) -> Result<Response<Body>, ApiError> {
        let form = form(&clauses(headers), self.kind())
            .ok_or_else(|| ApiError::not_acceptable(&ACCEPTED))?;
        let now = SystemTime::now();
        let Form::Object(format, version) = form else {
            return Ok(respond::plain(StatusCode::OK, self.text(about, paths, now)));
        };
        let object = self.object(about, paths, version, now);
        let representation = Representation {
            format,
            pretty: is_pretty(headers, query),
            transform: Transform::None,
        };
        let body = respond::json_bytes(&Bytes::from(object), representation);
        let mut response = respond::with_body(
            StatusCode::OK,
            respond::media_type(format),
            Body::whole(body),
        );
        if version == "v1alpha1" {
            let page = self.kind().to_ascii_lowercase();
            let text = format!(
                "299 - \"This version of the {page} endpoint is deprecated. Please use a newer version.\""
            );
            if let Ok(text) = HeaderValue::from_str(&text) {
                response.headers_mut().insert(WARNING, text);
            }
        }
        Ok(response)
    }

    fn text(self, about: &AboutSelf, paths: &[String], now: SystemTime) -> String {
        let page = self.kind().to_ascii_lowercase();
        let head = format!(
            "\n{COMPONENT} {page}\nWarning: This endpoint is not meant to be machine parseable, has no formatting \
             compatibility guarantees and is for debugging purposes only.\n"
        );
        // So that nobody parses it, upstream separates differently each time.
        let separators = [":", ": ", "=", " "];
        let separator = separators[now_nanos(now) % separators.len()];
        match self {
            Self::Flags => {
                let lines = about
                    .flags
                    .iter()
                    .map(|(name, value)| format!("{name}{separator}{value}\n"));
                head + &lines.collect::<String>()
            }
            Self::Status => {
                let up = uptime(about, now);
                let (hours, minutes, seconds) = (up / 3600, up / 60 % 60, up % 60);
                let (started, version, emulates) =
                    (unix_date(about.started), &about.version, &about.emulates);
                let paths = folders(paths).join(" ");
                format!(
                    "{head}\nStarted{separator} {started}\nUp{separator} {hours} hr {minutes:02} min {seconds:02} sec\n\
                     Go version{separator} \nBinary version{separator} {version}\n\
                     Emulation version{separator} {emulates}\nPaths{separator} {paths}\n"
                )
            }
        }
    }

    /// Compact JSON, with members in upstream's order.
    fn object(self, about: &AboutSelf, paths: &[String], version: &str, now: SystemTime) -> String {
        let of = |content| Object {
            kind: self.kind(),
            api_version: format!("config.k8s.io/{version}"),
            metadata: Named { name: COMPONENT },
            content,
        };
        let object = match self {
            Self::Flags => of(Content::Flags {
                flags: &about.flags,
            }),
            Self::Status => {
                let seconds = since_epoch(about.started).as_secs();
                let started = Time {
                    seconds: i64::try_from(seconds).unwrap_or_default(),
                    nanos: 0,
                };
                of(Content::Status {
                    start_time: started.to_string(),
                    uptime_seconds: uptime(about, now),
                    go_version: "",
                    binary_version: &about.version,
                    emulation_version: &about.emulates,
                    paths: folders(paths),
                })
            }
        };
        // Texts, numbers and lists always serialize.
        serde_json::to_string(&object).unwrap_or_default()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Object<'a> {
    kind: &'static str,
    api_version: String,
    metadata: Named,
    #[serde(flatten)]
    content: Content<'a>,
}

#[derive(Serialize)]
struct Named {
    name: &'static str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Flags {
        flags: &'a BTreeMap<String, String>,
    },
    #[serde(rename_all = "camelCase")]
    Status {
        start_time: String,
        uptime_seconds: u64,
        go_version: &'static str,
        binary_version: &'a str,
        emulation_version: &'a str,
        paths: Vec<String>,
    },
}

/// What the client wants most of what there is.
fn form(clauses: &[Clause<'_>], kind: &str) -> Option<Form> {
    if clauses.is_empty() {
        return Some(Form::Text);
    }
    clauses.iter().find_map(|clause| {
        let Some(wanted) = clause.parameter("as") else {
            return clause.matches("text", "plain").then_some(Form::Text);
        };
        let version = ["v1beta1", "v1alpha1"]
            .into_iter()
            .find(|version| clause.parameter("v") == Some(version))?;
        if wanted != kind || clause.parameter("g") != Some("config.k8s.io") {
            return None;
        }
        let formats = [(Format::Json, "json"), (Format::Yaml, "yaml")];
        let (format, _) = formats
            .into_iter()
            .find(|(_, subtype)| clause.matches("application", subtype))?;
        Some(Form::Object(format, version))
    })
}

/// The first elements of paths, each once, in order.
fn folders(paths: &[String]) -> Vec<String> {
    let mut folders: Vec<String> = paths
        .iter()
        .filter_map(|path| path.split('/').nth(1))
        .filter(|folder| {
            !folder.is_empty() && *folder != "statusz" && !NOT_FOR_DEBUGGING.contains(folder)
        })
        .map(|folder| format!("/{folder}"))
        .collect();
    folders.sort_unstable();
    folders.dedup();
    folders
}

fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn now_nanos(now: SystemTime) -> usize {
    since_epoch(now).subsec_nanos() as usize / 1000
}

fn uptime(about: &AboutSelf, now: SystemTime) -> u64 {
    now.duration_since(about.started)
        .unwrap_or_default()
        .as_secs()
}

/// `Sun Nov  6 08:49:37 UTC 1994`
fn unix_date(time: SystemTime) -> String {
    let http = http_date(time);
    let parts: Vec<&str> = http
        .split([' ', ','])
        .filter(|part| !part.is_empty())
        .collect();
    let [weekday, day, month, year, clock, _] = parts[..] else {
        return http;
    };
    format!(
        "{weekday} {month} {:>2} {clock} UTC {year}",
        day.trim_start_matches('0')
    )
}

#[cfg(test)]
mod tests {
    use http::header::ACCEPT;

    use super::*;

    #[track_caller]
    fn check(accept: &'static str, expected: Option<&str>) {
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
        let found = form(&clauses(&headers), "Flagz").map(|form| format!("{form:?}"));
        assert_eq!(found.as_deref(), expected, "{accept}");
    }

    #[test]
    fn programs_name_the_kind_and_people_need_not() {
        check("", Some("Text"));
        check("*/*", Some("Text"));
        check("text/html,text/plain", Some("Text"));
        check("application/json", None);
        let v1 = "application/json;g=config.k8s.io;v=v1beta1;as=Flagz";
        check(v1, Some("Object(Json, \"v1beta1\")"));
        check(
            "application/yaml;g=config.k8s.io;v=v1alpha1;as=Flagz",
            Some("Object(Yaml, \"v1alpha1\")"),
        );
        check(
            "application/json;g=config.k8s.io;v=v1beta1;as=Statusz",
            None,
        );
        check(
            "application/vnd.kubernetes.protobuf;g=config.k8s.io;v=v1beta1;as=Flagz",
            None,
        );
    }

    #[test]
    fn a_date_is_as_unix_writes_it() {
        let at = |seconds| unix_date(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(784_111_777), "Sun Nov  6 08:49:37 UTC 1994");
        assert_eq!(at(951_868_800), "Wed Mar  1 00:00:00 UTC 2000");
    }

    #[test]
    fn paths_are_told_by_their_first_element() {
        let paths = [
            "/api/v1",
            "/healthz",
            "/healthz/ping",
            "/metrics/slis",
            "/openapi/v2",
            "/",
        ];
        let paths: Vec<String> = paths.map(str::to_owned).into();
        assert_eq!(folders(&paths), ["/healthz", "/metrics"]);
    }
}
