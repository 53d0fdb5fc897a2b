//! Whether what was answered for one key fits one order of all operations, in which each happens at a moment between
//! its call and its answer.
//!
//! The search goes through calls and answers as they were. It keeps every state that the key may be in, each with the
//! operations under way that have happened in it. An answer rules out the states in which its operation cannot have
//! happened; if none is left, there is no such order. It is Lowe's "just-in-time linearization".

use std::collections::HashSet;

use super::history::{Action, Answer, Operation, Written};

/// At most so many operations are under way at once.
const UNDER_WAY: usize = 64;

/// What the key holds, and the newest revision that it had. Deletes do not tell theirs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Register {
    holds: Option<Written>,
    newest: u64,
}

impl Register {
    /// What it is after an operation, if that can be answered as it was.
    fn after(self, operation: &Operation) -> Option<Self> {
        let (changes, new) = match operation.action {
            Action::Read => (true, self.holds),
            Action::Create(new) => (self.holds.is_none(), Some(new)),
            Action::Update(expected, new) => (self.is(expected), Some(new)),
            Action::Delete(expected) => (self.is(expected), None),
        };
        let changed = Self { holds: new, ..self };
        match operation.answer {
            Answer::Found(found) => {
                (self.holds == found.map(|version| version.written)).then_some(self)
            }
            Answer::Done(revision) => {
                let grows = revision.is_none_or(|revision| revision > self.newest);
                let newest = revision.unwrap_or(self.newest);
                (changes && grows).then_some(Self { newest, ..changed })
            }
            Answer::Missing => self.holds.is_none().then_some(self),
            Answer::Conflict => (self.holds.is_some() && !changes).then_some(self),
            Answer::Lost => changes.then_some(changed),
        }
    }

    fn is(self, expected: Option<Written>) -> bool {
        self.holds.is_some() && (expected.is_none() || self.holds == expected)
    }
}

/// A state that the key may be in, and the places of operations under way that have happened.
type State = (Register, u64);

/// Looks for an order.
///
/// # Errors
/// The operation that fits none, and what was found until then.
pub(crate) fn check(operations: &[Operation]) -> Result<(), String> {
    let mut moments: Vec<(u64, bool, usize)> = Vec::new();
    for (index, operation) in operations.iter().enumerate() {
        moments.push((operation.called, true, index));
        moments.push((operation.answered, false, index));
    }
    moments.sort_unstable();
    let mut states = HashSet::from([(Register::default(), 0)]);
    let mut under_way: [Option<usize>; UNDER_WAY] = [None; UNDER_WAY];
    for (_, is_call, index) in moments {
        if is_call {
            let place = under_way.iter().position(Option::is_none);
            let place = place.ok_or("too many operations are under way")?;
            under_way[place] = Some(index);
            continue;
        }
        let place = under_way.iter().position(|other| *other == Some(index));
        let place = place.ok_or("an answer without a call")?;
        let before = states;
        states = reachable(&before, operations, &under_way);
        let may_not_happen = operations[index].answer == Answer::Lost;
        states.retain(|(_, happened)| may_not_happen || happened & (1 << place) != 0);
        if states.is_empty() {
            let others = under_way.iter().flatten().map(|other| operations[*other]);
            return Err(format!(
                "{:?} fits none of {before:?} with {:?}",
                operations[index],
                others.collect::<Vec<_>>()
            ));
        }
        states = states
            .into_iter()
            .map(|(register, happened)| (register, happened & !(1 << place)))
            .collect();
        under_way[place] = None;
    }
    Ok(())
}

