//! The grammar as a network of states.
//!
//! A rule begins in one state and ends in another. Between them, a word is read, another rule is
//! gone through, or a decision is made: which of several ways to take.

use std::sync::LazyLock;

use super::token::Token;

/// A set of words; the highest bit says that the rule may end here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Set(pub(super) u64);

impl Set {
    const END_OF_RULE: u64 = 1 << 63;

    pub(super) const fn of(token: Token) -> Self {
        Self(1 << token as u64)
    }

    pub(super) const fn contains(self, token: Token) -> bool {
        self.0 & (1 << token as u64) != 0
    }

    pub(super) const fn may_end(self) -> bool {
        self.0 & Self::END_OF_RULE != 0
    }

    pub(super) const fn words(self) -> Self {
        Self(self.0 & !Self::END_OF_RULE)
    }

    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// As messages list them.
    pub(super) fn show(self) -> String {
        let names: Vec<&str> = Token::ALL
            .iter()
            .filter(|token| self.contains(**token))
            .map(|token| token.name())
            .collect();
        match names.as_slice() {
            [one] => (*one).to_owned(),
            many => format!("{{{}}}", many.join(", ")),
        }
    }
}

pub(super) type StateId = u16;

/// What there is to do in a state.
#[derive(Debug, Clone)]
pub(super) enum State {
    /// Read one of these words.
    Read(Set, StateId),
    /// Go through a rule, asking for operators that bind at least so closely.
    Enter(Rule, u8, StateId),
    /// Take one of these ways.
    Choose(Decision),
    /// The rule has ended.
    Stop,
}

/// A place where ways part.
#[derive(Debug, Clone)]
pub(super) struct Decision {
    pub(super) ways: Vec<Way>,
    pub(super) sync: Sync,
    /// Whether the next word alone decides.
    pub(super) simple: bool,
}

/// One of several ways.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    pub(super) to: StateId,
    /// Open to those alone who ask for nothing that binds closer.
    pub(super) binds: u8,
}

/// What is done where the next word fits no way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sync {
    /// Leave out one word if that helps; else give the rule up.
    Enter,
    /// Leave out words until one fits.
    Again,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Rule {
    Start,
    Expr,
    ConditionalOr,
    ConditionalAnd,
    Relation,
    Calc,
    Unary,
    Member,
    Primary,
    ExprList,
    ListInit,
    FieldInits,
    OptField,
    MapInits,
    EscapeIdent,
    OptExpr,
    Literal,
}

const RULES: [Rule; 17] = [
    Rule::Start,
    Rule::Expr,
    Rule::ConditionalOr,
    Rule::ConditionalAnd,
    Rule::Relation,
    Rule::Calc,
    Rule::Unary,
    Rule::Member,
    Rule::Primary,
    Rule::ExprList,
    Rule::ListInit,
    Rule::FieldInits,
    Rule::OptField,
    Rule::MapInits,
    Rule::EscapeIdent,
    Rule::OptExpr,
    Rule::Literal,
];

/// All states, and where each rule begins and ends.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) states: Vec<State>,
    pub(super) starts: Vec<StateId>,
    pub(super) stops: Vec<StateId>,
    /// What can be read next, by state, as far as the rule alone can say.
    pub(super) next: Vec<Set>,
    /// Where each rule may go on after it ended, whoever entered it.
    pub(super) follows: Vec<Vec<StateId>>,
}

pub(super) static NETWORK: LazyLock<Network> = LazyLock::new(Network::new);

/// A piece of a rule.
enum Piece {
    Word(Token),
    OneOf(&'static [Token]),
    Rule(Rule),
    /// A rule as the right operand of an operator.
    Operand(Rule, u8),
    Seq(Vec<Piece>),
    Maybe(Box<Piece>),
    Any {
        piece: Box<Piece>,
        simple: bool,
    },
    /// At least one.
    Some {
        piece: Box<Piece>,
        simple: bool,
    },
    Either(Vec<Piece>),
    /// What may follow a first operand, again and again: ways and how closely they bind.
    Tail(Vec<(u8, Piece)>),
}

impl Network {
    fn new() -> Self {
        let mut network = Self {
            states: Vec::new(),
            starts: Vec::new(),
            stops: Vec::new(),
            next: Vec::new(),
            follows: vec![Vec::new(); RULES.len()],
        };
        for rule in RULES {
            let stop = network.add(State::Stop);
            let start = network.lay(rule.pieces(), stop);
            network.starts.push(start);
            network.stops.push(stop);
        }
        for state in &network.states {
            if let State::Enter(rule, _, follow) = state {
                network.follows[*rule as usize].push(*follow);
            }
        }
        network.next = (0..network.states.len())
            .map(|state| {
                let mut seen = Vec::new();
                network.look(state as StateId, &mut seen)
            })
            .collect();
        network
    }

