//! From text to tree.
//!
//! A text that follows the grammar is read in one descent, which gives up at the first word that
//! does not fit; what to say of such a text is then the business of [`crate::syntax`].

mod macros;
mod unescape;
mod words;

use crate::ast::{Entry, Expr, FieldInit, Id, Kind, Literal, Name};
use crate::operators as op;
use crate::source::{Issues, Location, Source};
use crate::syntax::{self, Token, Word};

pub use words::is_kept;
use words::is_reserved;

/// What was read: the tree, and where each node stands.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The tree.
    pub expr: Expr,
    /// Offsets by id.
    pub(crate) places: Vec<u32>,
    pub(crate) source: Source,
}

impl Parsed {
    /// Where a node stands.
    pub fn location(&self, id: Id) -> Location {
        match self.places.get(id as usize) {
            Some(offset) => self.source.location(*offset),
            None => Location::NONE,
        }
    }
}

/// Longer expressions are refused.
const LONGEST: usize = 100_000;
/// Expressions nested deeper are refused.
const DEEPEST: usize = 250;
/// So are those whose trees are higher, which only macros within macros can be.
const HIGHEST: u16 = 1000;
/// So are those of more nodes, which only macros that repeat their target can be.
const LARGEST: usize = 500_000;
const TOO_DEEP: &str = "max recursion depth exceeded";

/// Reads an expression; macros are replaced by what they stand for.
///
/// # Errors
/// All that is wrong with it, in cel-go's words.
pub fn parse(text: &str) -> Result<Parsed, Issues> {
    parse_with(text, Macros::default())
}

/// The macros that are known beside those that all expressions know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Macros {
    /// `cel.bind(name, value, expression)`: the expression with a name for a value.
    pub bind: bool,
}

/// The same with further macros.
///
/// # Errors
/// Those of [`parse`].
pub fn parse_with(text: &str, macros: Macros) -> Result<Parsed, Issues> {
    let source = Source::new(text);
    let characters: Vec<char> = text.chars().collect();
    let mut issues = Issues::new(source.clone());
    if characters.len() > LONGEST {
        let message = format!(
            "expression code point size exceeds limit: size: {}, limit {LONGEST}",
            characters.len()
        );
        issues.push(Location::NONE, message);
        return Err(issues);
    }
    let (words, unreadable) = syntax::words(&characters);
    let mut parser = Parser {
        text: &characters,
        words: &words,
        at: 0,
        places: vec![0],
        heights: vec![0],
        issues,
        macros,
        depth: 0,
    };
    let read = match unreadable.is_empty() {
        true => parser.whole(),
        false => Err(Stop::Syntax),
    };
    let Parser {
        places, mut issues, ..
    } = parser;
    match read {
        Ok(expr) if issues.is_empty() => Ok(Parsed {
            expr,
            places,
            source,
        }),
        Ok(_) => Err(sorted(issues)),
        Err(Stop::Limit(message)) => {
            let mut issues = Issues::new(source);
            issues.push(Location::NONE, message);
            Err(issues)
        }
        Err(Stop::Syntax) => {
            syntax::explain(&characters, &words, &unreadable, &mut issues);
            Err(sorted(issues))
        }
    }
}

fn sorted(mut issues: Issues) -> Issues {
    issues.sort();
    issues
}

/// Why reading ended.
enum Stop {
    /// A word does not fit.
    Syntax,
    /// There is too much of something.
    Limit(String),
}

type Read<T> = Result<T, Stop>;

struct Parser<'a> {
    text: &'a [char],
    words: &'a [Word],
    at: usize,
    places: Vec<u32>,
    /// How many nodes are below each other, by id.
    heights: Vec<u16>,
    issues: Issues,
    macros: Macros,
    depth: usize,
}

