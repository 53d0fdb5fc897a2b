//! Where a webhook is called: by URL or through a service.

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::name::{dns1035_label, dns1123_subdomain};
use pintle_runtime::quote::Quoted;
use pintle_runtime::view::Strings;

use super::immutable::Content;

/// Versions of a review that this server can send.
const VERSIONS: [&str; 2] = ["v1", "v1beta1"];
const FORM: &str = "; desired format: https://host[/path]";

/// A webhook's service.
#[derive(Clone, Copy)]
pub(super) struct Service<'a> {
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    pub(super) path: Option<&'a str>,
    pub(super) port: i32,
}

/// The client configuration at `path`: either of a URL and a service.
pub(super) fn client(
    url: Option<&str>,
    service: Option<Service<'_>>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    match (url, service) {
        (Some(text), None) => self::url(text, &path.child("url"), errors),
        (None, Some(found)) => self::service(found, &path.child("service"), errors),
        _ => errors.required(path, "exactly one of url or service is required"),
    }
}

/// Versions of a review that a webhook takes, of which one must be known if `known` says so.
pub(super) fn review_versions(
    versions: Strings<'_>,
    none: &str,
    known: bool,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    if versions.is_empty() {
        return errors.required(path, none);
    }
    for (index, version) in versions.iter().enumerate() {
        let at = path.index(index);
        if versions.iter().take(index).any(|before| before == version) {
            errors.invalid(&at, version, "duplicate version");
        } else {
            errors.invalid_each(&at, version, dns1035_label(version));
        }
    }
    if known && !has_known_version(versions) {
        let detail = format!("must include at least one of {}", VERSIONS.join(", "));
        errors.invalid(path, versions.shown(), detail);
    }
}

/// Whether there is a version that this server can send.
pub(super) fn has_known_version(versions: Strings<'_>) -> bool {
    VERSIONS.iter().any(|version| versions.contains(version))
}

/// What the parts of a URL are, as far as they matter.
struct Url<'a> {
    scheme: String,
    user: Option<&'a str>,
    host: &'a str,
    query: &'a str,
    fragment: &'a str,
}

fn url(text: &str, path: &Path<'_>, errors: &mut ErrorList) {
    let url = match parse(text) {
        Ok(url) => url,
        Err(problem) => {
            let detail = format!(
                "url must be a valid URL: parse {}: {problem}{FORM}",
                Quoted(text)
            );
            return errors.required(path, detail);
        }
    };
    if url.scheme != "https" {
        errors.invalid(
            path,
            url.scheme,
            format!("'https' is the only allowed URL scheme{FORM}"),
        );
    }
    if url.host.is_empty() {
        errors.invalid(path, "", format!("host must be specified{FORM}"));
    }
    if let Some(user) = url.user {
        let detail = "user information is not permitted in the URL";
        errors.invalid(path, user, detail);
    }
    if !url.fragment.is_empty() {
        let detail = "fragments are not permitted in the URL";
        errors.invalid(path, url.fragment, detail);
    }
    if !url.query.is_empty() {
        let detail = "query parameters are not permitted in the URL";
        errors.invalid(path, url.query, detail);
    }
}

/// Takes a URL apart as Go's `url.Parse` does.
fn parse(text: &str) -> Result<Url<'_>, String> {
    if text.bytes().any(|byte| byte < 0x20 || byte == 0x7f) {
        return Err("net/url: invalid control character in URL".to_owned());
    }
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (scheme, rest) = split_scheme(rest)?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut url = Url {
        scheme,
        user: None,
        host: "",
        query,
        fragment,
    };
    let Some(rest) = rest.strip_prefix("//") else {
        let first = rest.split('/').next().unwrap_or_default();
        if url.scheme.is_empty() && first.contains(':') {
            return Err("first path segment in URL cannot contain colon".to_owned());
        }
        return Ok(url);
    };
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, after) = rest.split_at(end);
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    check_host(host)?;
    check_escapes(after)?;
    url.user = user;
    url.host = host;
    Ok(url)
}

fn split_scheme(text: &str) -> Result<(String, &str), String> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            b':' => return Ok((text[..at].to_ascii_lowercase(), &text[at + 1..])),
            _ => break,
        }
    }
    Ok((String::new(), text))
}

fn check_host(host: &str) -> Result<(), String> {
    let port = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((_, port)) => port,
            None => return Err("missing ']' in host".to_owned()),
        },
        None => host.find(':').map_or("", |at| &host[at..]),
    };
    let digits = port.strip_prefix(':').unwrap_or(port);
    let good = port.is_empty()
        || (port.starts_with(':') && digits.bytes().all(|byte| byte.is_ascii_digit()));
    if !good {
        return Err(format!("invalid port {} after host", Quoted(port)));
    }
    match host.chars().find(|c| {
        matches!(
            c,
            ' ' | '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}'
        )
    }) {
        Some(c) => Err(format!(
            "invalid character {} in host name",
            Quoted(c.encode_utf8(&mut [0; 4]))
        )),
        None => check_escapes(host),
    }
}

