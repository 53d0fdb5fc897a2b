//! `/version`: the Kubernetes release that the server behaves as.

use serde_json::json;

/// The release, as clients compare it.
pub(crate) const GIT_VERSION: &str = "v1.36.2";

/// The version of the API.
pub(crate) const EMULATES: &str = "1.36";

/// The body of `/version`.
pub(crate) fn json() -> Vec<u8> {
    // In upstream's order of fields.
    let fields = [
        ("major", json!("1")),
        ("minor", json!("36")),
        ("emulationMajor", json!("1")),
        ("emulationMinor", json!("36")),
        ("minCompatibilityMajor", json!("1")),
        ("minCompatibilityMinor", json!("35")),
        (
            "gitVersion",
            json!(format!(
                "{GIT_VERSION}+pintle-{}",
                env!("CARGO_PKG_VERSION")
            )),
        ),
        ("gitCommit", json!("")),
        ("gitTreeState", json!("clean")),
        ("buildDate", json!("1970-01-01T00:00:00Z")),
        // Clients read this to know how the server was built; it is no Go program, and says so in the version.
        ("goVersion", json!("")),
        ("compiler", json!("gc")),
        (
            "platform",
            json!(format!("{}/{}", std::env::consts::OS, architecture())),
        ),
    ];
    let body: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    format!("{{{}}}", body.join(",")).into_bytes()
}

/// The machine in Go's words.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
