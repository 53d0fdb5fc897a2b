use super::*;
use crate::field_path::{ErrorList, Path};
use crate::gvk::{GroupKind, GroupResource};

fn deployments() -> GroupResource {
    GroupResource::new("apps", "deployments")
}

#[track_caller]
fn check(error: &ApiError, rest: &str) {
    let json = String::from_utf8(error.status_json()).expect("JSON is text");
    assert_eq!(
        json,
        format!(
            r#"{{"kind":"Status","apiVersion":"v1","metadata":{{}},"status":"Failure",{rest}}}"#
        )
    );
}

#[test]
fn errors_about_an_object_name_it_in_their_details() {
    let about = r#""details":{"name":"web","group":"apps","kind":"deployments"}"#;
    check(
        &ApiError::not_found(&deployments(), "web"),
        &format!(
            r#""message":"deployments.apps \"web\" not found","reason":"NotFound",{about},"code":404"#
        ),
    );
    check(
        &ApiError::already_exists(&deployments(), "web"),
        &format!(
            r#""message":"deployments.apps \"web\" already exists","reason":"AlreadyExists",{about},"code":409"#
        ),
    );
    check(
        &ApiError::modified(&deployments(), "web"),
        &format!(
            r#""message":"Operation cannot be fulfilled on deployments.apps \"web\": the object has been modified; please apply your changes to the latest version and try again","reason":"Conflict",{about},"code":409"#
        ),
    );
    check(
        &ApiError::forbidden(&deployments(), "web", "no"),
        &format!(
            r#""message":"deployments.apps \"web\" is forbidden: no","reason":"Forbidden",{about},"code":403"#
        ),
    );
}

#[test]
fn a_name_that_cannot_be_generated_asks_to_try_again() {
    check(
        &ApiError::generate_name_conflict(
            &GroupResource::new("", "pods"),
            "a-bcdfg",
            RetryAfter::SOON,
        ),
        r#""message":"pods \"a-bcdfg\" already exists, the server was not able to generate a unique name for the object","reason":"AlreadyExists","details":{"name":"a-bcdfg","kind":"pods","retryAfterSeconds":1},"code":409"#,
    );
}

#[test]
fn what_is_no_resource_has_empty_details() {
    check(
        &ApiError::forbidden(
            &GroupResource::default(),
            "",
            r#"User "alice" cannot get path "/""#,
        ),
        r#""message":"forbidden: User \"alice\" cannot get path \"/\"","reason":"Forbidden","details":{},"code":403"#,
    );
    check(
        &ApiError::forbidden(&GroupResource::new("", "pods"), "", "no"),
        r#""message":"pods is forbidden: no","reason":"Forbidden","details":{"kind":"pods"},"code":403"#,
    );
    check(
        &Responded::new(405).into(),
        r#""message":"the server does not allow this method on the requested resource","reason":"MethodNotAllowed","details":{},"code":405"#,
    );
}

#[test]
fn an_invalid_object_is_named_by_its_kind_with_a_cause_per_error() {
    let mut errors = ErrorList::new();
    errors.required(&Path::new("spec").child("selector"), "");
    errors.invalid(
        &Path::new("spec.replicas"),
        -1,
        "must be greater than or equal to 0",
    );
    let causes = r#"[{"reason":"FieldValueRequired","message":"Required value","field":"spec.selector"},{"reason":"FieldValueInvalid","message":"Invalid value: -1: must be greater than or equal to 0","field":"spec.replicas"}]"#;
    check(
        &ApiError::invalid(&GroupKind::new("apps", "Deployment"), "web", &errors),
        &format!(
            r#""message":"Deployment.apps \"web\" is invalid: [spec.selector: Required value, spec.replicas: Invalid value: -1: must be greater than or equal to 0]","reason":"Invalid","details":{{"name":"web","group":"apps","kind":"Deployment","causes":{causes}}},"code":422"#
        ),
    );
    check(
        &ApiError::invalid(&GroupKind::new("", "Pod"), "", &ErrorList::new()),
        r#""message":"Pod \"\" is invalid","reason":"Invalid","details":{"kind":"Pod"},"code":422"#,
    );
}

