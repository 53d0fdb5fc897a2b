//! Names in Rust for names in Go and JSON.

/// `podCIDRs` as `pod_cidrs`, `HTTPGetAction` as `http_get_action`, `$ref` as `ref`.
pub(super) fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().filter(|letter| *letter != '$').collect();
    let mut snake = String::new();
    for (at, &letter) in letters.iter().enumerate() {
        if !letter.is_ascii_alphanumeric() {
            snake.push('_');
            continue;
        }
        if letter.is_ascii_uppercase() && at > 0 && starts_word(&letters, at) {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// A capital starts a word after a small letter or digit, and at the end of an acronym
/// unless only its plural `s` follows.
fn starts_word(letters: &[char], at: usize) -> bool {
    let before = letters[at - 1];
    if before.is_ascii_lowercase() || before.is_ascii_digit() {
        return true;
    }
    let small = |at: usize| letters.get(at).is_some_and(char::is_ascii_lowercase);
    let plural = letters.get(at + 1) == Some(&'s') && !small(at + 2);
    before.is_ascii_uppercase() && small(at + 1) && !plural
}

/// The name of a constant or static: `PodIP` as `POD_IP`.
pub(super) fn screaming(name: &str) -> String {
    snake(name).to_ascii_uppercase()
}

/// The name of a method: [`snake`], and never a keyword.
pub(super) fn method(name: &str) -> String {
    let mut snake = snake(name);
    if KEYWORDS.contains(&snake.as_str()) {
        snake.push('_');
    }
    snake
}

/// Keywords, and what every view has anyway.
const KEYWORDS: &[&str] = &[
    "as",
    "async",
    "await",
    "break",
    "const",
    "continue",
    "crate",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "struct",
    "super",
    "trait",
    "true",
    "try",
    "type",
    "unsafe",
    "use",
    "where",
    "while",
    "yield",
    "record",
    "from_record",
    "view",
    "empty",
    "by_ref",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: &str) {
        assert_eq!(method(name), expected, "{name}");
    }

    #[test]
    fn acronyms_are_one_word() {
        check("HTTPGetAction", "http_get_action");
        check("podIP", "pod_ip");
        check("stubPKCS10Request", "stub_pkcs10_request");
        check("FieldsV1", "fields_v1");
        check("CSINode", "csi_node");
    }

    #[test]
    fn the_plural_of_an_acronym_is_one_word() {
        check("podCIDRs", "pod_cidrs");
        check("nonResourceURLs", "non_resource_urls");
        check(
            "serverAddressByClientCIDRs",
            "server_address_by_client_cidrs",
        );
        check("targetWWNs", "target_wwns");
    }

    #[test]
    fn keywords_and_signs_are_avoided() {
        check("type", "type_");
        check("continue", "continue_");
        check("$ref", "ref_");
        check("x-kubernetes-map-type", "x_kubernetes_map_type");
    }
}
