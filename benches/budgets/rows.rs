//! The lines of the table: what is measured, and what it may cost.

/// How much there is of everything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) pods: usize,
    /// The pods are spread over them.
    pub(crate) namespaces: usize,
    /// Connections that are kept, each with one request at a time.
    pub(crate) connections: usize,
    /// Each on a connection of its own.
    pub(crate) watchers: usize,
}

/// Pods on one node.
pub(crate) const PODS_PER_NODE: usize = 5;

impl Default for Size {
    fn default() -> Self {
        Self {
            pods: 5_000,
            namespaces: 1,
            connections: 32,
            watchers: 500,
        }
    }
}

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
    // What follows is not in the budget table of ARCHITECTURE.md.
    Restart,
    WatchLatency,
    IdleWatches,
    OneWriter,
    Throughput,
}

/// What a figure counts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    /// Given in µs, shown in µs.
    Microseconds,
    /// Given in µs, shown in ms.
    Milliseconds,
    /// Given in bytes, shown in MB.
    Megabytes,
    /// How often in a second.
    PerSecond,
}

/// Watchers of one resource, and writes per second that all of them are told of.
pub(crate) const CROWD: usize = 1_000;
pub(crate) const CROWD_WRITES: usize = 500;
/// Watches that nothing happens to.
pub(crate) const IDLE_WATCHES: usize = 10_000;

impl Row {
    pub(crate) const ALL: [Self; 20] = [
        Self::Get,
        Self::Create,
        Self::PutConfigMap,
        Self::PatchStatus,
        Self::Apply,
        Self::PutLease,
        Self::ListJson,
        Self::ListProtobuf,
        Self::ListTable,
        Self::ListByNode,
        Self::Watch,
        Self::Delete,
        Self::Memory,
        Self::Idle,
        Self::Start,
        Self::Restart,
        Self::WatchLatency,
        Self::IdleWatches,
        Self::OneWriter,
        Self::Throughput,
    ];

    /// As in the table.
    pub(crate) fn name(self, size: &Size) -> String {
        let (pods, watchers) = (grouped(size.pods), grouped(size.watchers));
        match self {
            Self::Get => "GET a pod".to_owned(),
            Self::Create => "create a pod".to_owned(),
            Self::PutConfigMap => "PUT a ConfigMap".to_owned(),
            Self::PatchStatus => "strategic merge patch of pods/status".to_owned(),
            Self::Apply => "server-side apply of a ConfigMap".to_owned(),
            Self::PutLease => "PUT a Lease (heartbeat)".to_owned(),
            Self::ListJson => format!("LIST {pods} pods, JSON"),
            Self::ListProtobuf => format!("LIST {pods} pods, protobuf"),
            Self::ListTable => format!("LIST {pods} pods as Table"),
            Self::ListByNode => format!("LIST by spec.nodeName ({PODS_PER_NODE} of {pods})"),
            Self::Watch => format!("watch event, per watcher ({watchers} watchers)"),
            Self::Delete => "delete a pod".to_owned(),
            Self::Memory => format!("memory with {pods} pods after all of the above"),
            Self::Idle => "memory idle".to_owned(),
            Self::Start => "start to ready, empty".to_owned(),
            Self::Restart => format!("start to ready, with {pods} pods"),
            Self::WatchLatency => format!(
                "p99 from a write to {} watchers, {CROWD_WRITES} writes/s",
                grouped(CROWD)
            ),
            Self::IdleWatches => format!("memory of {} idle watches", grouped(IDLE_WATCHES)),
            Self::OneWriter => "PUT of a single writer, until it is durable".to_owned(),
            Self::Throughput => format!("PUTs per second, {} writers", size.connections),
        }
    }

    pub(crate) fn unit(self) -> Unit {
        match self {
            Self::ListJson
            | Self::ListProtobuf
            | Self::ListTable
            | Self::Start
            | Self::Restart
            | Self::WatchLatency => Unit::Milliseconds,
            Self::Memory | Self::Idle | Self::IdleWatches => Unit::Megabytes,
            Self::Throughput => Unit::PerSecond,
            _ => Unit::Microseconds,
        }
    }

    /// What it may cost at most, in its unit, if that is set. Lists may cost in proportion to their length, and so may
    /// memory beyond that of an idle server; nothing else may cost more because there is more of something.
    pub(crate) fn budget(self, size: &Size) -> Option<f64> {
        let times = size.pods as f64 / 5_000.0;
        let budget = match self {
            Self::Get => 40.0,
            Self::Create => 240.0,
            Self::PutConfigMap => 140.0,
            Self::PatchStatus => 260.0,
            Self::Apply => 200.0,
            Self::PutLease => 120.0,
            Self::ListJson => 24.0 * times,
            Self::ListProtobuf => 12.0 * times,
            Self::ListTable => 20.0 * times,
            Self::ListByNode => 60.0,
            Self::Watch => 4.0,
            Self::Delete => 220.0,
            Self::Memory => 30.0 + 90.0 * times,
            Self::Idle => 30.0,
            Self::Start | Self::WatchLatency | Self::IdleWatches => 100.0,
            Self::Restart => 1_000.0,
            Self::OneWriter | Self::Throughput => return None,
        };
        Some(budget)
    }
}

impl Unit {
    fn scale(self) -> f64 {
        match self {
            Self::Microseconds | Self::PerSecond => 1.0,
            Self::Milliseconds => 1_000.0,
            Self::Megabytes => 1_000_000.0,
        }
    }

    /// What was measured, in this unit.
    pub(crate) fn scaled(self, value: f64) -> f64 {
        value / self.scale()
    }

    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Microseconds => "µs",
            Self::Milliseconds => "ms",
            Self::Megabytes => "MB",
            Self::PerSecond => "/s",
        }
    }

    /// A figure in this unit.
    pub(crate) fn show(self, figure: f64) -> String {
        let symbol = self.symbol();
        if figure < 10.0 {
            format!("{figure:.1} {symbol}")
        } else {
            format!("{figure:.0} {symbol}")
        }
    }
}

/// With commas between thousands.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of ARCHITECTURE.md, by names.
    fn published() -> Vec<(String, String)> {
        let page = std::fs::read_to_string("../ARCHITECTURE.md").expect("the page is there");
        let budgets = page.split("## Budgets").nth(1).expect("it has budgets");
        let lines = budgets.lines().filter(|line| line.starts_with("| "));
        let cells = lines.map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
        cells
            .skip(2)
            .take_while(|cells| cells.len() == 6)
            .map(|cells| {
                (
                    cells[1].replace("JSON (30 MB)", "JSON"),
                    cells[3].to_owned(),
                )
            })
            .collect()
    }

    #[test]
    fn every_line_of_the_published_table_is_measured_against_its_budget() {
        let size = Size::default();
        let own: Vec<(String, String)> = Row::ALL
            .into_iter()
            .filter(|row| *row < Row::Restart)
            .map(|row| {
                let budget = row.budget(&size).expect("each has one");
                (row.name(&size), format!("{budget} {}", row.unit().symbol()))
            })
            .collect();
        assert_eq!(own, published());
    }

    #[test]
    fn thousands_are_apart() {
        let all = [7, 999, 1_000, 50_000, 1_234_567].map(grouped);
        assert_eq!(all, ["7", "999", "1,000", "50,000", "1,234,567"]);
    }
}
