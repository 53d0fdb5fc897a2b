//! Whom expressions ask what is allowed: [`Asking`].
//!
//! Expressions do not wait. One that asks something of which nobody in memory knows the answer goes on with none, and
//! all that was evaluated with it is evaluated again once the answer is there; so no thread waits for somebody else.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pintle_authz::{Attributes as Asked, Authorizer, Decision, ResourceAttributes, Verdict};
use pintle_cel::library::authz;
use pintle_endpoints::admission::Attributes;
use pintle_endpoints::context::RequestContext;
use pintle_runtime::text::Text;
use pintle_runtime::user::UserInfo;

/// Whom expressions ask what is allowed.
pub(super) struct Asking<'a> {
    authorizer: &'a dyn Authorizer,
    user: &'a Arc<UserInfo>,
    resource: authz::Resource,
    answers: Mutex<Answers>,
}

/// What others said who had to be asked.
#[derive(Default)]
struct Answers {
    known: Vec<(Asked, authz::Decision)>,
    /// What is still to be asked.
    open: Option<Asked>,
}

impl<'a> Asking<'a> {
    pub(super) fn new(
        authorizer: &'a dyn Authorizer,
        cx: &'a RequestContext,
        attributes: &Attributes<'_>,
    ) -> Self {
        let resource = authz::Resource {
            group: attributes.resource.group.to_string(),
            resource: attributes.resource.name.to_string(),
            subresource: attributes.subresource.to_owned(),
            namespace: attributes.namespace.to_owned(),
            name: attributes.name.to_string(),
            ..authz::Resource::default()
        };
        Self::about(authorizer, &cx.user, resource)
    }

    fn about(
        authorizer: &'a dyn Authorizer,
        user: &'a Arc<UserInfo>,
        resource: authz::Resource,
    ) -> Self {
        Self {
            authorizer,
            user,
            resource,
            answers: Mutex::default(),
        }
    }

    /// What the request is about.
    pub(super) const fn resource(&self) -> &authz::Resource {
        &self.resource
    }

