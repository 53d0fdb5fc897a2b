//! Whose a token is, by its claims: [`Mappings`].

use pintle_runtime::text::Text;
use pintle_runtime::user::UserInfo;
use pintle_runtime::value::Value;

use super::claims::Claims;
use super::expression::{self, Expression};
use super::fault;
use crate::authenticator::AuthenticationError;

/// A claim that is taken over, and what is put before its value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claim {
    /// The name of the claim.
    pub name: String,
    /// What is put before each of its values.
    pub prefix: String,
}

/// Where something about a user comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// It is a claim.
    Claim(Claim),
    /// It is made of claims.
    Expression(Expression),
}

/// Whose a token is, by its claims.
#[derive(Debug, Clone)]
pub struct Mappings {
    /// The user's name. That of an address of email has to be a verified one, where the token says something of that.
    pub username: Source,
    /// The user's groups: one, or a list.
    pub groups: Option<Source>,
    /// The user's uid.
    pub uid: Option<Source>,
    /// Further facts about the user, by lower-case key.
    pub extra: Vec<(Text, Expression)>,
}

const CREDENTIAL_ID: &str = "authentication.kubernetes.io/credential-id";

impl Source {
    /// A claim as it is.
    pub fn claim(name: impl Into<String>) -> Self {
        Self::prefixed(name, "")
    }

    /// A claim with something before its values.
    pub fn prefixed(name: impl Into<String>, prefix: impl Into<String>) -> Self {
        Self::Claim(Claim {
            name: name.into(),
            prefix: prefix.into(),
        })
    }

    const fn is_expression(&self) -> bool {
        matches!(self, Self::Expression(_))
    }
}

impl Mappings {
    /// The claim that groups are taken from.
    pub(super) fn groups_claim(&self) -> Option<&str> {
        match &self.groups {
            Some(Source::Claim(claim)) => Some(&claim.name),
            _ => None,
        }
    }

    /// Whether there is an expression that claims are needed for.
    pub(super) fn evaluates(&self) -> bool {
        let sources = [
            Some(&self.username),
            self.groups.as_ref(),
            self.uid.as_ref(),
        ];
        !self.extra.is_empty() || sources.into_iter().flatten().any(Source::is_expression)
    }

    /// The user that the claims are of; `data` are the same, for expressions.
    pub(super) fn user(
        &self,
        claims: &Claims,
        data: &Value,
    ) -> Result<UserInfo, AuthenticationError> {
        Ok(UserInfo {
            name: self.name(claims, data)?,
            groups: self.groups(claims, data)?,
            uid: self.uid(claims, data)?,
            extra: self.extra(claims, data)?,
        })
    }

    fn name(&self, claims: &Claims, data: &Value) -> Result<Text, AuthenticationError> {
        match &self.username {
            Source::Claim(Claim { name, prefix }) => {
                let username = claims.text(name, "username claims")?;
                if name == "email" {
                    claims.require_verified_email()?;
                }
                Ok(format!("{prefix}{username}").into())
            }
            Source::Expression(expression) => {
                let name = expression.text(data, "username").map_err(|error| {
                    fault(format!(
                        "oidc: error evaluating username claim expression: {error}"
                    ))
                })?;
                if name.is_empty() {
                    let why = "oidc: empty username via CEL expression is not allowed";
                    return Err(fault(why));
                }
                Ok(name)
            }
        }
    }

    fn groups(&self, claims: &Claims, data: &Value) -> Result<Vec<Text>, AuthenticationError> {
        match &self.groups {
            None => Ok(Vec::new()),
            Some(Source::Claim(Claim { name, prefix })) => {
                let groups = claims.texts(name)?.into_iter();
                Ok(groups
                    .map(|group| Text::from(format!("{prefix}{group}")))
                    .collect())
            }
            Some(Source::Expression(expression)) => expression.texts(data).map_err(|error| {
                fault(format!(
                    "oidc: error evaluating group claim expression: {error}"
                ))
            }),
        }
    }

    fn uid(&self, claims: &Claims, data: &Value) -> Result<Text, AuthenticationError> {
        match &self.uid {
            None => Ok(Text::default()),
            Some(Source::Claim(Claim { name, .. })) => {
                Ok(claims.text(name, "uid claim")?.to_owned().into())
            }
            Some(Source::Expression(expression)) => expression.text(data, "uid").map_err(|error| {
                fault(format!(
                    "oidc: error evaluating uid claim expression: {error}"
                ))
            }),
        }
    }

    fn extra(
        &self,
        claims: &Claims,
        data: &Value,
    ) -> Result<Vec<(Text, Vec<Text>)>, AuthenticationError> {
        let mut extra = expression::extra(&self.extra, data).map_err(fault)?;
        if let Some(id) = claims.id() {
            let id = vec![Text::from(format!("JTI={id}"))];
            extra.push((Text::from_static(CREDENTIAL_ID), id));
        }
        extra.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(extra)
    }
}

#[cfg(test)]
mod tests;