#[test]
fn errors_without_an_object_have_upstreams_words() {
    check(
        &ApiError::bad_request("no"),
        r#""message":"no","reason":"BadRequest","code":400"#,
    );
    check(
        &ApiError::unauthorized("Unauthorized"),
        r#""message":"Unauthorized","reason":"Unauthorized","code":401"#,
    );
    check(
        &ApiError::unauthorized(""),
        r#""message":"not authorized","reason":"Unauthorized","code":401"#,
    );
    check(
        &ApiError::gone("no"),
        r#""message":"no","reason":"Gone","code":410"#,
    );
    check(
        &ApiError::expired("no"),
        r#""message":"no","reason":"Expired","code":410"#,
    );
    check(&ApiError::unknown("no"), r#""message":"no","code":500"#);
    check(
        &ApiError::service_unavailable("no"),
        r#""message":"no","reason":"ServiceUnavailable","code":503"#,
    );
    check(
        &ApiError::overloaded("no"),
        r#""message":"Too many requests: no","reason":"TooManyRequests","code":429"#,
    );
    check(
        &ApiError::too_many_requests("no", RetryAfter::seconds(10)),
        r#""message":"no","reason":"TooManyRequests","details":{"retryAfterSeconds":10},"code":429"#,
    );
    check(
        &ApiError::too_many_requests("no", None),
        r#""message":"no","reason":"TooManyRequests","details":{},"code":429"#,
    );
    check(
        &ApiError::request_entity_too_large("limit is 3145728"),
        r#""message":"Request entity too large: limit is 3145728","reason":"RequestEntityTooLarge","code":413"#,
    );
    check(
        &ApiError::unsupported_media_type(&["application/json", "application/yaml"]),
        r#""message":"the body of the request was in an unknown format - accepted media types include: application/json, application/yaml","reason":"UnsupportedMediaType","code":415"#,
    );
    check(
        &ApiError::not_acceptable(&["application/json"]),
        r#""message":"only the following media types are accepted: application/json","reason":"NotAcceptable","code":406"#,
    );
    check(
        &ApiError::not_acceptable_conversion("meta.k8s.io/v1, Kind=Table", &["application/json"]),
        r#""message":"only the following media types are accepted when converting to meta.k8s.io/v1, Kind=Table: application/json","reason":"NotAcceptable","code":406"#,
    );
    check(
        &ApiError::internal("no"),
        r#""message":"Internal error occurred: no","reason":"InternalError","details":{"causes":[{"message":"no"}]},"code":500"#,
    );
    check(
        &ApiError::method_not_supported(&deployments(), "patch"),
        r#""message":"patch is not supported on resources of kind \"deployments.apps\"","reason":"MethodNotAllowed","details":{"group":"apps","kind":"deployments"},"code":405"#,
    );
    check(
        &ApiError::server_timeout(&deployments(), "list", RetryAfter::seconds(0)),
        r#""message":"The list operation against deployments.apps could not be completed at this time, please try again.","reason":"ServerTimeout","details":{"name":"list","group":"apps","kind":"deployments"},"code":500"#,
    );
    check(
        &ApiError::too_large_resource_version(9, 3, RetryAfter::SOON),
        r#""message":"Timeout: Too large resource version: 9, current: 3","reason":"Timeout","details":{"causes":[{"reason":"ResourceVersionTooLarge","message":"Too large resource version"}],"retryAfterSeconds":1},"code":504"#,
    );
    check(
        &ApiError::apply_conflict(
            vec![StatusCause::new(
                CauseReason::FieldManagerConflict,
                "conflict with \"one\"",
                ".data.a",
            )],
            "Apply failed",
        ),
        r#""message":"Apply failed","reason":"Conflict","details":{"causes":[{"reason":"FieldManagerConflict","message":"conflict with \"one\"","field":".data.a"}]},"code":409"#,
    );
}

#[test]
fn an_expired_token_comes_with_one_to_go_on_from() {
    let error = ApiError::expired("old").with_continue_token("abc");
    assert_eq!(
        String::from_utf8_lossy(&error.status_json()),
        r#"{"kind":"Status","apiVersion":"v1","metadata":{"continue":"abc"},"status":"Failure","message":"old","reason":"Expired","code":410}"#
    );
}

#[test]
fn a_delete_is_answered_with_details_and_without_a_code() {
    let details = StatusDetails {
        name: "web".into(),
        group: "apps".into(),
        kind: "deployments".into(),
        uid: "42".into(),
        ..StatusDetails::default()
    };
    assert_eq!(
        String::from_utf8_lossy(&Status::deleted(details).to_json()),
        r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","details":{"name":"web","group":"apps","kind":"deployments","uid":"42"}}"#
    );
    assert_eq!(
        String::from_utf8_lossy(&Status::created().to_json()),
        r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","code":201}"#
    );
}

#[test]
fn only_a_code_is_known() {
    let mut answer = Responded {
        server_message: "boom",
        unexpected: true,
        ..Responded::new(502).to("GET")
    };
    answer.resource = deployments();
    answer.name = "web";
    check(
        &answer.into(),
        r#""message":"an error on the server (\"boom\") has prevented the request from succeeding (get deployments.apps web)","reason":"InternalError","details":{"name":"web","group":"apps","kind":"deployments","causes":[{"reason":"UnexpectedServerResponse","message":"boom"}]},"code":502"#,
    );
    check(
        &Responded::new(418).into(),
        r#""message":"the server responded with the status code 418 but did not return more information","details":{},"code":418"#,
    );
    check(
        &Responded::new(409).to("POST").into(),
        r#""message":"the server reported a conflict","reason":"AlreadyExists","details":{},"code":409"#,
    );
    check(
        &Responded::new(404).into(),
        r#""message":"the server could not find the requested resource","reason":"NotFound","details":{},"code":404"#,
    );
}

#[test]
fn the_cause_is_for_operators_and_not_on_the_wire() {
    let error = ApiError::internal_from("no", std::fmt::Error);
    assert!(std::error::Error::source(&error).is_some());
    assert!(!String::from_utf8_lossy(&error.status_json()).contains("formatter"));
}

#[test]
fn a_word_is_read_back_as_what_it_was() {
    for word in ["", "NotFound", "StorageReadError", "SomethingElse"] {
        assert_eq!(StatusReason::from(word).as_str(), word);
    }
    assert_eq!(
        CauseReason::from("FieldValueTooLong"),
        CauseReason::FieldValueTooLong
    );
}

#[test]
fn a_record_of_it_encodes_to_the_same_and_reads_back() {
    let mut errors = ErrorList::new();
    errors.required(&Path::new("spec"), "");
    let invalid =
        ApiError::invalid(&GroupKind::new("apps", "Deployment"), "web", &errors).to_status();
    let timeout = ApiError::too_large_resource_version(9, 3, RetryAfter::SOON).to_status();
    let forbidden = ApiError::forbidden(&GroupResource::default(), "", "no").to_status();
    let expired = ApiError::expired("old")
        .with_continue_token("abc")
        .to_status();
    for status in [invalid, timeout, forbidden, expired, Status::created()] {
        let record = status.to_record();
        let mut json = Vec::new();
        crate::codec::json::encode(&record, &mut json);
        assert_eq!(
            String::from_utf8_lossy(&json),
            String::from_utf8_lossy(&status.to_json())
        );
        assert_eq!(
            Status::from(crate::meta::Status::from_record(&record)),
            status
        );
    }
}