/// All states that come of some when operations under way happen in some order.
fn reachable(
    states: &HashSet<State>,
    operations: &[Operation],
    under_way: &[Option<usize>; UNDER_WAY],
) -> HashSet<State> {
    let mut all = states.clone();
    let mut open: Vec<State> = states.iter().copied().collect();
    while let Some((register, happened)) = open.pop() {
        for (place, index) in under_way.iter().enumerate() {
            let (Some(index), bit) = (*index, 1 << place) else {
                continue;
            };
            if happened & bit != 0 {
                continue;
            }
            if let Some(register) = register.after(&operations[index])
                && all.insert((register, happened | bit))
            {
                open.push((register, happened | bit));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::history::{OPEN, Version};
    use super::*;

    /// An operation on the only key, from one moment to another.
    fn op(called: u64, answered: u64, action: Action, answer: Answer) -> Operation {
        Operation {
            key: 0,
            called,
            answered,
            action,
            answer,
        }
    }

    fn found(written: Written) -> Answer {
        Answer::Found(Some(Version {
            written,
            revision: written,
        }))
    }

    #[track_caller]
    fn fits(operations: &[Operation]) {
        assert_eq!(check(operations), Ok(()));
    }

    #[track_caller]
    fn fits_not(operations: &[Operation]) {
        assert!(check(operations).is_err(), "{operations:?}");
    }

    const NOTHING: Answer = Answer::Found(None);

    #[test]
    fn a_read_that_begins_after_a_write_sees_it() {
        let create = op(0, 1, Action::Create(7), Answer::Done(Some(7)));
        fits(&[create, op(2, 3, Action::Read, found(7))]);
        fits_not(&[create, op(2, 3, Action::Read, NOTHING)]);
    }

    #[test]
    fn a_read_beside_a_write_sees_it_or_not_and_never_again_not() {
        let create = op(0, 9, Action::Create(7), Answer::Done(Some(7)));
        let (seen, not) = (found(7), NOTHING);
        fits(&[create, op(1, 2, Action::Read, seen)]);
        fits(&[
            create,
            op(1, 2, Action::Read, not),
            op(3, 4, Action::Read, seen),
        ]);
        fits_not(&[
            create,
            op(1, 2, Action::Read, seen),
            op(3, 4, Action::Read, not),
        ]);
    }

    #[test]
    fn of_two_writers_who_expect_the_same_one_is_refused() {
        let begin = op(0, 1, Action::Create(1), Answer::Done(Some(1)));
        let first = op(2, 5, Action::Update(Some(1), 2), Answer::Done(Some(2)));
        let second = |answer| op(3, 6, Action::Update(Some(1), 3), answer);
        fits(&[begin, first, second(Answer::Conflict)]);
        fits_not(&[begin, first, second(Answer::Done(Some(3)))]);
    }

    #[test]
    fn who_is_refused_was_refused_for_a_reason() {
        let begin = op(0, 1, Action::Create(1), Answer::Done(Some(1)));
        fits_not(&[
            begin,
            op(2, 3, Action::Update(Some(1), 2), Answer::Conflict),
        ]);
        fits_not(&[begin, op(2, 3, Action::Delete(None), Answer::Missing)]);
        fits_not(&[op(0, 1, Action::Create(1), Answer::Conflict)]);
    }

    #[test]
    fn what_was_deleted_does_not_come_back() {
        let begin = op(0, 1, Action::Create(1), Answer::Done(Some(1)));
        let delete = op(2, 3, Action::Delete(Some(1)), Answer::Done(None));
        fits(&[begin, delete, op(4, 5, Action::Read, NOTHING)]);
        fits_not(&[begin, delete, op(4, 5, Action::Read, found(1))]);
    }

    #[test]
    fn a_lost_write_happened_or_not_until_the_server_was_gone() {
        let begin = op(0, 1, Action::Create(1), Answer::Done(Some(1)));
        let lost = op(2, 6, Action::Update(None, 2), Answer::Lost);
        for later in [found(1), found(2)] {
            fits(&[begin, lost, op(7, 8, Action::Read, later)]);
        }
        let (old, new) = (found(1), found(2));
        fits(&[
            begin,
            lost,
            op(3, 4, Action::Read, old),
            op(7, 8, Action::Read, new),
        ]);
        fits_not(&[
            begin,
            lost,
            op(7, 8, Action::Read, old),
            op(9, 10, Action::Read, new),
        ]);
        let open = op(2, OPEN, Action::Update(None, 2), Answer::Lost);
        fits(&[
            begin,
            open,
            op(7, 8, Action::Read, old),
            op(9, 10, Action::Read, new),
        ]);
        fits_not(&[
            begin,
            open,
            op(7, 8, Action::Read, new),
            op(9, 10, Action::Read, old),
        ]);
    }

    #[test]
    fn an_acknowledged_write_is_not_lost() {
        let begin = op(0, 1, Action::Create(1), Answer::Done(Some(1)));
        let update = op(2, 3, Action::Update(None, 2), Answer::Done(Some(2)));
        fits_not(&[begin, update, op(4, 5, Action::Read, found(1))]);
    }

    #[test]
    fn revisions_grow() {
        let begin = op(0, 1, Action::Create(1), Answer::Done(Some(5)));
        fits(&[
            begin,
            op(2, 3, Action::Update(None, 2), Answer::Done(Some(6))),
        ]);
        fits_not(&[
            begin,
            op(2, 3, Action::Update(None, 2), Answer::Done(Some(5))),
        ]);
    }
}
