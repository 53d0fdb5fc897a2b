//! Reviews: what the server would say of a token, and of somebody who wants something.

use std::sync::Arc;

use pintle_api::authentication::v1::UserInfoMut;
use pintle_authn::Tokens;
use pintle_runtime::text::Text;
use pintle_runtime::user::UserInfo;
use pintle_runtime::value::{Map, Value};

use crate::access::Access;
use crate::unkept::Answerers;

mod access;
mod identity;
mod rules;
mod validation;

const AUTHENTICATION: &str = "authentication.k8s.io";
const AUTHORIZATION: &str = "authorization.k8s.io";

impl Answerers {
    /// The same with the reviews.
    #[must_use]
    pub fn with_reviews(self, access: &Access, tokens: Arc<Tokens>) -> Self {
        let review = |of| access::Review::new(access.clone(), of);
        self.with_action(
            AUTHENTICATION,
            "tokenreviews",
            "",
            identity::TokenReviews(tokens),
        )
        .with_action(
            AUTHENTICATION,
            "selfsubjectreviews",
            "",
            identity::SelfReviews,
        )
        .with_action(
            AUTHORIZATION,
            "subjectaccessreviews",
            "",
            review(access::Of::Anybody),
        )
        .with_action(
            AUTHORIZATION,
            "localsubjectaccessreviews",
            "",
            review(access::Of::AnybodyHere),
        )
        .with_action(
            AUTHORIZATION,
            "selfsubjectaccessreviews",
            "",
            review(access::Of::Oneself),
        )
        .with_action(
            AUTHORIZATION,
            "selfsubjectrulesreviews",
            "",
            rules::Rules(access.clone()),
        )
    }
}

/// Writes a user into an object.
fn write_user(user: &UserInfo, into: &mut UserInfoMut<'_>) {
    if !user.name.is_empty() {
        into.set_username(user.name.clone());
    }
    if !user.uid.is_empty() {
        into.set_uid(user.uid.clone());
    }
    if !user.groups.is_empty() {
        into.groups_mut().extend(user.groups.iter().cloned());
    }
    if !user.extra.is_empty() {
        let list =
            |values: &[Text]| Value::List(values.iter().cloned().map(Value::String).collect());
        let extra: Map = user
            .extra
            .iter()
            .map(|(key, values)| (key.clone(), list(values)))
            .collect();
        into.set_extra(extra);
    }
}
