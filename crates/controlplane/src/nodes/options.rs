//! What a client asks of a stream or a log, checked and in the kubelet's words.

use pintle_api::core::v1::{PodAttachOptions, PodExecOptions, PodLogOptions};
use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::gvk::GroupKind;
use pintle_runtime::status::ApiError;
use pintle_runtime::time::Time;

/// Refuses what makes no sense of a log.
///
/// # Errors
/// 422 with all that is wrong.
pub(super) fn check(name: &str, options: PodLogOptions<'_>) -> Result<(), ApiError> {
    let mut errors = ErrorList::new();
    if let Some(lines) = options.tail_lines().filter(|lines| *lines < 0) {
        let detail = "must be greater than or equal to 0";
        errors.invalid(&Path::new("tailLines"), lines, detail);
    }
    let positive = "must be greater than 0";
    if let Some(bytes) = options.limit_bytes().filter(|bytes| *bytes < 1) {
        errors.invalid(&Path::new("limitBytes"), bytes, positive);
    }
    match (options.since_seconds(), options.since_time()) {
        (Some(_), Some(_)) => errors.forbidden(
            &Path::new(""),
            "at most one of `sinceTime` or `sinceSeconds` may be specified",
        ),
        (Some(seconds), None) if seconds < 1 => {
            errors.invalid(&Path::new("sinceSeconds"), seconds, positive);
        }
        _ => {}
    }
    // What splits a log by stream is behind a gate that is off.
    if options.stream().is_some() {
        errors.forbidden(&Path::new("stream"), "may not be specified");
    }
    if errors.is_empty() {
        return Ok(());
    }
    Err(ApiError::invalid(
        &GroupKind::new("", "PodLogOptions"),
        name,
        &errors,
    ))
}

/// A query that is put together; keys in the order of the alphabet.
#[derive(Default)]
pub(super) struct Query(Vec<(&'static str, String)>);

impl Query {
    fn flag(&mut self, key: &'static str, value: &str, is_on: bool) {
        if is_on {
            self.0.push((key, value.to_owned()));
        }
    }

    fn number(&mut self, key: &'static str, number: Option<i64>) {
        if let Some(number) = number {
            self.0.push((key, number.to_string()));
        }
    }

    fn written(mut self) -> String {
        self.0.sort_by_key(|(key, _)| *key);
        let pairs = self
            .0
            .iter()
            .map(|(key, value)| format!("{key}={}", escaped(value)));
        pairs.collect::<Vec<_>>().join("&")
    }
}

/// What the kubelet is asked of a log.
pub(super) fn of_log(options: PodLogOptions<'_>) -> String {
    let mut query = Query::default();
    query.flag("follow", "true", options.follow());
    query.flag("previous", "true", options.previous());
    query.flag("timestamps", "true", options.timestamps());
    query.number("sinceSeconds", options.since_seconds());
    if let Some(since) = options.since_time() {
        query.0.push(("sinceTime", Time::to_string(&since)));
    }
    query.number("tailLines", options.tail_lines());
    query.number("limitBytes", options.limit_bytes());
    query.written()
}

/// What the kubelet is asked of a command.
pub(super) fn of_exec(options: PodExecOptions<'_>) -> String {
    let mut query = streams(
        options.stdin(),
        options.stdout(),
        options.stderr(),
        options.tty(),
    );
    for word in options.command().iter() {
        query.0.push(("command", word.to_owned()));
    }
    query.written()
}

/// What the kubelet is asked of a running container.
pub(super) fn of_attach(options: PodAttachOptions<'_>) -> String {
    streams(
        options.stdin(),
        options.stdout(),
        options.stderr(),
        options.tty(),
    )
    .written()
}

/// What the kubelet is asked of ports.
pub(super) fn of_ports(ports: impl Iterator<Item = i64>) -> String {
    let ports: Vec<String> = ports.map(|port| port.to_string()).collect();
    let mut query = Query::default();
    query.flag("port", &ports.join(","), !ports.is_empty());
    query.written()
}

fn streams(stdin: bool, stdout: bool, stderr: bool, tty: bool) -> Query {
    let mut query = Query::default();
    query.flag("input", "1", stdin);
    query.flag("output", "1", stdout);
    query.flag("error", "1", stderr);
    query.flag("tty", "1", tty);
    query
}

/// A value as Go writes it in a query.
fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            b' ' => out.push('+'),
            other => {
                let digit = |four: u8| char::from(b"0123456789ABCDEF"[usize::from(four)]);
                out.extend(['%', digit(other >> 4), digit(other & 15)]);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use pintle_api::core::v1::{PodExecOptionsMut, PodLogOptionsMut};
    use pintle_runtime::view::View;

    use super::*;

    #[test]
    fn a_command_is_asked_for_word_by_word() {
        let mut record = <PodExecOptions<'_> as View>::new_record();
        let mut options = PodExecOptionsMut::from_record(&mut record);
        options.set_stdout(true);
        options.set_tty(true);
        for word in ["sh", "-c", "echo a&b"] {
            options.command_mut().push(word);
        }
        let query = of_exec(PodExecOptions::from_record(&record));
        assert_eq!(
            query,
            "command=sh&command=-c&command=echo+a%26b&output=1&tty=1"
        );
    }

    #[test]
    fn what_makes_no_sense_of_a_log_is_refused_at_once() {
        let mut record = <PodLogOptions<'_> as View>::new_record();
        let mut options = PodLogOptionsMut::from_record(&mut record);
        options.set_tail_lines(-1);
        options.set_limit_bytes(0);
        options.set_since_seconds(0);
        let options = PodLogOptions::from_record(&record);
        let refused = check("web", options)
            .expect_err("it makes no sense")
            .to_string();
        assert_eq!(
            refused,
            "PodLogOptions \"web\" is invalid: [tailLines: Invalid value: -1: must be greater than or equal to 0, limitBytes: Invalid value: 0: must be greater than 0, sinceSeconds: Invalid value: 0: must be greater than 0]"
        );
        assert_eq!(of_log(options), "limitBytes=0&sinceSeconds=0&tailLines=-1");
    }
}
