//! `/version`: the Kubernetes release that the server behaves as.

use serde_json::json;

/// The release, as clients compare it.
pub(crate) const GIT_VERSION: &str = "v1.36.2";

/// The version of the API.
pub(crate) const EMULATES: &str = "1.36";

/// What clients are told, in upstream's order: the name in `/version`, that in metrics if it is there, and the
/// value.
fn fields() -> [(&'static str, &'static str, String); 13] {
    let own = format!("{GIT_VERSION}+pintle-{}", env!("CARGO_PKG_VERSION"));
    let platform = format!("{}/{}", std::env::consts::OS, architecture());
    let fields = [
        ("major", "major", "1"),
        ("minor", "minor", "36"),
        ("emulationMajor", "", "1"),
        ("emulationMinor", "", "36"),
        ("minCompatibilityMajor", "", "1"),
        ("minCompatibilityMinor", "", "35"),
        ("gitVersion", "git_version", &own),
        ("gitCommit", "git_commit", ""),
        ("gitTreeState", "git_tree_state", "clean"),
        ("buildDate", "build_date", "1970-01-01T00:00:00Z"),
        // Clients read this to know how the server was built; it is no Go program, and says so in the version.
        ("goVersion", "go_version", ""),
        ("compiler", "compiler", "gc"),
        ("platform", "platform", &platform),
    ];
    fields.map(|(name, label, value)| (name, label, value.to_owned()))
}

/// The body of `/version`.
pub(crate) fn json() -> Vec<u8> {
    let field = |(name, _, value): &(&str, &str, String)| format!("\"{name}\":{}", json!(value));
    let body: Vec<String> = fields().iter().map(field).collect();
    format!("{{{}}}", body.join(",")).into_bytes()
}

/// The same as labels of a metric, in the order of their names.
pub(crate) fn labels() -> Vec<(&'static str, String)> {
    let labels = fields().into_iter().map(|(_, label, value)| (label, value));
    let mut labels: Vec<_> = labels.filter(|(label, _)| !label.is_empty()).collect();
    labels.sort_unstable();
    labels
}

/// The machine in Go's words.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
