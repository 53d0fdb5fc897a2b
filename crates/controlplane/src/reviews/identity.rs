//! Whose a token is, and who asks.

use std::sync::Arc;

use pintle_api::authentication::v1::{SelfSubjectReviewMut, TokenReview, TokenReviewMut};
use pintle_authn::{TokenAuthenticator, Tokens};
use pintle_endpoints::unkept::{Action, Answer, Asked, Outcome};
use pintle_runtime::status::ApiError;
use pintle_runtime::text::Text;
use pintle_runtime::value::{Record, Value};
use pintle_runtime::view::View;

use super::write_user;

/// `tokenreviews`
pub(super) struct TokenReviews(pub(super) Arc<Tokens>);

impl Action for TokenReviews {
    fn create<'a>(&'a self, _: Asked<'a>, mut body: Record) -> Answer<'a, Outcome> {
        Box::pin(async move {
            let spec = TokenReview::from_record(&body).spec();
            if spec.token().is_empty() {
                return Err(ApiError::bad_request(
                    "token is required for TokenReview in authentication",
                ));
            }
            // The token comes as the second word of a header.
            let token = spec
                .token()
                .split(' ')
                .next()
                .unwrap_or_default()
                .to_owned();
            let audiences: Vec<Text> = if spec.audiences().is_empty() {
                self.0.audiences().to_vec()
            } else {
                spec.audiences()
                    .iter()
                    .map(|text| text.to_owned().into())
                    .collect()
            };
            let checked = self.0.check(&token, &audiences).wait().await;
            let mut review = TokenReviewMut::from_record(&mut body);
            review.clear_status();
            let mut status = review.status_mut();
            match checked {
                Ok(Some(accepted)) => {
                    if !audiences.is_empty() && accepted.audiences.is_empty() {
                        return Err(ApiError::internal("error validating audiences"));
                    }
                    status.set_authenticated(true);
                    write_user(&accepted.user, &mut status.user_mut());
                    let audiences = accepted.audiences.iter().cloned().map(Value::String);
                    status.set_audiences(audiences.collect());
                }
                Ok(None) => {}
                Err(error) => status.set_error(error.to_string()),
            }
            Ok(Outcome::Object(body))
        })
    }
}

/// `selfsubjectreviews`
pub(super) struct SelfReviews;

impl Action for SelfReviews {
    fn create<'a>(&'a self, asked: Asked<'a>, body: Record) -> Answer<'a, Outcome> {
        Box::pin(async move {
            // Nothing of what came in goes back.
            let mut answer = pintle_api::authentication::v1::SelfSubjectReview::new_record();
            drop(body);
            let mut review = SelfSubjectReviewMut::from_record(&mut answer);
            review
                .metadata_mut()
                .set_creation_timestamp(asked.cx.now().truncate_to_seconds());
            write_user(&asked.cx.user, &mut review.status_mut().user_info_mut());
            Ok(Outcome::Object(answer))
        })
    }
}
