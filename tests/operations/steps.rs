//! Commands of the pages in `deploy/`, run as they stand.

use std::path::Path;
use std::process::Command;

/// The commands of a step of a page.
fn commands(page: &str, step: &str) -> String {
    let path = pintle_tests::folder().join("../deploy").join(page);
    let text = std::fs::read_to_string(path).expect("the page is there");
    let (_, rest) = text
        .split_once(&format!("\n## {step}. "))
        .expect("the page has this step");
    let (_, rest) = rest.split_once("```sh\n").expect("it has commands");
    let (commands, _) = rest.split_once("```").expect("they have an end");
    commands.to_owned()
}

/// Does a step, with these variables; what was said.
pub(crate) fn perform(page: &str, step: &str, variables: &[(&str, &Path)]) -> String {
    let done = Command::new("sh")
        .args(["-euc", &commands(page, step)])
        .envs(variables.iter().copied())
        .output()
        .expect("there is a shell");
    let said = [done.stdout, done.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(done.status.success(), "{page}, step {step}: {said}");
    said
}
