//! What tokens of service accounts say: [`Claims`].

use serde::{Deserialize, Serialize};

use crate::jwt::{audiences, seconds};

/// What a token says. What is absent is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it.
    #[serde(default)]
    pub iss: String,
    /// The user name of the account.
    #[serde(default)]
    pub sub: String,
    /// Whom it is for.
    #[serde(
        default,
        deserialize_with = "audiences",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub aud: Vec<String>,
    /// When it ends, in seconds since 1970.
    #[serde(
        default,
        deserialize_with = "seconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub exp: Option<i64>,
    /// When it begins.
    #[serde(
        default,
        deserialize_with = "seconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub nbf: Option<i64>,
    /// When it was issued.
    #[serde(
        default,
        deserialize_with = "seconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub iat: Option<i64>,
    /// Its own id.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub jti: String,
    /// What it is bound to.
    #[serde(
        rename = "kubernetes.io",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub kubernetes: Option<Kubernetes>,
}

/// What a token is bound to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kubernetes {
    /// The namespace of account, pod and secret.
    #[serde(default)]
    pub namespace: String,
    /// The account.
    #[serde(default)]
    pub serviceaccount: Reference,
    /// The pod that it was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<Reference>,
    /// The secret that it is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Reference>,
    /// The pod's node, or the node that it is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<Reference>,
    /// When it should have been renewed, where it lives longer than was asked for.
    #[serde(
        default,
        deserialize_with = "seconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub warnafter: Option<i64>,
}

/// One object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its uid.
    #[serde(default)]
    pub uid: String,
}

/// What a token that is kept in a secret says.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Legacy {
    #[serde(default)]
    pub(crate) sub: String,
    #[serde(rename = "kubernetes.io/serviceaccount/namespace", default)]
    pub(crate) namespace: String,
    #[serde(rename = "kubernetes.io/serviceaccount/secret.name", default)]
    pub(crate) secret: String,
    #[serde(rename = "kubernetes.io/serviceaccount/service-account.name", default)]
    pub(crate) account: String,
    #[serde(rename = "kubernetes.io/serviceaccount/service-account.uid", default)]
    pub(crate) uid: String,
}
