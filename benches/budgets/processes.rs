//! What the kernel knows of the server's processes.

use anyhow::{Context as _, Result};

/// Ticks per second of the times in `/proc`; the same on every Linux.
const TICKS: f64 = 100.0;

/// The processes that make up a server.
#[derive(Debug)]
pub(crate) struct Processes(Vec<u32>);

impl Processes {
    /// Processes by their ids.
    pub(crate) fn new(ids: Vec<u32>) -> Self {
        Self(ids)
    }

    /// CPU time used so far by all threads, ended ones included, in µs. Its resolution is 10 ms.
    pub(crate) fn cpu(&self) -> Result<f64> {
        self.sum(|id| {
            let stat = read(id, "stat")?;
            ticks(&stat).with_context(|| format!("/proc/{id}/stat is not as expected"))
        })
        .map(|ticks| ticks * 1_000_000.0 / TICKS)
    }

    /// Resident memory in bytes.
    pub(crate) fn memory(&self) -> Result<f64> {
        self.sum(|id| {
            let status = read(id, "status")?;
            resident(&status).with_context(|| format!("/proc/{id}/status is not as expected"))
        })
    }

    fn sum(&self, of: impl Fn(u32) -> Result<f64>) -> Result<f64> {
        self.0.iter().map(|&id| of(id)).sum()
    }
}

fn read(id: u32, file: &str) -> Result<String> {
    std::fs::read_to_string(format!("/proc/{id}/{file}"))
        .with_context(|| format!("process {id} cannot be looked at"))
}

/// utime and stime; the name before them may hold anything but ends with the last parenthesis.
fn ticks(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut field = || fields.next()?.parse::<f64>().ok();
    Some(field()? + field()?)
}

fn resident(status: &str) -> Option<f64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_after_whatever_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 2 3 4 250 50 0 0 20 0 1 0 9 9 9";
        assert_eq!(ticks(stat), Some(300.0));
    }

    #[test]
    fn memory_is_in_bytes() {
        assert_eq!(
            resident("Name:\ta\nVmRSS:\t    2048 kB\n"),
            Some(2_097_152.0)
        );
    }

    #[test]
    fn this_process_uses_memory() {
        assert!(Processes::new(vec![std::process::id()]).memory().unwrap() > 100_000.0);
    }
}
