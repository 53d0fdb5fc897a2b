//! When an image is pulled, if nobody says.

/// The policy of pulling an image that is referred to so: `Always` if its tag is `latest`, given or implied; a digest
/// pins it. What is no reference has no tag, and is `IfNotPresent`.
pub(super) fn pull_policy(reference: &str) -> &'static str {
    match Reference::parse(reference) {
        Some(Reference {
            tag: Some("latest"),
            ..
        })
        | Some(Reference {
            tag: None,
            pinned: false,
        }) => "Always",
        _ => "IfNotPresent",
    }
}

/// What follows the name in `registry.example:5000/team/app:tag@sha256:…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reference<'a> {
    tag: Option<&'a str>,
    pinned: bool,
}

/// How long a name may be, its registry included.
const NAME_LIMIT: usize = 255;
const TAG_LIMIT: usize = 128;
/// How many digits the digests have that are known.
const DIGESTS: [(&str, usize); 3] = [("sha256:", 64), ("sha384:", 96), ("sha512:", 128)];

impl<'a> Reference<'a> {
    /// As container engines read it: the name of an image of Docker's registry may be short.
    fn parse(text: &'a str) -> Option<Self> {
        let is_identifier = text.len() == 64 && text.bytes().all(is_hexadecimal);
        if is_identifier {
            return None;
        }
        let (domain, rest) = match text.split_once('/') {
            Some((domain, rest)) if is_domain_of_its_own(domain) => (domain, rest),
            Some(_) => ("docker.io", text),
            None => ("docker.io/library", text),
        };
        let (rest, digest) = match rest.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (rest, None),
        };
        let (path, tag) = match rest.split_once(':') {
            Some((path, tag)) => (path, Some(tag)),
            None => (rest, None),
        };
        let registry = domain.split('/').next().unwrap_or(domain);
        let fits = is_registry(registry)
            && path.split('/').all(is_component)
            && domain.len() + 1 + path.len() <= NAME_LIMIT
            && tag.is_none_or(is_tag)
            && digest.is_none_or(is_digest);
        fits.then_some(Self {
            tag,
            pinned: digest.is_some(),
        })
    }
}

/// Whether what stands before the first slash is a registry, and not the first part of a name.
fn is_domain_of_its_own(text: &str) -> bool {
    text.contains(['.', ':'])
        || text == "localhost"
        || text.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn is_hexadecimal(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)
}

fn is_registry(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    };
    let is_address = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .is_some_and(|host| {
            host.bytes()
                .all(|byte| byte.is_ascii_hexdigit() || byte == b':')
        });
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_number = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    (is_address || host.split('.').all(is_label)) && port.is_none_or(is_number)
}

/// Small letters and digits, with a dot, one or two underscores or any number of hyphens between.
fn is_component(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let mut separator = String::new();
    let mut last_is_inner = false;
    for byte in text.bytes() {
        if inner(byte) {
            let fits = matches!(separator.as_str(), "" | "." | "_" | "__")
                || separator.bytes().all(|byte| byte == b'-');
            if !fits {
                return false;
            }
            separator.clear();
            last_is_inner = true;
        } else if matches!(byte, b'.' | b'_' | b'-') && (last_is_inner || !separator.is_empty()) {
            separator.push(char::from(byte));
            last_is_inner = false;
        } else {
            return false;
        }
    }
    last_is_inner
}

fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= TAG_LIMIT
        && text.bytes().next().is_some_and(word)
        && text
            .bytes()
            .all(|byte| word(byte) || matches!(byte, b'.' | b'-'))
}

fn is_digest(text: &str) -> bool {
    DIGESTS.iter().any(|(prefix, length)| {
        text.strip_prefix(prefix)
            .is_some_and(|digits| digits.len() == *length && digits.bytes().all(is_hexadecimal))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(reference: &str, policy: &str) {
        assert_eq!(pull_policy(reference), policy, "{reference}");
    }

    #[test]
    fn the_latest_is_pulled_always_and_all_else_once() {
        let digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        check("app", "Always");
        check("team/app:latest", "Always");
        check("registry.example:5000/team/app", "Always");
        check("[::1]:5000/app", "Always");
        check("app:1", "IfNotPresent");
        check("localhost/app:1.0-rc_1", "IfNotPresent");
        check(&format!("app@{digest}"), "IfNotPresent");
        check(&format!("app:latest@{digest}"), "Always");
    }

    #[test]
    fn what_is_no_reference_is_not_the_latest() {
        for text in [
            "",
            " app",
            "App",
            "team/App",
            "a..b",
            "a___b",
            "-a",
            "a-",
            "app:",
            "app:latest ",
            "app@sha256:0123",
            "app@md5:0123456789abcdef0123456789abcdef",
        ] {
            check(text, "IfNotPresent");
        }
        check(&"a".repeat(300), "IfNotPresent");
        check(&"0123456789abcdef".repeat(4), "IfNotPresent");
    }
}
