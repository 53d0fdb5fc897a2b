//! What a token says: [`Claims`].

use pintle_runtime::quote::Quoted;
use pintle_runtime::text::Text;
use pintle_runtime::value as data;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::fault;
use crate::authenticator::AuthenticationError;

/// What a token says.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Claims(Map<String, Value>);

/// Where a claim is that a token does not have itself.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Source {
    pub(super) endpoint: String,
    pub(super) access_token: String,
}

impl Claims {
    /// The text of a claim; that of null is empty.
    pub(super) fn text(&self, name: &str, what: &str) -> Result<&str, AuthenticationError> {
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
    pub(super) fn texts(&self, name: &str) -> Result<Vec<&str>, AuthenticationError> {
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

    /// That the address of email is a verified one, where the token says something of that.
    pub(super) fn require_verified_email(&self) -> Result<(), AuthenticationError> {
        match self.0.get("email_verified") {
            None | Some(Value::Bool(true)) => Ok(()),
            Some(Value::Bool(false) | Value::Null) => Err(fault("oidc: email not verified")),
            Some(_) => Err(fault(
                "oidc: parse 'email_verified' claim: it is neither true nor false",
            )),
        }
    }

    /// What tells the token from others; `None` if it does not say.
    pub(super) fn id(&self) -> Option<&str> {
        let id = self.0.get("jti").and_then(Value::as_str);
        id.filter(|id| !id.is_empty())
    }

    /// All of them as expressions see them.
    pub(super) fn data(&self) -> data::Value {
        of_map(&self.0)
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

fn of_map(map: &Map<String, Value>) -> data::Value {
    let entries = map
        .iter()
        .map(|(name, value)| (Text::from(name.clone()), of_value(value)));
    data::Value::Map(entries.collect())
}

/// Numbers are floating point ones, whatever they look like.
fn of_value(value: &Value) -> data::Value {
    match value {
        Value::Null => data::Value::Null,
        Value::Bool(truth) => data::Value::Bool(*truth),
        Value::Number(number) => data::Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        Value::String(text) => data::Value::String(text.clone().into()),
        Value::Array(items) => data::Value::List(items.iter().map(of_value).collect()),
        Value::Object(map) => of_map(map),
    }
}
