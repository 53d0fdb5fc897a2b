use super::*;

const ONE: Work = Work {
    seats: 1,
    last_seats: 0,
    linger: Duration::ZERO,
};

fn level(limit: u32, queues: u32, hand: u32, length: u32) -> (Queues, Instant) {
    let now = Instant::now();
    let handling = Handling::Queue {
        queues,
        hand,
        length,
    };
    (Queues::new(handling, limit, now), now)
}

#[track_caller]
fn served(arrival: Arrival) -> Ticket {
    match arrival {
        Arrival::Served(ticket) => ticket,
        Arrival::Waits(..) => panic!("it has to wait"),
        Arrival::Refused(reason) => panic!("it is refused: {reason}"),
    }
}

#[track_caller]
fn waits(arrival: Arrival) -> (Ticket, oneshot::Receiver<Instant>) {
    match arrival {
        Arrival::Waits(ticket, told, _) => (ticket, told),
        Arrival::Served(_) => panic!("it does not have to wait"),
        Arrival::Refused(reason) => panic!("it is refused: {reason}"),
    }
}

#[test]
fn hands_are_of_different_cards() {
    let mut cards = [0; LARGEST_HAND];
    for hash in (0..50_000_u64).map(|seed| seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)) {
        let mut hand = deal(hash, 16, 4, &mut cards).to_vec();
        hand.sort_unstable();
        hand.dedup();
        assert_eq!(hand.len(), 4);
        assert!(hand[3] < 16);
    }
}

#[test]
fn every_hand_is_dealt() {
    let mut cards = [0; LARGEST_HAND];
    let hands: std::collections::HashSet<Vec<usize>> = (0..12)
        .map(|hash| deal(hash, 4, 2, &mut cards).to_vec())
        .collect();
    assert_eq!(hands.len(), 12);
}

#[test]
fn who_finds_a_seat_does_not_wait() {
    let (mut queues, now) = level(2, 8, 2, 5);
    let first = served(queues.arrive(now, ONE, 1));
    served(queues.arrive(now, ONE, 2));
    let (_, mut told) = waits(queues.arrive(now, ONE, 3));
    assert!(told.try_recv().is_err());
    queues.finish(now, &first, now);
    assert!(told.try_recv().is_ok());
    assert_eq!((queues.waiting, queues.executing, queues.seats), (0, 2, 2));
}

#[test]
fn a_full_queue_refuses() {
    let (mut queues, now) = level(1, 1, 1, 1);
    served(queues.arrive(now, ONE, 1));
    let _first = waits(queues.arrive(now, ONE, 1));
    assert!(matches!(
        queues.arrive(now, ONE, 1),
        Arrival::Refused("queue-full")
    ));
    assert_eq!(queues.tally.rejected, 1);
}

#[test]
fn without_queues_who_finds_no_seat_is_refused() {
    let now = Instant::now();
    let mut queues = Queues::new(Handling::Reject, 1, now);
    served(queues.arrive(now, ONE, 1));
    assert!(matches!(
        queues.arrive(now, ONE, 1),
        Arrival::Refused("concurrency-limit")
    ));
    let mut exempt = Queues::new(Handling::Exempt, 0, now);
    served(exempt.arrive(now, ONE, 1));
}

#[test]
fn who_leaves_frees_the_place() {
    let (mut queues, now) = level(1, 1, 1, 1);
    let first = served(queues.arrive(now, ONE, 1));
    let (second, _told) = waits(queues.arrive(now, ONE, 1));
    assert!(queues.leave(now, &second, true));
    assert!(!queues.leave(now, &second, true));
    let (third, mut told) = waits(queues.arrive(now, ONE, 1));
    queues.finish(now, &first, now);
    let began = told.try_recv().expect("it is served");
    assert!(!queues.leave(now, &third, true), "it is served already");
    queues.finish(now, &third, began);
    assert!(queues.is_idle());
    assert_eq!(queues.tally.timed_out, 1);
    assert_eq!(queues.seats, 0);
}

#[test]
fn seats_linger_for_what_follows_from_a_write() {
    let (mut queues, now) = level(4, 1, 1, 5);
    let work = Work {
        seats: 1,
        last_seats: 4,
        linger: Duration::from_millis(5),
    };
    let write = served(queues.arrive(now, work, 1));
    let (_, mut told) = waits(queues.arrive(now, ONE, 1));
    queues.finish(now, &write, now);
    assert_eq!(queues.seats, 4);
    assert!(told.try_recv().is_err());
    queues.release(now, &write);
    assert!(told.try_recv().is_ok());
}

#[test]
fn a_request_for_more_than_there_is_is_served_alone() {
    let (mut queues, now) = level(2, 1, 1, 5);
    let big = served(queues.arrive(now, Work::of(10), 1));
    let (_, mut told) = waits(queues.arrive(now, ONE, 1));
    queues.finish(now, &big, now);
    assert!(told.try_recv().is_ok());
}

/// Two flows with a queue each: one floods, one asks now and then. Seats are free one at a time.
#[test]
fn a_polite_flow_does_not_wait_for_a_greedy_one() {
    let (mut queues, mut now) = level(1, 2, 1, 1000);
    let (greedy, polite) = (0, 1);
    let mut running = served(queues.arrive(now, ONE, greedy));
    let mut backlog: VecDeque<_> = (0..100)
        .map(|_| waits(queues.arrive(now, ONE, greedy)))
        .collect();
    let (_ticket, mut told) = waits(queues.arrive(now, ONE, polite));
    for turn in 0..3 {
        let began = now;
        now += Duration::from_millis(10);
        queues.finish(now, &running, began);
        if told.try_recv().is_ok() {
            assert!(turn < 2, "it was served in turn {turn}");
            return;
        }
        let (next, mut told) = backlog.pop_front().expect("there are many");
        assert!(told.try_recv().is_ok());
        running = next;
    }
    panic!("the polite flow waits behind the greedy one");
}

#[test]
fn queues_that_are_too_many_go_when_they_are_empty() {
    let (mut queues, now) = level(1, 8, 8, 5);
    let tickets: Vec<_> = (0..8).map(|_| queues.arrive(now, ONE, 0)).collect();
    let handling = Handling::Queue {
        queues: 1,
        hand: 1,
        length: 5,
    };
    queues.shape(now, handling);
    assert_eq!(queues.queues().len(), 8);
    for arrival in tickets {
        match arrival {
            Arrival::Served(ticket) => queues.finish(now, &ticket, now),
            Arrival::Waits(ticket, mut told, _) => {
                let began = told.try_recv().expect("a seat is free");
                queues.finish(now, &ticket, began);
            }
            Arrival::Refused(reason) => panic!("{reason}"),
        }
    }
    assert!(queues.is_idle());
    assert_eq!(queues.queues().len(), 1);
}