impl Parser<'_> {
    fn whole(&mut self) -> Read<Expr> {
        let expr = self.expr()?;
        self.expect(Token::End)?;
        Ok(expr)
    }

    fn token(&self) -> Token {
        self.words[self.at].token
    }

    /// The offset of the next word.
    fn offset(&self) -> u32 {
        self.words[self.at].span.start as u32
    }

    fn peek(&self, ahead: usize) -> Token {
        let last = self.words.len() - 1;
        self.words[(self.at + ahead).min(last)].token
    }

    fn accept(&mut self, token: Token) -> Option<u32> {
        let offset = self.offset();
        (self.token() == token).then(|| {
            self.advance();
            offset
        })
    }

    fn advance(&mut self) {
        self.at = (self.at + 1).min(self.words.len() - 1);
    }

    fn expect(&mut self, token: Token) -> Read<u32> {
        self.accept(token).ok_or(Stop::Syntax)
    }

    /// The text of the word before the next.
    fn last_text(&self) -> String {
        self.text[self.words[self.at - 1].span.clone()]
            .iter()
            .collect()
    }

    /// A number for a node that stands at `offset`.
    fn id(&mut self, offset: u32) -> Id {
        self.places.push(offset);
        self.heights.push(0);
        (self.places.len() - 1) as Id
    }

    fn node(&mut self, offset: u32, kind: Kind) -> Read<Expr> {
        let id = self.id(offset);
        self.finish(id, kind)
    }

    /// The node of that number, unless it makes the tree too high.
    fn finish(&mut self, id: Id, kind: Kind) -> Read<Expr> {
        let expr = Expr { id, kind };
        let mut height = 0;
        expr.children(|child| height = height.max(self.heights[child.id as usize] + 1));
        if height > HIGHEST || self.places.len() > LARGEST {
            return Err(Stop::Limit(TOO_DEEP.to_owned()));
        }
        self.heights[id as usize] = height;
        Ok(expr)
    }

    fn call(&mut self, offset: u32, function: &str, args: Vec<Expr>) -> Read<Expr> {
        let kind = Kind::Call {
            target: None,
            function: function.into(),
            args,
        };
        self.node(offset, kind)
    }

    /// Something is wrong that does not end the reading.
    fn report(&mut self, offset: u32, message: impl Into<String>) -> Read<Expr> {
        let location = self.issues.source().location(offset);
        self.issues.push(location, message);
        self.node(offset, Kind::Unspecified)
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Stop::Limit(format!(
                "expression recursion limit exceeded: {DEEPEST}"
            )));
        }
        let read = read(self);
        self.depth -= 1;
        read
    }

    /// Chains are as deep as they are long.
    fn link(&self, length: usize) -> Read<()> {
        match self.depth + length > DEEPEST {
            true => Err(Stop::Limit(TOO_DEEP.to_owned())),
            false => Ok(()),
        }
    }

    fn expr(&mut self) -> Read<Expr> {
        self.deeper(|parser| {
            let condition = parser.operators(Level::Or)?;
            let Some(offset) = parser.accept(Token::Question) else {
                return Ok(condition);
            };
            let yes = parser.operators(Level::Or)?;
            parser.expect(Token::Colon)?;
            let no = parser.expr()?;
            parser.call(offset, op::CONDITIONAL, vec![condition, yes, no])
        })
    }

    /// Operands and the operators between them that bind at least so closely.
    fn operators(&mut self, least: Level) -> Read<Expr> {
        let mut left = self.unary()?;
        let mut length = 0;
        while let Some((function, level)) = operator(self.token()).filter(|(_, at)| *at >= least) {
            left = match level {
                Level::Or | Level::And => self.logic(left, function, level)?,
                _ => {
                    length += 1;
                    self.link(length)?;
                    let offset = self.offset();
                    self.advance();
                    let right = self.operators(level.closer())?;
                    self.call(offset, function, vec![left, right])?
                }
            };
        }
        Ok(left)
    }

    /// The rest of `a || b || c`, and the same with `&&`; long chains become balanced trees.
    fn logic(&mut self, first: Expr, function: &str, level: Level) -> Read<Expr> {
        let mut terms = vec![Some(first)];
        let mut offsets = Vec::new();
        let token = self.token();
        while let Some(offset) = self.accept(token) {
            offsets.push(offset);
            terms.push(Some(self.operators(level.closer())?));
        }
        self.balanced(function, &offsets, &mut terms)
    }

    fn balanced(
        &mut self,
        function: &str,
        offsets: &[u32],
        terms: &mut [Option<Expr>],
    ) -> Read<Expr> {
        if offsets.is_empty() {
            return terms[0].take().ok_or(Stop::Syntax);
        }
        let middle = offsets.len() / 2;
        let (left, right) = terms.split_at_mut(middle + 1);
        let left = self.balanced(function, &offsets[..middle], left)?;
        let right = self.balanced(function, &offsets[middle + 1..], right)?;
        self.call(offsets[middle], function, vec![left, right])
    }

    fn unary(&mut self) -> Read<Expr> {
        let (token, function) = match self.token() {
            Token::Exclamation => (Token::Exclamation, op::NOT),
            Token::Minus if !matches!(self.peek(1), Token::Int | Token::Float) => {
                (Token::Minus, op::NEGATE)
            }
            _ => return self.member(),
        };
        let offset = self.offset();
        let mut count = 0;
        while self.accept(token).is_some() {
            count += 1;
        }
        let operand = self.member()?;
        match count % 2 {
            0 => Ok(operand),
            _ => self.call(offset, function, vec![operand]),
        }
    }

    fn member(&mut self) -> Read<Expr> {
        let mut left = self.primary()?;
        for length in 0.. {
            let offset = self.offset();
            if self.accept(Token::Dot).is_some() {
                self.link(length)?;
                left = self.selection(left, offset)?;
            } else if self.accept(Token::LeftBracket).is_some() {
                self.link(length)?;
                let optional = self.accept(Token::Question).is_some();
                let index = self.expr()?;
                self.expect(Token::RightBracket)?;
                let function = if optional { op::OPT_INDEX } else { op::INDEX };
                left = self.call(offset, function, vec![left, index])?;
            } else {
                break;
            }
        }
        Ok(left)
    }

    fn selection(&mut self, operand: Expr, offset: u32) -> Read<Expr> {
        if self.token() == Token::Ident && self.peek(1) == Token::LeftParen {
            let function = self.name()?;
            let open = self.expect(Token::LeftParen)?;
            let args = self.items(Token::RightParen)?;
            return self.member_call(open, function, operand, args);
        }
        let optional = self.accept(Token::Question).is_some();
        let at = self.offset();
        if self.token() == Token::EscapedIdent {
            self.advance();
            return self.report(at, "unsupported syntax: '`'");
        }
        let field = self.name()?;
        if optional {
            let field = Literal::String(field.to_string().into());
            let field = self.node(at, Kind::Literal(field))?;
            return self.call(offset, op::OPT_SELECT, vec![operand, field]);
        }
        let kind = Kind::Select {
            operand: Box::new(operand),
            field,
            test_only: false,
        };
        self.node(offset, kind)
    }

    fn name(&mut self) -> Read<Name> {
        self.expect(Token::Ident)?;
        Ok(self.last_text().into())
    }

    /// `a, b)`: what stands in parentheses, and the closing one.
    fn items(&mut self, close: Token) -> Read<Vec<Expr>> {
        let mut items = Vec::new();
        if self.accept(close).is_some() {
            return Ok(items);
        }
        loop {
            items.push(self.expr()?);
            if self.accept(Token::Comma).is_none() {
                self.expect(close)?;
                return Ok(items);
            }
        }
    }

    fn primary(&mut self) -> Read<Expr> {
        let offset = self.offset();
        match self.token() {
            Token::LeftParen => {
                self.advance();
                let inner = self.expr()?;
                self.expect(Token::RightParen)?;
                Ok(inner)
            }
            Token::LeftBracket => self.list(),
            Token::LeftBrace => self.map(),
            Token::Dot | Token::Ident => self.named(),
            _ => self.literal(offset),
        }
    }

    fn named(&mut self) -> Read<Expr> {
        let start = self.offset();
        let dot = self.accept(Token::Dot).is_some();
        let offset = self.offset();
        if self.is_struct() {
            return self.object(dot);
        }
        let name = self.name()?;
        if is_reserved(&name) {
            let call = self.token() == Token::LeftParen;
            let reported = self.report(start, format!("reserved identifier: {name}"))?;
            if call {
                self.advance();
                self.items(Token::RightParen)?;
            }
            return Ok(reported);
        }
        let name = match dot {
            true => format!(".{name}").into(),
            false => name,
        };
        let Some(open) = self.accept(Token::LeftParen) else {
            return self.node(offset, Kind::Ident(name));
        };
        let args = self.items(Token::RightParen)?;
        self.global_call(open, name, args)
    }

    /// Whether names with dots between them are followed by a brace.
    fn is_struct(&self) -> bool {
        let mut ahead = 0;
        while self.peek(ahead) == Token::Ident {
            match self.peek(ahead + 1) {
                Token::LeftBrace => return true,
                Token::Dot => ahead += 2,
                _ => break,
            }
        }
        false
    }

    fn object(&mut self, dot: bool) -> Read<Expr> {
        let mut name = if dot { "." } else { "" }.to_owned();
        name.push_str(&self.name()?);
        while self.accept(Token::Dot).is_some() {
            name.push('.');
            name.push_str(&self.name()?);
        }
        let open = self.expect(Token::LeftBrace)?;
        let id = self.id(open);
        let mut fields = Vec::new();
        self.entries(|parser| {
            let optional = parser.accept(Token::Question).is_some();
            let at = parser.offset();
            let name = match parser.accept(Token::EscapedIdent) {
                Some(_) => {
                    parser.report(at, "unsupported syntax: '`'")?;
                    Name::from("")
                }
                None => parser.name()?,
            };
            let colon = parser.expect(Token::Colon)?;
            let id = parser.id(colon);
            let value = parser.expr()?;
            fields.push(FieldInit {
                id,
                name,
                value,
                optional,
            });
            Ok(())
        })?;
        let kind = Kind::Struct {
            name: name.into(),
            fields,
        };
        self.finish(id, kind)
    }

    /// `…, …,}` after the opening brace.
    fn entries(&mut self, mut entry: impl FnMut(&mut Self) -> Read<()>) -> Read<()> {
        if self.accept(Token::Comma).is_some() {
            self.expect(Token::RightBrace)?;
            return Ok(());
        }
        while self.accept(Token::RightBrace).is_none() {
            entry(self)?;
            if self.accept(Token::Comma).is_none() {
                self.expect(Token::RightBrace)?;
                return Ok(());
            }
        }
        Ok(())
    }

    fn map(&mut self) -> Read<Expr> {
        let open = self.expect(Token::LeftBrace)?;
        let id = self.id(open);
        let mut entries = Vec::new();
        self.entries(|parser| {
            let optional = parser.accept(Token::Question).is_some();
            let key = parser.expr()?;
            let colon = parser.expect(Token::Colon)?;
            let id = parser.id(colon);
            let value = parser.expr()?;
            entries.push(Entry {
                id,
                key,
                value,
                optional,
            });
            Ok(())
        })?;
        let kind = Kind::Map(entries);
        self.finish(id, kind)
    }

    fn list(&mut self) -> Read<Expr> {
        let open = self.expect(Token::LeftBracket)?;
        let id = self.id(open);
        let (mut elements, mut optionals) = (Vec::new(), Vec::new());
        if self.accept(Token::Comma).is_some() {
            self.expect(Token::RightBracket)?;
        } else {
            while self.accept(Token::RightBracket).is_none() {
                if self.accept(Token::Question).is_some() {
                    optionals.push(elements.len());
                }
                elements.push(self.expr()?);
                if self.accept(Token::Comma).is_none() {
                    self.expect(Token::RightBracket)?;
                    break;
                }
            }
        }
        let kind = Kind::List {
            elements,
            optionals,
        };
        self.finish(id, kind)
    }

    fn literal(&mut self, offset: u32) -> Read<Expr> {
        let sign = match self.accept(Token::Minus) {
            Some(_) if matches!(self.token(), Token::Int | Token::Float) => "-",
            Some(_) => return Err(Stop::Syntax),
            None => "",
        };
        let token = self.token();
        if !(Token::True..=Token::Bytes).contains(&token) {
            return Err(Stop::Syntax);
        }
        self.advance();
        let text = self.last_text();
        let literal = match token {
            Token::Int => int(sign, &text)
                .map(Literal::Int)
                .ok_or("invalid int literal"),
            Token::Uint => uint(&text).map(Literal::Uint).ok_or("invalid uint literal"),
            Token::Float => format!("{sign}{text}")
                .parse()
                .ok()
                .filter(|number: &f64| number.is_finite())
                .map(Literal::Double)
                .ok_or("invalid double literal"),
            Token::String => unescape::string(&text).map(|text| Literal::String(text.into())),
            Token::Bytes => unescape::bytes(&text[1..]).map(|bytes| Literal::Bytes(bytes.into())),
            Token::True => Ok(Literal::Bool(true)),
            Token::False => Ok(Literal::Bool(false)),
            Token::Null => Ok(Literal::Null),
            _ => return Err(Stop::Syntax),
        };
        match literal {
            Ok(literal) => self.node(offset, Kind::Literal(literal)),
            Err(message) => self.report(offset, message),
        }
    }
}

