//! Paths to the values of selectable fields.

use pintle_runtime::value::{Record, Value};

use super::forms::selector_text;

/// A JSON path such as `status.podIPs[0].ip`, read once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path(Box<[Step]>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Name(Box<str>),
    Item(usize),
}

impl Path {
    /// Reads names with dots between them, each perhaps followed by positions in brackets. What is
    /// not a position is taken as part of a name that no object has.
    pub(crate) fn parse(path: &str) -> Self {
        let mut steps = Vec::new();
        for part in path.split('.').filter(|part| !part.is_empty()) {
            let (name, items) = part.split_at(part.find('[').unwrap_or(part.len()));
            if !name.is_empty() {
                steps.push(Step::Name(name.into()));
            }
            for item in items.split(['[', ']']).filter(|item| !item.is_empty()) {
                steps.push(
                    item.parse()
                        .map_or_else(|_| Step::Name(item.into()), Step::Item),
                );
            }
        }
        Self(steps.into())
    }

    /// The value there, as selectors compare it.
    pub(crate) fn text(&self, object: &Record) -> Option<String> {
        let (first, rest) = self.0.split_first()?;
        let Step::Name(name) = first else { return None };
        let mut value = object.get_by_name(name)?;
        for step in rest {
            value = match (step, value) {
                (Step::Name(name), Value::Record(record)) => record.get_by_name(name)?,
                (Step::Name(name), Value::Map(map)) => map.get(name)?,
                (Step::Item(at), Value::List(items)) => items.get(*at)?,
                _ => return None,
            };
        }
        selector_text(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Step {
        Step::Name(text.into())
    }

    #[test]
    fn names_and_positions_are_steps() {
        let steps = |path| Path::parse(path).0.into_vec();
        assert_eq!(steps("spec.nodeName"), [name("spec"), name("nodeName")]);
        assert_eq!(
            steps("status.podIPs[0].ip"),
            [name("status"), name("podIPs"), Step::Item(0), name("ip")]
        );
        assert_eq!(steps(".a[1][2]"), [name("a"), Step::Item(1), Step::Item(2)]);
        assert_eq!(steps(""), []);
    }
}