    fn add(&mut self, state: State) -> StateId {
        self.states.push(state);
        (self.states.len() - 1) as StateId
    }

    /// Lays the states of a piece that is followed by `then`, and gives the first of them.
    fn lay(&mut self, piece: Piece, then: StateId) -> StateId {
        match piece {
            Piece::Word(token) => self.add(State::Read(Set::of(token), then)),
            Piece::OneOf(tokens) => {
                let set = tokens
                    .iter()
                    .fold(Set::default(), |set, token| set.with(Set::of(*token)));
                self.add(State::Read(set, then))
            }
            Piece::Rule(rule) => self.add(State::Enter(rule, 0, then)),
            Piece::Operand(rule, binds) => self.add(State::Enter(rule, binds, then)),
            Piece::Seq(pieces) => pieces
                .into_iter()
                .rev()
                .fold(then, |then, piece| self.lay(piece, then)),
            Piece::Maybe(piece) => {
                let inner = self.lay(*piece, then);
                self.choose(vec![(0, inner), (0, then)], Sync::Enter, true)
            }
            Piece::Either(pieces) => {
                let ways = pieces
                    .into_iter()
                    .map(|piece| (0, self.lay(piece, then)))
                    .collect();
                self.choose(ways, Sync::Enter, false)
            }
            Piece::Any { piece, simple } => {
                let again = self.add(State::Stop);
                let inner = self.lay(*piece, again);
                let ways = vec![(0, inner), (0, then)];
                self.states[again as usize] = decision(ways.clone(), Sync::Again, simple);
                self.choose(ways, Sync::Enter, simple)
            }
            Piece::Some { piece, simple } => {
                let again = self.add(State::Stop);
                let inner = self.lay(*piece, again);
                let ways = vec![(0, inner), (0, then)];
                self.states[again as usize] = decision(ways, Sync::Again, simple);
                self.choose(vec![(0, inner)], Sync::Enter, true)
            }
            Piece::Tail(pieces) => {
                let again = self.add(State::Stop);
                let inner: Vec<_> = pieces
                    .into_iter()
                    .map(|(binds, piece)| (binds, self.lay(piece, again)))
                    .collect();
                let mut ways = inner;
                ways.push((0, then));
                self.states[again as usize] = decision(ways.clone(), Sync::Again, false);
                self.choose(ways, Sync::Enter, false)
            }
        }
    }

    fn choose(&mut self, ways: Vec<(u8, StateId)>, sync: Sync, simple: bool) -> StateId {
        self.add(decision(ways, sync, simple))
    }