/// How closely operators bind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Or,
    And,
    Relation,
    Sum,
    Product,
    Unary,
}

impl Level {
    const fn closer(self) -> Self {
        match self {
            Self::Or => Self::And,
            Self::And => Self::Relation,
            Self::Relation => Self::Sum,
            Self::Sum => Self::Product,
            Self::Product | Self::Unary => Self::Unary,
        }
    }
}

const fn operator(token: Token) -> Option<(&'static str, Level)> {
    Some(match token {
        Token::Or => (op::OR, Level::Or),
        Token::And => (op::AND, Level::And),
        Token::Equal => (op::EQUAL, Level::Relation),
        Token::NotEqual => (op::NOT_EQUAL, Level::Relation),
        Token::Less => (op::LESS, Level::Relation),
        Token::LessEqual => (op::LESS_EQUAL, Level::Relation),
        Token::Greater => (op::GREATER, Level::Relation),
        Token::GreaterEqual => (op::GREATER_EQUAL, Level::Relation),
        Token::In => (op::IN, Level::Relation),
        Token::Plus => (op::ADD, Level::Sum),
        Token::Minus => (op::SUBTRACT, Level::Sum),
        Token::Star => (op::MULTIPLY, Level::Product),
        Token::Slash => (op::DIVIDE, Level::Product),
        Token::Percent => (op::MODULO, Level::Product),
        _ => return None,
    })
}

fn int(sign: &str, text: &str) -> Option<i64> {
    match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(&format!("{sign}{digits}"), 16).ok(),
        None => format!("{sign}{text}").parse().ok(),
    }
}

fn uint(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(['u', 'U']);
    match digits.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => digits.parse().ok(),
    }
}

#[cfg(test)]
mod tests;
