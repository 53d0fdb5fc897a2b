//! Prometheus' text format 0.0.4, and OpenMetrics.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::value::Histogram;

/// A text format for samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposition {
    /// Prometheus' own, version 0.0.4.
    Text,
    /// OpenMetrics 1.0.0.
    OpenMetrics,
}

impl Exposition {
    /// Value of the `Content-Type` header.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
            Self::OpenMetrics => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"
            }
        }
    }
}

impl Exposition {
    /// The text of the samples that `collect` writes.
    pub fn text(self, collect: impl FnOnce(&mut Samples<'_>)) -> String {
        let mut out = String::with_capacity(64 * 1024);
        let mut samples = Samples::new(self, &mut out);
        collect(&mut samples);
        samples.finish();
        out
    }
}

/// What the numbers of a family mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// They only grow.
    Counter,
    /// They go up and down.
    Gauge,
    /// They are counts below bounds.
    Histogram,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// Where samples are written to.
pub struct Samples<'a> {
    exposition: Exposition,
    out: &'a mut String,
    name: &'static str,
    /// How many families there are by the release that deprecates them, if one does, and by how stable they are.
    told: BTreeMap<(String, String), u64>,
}

impl<'a> Samples<'a> {
    pub(super) fn new(exposition: Exposition, out: &'a mut String) -> Self {
        Self {
            exposition,
            out,
            name: "",
            told: BTreeMap::new(),
        }
    }

    /// Begins a family: its samples follow.
    pub fn family(&mut self, name: &'static str, help: &str, kind: Kind) {
        self.name = name;
        let name = match self.exposition {
            Exposition::OpenMetrics if kind == Kind::Counter => {
                name.strip_suffix("_total").unwrap_or(name)
            }
            _ => name,
        };
        if let Some(kind) = stability(help) {
            *self.told.entry(kind).or_default() += 1;
        }
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        // Writing to a string cannot fail; nor below.
        let _ = write!(
            self.out,
            "# HELP {name} {help}\n# TYPE {name} {}\n",
            kind.as_str()
        );
    }

    /// A family of one sample without labels.
    pub fn single(&mut self, name: &'static str, help: &str, kind: Kind, value: f64) {
        self.family(name, help, kind);
        self.sample(&[], value);
    }

    /// A sample of the family.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        self.line("", labels, None, value);
    }

    /// The samples of a histogram of the family.
    pub fn histogram(&mut self, labels: &[(&str, &str)], histogram: &Histogram) {
        let (buckets, count, sum) = histogram.snapshot();
        let mut bound = String::new();
        for (limit, below) in buckets {
            bound.clear();
            number(&mut bound, limit);
            if self.exposition == Exposition::OpenMetrics && !bound.contains(['.', 'e']) {
                bound.push_str(".0");
            }
            self.line("_bucket", labels, Some(&bound), below as f64);
        }
        self.line("_bucket", labels, Some("+Inf"), count as f64);
        self.line("_sum", labels, None, sum);
        self.line("_count", labels, None, count as f64);
    }

    /// How many families were told.
    pub(super) fn families(&mut self) {
        let help = "[BETA] The count of registered metrics broken by stability level and deprecation version.";
        let told = self.told.clone();
        self.family("registered_metrics_total", help, Kind::Counter);
        for ((deprecated, stability), count) in &told {
            let labels = [
                ("deprecated_version", deprecated.as_str()),
                ("stability_level", stability.as_str()),
            ];
            self.sample(&labels, *count as f64);
        }
        let help = "[BETA] The count of hidden metrics.";
        self.single("hidden_metrics_total", help, Kind::Counter, 0.0);
        let help = "[BETA] The count of disabled metrics.";
        self.single("disabled_metrics_total", help, Kind::Counter, 0.0);
    }

    pub(super) fn finish(self) {
        if self.exposition == Exposition::OpenMetrics {
            self.out.push_str("# EOF\n");
        }
    }

    fn line(&mut self, suffix: &str, labels: &[(&str, &str)], bound: Option<&str>, value: f64) {
        self.out.push_str(self.name);
        self.out.push_str(suffix);
        let labels = labels
            .iter()
            .copied()
            .chain(bound.map(|bound| ("le", bound)));
        let mut before = '{';
        for (name, value) in labels {
            self.out.push(before);
            before = ',';
            self.out.push_str(name);
            self.out.push_str("=\"");
            for c in value.chars() {
                match c {
                    '\\' => self.out.push_str("\\\\"),
                    '"' => self.out.push_str("\\\""),
                    '\n' => self.out.push_str("\\n"),
                    c => self.out.push(c),
                }
            }
            self.out.push('"');
        }
        if before == ',' {
            self.out.push('}');
        }
        self.out.push(' ');
        number(self.out, value);
        self.out.push('\n');
    }
}

