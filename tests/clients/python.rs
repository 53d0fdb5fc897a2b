//! The official Python client, in a virtual environment of its own below the target folder.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pintle_tests::server::TestServer;

/// From the folder that cargo starts suites in.
const SCRIPT: &str = "python/tour.py";
/// Bound above, so that a new release is met on purpose.
const PACKAGE: &str = "kubernetes>=33,<38";

#[tokio::test]
async fn the_python_client_takes_the_tour() {
    let python = match python() {
        Ok(python) => python,
        Err(why) => return println!("python: skipped, {why}"),
    };
    let server = TestServer::start().await;
    let output = Command::new(python)
        .arg(SCRIPT)
        .env("KUBECONFIG", server.kubeconfig())
        .stdin(Stdio::null())
        .output();
    let output = output.expect("the environment's Python can be started");
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{out}{err}");
    println!("{}", out.trim_end());
}

/// The Python of an environment that has the client, or why there is none.
fn python() -> Result<PathBuf, String> {
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let target = this
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").is_file());
    let folder = target
        .unwrap_or(&std::env::temp_dir())
        .join("python-client");
    let python = folder.join("bin/python");
    if has_client(&python) {
        return Ok(python);
    }
    run(Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(&folder))?;
    run(Command::new(&python).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        PACKAGE,
    ]))?;
    Ok(python)
}

fn has_client(python: &Path) -> bool {
    run(Command::new(python).args(["-c", "import kubernetes"])).is_ok()
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| {
        format!(
            "{} cannot be started: {error}",
            command.get_program().display()
        )
    })?;
    let err = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        Ok(())
    } else {
        Err(err
            .trim()
            .lines()
            .last()
            .unwrap_or("no reason given")
            .into())
    }
}
