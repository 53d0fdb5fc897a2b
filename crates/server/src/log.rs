//! The log: lines of text for people, or of JSON for collectors, in kube-apiserver's form.

use std::fmt;
use std::io::IsTerminal as _;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The form of a line: `--logging-format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// An object in each line: `ts` in milliseconds since 1970, `v` but for errors, `msg`, and what belongs to it.
    Json,
}

impl LogFormat {
    /// The form of that name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// Has everything logged to stderr from now on. Verbosity 0 is what an operator needs to know.
pub fn start_log(verbosity: u8, format: LogFormat) {
    let level = match verbosity {
        0 | 1 => LevelFilter::INFO,
        2 | 3 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let log = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(level);
    match format {
        LogFormat::Text => log
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false)
            .init(),
        LogFormat::Json => log.event_format(Json).init(),
    }
}

/// Writes events as objects.
struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let line = line(
            since.unwrap_or_default().as_micros(),
            *event.metadata().level(),
            fields,
        );
        writeln!(writer, "{line}")
    }
}

/// What kube-apiserver's log has of an event.
fn line(micros: u128, level: Level, fields: Fields) -> Value {
    let mut line = Map::new();
    line.insert("ts".to_owned(), json!(micros as f64 / 1000.0));
    let v = match level {
        Level::ERROR => None,
        Level::WARN | Level::INFO => Some(0),
        Level::DEBUG => Some(2),
        Level::TRACE => Some(4),
    };
    line.insert("msg".to_owned(), fields.message.into());
    line.extend(v.map(|v| ("v".to_owned(), v.into())));
    line.extend(fields.others);
    Value::Object(line)
}

/// What belongs to an event.
#[derive(Default)]
struct Fields {
    message: String,
    others: Map<String, Value>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            ("error", value) => {
                self.others.insert("err".to_owned(), value);
            }
            (name, value) => {
                self.others.insert(name.to_owned(), value);
            }
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_upstreams_keys() {
        let mut fields = Fields {
            message: "cannot compact".to_owned(),
            others: Map::new(),
        };
        fields
            .others
            .insert("err".to_owned(), "no \"space\"".into());
        let expected = json!({"ts": 1.5, "v": 0, "msg": "cannot compact", "err": "no \"space\""});
        assert_eq!(line(1_500, Level::WARN, fields), expected);
    }

    #[test]
    fn errors_have_no_verbosity() {
        let line = line(0, Level::ERROR, Fields::default());
        assert_eq!(line.get("v"), None);
    }
}
