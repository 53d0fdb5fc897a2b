//! Who waits where, for people: the pages below `/debug/api_priority_and_fairness/`.

use std::fmt::Write as _;

use super::{Fairness, lock};

/// Their common beginning.
const FOLDER: &str = "/debug/api_priority_and_fairness/";

impl Fairness {
    /// The page at a path, if there is one; with what each request asks, if that is wanted.
    pub(crate) fn page(&self, path: &str, with_details: bool) -> Option<String> {
        let rows = match path.strip_prefix(FOLDER)? {
            "dump_priority_levels" => self.level_rows(),
            "dump_queues" => self.queue_rows(),
            "dump_requests" => self.request_rows(with_details),
            _ => return None,
        };
        Some(table(&rows))
    }

    fn request_rows(&self, with_details: bool) -> Vec<Vec<String>> {
        let mut names = heads(&[
            "PriorityLevelName",
            "FlowSchemaName",
            "QueueIndex",
            "RequestIndexInQueue",
            // Spelt as upstream does.
            "FlowDistingsher",
            "ArriveTime",
            "InitialSeats",
            "FinalSeats",
            "AdditionalLatency",
            "StartTime",
        ]);
        if with_details {
            names.extend(heads(&[
                "UserName",
                "Verb",
                "APIPath",
                "Namespace",
                "Name",
                "APIVersion",
                "Resource",
                "SubResource",
            ]));
        }
        let mut rows = vec![names];
        for level in lock(&self.levels).by_name.values() {
            rows.extend(lock(&level.present).rows(&level.name, with_details));
        }
        rows
    }

    fn level_rows(&self) -> Vec<Vec<String>> {
        let mut rows = vec![heads(&[
            "PriorityLevelName",
            "ActiveQueues",
            "IsIdle",
            "IsQuiescing",
            "WaitingRequests",
            "ExecutingRequests",
            "DispatchedRequests",
            "RejectedRequests",
            "TimedoutRequests",
            "CancelledRequests",
        ])];
        for level in lock(&self.levels).by_name.values() {
            let is_leaving = lock(&level.division).is_leaving;
            let queues = lock(&level.queues);
            let active = queues.queues().iter().filter(|queue| queue.waiting() > 0);
            let tally = queues.tally;
            rows.push(vec![
                level.name.to_string(),
                active.count().to_string(),
                queues.is_idle().to_string(),
                is_leaving.to_string(),
                queues.waiting.to_string(),
                queues.executing.to_string(),
                tally.dispatched.to_string(),
                tally.rejected.to_string(),
                tally.timed_out.to_string(),
                tally.cancelled.to_string(),
            ]);
        }
        rows
    }

    fn queue_rows(&self) -> Vec<Vec<String>> {
        let mut rows = vec![heads(&[
            "PriorityLevelName",
            "Index",
            "PendingRequests",
            "ExecutingRequests",
            "SeatsInUse",
            "NextDispatchR",
            "InitialSeatsSum",
            "MaxSeatsSum",
            "TotalWorkSum",
        ])];
        for level in lock(&self.levels).by_name.values() {
            for (index, queue) in lock(&level.queues).queues().iter().enumerate() {
                let (first, most, work) = queue.waited_for();
                rows.push(vec![
                    level.name.to_string(),
                    index.to_string(),
                    queue.waiting().to_string(),
                    queue.executing.to_string(),
                    queue.seats.to_string(),
                    format!("{:.8}ss", queue.next),
                    first.to_string(),
                    most.to_string(),
                    format!("{work:.8}ss"),
                ]);
            }
        }
        rows
    }
}

fn heads(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// Columns of at least eight characters, with a comma and a space after each but the last.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(String::len).max().unwrap_or_default()
    };
    // The comma counts as a part of the cell.
    let widths: Vec<usize> = (0..columns)
        .map(|column| 8.max(width(column) + 2))
        .collect();
    let mut out = String::new();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            if column + 1 == columns {
                out.push_str(cell);
            } else {
                let cell = format!("{cell},");
                // Writing into a string does not fail.
                let _ = write!(out, "{cell:width$}", width = widths[column]);
            }
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_queues_are_shown() {
        let fairness = Fairness::new(10);
        let levels = fairness.page(
            "/debug/api_priority_and_fairness/dump_priority_levels",
            false,
        );
        let expected = "\
PriorityLevelName, ActiveQueues, IsIdle, IsQuiescing, WaitingRequests, ExecutingRequests, DispatchedRequests, RejectedRequests, TimedoutRequests, CancelledRequests
catch-all,         0,            true,   false,       0,               0,                 0,                  0,                0,                0
exempt,            0,            true,   false,       0,               0,                 0,                  0,                0,                0
";
        assert_eq!(levels.as_deref(), Some(expected));
        assert_eq!(
            fairness.page("/debug/api_priority_and_fairness/other", false),
            None
        );
    }
}