    /// What can be read from `state` on without leaving the rule.
    fn look(&self, state: StateId, seen: &mut Vec<StateId>) -> Set {
        if seen.contains(&state) {
            return Set::default();
        }
        seen.push(state);
        match &self.states[state as usize] {
            State::Read(set, _) => *set,
            State::Stop => Set(Set::END_OF_RULE),
            State::Choose(decision) => decision
                .ways
                .iter()
                .fold(Set::default(), |set, way| set.with(self.look(way.to, seen))),
            State::Enter(rule, _, then) => {
                let inner = self.look(self.starts[*rule as usize], &mut Vec::new());
                match inner.may_end() {
                    true => inner.words().with(self.look(*then, seen)),
                    false => inner,
                }
            }
        }
    }
}

fn decision(ways: Vec<(u8, StateId)>, sync: Sync, simple: bool) -> State {
    let ways = ways.into_iter().map(|(binds, to)| Way { to, binds });
    State::Choose(Decision {
        ways: ways.collect(),
        sync,
        simple,
    })
}

impl Rule {
    fn pieces(self) -> Piece {
        use Piece::{Either, OneOf, Operand, Rule as Enter, Seq, Tail, Word};
        use Token as T;
        let maybe = |piece| Piece::Maybe(Box::new(piece));
        let any = |piece, simple| Piece::Any {
            piece: Box::new(piece),
            simple,
        };
        let some = |piece, simple| Piece::Some {
            piece: Box::new(piece),
            simple,
        };
        let separated = |first: fn() -> Piece, simple| {
            Seq(vec![
                first(),
                any(Seq(vec![Word(T::Comma), first()]), simple),
            ])
        };
        match self {
            Self::Start => Seq(vec![Enter(Self::Expr), Word(T::End)]),
            Self::Expr => Seq(vec![
                Enter(Self::ConditionalOr),
                maybe(Seq(vec![
                    Word(T::Question),
                    Enter(Self::ConditionalOr),
                    Word(T::Colon),
                    Enter(Self::Expr),
                ])),
            ]),
            Self::ConditionalOr => Seq(vec![
                Enter(Self::ConditionalAnd),
                any(Seq(vec![Word(T::Or), Enter(Self::ConditionalAnd)]), true),
            ]),
            Self::ConditionalAnd => Seq(vec![
                Enter(Self::Relation),
                any(Seq(vec![Word(T::And), Enter(Self::Relation)]), true),
            ]),
            Self::Relation => Seq(vec![
                Enter(Self::Calc),
                Tail(vec![(
                    1,
                    Seq(vec![
                        OneOf(&[
                            T::Equal,
                            T::NotEqual,
                            T::In,
                            T::Less,
                            T::LessEqual,
                            T::GreaterEqual,
                            T::Greater,
                        ]),
                        Operand(Self::Relation, 2),
                    ]),
                )]),
            ]),
            Self::Calc => Seq(vec![
                Enter(Self::Unary),
                Tail(vec![
                    (
                        2,
                        Seq(vec![
                            OneOf(&[T::Star, T::Slash, T::Percent]),
                            Operand(Self::Calc, 3),
                        ]),
                    ),
                    (
                        1,
                        Seq(vec![OneOf(&[T::Minus, T::Plus]), Operand(Self::Calc, 2)]),
                    ),
                ]),
            ]),
            Self::Unary => Either(vec![
                Enter(Self::Member),
                Seq(vec![some(Word(T::Exclamation), true), Enter(Self::Member)]),
                Seq(vec![some(Word(T::Minus), false), Enter(Self::Member)]),
            ]),
            Self::Member => Seq(vec![
                Enter(Self::Primary),
                Tail(vec![
                    (
                        3,
                        Seq(vec![
                            Word(T::Dot),
                            maybe(Word(T::Question)),
                            Enter(Self::EscapeIdent),
                        ]),
                    ),
                    (
                        2,
                        Seq(vec![
                            Word(T::Dot),
                            Word(T::Ident),
                            Word(T::LeftParen),
                            maybe(Enter(Self::ExprList)),
                            Word(T::RightParen),
                        ]),
                    ),
                    (
                        1,
                        Seq(vec![
                            Word(T::LeftBracket),
                            maybe(Word(T::Question)),
                            Enter(Self::Expr),
                            Word(T::RightBracket),
                        ]),
                    ),
                ]),
            ]),
            Self::Primary => Either(vec![
                Seq(vec![maybe(Word(T::Dot)), Word(T::Ident)]),
                Seq(vec![
                    maybe(Word(T::Dot)),
                    Word(T::Ident),
                    Word(T::LeftParen),
                    maybe(Enter(Self::ExprList)),
                    Word(T::RightParen),
                ]),
                Seq(vec![
                    Word(T::LeftParen),
                    Enter(Self::Expr),
                    Word(T::RightParen),
                ]),
                Seq(vec![
                    Word(T::LeftBracket),
                    maybe(Enter(Self::ListInit)),
                    maybe(Word(T::Comma)),
                    Word(T::RightBracket),
                ]),
                Seq(vec![
                    Word(T::LeftBrace),
                    maybe(Enter(Self::MapInits)),
                    maybe(Word(T::Comma)),
                    Word(T::RightBrace),
                ]),
                Seq(vec![
                    maybe(Word(T::Dot)),
                    Word(T::Ident),
                    any(Seq(vec![Word(T::Dot), Word(T::Ident)]), true),
                    Word(T::LeftBrace),
                    maybe(Enter(Self::FieldInits)),
                    maybe(Word(T::Comma)),
                    Word(T::RightBrace),
                ]),
                Enter(Self::Literal),
            ]),
            Self::ExprList => separated(|| Enter(Self::Expr), true),
            Self::ListInit => separated(|| Enter(Self::OptExpr), false),
            Self::FieldInits => separated(
                || {
                    Seq(vec![
                        Enter(Self::OptField),
                        Word(T::Colon),
                        Enter(Self::Expr),
                    ])
                },
                false,
            ),
            Self::OptField => Seq(vec![maybe(Word(T::Question)), Enter(Self::EscapeIdent)]),
            Self::MapInits => separated(
                || {
                    Seq(vec![
                        Enter(Self::OptExpr),
                        Word(T::Colon),
                        Enter(Self::Expr),
                    ])
                },
                false,
            ),
            Self::EscapeIdent => Either(vec![Word(T::Ident), Word(T::EscapedIdent)]),
            Self::OptExpr => Seq(vec![maybe(Word(T::Question)), Enter(Self::Expr)]),
            Self::Literal => Either(vec![
                Seq(vec![maybe(Word(T::Minus)), Word(T::Int)]),
                Word(T::Uint),
                Seq(vec![maybe(Word(T::Minus)), Word(T::Float)]),
                Word(T::String),
                Word(T::Bytes),
                Word(T::True),
                Word(T::False),
                Word(T::Null),
            ]),
        }
    }
}
