//! Reading a text that does not follow the grammar, as far as it can be read.

use super::network::{Decision, NETWORK, Network, Rule, Set, State, StateId, Sync};
use super::predict::predict;
use super::token::{Token, Word};
use super::{quoted, report};
use crate::source::Issues;

/// So often reading goes on after something did not fit.
const ATTEMPTS: usize = 30;

/// Says what is wrong with `words`, and with what could not be read as words.
pub(crate) fn explain(
    text: &[char],
    words: &[Word],
    unreadable: &[(usize, String)],
    issues: &mut Issues,
) {
    for (offset, unread) in unreadable {
        let message = format!("token recognition error at: {}", quoted(unread));
        report(issues, *offset, &message);
    }
    let mut reader = Reader {
        network: &NETWORK,
        text,
        words,
        issues,
        at: 0,
        state: 0,
        callers: Vec::new(),
        binds: Vec::new(),
        recovering: false,
        last_error: None,
        attempts: 0,
    };
    // Only running out of attempts ends it early, and that has been said.
    let _ = reader.read();
}

/// Why a rule was given up.
enum Failure {
    /// The next word fits nowhere.
    Mismatch,
    /// Words from one position to another fit none of the ways.
    NoWay { from: usize, to: usize },
    /// It was tried too often.
    Exhausted,
}

impl From<Exhausted> for Failure {
    fn from(_: Exhausted) -> Self {
        Self::Exhausted
    }
}

/// Reading has ended for good.
struct Exhausted;

struct Reader<'a> {
    network: &'static Network,
    text: &'a [char],
    words: &'a [Word],
    issues: &'a mut Issues,
    at: usize,
    state: StateId,
    /// Where each rule that was entered goes on, innermost last.
    callers: Vec<StateId>,
    /// How closely operators have to bind in each of those rules.
    binds: Vec<u8>,
    /// Since the last error no word has fit; until one does, nothing is said.
    recovering: bool,
    /// Where the last error was, and in which states errors were there.
    last_error: Option<(usize, Vec<StateId>)>,
    attempts: usize,
}