/// What a help text begins with where it says how stable its family is: `[ALPHA]`, and then perhaps
/// `(Deprecated since 1.34.0)`.
fn stability(help: &str) -> Option<(String, String)> {
    let (level, rest) = help.strip_prefix('[')?.split_once("] ")?;
    let since = rest.strip_prefix("(Deprecated since ");
    let since = since.and_then(|rest| rest.split_once(')'));
    let since = since.map_or("", |(since, _)| since);
    Some((since.to_owned(), level.to_owned()))
}

/// A number as Go's `%v` writes it, near enough for a parser: exponents from 10²¹ on and below 10⁻⁴.
fn number(out: &mut String, value: f64) {
    let size = value.abs();
    let _ = if size != 0.0 && !(1e-4..1e21).contains(&size) {
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, digits) = exponent
            .strip_prefix('-')
            .map_or(('+', exponent), |digits| ('-', digits));
        write!(out, "{mantissa}e{sign}{digits:0>2}")
    } else {
        write!(out, "{value}")
    };
}

#[cfg(test)]
mod tests {
    use super::super::family::Family;
    use super::*;

    #[track_caller]
    fn check(exposition: Exposition, expected: &str) {
        let family = Family::new("a_seconds", "How long.", &["verb"], || {
            Histogram::new(&[0.5, 1.0])
        });
        family.with(&["a\"b"]).observe(0.7);
        let mut out = String::new();
        let mut samples = Samples::new(exposition, &mut out);
        family.collect(&mut samples);
        samples.single("b_total", "Of b.", Kind::Counter, 3.0);
        samples.finish();
        assert_eq!(out, expected);
    }

    #[test]
    fn prometheus_text() {
        check(
            Exposition::Text,
            r#"# HELP a_seconds How long.
# TYPE a_seconds histogram
a_seconds_bucket{verb="a\"b",le="0.5"} 0
a_seconds_bucket{verb="a\"b",le="1"} 1
a_seconds_bucket{verb="a\"b",le="+Inf"} 1
a_seconds_sum{verb="a\"b"} 0.7
a_seconds_count{verb="a\"b"} 1
# HELP b_total Of b.
# TYPE b_total counter
b_total 3
"#,
        );
    }

    #[test]
    fn open_metrics() {
        check(
            Exposition::OpenMetrics,
            r#"# HELP a_seconds How long.
# TYPE a_seconds histogram
a_seconds_bucket{verb="a\"b",le="0.5"} 0
a_seconds_bucket{verb="a\"b",le="1.0"} 1
a_seconds_bucket{verb="a\"b",le="+Inf"} 1
a_seconds_sum{verb="a\"b"} 0.7
a_seconds_count{verb="a\"b"} 1
# HELP b Of b.
# TYPE b counter
b_total 3
# EOF
"#,
        );
    }

    #[test]
    fn large_and_small_numbers_have_exponents() {
        let text = |value| {
            let mut out = String::new();
            number(&mut out, value);
            out
        };
        assert_eq!(text(1e21), "1e+21");
        assert_eq!(text(0.00001), "1e-05");
        assert_eq!(text(0.0), "0");
        assert_eq!(text(1000.0), "1000");
    }
}
