//! What a token says, and whose it is by that: [`Claims`], [`Mappings`].

use pintle_runtime::quote::Quoted;
use pintle_runtime::text::Text;
use pintle_runtime::user::UserInfo;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::fault;
use crate::authenticator::AuthenticationError;

/// What a token says.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Claims(Map<String, Value>);

/// A claim that is taken over, and what is put before its value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claim {
    /// The name of the claim.
    pub name: String,
    /// What is put before each of its values.
    pub prefix: String,
}

/// Whose a token is, by its claims.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mappings {
    /// The user's name. That of an address of email has to be a verified one, where the token says something of that.
    pub username: Claim,
    /// The user's groups: one, or a list.
    pub groups: Option<Claim>,
    /// The user's uid.
    pub uid: Option<String>,
}

/// Where a claim is that a token does not have itself.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Source {
    pub(super) endpoint: String,
    pub(super) access_token: String,
}

const CREDENTIAL_ID: &str = "authentication.kubernetes.io/credential-id";

impl Claims {
    /// The text of a claim; that of null is empty.
    fn text(&self, name: &str, what: &str) -> Result<&str, AuthenticationError> {
        match self.0.get(name) {
            Some(Value::String(text)) => Ok(text),
            Some(Value::Null) => Ok(""),
            Some(_) => Err(fault(format!(
                "oidc: parse {what} {}: it is no text",
                Quoted(name)
            ))),
            None => Err(fault(format!(
                "oidc: parse {what} {}: claim not present",
                Quoted(name)
            ))),
        }
    }

    /// The texts of a claim that is one text or a list of them.
    fn texts(&self, name: &str) -> Result<Vec<&str>, AuthenticationError> {
        let wrong = || {
            fault(format!(
                "oidc: parse groups claim {}: it is neither a text nor a list of them",
                Quoted(name)
            ))
        };
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(vec![text]),
            Some(Value::Array(list)) => list
                .iter()
                .map(|text| text.as_str().ok_or_else(wrong))
                .collect(),
            Some(_) => Err(wrong()),
        }
    }

    /// That a claim has a value.
    pub(super) fn require(&self, name: &str, value: &str) -> Result<(), AuthenticationError> {
        if !self.0.contains_key(name) {
            return Err(fault(format!(
                "oidc: required claim {name} not present in ID token"
            )));
        }
        let found = self.text(name, "claim")?;
        if found == value {
            Ok(())
        } else {
            Err(fault(format!(
                "oidc: required claim {name} value does not match. Got = {found}, want = {value}"
            )))
        }
    }

    /// Where a claim is, if not here; nowhere if the token does not say.
    pub(super) fn source_of(&self, name: &str) -> Result<Option<Source>, AuthenticationError> {
        if self.0.contains_key(name) {
            return Ok(None);
        }
        let Some(source) = self.0.get("_claim_names").and_then(|names| names.get(name)) else {
            return Ok(None);
        };
        let source = source.as_str().unwrap_or_default();
        let sources = self
            .0
            .get("_claim_sources")
            .ok_or_else(|| fault("oidc: no claim sources"))?;
        let source = sources.get(source).ok_or_else(|| {
            fault(format!(
                "id token _claim_names contained a source {source} missing in _claims_sources"
            ))
        })?;
        let source: Source = serde_json::from_value(source.clone())
            .map_err(|error| fault(format!("oidc: could not parse claim sources: {error}")))?;
        Ok((!source.endpoint.is_empty()).then_some(source))
    }

    /// Takes a claim over from another token.
    pub(super) fn take(&mut self, name: &str, mut from: Self) -> Result<(), AuthenticationError> {
        let value = from.0.remove(name).ok_or_else(|| {
            fault(format!(
                "the distributed token did not contain claim: {name}"
            ))
        })?;
        self.0.insert(name.to_owned(), value);
        Ok(())
    }
}

impl Mappings {
    /// The user that the claims are of.
    pub(super) fn user(&self, claims: &Claims) -> Result<UserInfo, AuthenticationError> {
        let Claim { name, prefix } = &self.username;
        let username = claims.text(name, "username claims")?;
        if name == "email" {
            match claims.0.get("email_verified") {
                None | Some(Value::Bool(true)) => {}
                Some(Value::Bool(false)) => return Err(fault("oidc: email not verified")),
                Some(_) => {
                    return Err(fault(
                        "oidc: parse 'email_verified' claim: it is neither true nor false",
                    ));
                }
            }
        }
        let groups = match &self.groups {
            Some(Claim { name, prefix }) => claims
                .texts(name)?
                .into_iter()
                .map(|group| Text::from(format!("{prefix}{group}")))
                .collect(),
            None => Vec::new(),
        };
        let uid = match &self.uid {
            Some(name) => claims.text(name, "uid claim")?,
            None => "",
        };
        let id = claims.0.get("jti").and_then(Value::as_str);
        let id = id.filter(|id| !id.is_empty());
        Ok(UserInfo {
            name: format!("{prefix}{username}").into(),
            uid: Text::from(uid.to_owned()),
            groups,
            extra: id
                .map(|id| {
                    let id = vec![Text::from(format!("JTI={id}"))];
                    (Text::from_static(CREDENTIAL_ID), id)
                })
                .into_iter()
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mappings() -> Mappings {
        let claim = |name: &str, prefix: &str| Claim {
            name: name.to_owned(),
            prefix: prefix.to_owned(),
        };
        Mappings {
            username: claim("email", "o:"),
            groups: Some(claim("roles", "g:")),
            uid: None,
        }
    }

    #[track_caller]
    fn check(claims: Value, expected: Result<(&str, &[&str]), &str>) {
        let Value::Object(map) = claims else {
            panic!("claims are a map")
        };
        let user = mappings().user(&Claims(map));
        let found = user.map_err(|error| error.to_string()).map(|user| {
            let groups: Vec<String> = user.groups.iter().map(ToString::to_string).collect();
            (user.name.to_string(), groups)
        });
        let expected = expected
            .map(|(name, groups)| {
                let groups = groups.iter().map(ToString::to_string).collect();
                (name.to_owned(), groups)
            })
            .map_err(str::to_owned);
        assert_eq!(found, expected);
    }

    #[test]
    fn claims_name_the_user_and_the_groups() {
        check(json!({"email": "a@b"}), Ok(("o:a@b", &[])));
        check(
            json!({"email": "a@b", "email_verified": true, "roles": "dev"}),
            Ok(("o:a@b", &["g:dev"])),
        );
        check(
            json!({"email": "a@b", "roles": ["dev", "ops"]}),
            Ok(("o:a@b", &["g:dev", "g:ops"])),
        );
    }

    #[test]
    fn what_is_not_as_it_should_be_is_an_error() {
        check(
            json!({"email": "a@b", "email_verified": false}),
            Err("oidc: email not verified"),
        );
        check(
            json!({"email": "a@b", "roles": 1}),
            Err("oidc: parse groups claim \"roles\": it is neither a text nor a list of them"),
        );
        check(
            json!({}),
            Err("oidc: parse username claims \"email\": claim not present"),
        );
        check(
            json!({"email": 1}),
            Err("oidc: parse username claims \"email\": it is no text"),
        );
    }
}