impl Reader<'_> {
    fn token(&self) -> Token {
        self.words[self.at].token
    }

    fn consume(&mut self) {
        self.at = (self.at + 1).min(self.words.len() - 1);
    }

    fn matched(&mut self) {
        self.recovering = false;
        self.last_error = None;
    }

    fn read(&mut self) -> Result<(), Exhausted> {
        self.state = self.network.starts[Rule::Start as usize];
        loop {
            let ended = match self.step() {
                Ok(ended) => ended,
                Err(failure) => {
                    self.tell(failure)?;
                    self.recover()?;
                    true
                }
            };
            if ended {
                self.binds.pop();
                match self.callers.pop() {
                    Some(then) => self.state = then,
                    None => return Ok(()),
                }
            }
        }
    }

    fn tell(&mut self, failure: Failure) -> Result<(), Exhausted> {
        match failure {
            Failure::Exhausted => return Err(Exhausted),
            Failure::Mismatch => {
                let expected = self.expected(self.state).show();
                self.say(self.at, |shown| {
                    format!("mismatched input {shown} expecting {expected}")
                });
            }
            Failure::NoWay { from, to } => {
                let span = self.words[from].span.start..self.words[to].span.end;
                let unread: String = self.text[span].iter().collect();
                let unread = match self.words[from].token {
                    Token::End => self.reserved_as_names("<EOF>"),
                    _ => self.reserved_as_names(unread.trim_end()),
                };
                self.say(to, |_| unread);
            }
        }
        Ok(())
    }

    /// A literal where a name should be is told as such.
    fn reserved_as_names(&self, unread: &str) -> String {
        let mut characters = unread.chars();
        characters.next();
        match characters.as_str() {
            word @ ("true" | "false" | "null") => {
                format!("mismatched input '{word}' expecting IDENTIFIER")
            }
            _ => format!("no viable alternative at input {}", quoted(unread)),
        }
    }

    fn say(&mut self, at: usize, message: impl FnOnce(&str) -> String) {
        if self.recovering {
            return;
        }
        self.recovering = true;
        let word = &self.words[at];
        let shown = match word.token {
            Token::End => quoted("<EOF>"),
            _ => quoted(&self.text[word.span.clone()].iter().collect::<String>()),
        };
        report(self.issues, word.span.start, &message(&shown));
    }

    fn attempt(&mut self) -> Result<(), Exhausted> {
        if self.attempts == ATTEMPTS {
            let message = format!("error recovery attempt limit exceeded: {ATTEMPTS}");
            report(self.issues, self.words[self.at].span.start, &message);
            return Err(Exhausted);
        }
        self.attempts += 1;
        Ok(())
    }

    /// Does what there is to do in this state, and says whether the rule has ended.
    fn step(&mut self) -> Result<bool, Failure> {
        let network = self.network;
        match &network.states[self.state as usize] {
            State::Stop => return Ok(true),
            State::Read(set, then) => {
                if set.contains(self.token()) {
                    self.matched();
                    self.consume();
                } else {
                    self.read_anyway(*then)?;
                }
                self.state = *then;
            }
            State::Enter(rule, binds, then) => {
                self.callers.push(*then);
                self.binds.push(*binds);
                self.state = network.starts[*rule as usize];
            }
            State::Choose(decision) => {
                self.sync(decision.sync)?;
                let way = self.choose(decision)?;
                self.state = decision.ways[way].to;
            }
        }
        Ok(false)
    }

    fn choose(&self, decision: &Decision) -> Result<usize, Failure> {
        if decision.simple {
            let next = |to: StateId| self.network.next[to as usize];
            let last = decision.ways.len() - 1;
            let fitting = (0..last).find(|way| next(decision.ways[*way].to).contains(self.token()));
            return Ok(fitting.unwrap_or(last));
        }
        let binds = self.binds.last().copied().unwrap_or(0);
        predict(decision, binds, &self.callers, self.words, self.at)
            .map_err(|to| Failure::NoWay { from: self.at, to })
    }

    /// Looks whether the next word fits at all before a way is chosen.
    fn sync(&mut self, sync: Sync) -> Result<(), Failure> {
        if self.recovering {
            return Ok(());
        }
        let next = self.network.next[self.state as usize];
        if next.may_end() || next.contains(self.token()) {
            return Ok(());
        }
        match sync {
            Sync::Enter if self.leave_out_one() => Ok(()),
            Sync::Enter => Err(Failure::Mismatch),
            Sync::Again => {
                self.say_extraneous();
                let until = self.expected(self.state).with(self.resuming());
                self.consume_until(until);
                Ok(())
            }
        }
    }

    /// A word that does not fit is left out, or taken for granted, if what follows it then fits.
    fn read_anyway(&mut self, then: StateId) -> Result<(), Failure> {
        self.attempt()?;
        if self.leave_out_one() {
            self.consume();
            return Ok(());
        }
        if self.expected(then).contains(self.token()) {
            let missing = self.expected(self.state).show();
            self.say(self.at, |shown| format!("missing {missing} at {shown}"));
            return Ok(());
        }
        Err(Failure::Mismatch)
    }

    fn leave_out_one(&mut self) -> bool {
        let second = self.words[(self.at + 1).min(self.words.len() - 1)].token;
        let helps = self.expected(self.state).contains(second);
        if helps {
            self.say_extraneous();
            self.consume();
            self.matched();
        }
        helps
    }

    fn say_extraneous(&mut self) {
        let expected = self.expected(self.state).show();
        self.say(self.at, |shown| {
            format!("extraneous input {shown} expecting {expected}")
        });
    }

    /// Goes on to a word at which one of the rules that were entered can go on.
    fn recover(&mut self) -> Result<(), Exhausted> {
        self.attempt()?;
        if let Some((at, states)) = &self.last_error
            && *at == self.at
            && states.contains(&self.state)
        {
            self.consume();
        }
        let at = self.at;
        let (last, states) = self.last_error.get_or_insert_with(|| (at, Vec::new()));
        *last = at;
        states.push(self.state);
        self.consume_until(self.resuming());
        Ok(())
    }

    fn consume_until(&mut self, until: Set) {
        while self.token() != Token::End && !until.contains(self.token()) {
            self.consume();
        }
    }

    /// What can come next, whatever rule it belongs to.
    fn expected(&self, state: StateId) -> Set {
        let mut next = self.network.next[state as usize];
        let mut expected = next.words();
        for caller in self.callers.iter().rev() {
            if !next.may_end() {
                return expected;
            }
            next = self.network.next[*caller as usize];
            expected = expected.with(next.words());
        }
        match next.may_end() {
            true => expected.with(Set::of(Token::End)),
            false => expected,
        }
    }

    /// What the rules that were entered go on with.
    fn resuming(&self) -> Set {
        self.callers.iter().fold(Set::default(), |set, caller| {
            set.with(self.network.next[*caller as usize].words())
        })
    }
}
