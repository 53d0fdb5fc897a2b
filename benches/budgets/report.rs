//! The table.

use std::collections::BTreeMap;

/// A line of the table.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Row {
    Get,
    Create,
    PutConfigMap,
    PatchStatus,
    Apply,
    PutLease,
    ListJson,
    ListProtobuf,
    ListTable,
    ListByNode,
    Watch,
    Delete,
    Memory,
    Idle,
    Start,
}

/// What a figure counts.
#[derive(Clone, Copy, Debug)]
enum Unit {
    /// Given in µs, shown in µs.
    Microseconds,
    /// Given in µs, shown in ms.
    Milliseconds,
    /// Given in bytes, shown in MB.
    Megabytes,
}

/// Names, units and budgets, as ARCHITECTURE.md has them.
const ROWS: &[(Row, &str, Unit, f64)] = &[
    (Row::Get, "GET a pod", Unit::Microseconds, 40.0),
    (Row::Create, "create a pod", Unit::Microseconds, 240.0),
    (
        Row::PutConfigMap,
        "PUT a ConfigMap",
        Unit::Microseconds,
        140.0,
    ),
    (
        Row::PatchStatus,
        "strategic merge patch of pods/status",
        Unit::Microseconds,
        260.0,
    ),
    (
        Row::Apply,
        "server-side apply of a ConfigMap",
        Unit::Microseconds,
        200.0,
    ),
    (
        Row::PutLease,
        "PUT a Lease (heartbeat)",
        Unit::Microseconds,
        120.0,
    ),
    (
        Row::ListJson,
        "LIST 5,000 pods, JSON",
        Unit::Milliseconds,
        24.0,
    ),
    (
        Row::ListProtobuf,
        "LIST 5,000 pods, protobuf",
        Unit::Milliseconds,
        12.0,
    ),
    (
        Row::ListTable,
        "LIST 5,000 pods as Table",
        Unit::Milliseconds,
        20.0,
    ),
    (
        Row::ListByNode,
        "LIST by spec.nodeName (5 of 5,000)",
        Unit::Microseconds,
        60.0,
    ),
    (
        Row::Watch,
        "watch event, per watcher (500 watchers)",
        Unit::Microseconds,
        4.0,
    ),
    (Row::Delete, "delete a pod", Unit::Microseconds, 220.0),
    (
        Row::Memory,
        "memory with 5,000 pods after all of the above",
        Unit::Megabytes,
        120.0,
    ),
    (Row::Idle, "memory idle", Unit::Megabytes, 30.0),
    (
        Row::Start,
        "start to ready, empty",
        Unit::Milliseconds,
        100.0,
    ),
];

impl Row {
    /// As in the table.
    pub(crate) fn name(self) -> &'static str {
        ROWS.iter()
            .find(|(row, ..)| *row == self)
            .map_or("", |(_, name, ..)| name)
    }
}

/// What came of a measurement.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// µs, or bytes.
    Measured(f64),
    /// The server does not have the operation.
    NotYet,
    /// The server answered with something else than success.
    Failed(String),
}

/// What was measured of one server.
#[derive(Debug)]
pub(crate) struct Column {
    name: String,
    outcomes: BTreeMap<Row, Outcome>,
}