    /// What comes of `attempt` when it has every answer that it asks for. It is made again after each that was not
    /// there, so it must not do anything but evaluate. What an expression may cost limits how much it asks.
    pub(super) async fn settle<T>(&self, mut attempt: impl FnMut() -> T) -> T {
        loop {
            let outcome = attempt();
            let Some(asked) = self.answers().open.take() else {
                return outcome;
            };
            // What was evaluated without the answer is void.
            drop(outcome);
            let decision = self.authorizer.authorize(&asked).wait().await;
            self.answers().known.push((asked, said(&decision)));
        }
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody else's answer, if it is there.
    fn recall(&self, asked: &Asked) -> Option<authz::Decision> {
        let answers = self.answers();
        let known = answers.known.iter().find(|(it, _)| is_same(it, asked));
        known.map(|(_, decision)| decision.clone())
    }
}

fn is_same(a: &Asked, b: &Asked) -> bool {
    a.user.name == b.user.name && a.verb == b.verb && a.path == b.path && a.resource == b.resource
}

fn said(decision: &Decision) -> authz::Decision {
    let (Decision::Allow(reason) | Decision::Deny(reason) | Decision::NoOpinion(reason)) = decision;
    authz::Decision {
        allowed: decision.is_allow(),
        reason: reason.to_string(),
        error: reason.failures(),
    }
}

impl authz::Authorizer for Asking<'_> {
    fn decide(
        &self,
        service_account: Option<(&str, &str)>,
        verb: &str,
        question: authz::Question<'_>,
    ) -> authz::Decision {
        let user = match service_account {
            None => Arc::clone(self.user),
            Some((namespace, name)) => {
                let mut user = UserInfo::named(format!("system:serviceaccount:{namespace}:{name}"));
                user.groups = vec![
                    "system:serviceaccounts".into(),
                    format!("system:serviceaccounts:{namespace}").into(),
                    "system:authenticated".into(),
                ];
                Arc::new(user)
            }
        };
        let text = |text: &str| Text::from(text.to_owned());
        let asked = match question {
            authz::Question::Path(path) => Asked {
                user,
                verb: text(verb),
                path: text(path),
                resource: None,
            },
            authz::Question::Resource(resource) => Asked {
                user,
                verb: text(verb),
                path: Text::default(),
                resource: Some(ResourceAttributes {
                    group: text(&resource.group),
                    version: "*".into(),
                    resource: text(&resource.resource),
                    subresource: text(&resource.subresource),
                    namespace: text(&resource.namespace),
                    name: text(&resource.name),
                    field_selector: text(resource.field_selector.as_deref().unwrap_or_default()),
                    label_selector: text(resource.label_selector.as_deref().unwrap_or_default()),
                }),
            },
        };
        if let Some(decision) = self.recall(&asked) {
            return decision;
        }
        if let Verdict::Now(decision) = self.authorizer.authorize(&asked) {
            return said(&decision);
        }
        self.answers().open.get_or_insert(asked);
        authz::Decision::default()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use pintle_authz::Reason;
    use pintle_cel::types::Type;
    use pintle_cel::value::Val;
    use pintle_cel::{Budget, Environment, Program};

    use super::*;

    /// Somebody who has to be waited for: pods may be read, and secrets are a difficult question.
    #[derive(Default)]
    struct Elsewhere(AtomicUsize);

    impl Authorizer for Elsewhere {
        fn name(&self) -> &str {
            "elsewhere"
        }

        fn authorize<'a>(&'a self, attributes: &'a Asked) -> Verdict<'a> {
            Verdict::Later(Box::pin(async {
                tokio::task::yield_now().await;
                self.0.fetch_add(1, Relaxed);
                let resource = attributes.resource.as_ref();
                match resource.map(|it| it.resource.as_str()) {
                    Some("pods") if attributes.verb == "get" => {
                        Decision::Allow(Reason::new("they may"))
                    }
                    Some("secrets") => Decision::Deny(Reason::failure("it is down")),
                    _ => Decision::NO_OPINION,
                }
            }))
        }
    }

    async fn check(text: &str, expected: bool, asked: usize) {
        let environment = Environment::base().with_variable(
            "authorizer",
            Type::Opaque("kubernetes.authorization.Authorizer"),
        );
        let program = Program::compile(text, &environment).expect(text);
        let elsewhere = Elsewhere::default();
        let user = Arc::new(UserInfo::named("jane"));
        let asking = Asking::about(&elsewhere, &user, authz::Resource::default());
        let found = asking
            .settle(|| {
                let variables = [("authorizer", Val::authorizer(&asking))];
                let value = program.evaluate(&variables, &mut Budget::new(Budget::PER_CALL));
                value.ok().and_then(|value| value.as_bool())
            })
            .await;
        assert_eq!(found, Some(expected), "{text}");
        assert_eq!(elsewhere.0.load(Relaxed), asked, "{text}");
    }

    /// On a runtime of one thread, which nobody may keep waiting.
    #[tokio::test]
    async fn who_has_to_be_waited_for_is_asked_once() {
        let of = |resource: &str| format!("authorizer.group('').resource('{resource}')");
        let (pods, secrets) = (of("pods"), of("secrets"));
        check("true", true, 0).await;
        check(&format!("{pods}.check('get').allowed()"), true, 1).await;
        check(&format!("{pods}.check('list').allowed()"), false, 1).await;
        check(
            &format!("{pods}.check('get').allowed() && {pods}.check('get').reason() == 'they may'"),
            true,
            1,
        )
        .await;
        check(
            &format!("{pods}.check('get').allowed() && !{pods}.check('list').allowed()"),
            true,
            2,
        )
        .await;
        // What is not to be known decides what is asked.
        check(
            &format!("{pods}.check('list').allowed() && {pods}.check('get').allowed()"),
            false,
            1,
        )
        .await;
        check(
            &format!(
                "{secrets}.check('get').errored() && {secrets}.check('get').error() == 'it is down'"
            ),
            true,
            1,
        )
        .await;
        check("authorizer.path('/x').check('get').allowed()", false, 1).await;
        check(
            &format!("authorizer.serviceAccount('a', 'b').group('').resource('pods').check('get').allowed() && {pods}.check('get').allowed()"),
            true,
            2,
        )
        .await;
    }
}
