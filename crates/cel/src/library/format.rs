//! Formats that have a name.

use pintle_runtime::name::{self, NameRule, Part};
use pintle_runtime::time::Time;

use super::{Opaque, Row, urls};
use crate::value::{Outcome, Val};

/// A format that has a name.
#[derive(Debug)]
pub struct Named {
    /// The name, as expressions say it.
    pub name: &'static str,
    /// How long a pattern would be that says the same.
    pub pattern_length: u64,
    check: fn(&str) -> Vec<String>,
}

macro_rules! formats {
    ($($name:literal, $static:ident, $getter:ident, $length:literal, $check:expr;)*) => {
        $(
            static $static: Named = Named {
                name: $name,
                pattern_length: $length,
                check: $check,
            };

            fn $getter<'a>(args: &[Val<'a>]) -> Option<Outcome<'a>> {
                args.is_empty().then_some(Ok(Val::Opaque(Opaque::Format(&$static))))
            }
        )*

        const ALL: &[&Named] = &[$(&$static),*];

        pub(super) const FUNCTIONS: &[Row] = &[
            $((concat!("format.", $name), $getter, &[(concat!("format.", $name), "() format")]),)*
            ("format.named", named, &[("format-named", "(string) optional(format)")]),
            ("validate", validate, &[("format-validate", "format.(string) optional(list(string))")]),
        ];
    };
}

formats! {
    "dns1123Label", DNS_LABEL, dns_label, 30, |text| own(name::dns1123_label(text));
    "dns1123Subdomain", DNS_SUBDOMAIN, dns_subdomain, 60, |text| own(name::dns1123_subdomain(text));
    "dns1035Label", DNS1035_LABEL, dns1035_label, 30, |text| own(name::dns1035_label(text));
    "qualifiedName", QUALIFIED_NAME, qualified_name, 60, |text| own(name::label_key(text));
    "dns1123LabelPrefix", DNS_LABEL_PREFIX, dns_label_prefix, 30,
        |text| own(NameRule::DnsLabel.check(text, Part::Prefix));
    "dns1123SubdomainPrefix", DNS_SUBDOMAIN_PREFIX, dns_subdomain_prefix, 60,
        |text| own(NameRule::DnsSubdomain.check(text, Part::Prefix));
    "dns1035LabelPrefix", DNS1035_LABEL_PREFIX, dns1035_label_prefix, 30,
        |text| own(NameRule::Dns1035Label.check(text, Part::Prefix));
    "labelValue", LABEL_VALUE, label_value, 40, |text| own(name::label_value(text));
    "uri", URI, uri, 1103, |text| urls::Url::parse(text).err().into_iter().collect();
    "uuid", UUID, uuid, 94, |text| unless(is_uuid(text), "does not match the UUID format");
    "byte", BYTE, byte, 84, |text| unless(is_base64(text), "invalid base64");
    "date", DATE, date, 119, |text| unless(is_date(text), "invalid date");
    "datetime", DATETIME, datetime, 119,
        |text| unless(Time::parse(text).is_ok(), "invalid datetime");
}

fn own(messages: impl IntoIterator<Item = impl Into<String>>) -> Vec<String> {
    messages.into_iter().map(Into::into).collect()
}

fn unless(fits: bool, message: &str) -> Vec<String> {
    if fits {
        Vec::new()
    } else {
        vec![message.to_owned()]
    }
}

fn is_uuid(text: &str) -> bool {
    let hyphens = [8, 13, 18, 23];
    let plain: String = text
        .char_indices()
        .filter(|(at, c)| !(*c == '-' && hyphens.contains(at)))
        .map(|(_, c)| c)
        .collect();
    plain.len() == 32 && plain.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    !text.is_empty()
        && text.len().is_multiple_of(4)
        && text.len() - digits.len() <= 2
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && Time::parse(&format!("{text}T00:00:00Z")).is_ok()
}

fn named<'a>(args: &[Val<'a>]) -> Option<Outcome<'a>> {
    let [Val::String(name)] = args else {
        return None;
    };
    let found = ALL.iter().find(|format| format.name == name.as_str());
    Some(Ok(match found {
        Some(format) => Val::some(Val::Opaque(Opaque::Format(format))),
        None => Val::Optional(None),
    }))
}

fn validate<'a>(args: &[Val<'a>]) -> Option<Outcome<'a>> {
    let [Val::Opaque(Opaque::Format(format)), Val::String(text)] = args else {
        return None;
    };
    let faults = (format.check)(text);
    Some(Ok(match faults.is_empty() {
        true => Val::Optional(None),
        false => Val::some(Val::list(faults.into_iter().map(Val::string).collect())),
    }))
}