impl Column {
    pub(crate) fn new(name: String) -> Self {
        Self {
            name,
            outcomes: BTreeMap::new(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn set(&mut self, row: Row, outcome: Outcome) {
        self.outcomes.insert(row, outcome);
    }

    pub(crate) fn get(&self, row: Row) -> Option<&Outcome> {
        self.outcomes.get(&row)
    }
}

/// The table in Markdown: the first server against its budgets, any other beside it.
pub(crate) fn table(columns: &[Column]) -> String {
    let Some((first, others)) = columns.split_first() else {
        return String::new();
    };
    let mut lines = vec![vec![
        "operation".to_string(),
        "budget".into(),
        first.name.clone(),
        String::new(),
    ]];
    for other in others {
        lines[0].extend([other.name.clone(), "factor".into()]);
    }
    let mut notes = Vec::new();
    for &(row, name, unit, budget) in ROWS {
        let own = first.get(row);
        let verdict = match own {
            Some(&Outcome::Measured(value)) if value <= unit.unscaled(budget) => "ok",
            Some(Outcome::Measured(_)) => "over",
            _ => "",
        };
        let mut line = vec![
            name.to_string(),
            unit.show(unit.unscaled(budget)),
            shown(own, unit),
            verdict.into(),
        ];
        for other in others {
            let factor = match (own, other.get(row)) {
                (Some(Outcome::Measured(own)), Some(Outcome::Measured(other))) if *own > 0.0 => {
                    format!("{:.1}", other / own)
                }
                _ => String::new(),
            };
            line.extend([shown(other.get(row), unit), factor]);
        }
        lines.push(line);
        for column in columns {
            if let Some(Outcome::Failed(why)) = column.get(row) {
                notes.push(format!("{}: {name}: {why}", column.name));
            }
        }
    }
    render(&lines)
        + &notes
            .into_iter()
            .map(|note| note + "\n")
            .collect::<String>()
}

fn shown(outcome: Option<&Outcome>, unit: Unit) -> String {
    match outcome {
        Some(&Outcome::Measured(value)) => unit.show(value),
        Some(Outcome::NotYet) => "not yet".into(),
        Some(Outcome::Failed(_)) => "failed".into(),
        None => "–".into(),
    }
}

impl Unit {
    fn scale(self) -> f64 {
        match self {
            Self::Microseconds => 1.0,
            Self::Milliseconds => 1_000.0,
            Self::Megabytes => 1_000_000.0,
        }
    }

    fn unscaled(self, figure: f64) -> f64 {
        figure * self.scale()
    }

    fn show(self, value: f64) -> String {
        let figure = value / self.scale();
        let name = match self {
            Self::Microseconds => "µs",
            Self::Milliseconds => "ms",
            Self::Megabytes => "MB",
        };
        if figure < 10.0 {
            format!("{figure:.1} {name}")
        } else {
            format!("{figure:.0} {name}")
        }
    }
}

fn render(lines: &[Vec<String>]) -> String {
    let widths: Vec<usize> = (0..lines[0].len())
        .map(|column| {
            lines
                .iter()
                .map(|line| line[column].chars().count())
                .max()
                .unwrap_or(0)
                .max(3)
        })
        .collect();
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        for (column, (cell, &width)) in line.iter().zip(&widths).enumerate() {
            text += &if column == 0 {
                format!("| {cell:<width$} ")
            } else {
                format!("| {cell:>width$} ")
            };
        }
        text += "|\n";
        if number == 0 {
            for (column, &width) in widths.iter().enumerate() {
                text += &format!(
                    "| {}{} ",
                    "-".repeat(width - 1),
                    if column == 0 { "-" } else { ":" }
                );
            }
            text += "|\n";
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_held_against_its_budgets_and_another() {
        let mut own = Column::new("Pintle".into());
        own.set(Row::Get, Outcome::Measured(39.0));
        own.set(Row::Create, Outcome::Measured(241.0));
        own.set(Row::Apply, Outcome::NotYet);
        own.set(Row::Memory, Outcome::Measured(100_400_000.0));
        let mut other = Column::new("other".into());
        other.set(Row::Get, Outcome::Measured(975.0));
        let table = table(&[own, other]);
        let lines: Vec<Vec<&str>> = table
            .lines()
            .map(|line| line.split('|').map(str::trim).collect())
            .collect();
        let line = |name: &str| lines.iter().find(|line| line[1] == name).unwrap()[2..7].to_vec();
        assert_eq!(
            line("operation"),
            ["budget", "Pintle", "", "other", "factor"]
        );
        assert_eq!(
            line("GET a pod"),
            ["40 µs", "39 µs", "ok", "975 µs", "25.0"]
        );
        assert_eq!(line("create a pod"), ["240 µs", "241 µs", "over", "–", ""]);
        assert_eq!(
            line("server-side apply of a ConfigMap"),
            ["200 µs", "not yet", "", "–", ""]
        );
        assert_eq!(
            line("memory with 5,000 pods after all of the above"),
            ["120 MB", "100 MB", "ok", "–", ""]
        );
    }
}
