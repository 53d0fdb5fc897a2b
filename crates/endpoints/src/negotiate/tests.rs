use http::HeaderValue;

use super::*;

fn headers(accept: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))])
}

#[track_caller]
fn check(accept: &'static str, offers: Offers, expected: Result<(Format, Transform), &str>) {
    let found = representation(
        &headers(accept),
        Query::default(),
        offers,
        TableSupport::Tables,
    );
    let found = found
        .map(|found| (found.format, found.transform))
        .map_err(|error| error.to_string());
    assert_eq!(
        found.as_ref().map_err(String::as_str),
        expected.as_ref().map_err(|text| *text),
        "{accept}"
    );
}

#[test]
fn the_best_clause_that_can_be_served_counts() {
    let plain = |format| Ok((format, Transform::None));
    check("", Offers::Object, plain(Format::Json));
    check("*/*", Offers::Object, plain(Format::Json));
    check(
        "application/yaml;q=0.5,application/json;q=0.9",
        Offers::Object,
        plain(Format::Json),
    );
    check(
        "application/yaml, */*;q=0.1",
        Offers::Object,
        plain(Format::Yaml),
    );
    check(
        "application/vnd.kubernetes.protobuf,application/json",
        Offers::Object,
        plain(Format::Protobuf),
    );
    check(
        "application/json;stream=watch",
        Offers::List,
        plain(Format::Json),
    );
    check(
        "application/yaml,application/vnd.kubernetes.protobuf",
        Offers::Stream,
        plain(Format::Protobuf),
    );
}

#[test]
fn a_form_that_is_not_known_falls_back_to_the_next_clause() {
    let metadata = Ok((Format::Protobuf, Transform::Metadata(MetaVersion::V1)));
    check(
        "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
        Offers::List,
        metadata,
    );
    let table = Ok((Format::Json, Transform::Table(MetaVersion::V1)));
    let accept = "application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1;g=meta.k8s.io";
    check(accept, Offers::Object, table);
    check(
        "application/json;as=PartialObjectMetadata;v=v2;g=meta.k8s.io,application/yaml",
        Offers::List,
        Ok((Format::Yaml, Transform::None)),
    );
}

#[test]
fn the_router_refuses_in_its_own_words() {
    let object = "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, \
        application/vnd.kubernetes.protobuf";
    check("text/html", Offers::Object, Err(object));
    check("application/*", Offers::Object, Err(object));
    check("application/cbor", Offers::Object, Err(object));
    let list = format!(
        "{object}, application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"
    );
    check("text/html", Offers::List, Err(&list));
    check("text/html", Offers::Stream, Err(&list));
}

#[test]
fn the_handler_refuses_in_its_own_words() {
    let object = "only the following media types are accepted: application/json, application/yaml, \
        application/vnd.kubernetes.protobuf";
    check(
        "application/json;as=Nothing;v=v1;g=meta.k8s.io",
        Offers::Object,
        Err(object),
    );
    let stream = "only the following media types are accepted: application/json;stream=watch, \
        application/vnd.kubernetes.protobuf;stream=watch";
    check("application/yaml", Offers::Stream, Err(stream));
}

#[test]
fn people_get_line_breaks() {
    let agent =
        |agent: &'static str| HeaderMap::from_iter([(USER_AGENT, HeaderValue::from_static(agent))]);
    assert!(is_pretty(&agent("curl/8.0"), Query::default()));
    assert!(!is_pretty(&agent("curl/8.0"), Query::new("pretty=false")));
    assert!(is_pretty(&agent("kubectl"), Query::new("pretty=1")));
    assert!(!is_pretty(&agent("kubectl"), Query::new("pretty=maybe")));
}

#[test]
fn a_body_is_what_its_content_type_says() {
    let content = |value: &'static str| {
        HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(value))])
    };
    assert_eq!(input_format(&HeaderMap::new()).ok(), Some(Format::Json));
    assert_eq!(
        input_format(&content("application/json; charset=utf-8")).ok(),
        Some(Format::Json)
    );
    assert_eq!(
        input_format(&content("Application/YAML")).ok(),
        Some(Format::Yaml)
    );
    assert!(input_format(&content("application/merge-patch+json")).is_err());
}