fn check_escapes(text: &str) -> Result<(), String> {
    let bytes = text.as_bytes();
    for at in memchr_all(bytes, b'%') {
        let hex = bytes.get(at + 1..at + 3);
        if !hex.is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)) {
            let end = text.len().min(at + 3);
            let shown = String::from_utf8_lossy(&bytes[at..end]).into_owned();
            return Err(format!("invalid URL escape {}", Quoted(&shown)));
        }
    }
    Ok(())
}

fn memchr_all(bytes: &[u8], wanted: u8) -> impl Iterator<Item = usize> {
    let found = bytes.iter().enumerate();
    found
        .filter(move |(_, byte)| **byte == wanted)
        .map(|(at, _)| at)
}

fn service(service: Service<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    // Upstream takes the one for the other.
    if service.namespace.is_empty() {
        errors.required(&path.child("name"), "");
    }
    if service.name.is_empty() {
        errors.required(&path.child("namespace"), "");
    }
    if !(1..=65_535).contains(&service.port) {
        errors.invalid(
            &path.child("port"),
            service.port,
            "port is not valid: must be between 1 and 65535, inclusive",
        );
    }
    let at = path.child("path");
    let text = match service.path {
        None | Some("" | "/") => return,
        Some("//") => return errors.invalid(&at, "//", "segment[0] may not be empty"),
        Some(text) => text,
    };
    if !text.starts_with('/') {
        errors.invalid(&at, text, "must start with a '/'");
    }
    let mut rest = text.chars();
    rest.next();
    let rest = rest.as_str();
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    for (index, segment) in rest.split('/').enumerate() {
        if segment.is_empty() {
            errors.invalid(&at, text, format!("segment[{index}] may not be empty"));
        } else {
            let messages = dns1123_subdomain(segment).into_iter();
            let messages = messages.map(|message| format!("segment[{index}]: {message}"));
            errors.invalid_each(&at, text, messages);
        }
    }
}

/// A CA bundle that no certificate can be read from.
pub(super) fn ca_bundle(bundle: &bytes::Bytes, path: &Path<'_>, errors: &mut ErrorList) {
    let text = String::from_utf8_lossy(bundle);
    if !text.contains("-----BEGIN CERTIFICATE-----") {
        let value = pintle_runtime::value::Value::Bytes(bundle.clone());
        errors.invalid(
            path,
            BadValue::from(&value),
            "unable to load root certificates: unable to parse bytes as PEM block",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let mut errors = ErrorList::new();
        url(text, &Path::new("url"), &mut errors);
        let found: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(found.join(" | "), expected, "{text}");
    }

    #[test]
    fn a_url_is_https_with_a_host_and_a_path() {
        check("https://example.com:8443/a/b", "");
        check("https://[::1]:8443", "");
        check(
            "http://example.com",
            "url: Invalid value: \"http\": 'https' is the only allowed URL scheme; desired format: https://host[/path]",
        );
        check(
            "https://u:p@example.com/?q#f",
            "url: Invalid value: \"u:p\": user information is not permitted in the URL | url: Invalid value: \"f\": fragments are not permitted in the URL | url: Invalid value: \"q\": query parameters are not permitted in the URL",
        );
        check(
            "https:///x",
            "url: Invalid value: \"\": host must be specified; desired format: https://host[/path]",
        );
        check(
            "https://example.com:x/",
            "url: Required value: url must be a valid URL: parse \"https://example.com:x/\": invalid port \":x\" after host; desired format: https://host[/path]",
        );
        check(
            ":x",
            "url: Required value: url must be a valid URL: parse \":x\": missing protocol scheme; desired format: https://host[/path]",
        );
    }

    #[track_caller]
    fn check_service(name: &str, path: &str, port: i32, expected: &str) {
        let mut errors = ErrorList::new();
        let found = Service {
            namespace: "n",
            name,
            path: Some(path),
            port,
        };
        service(found, &Path::new("s"), &mut errors);
        let found: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(found.join(" | "), expected);
    }

    #[test]
    fn a_service_has_a_name_a_port_and_a_path_of_names() {
        check_service("a", "/x/y/", 443, "");
        check_service("", "/", 443, "s.namespace: Required value");
        check_service(
            "a",
            "/",
            0,
            "s.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive",
        );
        check_service(
            "a",
            "/x//y",
            443,
            "s.path: Invalid value: \"/x//y\": segment[1] may not be empty",
        );
        check_service(
            "a",
            "//",
            443,
            "s.path: Invalid value: \"//\": segment[0] may not be empty",
        );
    }
}
