//! How long refused clients are told to stay away: [`Refusals`].

use std::collections::VecDeque;
use std::time::Instant;

/// Nobody is told to stay away longer, in seconds.
const LONGEST: u64 = 32;

/// Refusals of one level of late. While there are many, clients are told to stay away for twice as
/// long each time; when there are few, for a second less.
#[derive(Debug)]
pub(super) struct Refusals {
    /// Refusals in each of the last seconds that had any, counted from the first ever.
    seconds: VecDeque<(u64, u64)>,
    first: Option<Instant>,
    raised: Option<u64>,
    stay_away: u64,
}

impl Default for Refusals {
    fn default() -> Self {
        Self {
            seconds: VecDeque::new(),
            first: None,
            raised: None,
            stay_away: 1,
        }
    }
}

impl Refusals {
    /// One more. Says how many seconds to stay away.
    pub(super) fn note(&mut self, now: Instant) -> u64 {
        let first = *self.first.get_or_insert(now);
        let second = now.saturating_duration_since(first).as_secs();
        match self.seconds.back_mut() {
            Some((last, count)) if *last == second => *count += 1,
            _ => {
                let oldest = second.saturating_sub(LONGEST.min(2 * self.stay_away));
                self.seconds.retain(|(at, _)| *at >= oldest);
                self.adjust(second);
                self.seconds.push_back((second, 1));
            }
        }
        self.stay_away
    }

    /// Considers the seconds before this one.
    fn adjust(&mut self, second: u64) {
        let within = second.saturating_sub(self.stay_away);
        let recent = self.seconds.iter().filter(|(at, _)| *at >= within);
        let refused: u64 = recent.map(|(_, count)| count).sum();
        let may_raise = self
            .raised
            .is_none_or(|raised| second - raised >= self.stay_away);
        if may_raise && refused >= 3 * self.stay_away {
            self.stay_away = LONGEST.min(2 * self.stay_away);
            self.raised = Some(second);
        } else if refused < self.stay_away && self.stay_away > 1 {
            self.stay_away -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_more_are_refused_the_longer_they_stay_away() {
        let start = Instant::now();
        let mut refusals = Refusals::default();
        let mut at = |second, count| {
            (0..count)
                .map(|_| refusals.note(start + Duration::from_secs(second)))
                .last()
        };
        assert_eq!(at(0, 10), Some(1));
        assert_eq!(at(1, 10), Some(2));
        assert_eq!(at(2, 10), Some(2), "not twice within that time");
        assert_eq!(at(3, 10), Some(4));
        assert_eq!(at(60, 1), Some(3));
        assert_eq!(at(120, 1), Some(2));
        assert_eq!(at(180, 1), Some(1));
        assert_eq!(at(240, 1), Some(1));
    }
}
