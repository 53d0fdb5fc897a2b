//! What the file says of the claims of a provider's tokens: [`Claims`].

use std::collections::BTreeSet;

use pintle_authn::oidc::{Expression, Mappings, Rule, Source};
use pintle_runtime::field_path::{ErrorList, Path as FieldPath};
use pintle_runtime::name::domain_prefixed_path;
use pintle_runtime::text::Text;
use serde::Deserialize;

use crate::unknown::Unknown;

/// What the file says, as it stands there.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ClaimsSaid {
    claim_validation_rules: Option<Vec<ClaimRule>>,
    claim_mappings: ClaimMappings,
    user_validation_rules: Option<Vec<UserRule>>,
    #[serde(flatten)]
    unknown: Unknown,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ClaimRule {
    claim: String,
    required_value: String,
    expression: String,
    message: String,
    #[serde(flatten)]
    unknown: Unknown,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct UserRule {
    expression: String,
    message: String,
    #[serde(flatten)]
    unknown: Unknown,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ClaimMappings {
    username: Prefixed,
    groups: Prefixed,
    uid: Plain,
    extra: Option<Vec<Extra>>,
    #[serde(flatten)]
    unknown: Unknown,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Prefixed {
    claim: String,
    prefix: Option<String>,
    expression: String,
    #[serde(flatten)]
    unknown: Unknown,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Plain {
    claim: String,
    expression: String,
    #[serde(flatten)]
    unknown: Unknown,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Extra {
    key: String,
    value_expression: String,
    #[serde(flatten)]
    unknown: Unknown,
}

/// What it means.
pub(super) struct Claims {
    /// Claims that a token has to have with these values.
    pub(super) required: Vec<(String, String)>,
    /// What has to hold of claims.
    pub(super) claim_rules: Vec<Rule>,
    /// Whose a token is.
    pub(super) mappings: Mappings,
    /// What has to hold of the user.
    pub(super) user_rules: Vec<Rule>,
}

const BOTH: &str = "claim and expression can't both be set";
const NEITHER: &str = "claim or expression is required";
const NO_PREFIX: &str =
    "prefix is required when claim is set. It can be set to an empty string to disable prefixing";
const RESERVED: &str = "k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use";
const UNVERIFIED: &str = "claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression";

impl Claims {
    /// What the file means, as far as it is in order; what is not is in `errors` and `faults`.
    pub(super) fn read(
        said: ClaimsSaid,
        at: &FieldPath<'_>,
        errors: &mut ErrorList,
        faults: &mut Vec<String>,
    ) -> Self {
        said.unknown.tell(&at.to_string(), faults);
        let rules = said.claim_validation_rules.unwrap_or_default();
        let path = at.child("claimValidationRules");
        let (required, claim_rules) = claim_rules(rules, &path, errors, faults);
        let verified = claim_rules.iter().any(|it| it.selects_claim(VERIFIED));
        let path = at.child("claimMappings");
        let mappings = mappings(said.claim_mappings, verified, &path, errors, faults);
        let rules = said.user_validation_rules.unwrap_or_default();
        let path = at.child("userValidationRules");
        Self {
            required,
            claim_rules,
            mappings,
            user_rules: user_rules(rules, &path, errors, faults),
        }
    }
}

const EMAIL: &str = "email";
const VERIFIED: &str = "email_verified";

/// What `compiled` is, unless it is a fault.
fn check<T>(
    compiled: Result<T, String>,
    text: &str,
    at: &FieldPath<'_>,
    errors: &mut ErrorList,
) -> Option<T> {
    compiled
        .map_err(|fault| errors.invalid(at, text, fault))
        .ok()
}

fn claim_rules(
    said: Vec<ClaimRule>,
    at: &FieldPath<'_>,
    errors: &mut ErrorList,
    faults: &mut Vec<String>,
) -> (Vec<(String, String)>, Vec<Rule>) {
    let (mut required, mut rules) = (Vec::<(String, String)>::new(), Vec::new());
    let mut expressions = BTreeSet::new();
    for (index, rule) in said.into_iter().enumerate() {
        let at = at.index(index);
        rule.unknown.tell(&at.to_string(), faults);
        match (&*rule.claim, &*rule.expression) {
            ("", "") => errors.required(&at, NEITHER),
            (claim, "") => {
                if !rule.message.is_empty() {
                    let why = "may not be specified when claim is set";
                    errors.invalid(&at.child("message"), &*rule.message, why);
                }
                if required.iter().any(|(other, _)| other == claim) {
                    errors.duplicate(&at.child("claim"), claim);
                }
                required.push((rule.claim, rule.required_value));
            }
            ("", text) => {
                if !rule.required_value.is_empty() {
                    let why = "may not be specified when expression is set";
                    errors.invalid(&at.child("requiredValue"), &*rule.required_value, why);
                }
                let at = at.child("expression");
                if !expressions.insert(text.to_owned()) {
                    errors.duplicate(&at, text);
                    continue;
                }
                rules.extend(check(
                    Rule::of_claims(text, &rule.message),
                    text,
                    &at,
                    errors,
                ));
            }
            (claim, _) => errors.invalid(&at, claim, BOTH),
        }
    }
    (required, rules)
}

fn user_rules(
    said: Vec<UserRule>,
    at: &FieldPath<'_>,
    errors: &mut ErrorList,
    faults: &mut Vec<String>,
) -> Vec<Rule> {
    let (mut rules, mut expressions) = (Vec::new(), BTreeSet::new());
    for (index, rule) in said.into_iter().enumerate() {
        let at = at.index(index);
        rule.unknown.tell(&at.to_string(), faults);
        let (at, text) = (at.child("expression"), &*rule.expression);
        if text.is_empty() {
            errors.required(&at, "");
        } else if !expressions.insert(text.to_owned()) {
            errors.duplicate(&at, text);
        } else {
            let made = Rule::of_users(text, &rule.message);
            rules.extend(check(made, text, &at, errors));
        }
    }
    rules
}

/// `verified` says whether a rule asks whether the address of email is a verified one.
fn mappings(
    said: ClaimMappings,
    verified: bool,
    at: &FieldPath<'_>,
    errors: &mut ErrorList,
    faults: &mut Vec<String>,
) -> Mappings {
    said.unknown.tell(&at.to_string(), faults);
    let name = said.username.expression.clone();
    let path = at.child("username");
    let username = prefixed(said.username, true, &path, errors, faults);
    let path = at.child("groups");
    let groups = prefixed(said.groups, false, &path, errors, faults);
    let uid = plain(said.uid, &at.child("uid"), errors, faults);
    let path = at.child("extra");
    let extra = extra(said.extra.unwrap_or_default(), &path, errors, faults);
    if let Some(Source::Expression(expression)) = &username
        && expression.selects_claim(EMAIL)
        && !verified
        && !expression.selects_claim(VERIFIED)
        && !extra.iter().any(|(_, it)| it.selects_claim(VERIFIED))
    {
        errors.invalid(
            &at.child("username").child("expression"),
            &*name,
            UNVERIFIED,
        );
    }
    Mappings {
        username: username.unwrap_or_else(|| Source::claim("")),
        groups,
        uid,
        extra,
    }
}

fn prefixed(
    said: Prefixed,
    is_required: bool,
    at: &FieldPath<'_>,
    errors: &mut ErrorList,
    faults: &mut Vec<String>,
) -> Option<Source> {
    said.unknown.tell(&at.to_string(), faults);
    match (&*said.claim, &*said.expression) {
        ("", "") => {
            if is_required {
                errors.required(at, NEITHER);
            }
            None
        }
        (_, "") => {
            if said.prefix.is_none() {
                errors.required(&at.child("prefix"), NO_PREFIX);
            }
            let prefix = said.prefix.unwrap_or_default();
            Some(Source::prefixed(said.claim, prefix))
        }
        ("", text) => {
            if let Some(prefix) = &said.prefix {
                let why = "may not be specified when expression is set";
                errors.invalid(&at.child("prefix"), &**prefix, why);
            }
            let made = expression(text, &at.child("expression"), errors);
            made.filter(|_| said.prefix.is_none())
                .map(Source::Expression)
        }
        _ => {
            errors.invalid(at, "", BOTH);
            None
        }
    }
}

fn plain(
    said: Plain,
    at: &FieldPath<'_>,
    errors: &mut ErrorList,
    faults: &mut Vec<String>,
) -> Option<Source> {
    said.unknown.tell(&at.to_string(), faults);
    match (&*said.claim, &*said.expression) {
        ("", "") => None,
        (_, "") => Some(Source::claim(said.claim)),
        ("", text) => expression(text, &at.child("expression"), errors).map(Source::Expression),
        _ => {
            errors.invalid(at, "", BOTH);
            None
        }
    }
}

fn expression(text: &str, at: &FieldPath<'_>, errors: &mut ErrorList) -> Option<Expression> {
    check(Expression::of_claims(text), text, at, errors)
}

fn extra(
    said: Vec<Extra>,
    at: &FieldPath<'_>,
    errors: &mut ErrorList,
    faults: &mut Vec<String>,
) -> Vec<(Text, Expression)> {
    let (mut mappings, mut keys) = (Vec::new(), BTreeSet::new());
    for (index, mapping) in said.into_iter().enumerate() {
        let at = at.index(index);
        mapping.unknown.tell(&at.to_string(), faults);
        let (path, key) = (at.child("key"), &*mapping.key);
        domain_prefixed_path(&path, key, errors);
        if key != key.to_lowercase() {
            errors.invalid(&path, key, "must be lowercase");
        }
        if is_reserved(key) {
            errors.invalid(&path, key, RESERVED);
        }
        if !keys.insert(key.to_owned()) {
            errors.duplicate(&path, key);
            continue;
        }
        let (path, text) = (at.child("valueExpression"), &*mapping.value_expression);
        if text.is_empty() {
            errors.required(&path, "");
        } else if let Some(expression) = expression(text, &path, errors) {
            mappings.push((key.to_owned().into(), expression));
        }
    }
    mappings
}

/// Whether a key is of a domain that Kubernetes keeps for itself.
fn is_reserved(key: &str) -> bool {
    let Some((domain, _)) = key.split_once('/') else {
        return false;
    };
    ["kubernetes.io", "k8s.io"].into_iter().any(|kept| {
        domain
            .strip_suffix(kept)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}
