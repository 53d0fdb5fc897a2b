//! A document as a tree of nodes.

use std::borrow::Cow;
use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use super::fault::{self, fault};
use crate::codec::{DecodeError, MAX_DEPTH};

/// The first document of a body; its nodes refer to each other by position.
pub(super) struct Document<'a> {
    pub(super) nodes: Vec<Node<'a>>,
    /// The outermost node, if there is a document at all.
    pub(super) root: Option<usize>,
}

pub(super) struct Node<'a> {
    /// The line it begins in, counted from 1.
    pub(super) line: usize,
    pub(super) kind: Kind<'a>,
}

pub(super) enum Kind<'a> {
    Scalar {
        text: Cow<'a, str>,
        /// Without quotes.
        plain: bool,
        /// Full name of the tag, empty if there is none.
        tag: String,
    },
    Sequence(Vec<usize>),
    /// Keys and values in turn.
    Mapping(Vec<usize>),
    /// The node that was meant when the alias was read.
    Alias {
        node: usize,
        /// The character that it begins at.
        at: usize,
    },
}

impl<'a> Document<'a> {
    /// Reads the first document of `text`; what follows it is not looked at.
    ///
    /// # Errors
    /// goyaml's.
    pub(super) fn read(text: &'a str) -> Result<Self, DecodeError> {
        let mut reader = Reader {
            document: Self {
                nodes: Vec::new(),
                root: None,
            },
            open: Vec::new(),
            anchors: HashMap::new(),
        };
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|error| fault::from_parser(&error, text))?;
            if matches!(event, Event::DocumentEnd | Event::StreamEnd) {
                break;
            }
            reader.take(event, span.start.line(), span.start.index())?;
        }
        Ok(reader.document)
    }
}

struct Reader<'a> {
    document: Document<'a>,
    /// The sequences and mappings that are not at their end.
    open: Vec<usize>,
    /// Node of each anchor.
    anchors: HashMap<usize, usize>,
}

impl<'a> Reader<'a> {
    fn take(&mut self, event: Event<'a>, line: usize, at: usize) -> Result<(), DecodeError> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                let kind = Kind::Scalar {
                    text,
                    plain,
                    tag: tag_name(tag.as_deref()),
                };
                self.add(kind, anchor, line);
            }
            Event::SequenceStart(anchor, _) => {
                self.open(Kind::Sequence(Vec::new()), anchor, line)?;
            }
            Event::MappingStart(anchor, _) => self.open(Kind::Mapping(Vec::new()), anchor, line)?,
            Event::SequenceEnd | Event::MappingEnd => {
                self.open.pop();
            }
            Event::Alias(anchor) => {
                let Some(&node) = self.anchors.get(&anchor) else {
                    return Err(fault("unknown anchor referenced"));
                };
                self.add(Kind::Alias { node, at }, 0, line);
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn open(&mut self, kind: Kind<'a>, anchor: usize, line: usize) -> Result<(), DecodeError> {
        let node = self.add(kind, anchor, line);
        self.open.push(node);
        if self.open.len() > MAX_DEPTH {
            return Err(fault(format_args!(
                "line {line}: exceeded max depth of {MAX_DEPTH}"
            )));
        }
        Ok(())
    }

    fn add(&mut self, kind: Kind<'a>, anchor: usize, line: usize) -> usize {
        let node = self.document.nodes.len();
        self.document.nodes.push(Node { line, kind });
        // Zero means that there is no anchor.
        if anchor > 0 {
            self.anchors.insert(anchor, node);
        }
        match self.open.last() {
            None => self.document.root = Some(node),
            Some(&parent) => {
                if let Kind::Sequence(children) | Kind::Mapping(children) =
                    &mut self.document.nodes[parent].kind
                {
                    children.push(node);
                }
            }
        }
        node
    }
}

fn tag_name(tag: Option<&Tag>) -> String {
    tag.map(|tag| format!("{}{}", tag.handle, tag.suffix))
        .unwrap_or_default()
}
