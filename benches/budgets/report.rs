//! The table, and the same for programs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::rows::{Row, Size, Unit};

/// What came of a measurement.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// µs, bytes, or times a second.
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
    notes: Vec<String>,
}

impl Column {
    pub(crate) fn new(name: String) -> Self {
        Self {
            name,
            outcomes: BTreeMap::new(),
            notes: Vec::new(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn set(&mut self, row: Row, outcome: Outcome) {
        self.outcomes.insert(row, outcome);
    }

    pub(crate) fn measured(&mut self, row: Row, value: f64) {
        self.set(row, Outcome::Measured(value));
    }

    pub(crate) fn get(&self, row: Row) -> Option<&Outcome> {
        self.outcomes.get(&row)
    }

    /// Something to be known of the figures.
    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }
}

/// The table in Markdown: the first server against its budgets, any other beside it.
pub(crate) fn table(columns: &[Column], size: &Size) -> String {
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
    for row in Row::ALL {
        if columns.iter().all(|column| column.get(row).is_none()) {
            continue;
        }
        let (unit, budget) = (row.unit(), row.budget(size));
        let own = first.get(row);
        let mut line = vec![
            row.name(size),
            budget.map_or_else(|| "–".to_owned(), |budget| unit.show(budget)),
            shown(own, unit),
            verdict(own, unit, budget).into(),
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
                notes.push(format!("{}: {}: {why}", column.name, row.name(size)));
            }
        }
    }
    for column in columns {
        let named = |note: &String| format!("{}: {note}", column.name);
        notes.extend(column.notes.iter().map(named));
    }
    let notes: String = notes.into_iter().map(|note| note + "\n").collect();
    render(&lines) + if notes.is_empty() { "" } else { "\n" } + &notes
}

fn verdict(own: Option<&Outcome>, unit: Unit, budget: Option<f64>) -> &'static str {
    match (own, budget) {
        (Some(&Outcome::Measured(value)), Some(budget)) if unit.scaled(value) <= budget => "ok",
        (Some(Outcome::Measured(_)), Some(_)) => "over",
        _ => "",
    }
}

/// The same as the table, for programs.
pub(crate) fn json(columns: &[Column], size: &Size) -> Value {
    let rows = |column: &Column| -> Vec<Value> {
        let known = Row::ALL
            .iter()
            .filter_map(|&row| Some((row, column.get(row)?)));
        known
            .map(|(row, outcome)| {
                let mut line = json!({
                    "operation": row.name(size),
                    "unit": row.unit().symbol(),
                    "budget": row.budget(size),
                });
                match outcome {
                    Outcome::Measured(value) => line["value"] = row.unit().scaled(*value).into(),
                    Outcome::NotYet => line["failed"] = "not there".into(),
                    Outcome::Failed(why) => line["failed"] = why.as_str().into(),
                }
                line
            })
            .collect()
    };
    let servers = columns
        .iter()
        .map(|column| json!({"name": column.name, "rows": rows(column), "notes": column.notes}));
    json!({
        "pods": size.pods,
        "namespaces": size.namespaces,
        "connections": size.connections,
        "watchers": size.watchers,
        "servers": servers.collect::<Vec<_>>(),
    })
}

fn shown(outcome: Option<&Outcome>, unit: Unit) -> String {
    match outcome {
        Some(&Outcome::Measured(value)) => unit.show(unit.scaled(value)),
        Some(Outcome::NotYet) => "not yet".into(),
        Some(Outcome::Failed(_)) => "failed".into(),
        None => "–".into(),
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

    fn columns() -> [Column; 2] {
        let mut own = Column::new("Pintle".into());
        own.set(Row::Get, Outcome::Measured(39.0));
        own.set(Row::Create, Outcome::Measured(241.0));
        own.set(Row::Apply, Outcome::NotYet);
        own.set(Row::Memory, Outcome::Measured(100_400_000.0));
        own.set(Row::Throughput, Outcome::Measured(4_000.0));
        let mut other = Column::new("other".into());
        other.set(Row::Get, Outcome::Measured(975.0));
        [own, other]
    }

    #[test]
    fn a_server_is_held_against_its_budgets_and_another() {
        let table = table(&columns(), &Size::default());
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
        assert_eq!(
            line("PUTs per second, 32 writers"),
            ["–", "4000 /s", "", "–", ""]
        );
        assert!(
            !table.contains("delete"),
            "what nobody measured is left out"
        );
    }

    #[test]
    fn a_larger_server_may_take_longer_for_lists_and_nothing_else() {
        let size = Size {
            pods: 50_000,
            ..Size::default()
        };
        let budgets = [Row::Get, Row::ListJson, Row::ListByNode, Row::Memory]
            .map(|row| row.budget(&size).unwrap_or_default());
        assert_eq!(budgets, [40.0, 240.0, 60.0, 930.0]);
    }

    #[test]
    fn programs_read_the_same() {
        let document = json(&columns(), &Size::default());
        assert_eq!(document["pods"], 5_000);
        assert_eq!(
            document["servers"][0]["rows"][0],
            json!({"operation": "GET a pod", "unit": "µs", "budget": 40.0, "value": 39.0})
        );
    }
}
