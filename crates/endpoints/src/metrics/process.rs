//! The process itself, as Prometheus' client libraries tell of it.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use super::Collector;
use super::text::{Kind, Samples};

/// Reads `/proc/self`; where there is none, only the start time is told.
pub(super) struct Process {
    started: f64,
}

/// Linux counts CPU time in these on every architecture that matters.
const TICKS_PER_SECOND: f64 = 100.0;
const PAGE: f64 = 4096.0;

impl Process {
    pub(super) fn new() -> Self {
        let started = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            started: started.as_secs_f64(),
        }
    }
}

impl Collector for Process {
    fn collect(&self, samples: &mut Samples<'_>) {
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        // The fields after the program's name, which may hold anything; the third is the first.
        let fields: Vec<&str> = stat
            .rsplit_once(") ")
            .map(|(_, rest)| rest.split(' ').collect())
            .unwrap_or_default();
        let field = |number: usize| {
            fields
                .get(number - 3)
                .and_then(|text| text.parse::<f64>().ok())
        };
        if let (Some(user), Some(system)) = (field(14), field(15)) {
            let seconds = (user + system) / TICKS_PER_SECOND;
            samples.single(
                "process_cpu_seconds_total",
                "Total user and system CPU time spent in seconds.",
                Kind::Counter,
                seconds,
            );
        }
        let network = fs::read_to_string("/proc/self/net/netstat").unwrap_or_default();
        if let Some(bytes) = octets(&network, "InOctets") {
            samples.single(
                "process_network_receive_bytes_total",
                "Number of bytes received by the process over the network.",
                Kind::Counter,
                bytes,
            );
        }
        if let Some(bytes) = octets(&network, "OutOctets") {
            samples.single(
                "process_network_transmit_bytes_total",
                "Number of bytes sent by the process over the network.",
                Kind::Counter,
                bytes,
            );
        }
        if let Ok(descriptors) = fs::read_dir("/proc/self/fd") {
            let open = descriptors.count() as f64;
            samples.single(
                "process_open_fds",
                "Number of open file descriptors.",
                Kind::Gauge,
                open,
            );
        }
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        if let Some(most) = soft_limit(&limits, "Max open files") {
            samples.single(
                "process_max_fds",
                "Maximum number of open file descriptors.",
                Kind::Gauge,
                most,
            );
        }
        if let Some(pages) = field(24) {
            samples.single(
                "process_resident_memory_bytes",
                "Resident memory size in bytes.",
                Kind::Gauge,
                pages * PAGE,
            );
        }
        let help = "Start time of the process since unix epoch in seconds.";
        samples.single(
            "process_start_time_seconds",
            help,
            Kind::Gauge,
            self.started,
        );
        if let Some(bytes) = field(23) {
            samples.single(
                "process_virtual_memory_bytes",
                "Virtual memory size in bytes.",
                Kind::Gauge,
                bytes,
            );
        }
        // What is not limited is told as the largest number that there could be.
        let most = soft_limit(&limits, "Max address space").unwrap_or(u64::MAX as f64);
        samples.single(
            "process_virtual_memory_max_bytes",
            "Maximum amount of virtual memory available in bytes.",
            Kind::Gauge,
            most,
        );
    }
}

/// A number of the table `IpExt` of `/proc/self/net/netstat`, which has its names in one line and the numbers in the next.
fn octets(tables: &str, name: &str) -> Option<f64> {
    let mut lines = tables.lines().filter(|line| line.starts_with("IpExt:"));
    let (names, numbers) = (lines.next()?, lines.next()?);
    let at = names.split(' ').position(|it| it == name)?;
    numbers.split(' ').nth(at)?.parse().ok()
}

/// The soft limit in a line of `/proc/self/limits`, if it is a number.
fn soft_limit(limits: &str, name: &str) -> Option<f64> {
    let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}
