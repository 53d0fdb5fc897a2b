//! Which way to take where ways part: the first of those that the words ahead allow.
//!
//! All ways are followed at once, word by word, until only one is left. At first whoever entered
//! the rule is not asked where it goes on after the rule; only if that leaves several ways open
//! whatever follows, the whole story is gone through once more.

use super::network::{Decision, NETWORK, Network, State, StateId};
use super::token::{Token, Word};

/// So far is looked ahead; then the first way that is left is taken.
const AHEAD: usize = 200;

/// A place that one of the ways has led to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Path {
    state: StateId,
    way: usize,
    /// Where to go on when a rule ends, innermost last.
    stack: Vec<StateId>,
    /// Whether it has left the rule of the decision.
    left: bool,
}

/// The way to take, or the position of the word at which none is left.
pub(super) fn predict(
    decision: &Decision,
    binds: u8,
    callers: &[StateId],
    words: &[Word],
    at: usize,
) -> Result<usize, usize> {
    match follow(decision, binds, None, words, at)? {
        Some(way) => Ok(way),
        None => follow(decision, binds, Some(callers), words, at).map(|way| way.unwrap_or(0)),
    }
}

/// `None`: several ways are open, and what follows can not tell.
fn follow(
    decision: &Decision,
    binds: u8,
    callers: Option<&[StateId]>,
    words: &[Word],
    at: usize,
) -> Result<Option<usize>, usize> {
    let network: &Network = &NETWORK;
    let mut paths = Vec::new();
    for (way, to) in decision.ways.iter().enumerate() {
        if to.binds == 0 || to.binds >= binds {
            let path = Path {
                state: to.to,
                way,
                stack: callers.unwrap_or_default().to_vec(),
                left: false,
            };
            close(network, path, callers.is_some(), &mut paths);
        }
    }
    let last = words.len() - 1;
    for ahead in at..at + AHEAD {
        let token = words[ahead.min(last)].token;
        let reached = step(network, &paths, token, callers.is_some());
        if reached.is_empty() {
            let finished = |path: &&Path| {
                let stopped = matches!(network.states[path.state as usize], State::Stop);
                path.left || (stopped && path.stack.is_empty())
            };
            return match paths.iter().filter(finished).map(|path| path.way).min() {
                Some(way) => Ok(Some(way)),
                None => Err(ahead.min(last)),
            };
        }
        paths = reached;
        let first = paths.iter().map(|path| path.way).min().unwrap_or(0);
        if paths.iter().all(|path| path.way == first) {
            return Ok(Some(first));
        }
        let stuck = match callers {
            None if is_conflict(&paths) => return Ok(None),
            None => false,
            Some(_) => settled(&paths),
        };
        if stuck || token == Token::End {
            return Ok(Some(first));
        }
    }
    Ok(Some(paths.iter().map(|path| path.way).min().unwrap_or(0)))
}

fn step(network: &Network, paths: &[Path], token: Token, whole: bool) -> Vec<Path> {
    let mut reached = Vec::new();
    for path in paths {
        if let State::Read(set, then) = &network.states[path.state as usize]
            && set.contains(token)
        {
            let path = Path {
                state: *then,
                ..path.clone()
            };
            close(network, path, whole, &mut reached);
        }
    }
    reached
}

/// Adds every place that can be reached from `path` without reading a word.
fn close(network: &Network, path: Path, whole: bool, reached: &mut Vec<Path>) {
    let mut seen = Vec::new();
    let mut open = vec![path];
    while let Some(path) = open.pop() {
        if seen.contains(&path) {
            continue;
        }
        seen.push(path.clone());
        let to = |state: StateId| Path {
            state,
            ..path.clone()
        };
        match &network.states[path.state as usize] {
            State::Read(..) => keep(path, reached),
            State::Choose(decision) => open.extend(decision.ways.iter().map(|way| to(way.to))),
            State::Enter(rule, _, then) => {
                let mut inner = to(network.starts[*rule as usize]);
                inner.stack.push(*then);
                open.push(inner);
            }
            State::Stop => {
                let mut outer = path.clone();
                if let Some(then) = outer.stack.pop() {
                    outer.state = then;
                    open.push(outer);
                    continue;
                }
                let rule = network.stops.iter().position(|stop| *stop == path.state);
                let follows = rule.map_or(&[][..], |rule| &network.follows[rule]);
                if whole || follows.is_empty() {
                    keep(path, reached);
                } else {
                    open.extend(follows.iter().map(|then| Path {
                        left: true,
                        ..to(*then)
                    }));
                }
            }
        }
    }
}

fn keep(path: Path, reached: &mut Vec<Path>) {
    if !reached.contains(&path) {
        reached.push(path);
    }
}

/// The ways that lead to the same place, for each place.
fn by_place(paths: &[Path]) -> Vec<Vec<usize>> {
    let mut places: Vec<(StateId, &[StateId])> = Vec::new();
    let mut ways: Vec<Vec<usize>> = Vec::new();
    for path in paths {
        let place = (path.state, path.stack.as_slice());
        match places.iter().position(|found| *found == place) {
            Some(index) if !ways[index].contains(&path.way) => ways[index].push(path.way),
            Some(_) => {}
            None => {
                places.push(place);
                ways.push(vec![path.way]);
            }
        }
    }
    ways
}

/// Whether several ways have met, and none has a state to itself.
fn is_conflict(paths: &[Path]) -> bool {
    let met = by_place(paths).iter().any(|ways| ways.len() > 1);
    met && paths.iter().all(|path| {
        paths
            .iter()
            .any(|other| other.state == path.state && other.way != path.way)
    })
}

/// Whether at every place the first of the ways that lead there is the same.
fn settled(paths: &[Path]) -> bool {
    let ways = by_place(paths);
    let first = |ways: &Vec<usize>| ways.iter().min().copied();
    ways.windows(2)
        .all(|pair| first(&pair[0]) == first(&pair[1]))
}
