//! Several authorizers in order: [`Union`].

use std::sync::Arc;

use pintle_runtime::user::UserInfo;

use crate::attributes::Attributes;
use crate::authorizer::{Authorizer, Verdict};
use crate::decision::{Decision, Reason};
use crate::rules::RulesFor;

/// Asks its members in order.
pub struct Union {
    members: Vec<Arc<dyn Authorizer>>,
}

impl Union {
    /// A union of `members`, asked in this order.
    pub fn new(members: Vec<Arc<dyn Authorizer>>) -> Self {
        Self { members }
    }

    /// The first member with an opinion decides; `silent` are the reasons of those before.
    async fn ask(
        &self,
        first: Verdict<'_>,
        rest: usize,
        mut silent: Reason,
        attributes: &Attributes,
    ) -> Decision {
        let mut verdict = first;
        let mut rest = self.members[rest..].iter();
        loop {
            match verdict.wait().await {
                Decision::NoOpinion(why) => silent.push(&why),
                decided => return decided,
            }
            let Some(member) = rest.next() else {
                return Decision::NoOpinion(silent);
            };
            verdict = member.authorize(attributes);
        }
    }
}

impl Authorizer for Union {
    fn name(&self) -> &str {
        "union"
    }

    fn authorize<'a>(&'a self, attributes: &'a Attributes) -> Verdict<'a> {
        let mut silent = Reason::default();
        for (index, member) in self.members.iter().enumerate() {
            match member.authorize(attributes) {
                Verdict::Now(Decision::NoOpinion(why)) => silent.push(&why),
                Verdict::Now(decided) => return Verdict::Now(decided),
                later => {
                    return Verdict::Later(Box::pin(self.ask(
                        later,
                        index + 1,
                        silent,
                        attributes,
                    )));
                }
            }
        }
        Verdict::Now(Decision::NoOpinion(silent))
    }

    fn rules_for(&self, user: &UserInfo, namespace: &str) -> RulesFor {
        let mut found = RulesFor::default();
        for member in &self.members {
            found.add(member.rules_for(user, namespace));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use pintle_runtime::text::Text;

    use super::*;

    struct Says(Decision, bool);

    impl Authorizer for Says {
        fn name(&self) -> &str {
            "says"
        }

        fn authorize<'a>(&'a self, _: &'a Attributes) -> Verdict<'a> {
            if self.1 {
                Verdict::Later(Box::pin(async { self.0.clone() }))
            } else {
                Verdict::Now(self.0.clone())
            }
        }
    }

    #[track_caller]
    fn check(members: &[Decision], expected: &Decision) {
        for late in [false, true] {
            let union = Union::new(
                members
                    .iter()
                    .map(|said| Arc::new(Says(said.clone(), late)) as Arc<dyn Authorizer>)
                    .collect(),
            );
            let attributes = Attributes {
                user: Arc::new(UserInfo::default()),
                verb: Text::default(),
                path: Text::default(),
                resource: None,
            };
            let mut waiting = Box::pin(union.authorize(&attributes).wait());
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            let std::task::Poll::Ready(found) = waiting.as_mut().poll(&mut cx) else {
                panic!("never waits")
            };
            assert_eq!(&found, expected, "late: {late}");
        }
    }

    #[test]
    fn the_first_opinion_counts() {
        let deny = Decision::Deny(Reason::new("no"));
        check(
            &[Decision::NO_OPINION, Decision::ALLOW, deny.clone()],
            &Decision::ALLOW,
        );
        check(&[deny.clone(), Decision::ALLOW], &deny);
    }

    #[test]
    fn without_an_opinion_all_reasons_are_told() {
        let silent = |why| Decision::NoOpinion(Reason::new(why));
        check(
            &[silent("a"), Decision::NO_OPINION, silent("b")],
            &silent("a\nb"),
        );
        check(&[], &Decision::NO_OPINION);
    }

    #[test]
    fn what_went_wrong_before_an_opinion_does_not_count() {
        let down = |why| Decision::NoOpinion(Reason::failure(why));
        check(&[down("w is down"), Decision::ALLOW], &Decision::ALLOW);
        let no = Decision::NoOpinion(Reason::new("no"));
        let told = Reason::new("no")
            .with_failure("w is down")
            .with_failure("x is down");
        assert_eq!(told.in_full(), "[w is down, x is down]: no");
        check(
            &[down("w is down"), no, down("x is down")],
            &Decision::NoOpinion(told),
        );
    }

    use std::future::Future as _;
}
