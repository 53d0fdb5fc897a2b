mod crowd;

use pintle_authz::ResourceAttributes;
use pintle_runtime::user::{AUTHENTICATED, MASTERS, UserInfo};

use super::plan::CATCH_ALL;
use super::*;

fn attributes(user: &'static str, groups: &[&'static str]) -> Arc<Attributes> {
    Arc::new(Attributes {
        user: Arc::new(UserInfo {
            groups: groups.iter().map(|group| (*group).into()).collect(),
            ..UserInfo::named(user)
        }),
        verb: "get".into(),
        path: "/api/v1/pods".into(),
        resource: Some(ResourceAttributes {
            resource: "pods".into(),
            ..ResourceAttributes::default()
        }),
    })
}

/// One schema for everyone, of a level with few seats.
fn plan(handling: Handling) -> Plan {
    let everything = FlowSchema::mandatory(CATCH_ALL);
    Plan {
        schemas: vec![FlowSchema {
            name: "everyone".into(),
            uid: "schema-uid".into(),
            level: "few".into(),
            precedence: 1000,
            ..everything
        }],
        levels: vec![PriorityLevel {
            name: "few".into(),
            uid: "level-uid".into(),
            shares: 5,
            lendable_percent: 0,
            borrowing_percent: Some(0),
            handling,
        }],
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

#[tokio::test]
async fn a_request_is_of_the_first_flow_that_matches() {
    let fairness = Fairness::new(10);
    let name = |user, groups: &[&'static str]| {
        fairness
            .classify(&attributes(user, groups))
            .schema
            .name
            .to_string()
    };
    assert_eq!(name("bob", &[AUTHENTICATED]), "catch-all");
    assert_eq!(name("root", &[AUTHENTICATED, MASTERS]), "exempt");
    fairness.configure(plan(Handling::Reject));
    assert_eq!(name("bob", &[AUTHENTICATED]), "everyone");
    assert_eq!(name("root", &[AUTHENTICATED, MASTERS]), "exempt");
    assert_eq!(name("nobody", &[]), "catch-all");
    let uids = fairness
        .classify(&attributes("bob", &[AUTHENTICATED]))
        .uids();
    assert_eq!(
        (uids.0.as_bytes(), uids.1.as_bytes()),
        (&b"schema-uid"[..], &b"level-uid"[..])
    );
}

#[tokio::test]
async fn a_schema_without_its_level_is_left_out() {
    let fairness = Fairness::new(10);
    let mut plan = plan(Handling::Reject);
    plan.levels.clear();
    fairness.configure(plan);
    let bob = attributes("bob", &[AUTHENTICATED]);
    assert_eq!(fairness.classify(&bob).schema.name, "catch-all");
}

#[tokio::test]
async fn who_finds_no_seat_waits_for_one() {
    let fairness = Fairness::new(2);
    fairness.configure(plan(Handling::Queue {
        queues: 4,
        hand: 1,
        length: 10,
    }));
    let bob = attributes("bob", &[AUTHENTICATED]);
    let flow = fairness.classify(&bob);
    let enter = || fairness.enter(&flow, &bob, Work::of(1), Instant::now(), soon(), "regular");
    let first = enter().await.ok().expect("a seat is free");
    let waiting = enter();
    tokio::pin!(waiting);
    assert!(futures_util::poll!(&mut waiting).is_pending());
    drop(first);
    assert!(waiting.await.is_ok());
}

#[tokio::test]
async fn nobody_waits_beyond_the_deadline() {
    let fairness = Fairness::new(2);
    fairness.configure(plan(Handling::Queue {
        queues: 4,
        hand: 1,
        length: 10,
    }));
    let bob = attributes("bob", &[AUTHENTICATED]);
    let flow = fairness.classify(&bob);
    let deadline = Instant::now() + Duration::from_millis(20);
    let enter = || {
        fairness.enter(
            &flow,
            &bob,
            Work::of(1),
            Instant::now(),
            deadline,
            "regular",
        )
    };
    let first = enter().await.ok().expect("a seat is free");
    let refused = enter().await.err().expect("nobody leaves");
    assert_eq!(refused.stay_away, 1);
    drop(first);
    assert!(lock(&flow.level.queues).is_idle());
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_nothing_behind() {
    let fairness = Fairness::new(2);
    fairness.configure(plan(Handling::Queue {
        queues: 1,
        hand: 1,
        length: 10,
    }));
    let bob = attributes("bob", &[AUTHENTICATED]);
    let flow = fairness.classify(&bob);
    let enter = || fairness.enter(&flow, &bob, Work::of(1), Instant::now(), soon(), "regular");
    let first = enter().await.ok().expect("a seat is free");
    {
        let waiting = enter();
        tokio::pin!(waiting);
        assert!(futures_util::poll!(&mut waiting).is_pending());
    }
    {
        // This one is served, and goes away before it knows.
        let waiting = enter();
        tokio::pin!(waiting);
        assert!(futures_util::poll!(&mut waiting).is_pending());
        drop(first);
    }
    let queues = lock(&flow.level.queues);
    assert!(queues.is_idle());
    assert_eq!((queues.seats, queues.tally.cancelled), (0, 1));
}

#[tokio::test]
async fn masters_always_get_a_seat() {
    let fairness = Fairness::new(0);
    let root = attributes("root", &[MASTERS]);
    let flow = fairness.classify(&root);
    let enter = || {
        fairness.enter(
            &flow,
            &root,
            Work::of(10),
            Instant::now(),
            soon(),
            "regular",
        )
    };
    let seats = (enter().await, enter().await);
    assert!(seats.0.is_ok() && seats.1.is_ok());
}
