//! What is wrong with pods.

mod containers;
mod placement;
mod spec;
mod updates;
mod volumes;

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
