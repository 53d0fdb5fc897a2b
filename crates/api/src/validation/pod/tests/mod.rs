//! What is wrong with pods.

use crate::validation::check::Good;

mod annotations;
mod containers;
mod files;
mod placement;
mod resize;
mod running;
mod sharing;
mod spec;
mod status;
mod templates;
mod updates;
mod volumes;

/// A pod with which nothing is wrong.
const POD: Good = Good {
    group: "",
    version: "v1",
    kind: "Pod",
    object: r#"{"metadata":{"name":"p","namespace":"d"},"spec":{"containers":[{"name":"c","image":"i"}]}}"#,
};

/// A spec with these fields besides the container.
fn spec(fields: &str) -> String {
    format!(r#"{{"spec":{{{fields}}}}}"#)
}

/// A spec of which the container has these fields besides its name and its image.
fn container(fields: &str) -> String {
    spec(&format!(
        r#""containers":[{{"name":"c","image":"i",{fields}}}]"#
    ))
}

/// What is said of new pods, each with one of `cases` as `with` puts it into a pod; with `@` for `at`.
#[track_caller]
fn check_each(with: fn(&str) -> String, at: &str, cases: &[(&str, &[&str])]) {
    for (fields, expected) in cases {
        let expected: Vec<String> = expected.iter().map(|it| it.replacen('@', at, 1)).collect();
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        POD.created(&with(fields), &expected);
    }
}

/// What is said of a new pod with these fields of its spec, and with a container where they have none.
#[track_caller]
fn check(spec: &str, expected: &str) {
    let containers = if spec.contains(r#""containers":"#) {
        ""
    } else {
        r#","containers":[{"name":"c","image":"i"}]"#
    };
    let pod =
        format!(r#"{{"metadata":{{"name":"p","namespace":"d"}},"spec":{{{spec}{containers}}}}}"#);
    crate::validation::tests::check_create("", "Pod", &pod, expected);
}
