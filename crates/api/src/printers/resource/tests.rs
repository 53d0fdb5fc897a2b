use crate::printers::tests::check;

#[track_caller]
fn check_claim(meta: &str, status: &str, expected: &str) {
    for version in ["v1", "v1beta1", "v1beta2"] {
        check(
            &format!(
                r#"{{"apiVersion":"resource.k8s.io/{version}","kind":"ResourceClaim","metadata":{{"name":"aaa"{meta}}},"status":{{{status}}}}}"#
            ),
            &format!(r#"["aaa","{expected}","<unknown>"]"#),
        );
    }
}

#[test]
fn a_claim_is_pending_until_it_is_allocated() {
    let deleted = r#","deletionTimestamp":"2025-12-31T23:59:00Z""#;
    check_claim("", "", "pending");
    check_claim("", r#""allocation":{}"#, "allocated");
    let reserved = r#""allocation":{},"reservedFor":[{"resource":"pods","name":"p","uid":"1"}]"#;
    check_claim("", reserved, "allocated,reserved");
    check_claim(deleted, "", "deleted");
    check_claim(deleted, reserved, "deleted,allocated,reserved");
}

#[test]
fn a_slice_is_of_a_node() {
    for version in ["v1", "v1beta1", "v1beta2"] {
        check(
            &format!(
                r#"{{"apiVersion":"resource.k8s.io/{version}","kind":"ResourceSlice","metadata":{{"name":"a"}},"spec":{{"nodeName":"n1","driver":"gpu.example.com","pool":{{"name":"p"}}}}}}"#
            ),
            r#"["a","n1","gpu.example.com","p","<unknown>"]"#,
        );
    }
    check(
        r#"{"apiVersion":"resource.k8s.io/v1","kind":"ResourceSlice","metadata":{"name":"a"},"spec":{"allNodes":true,"driver":"d"}}"#,
        r#"["a","","d","","<unknown>"]"#,
    );
}

#[test]
fn a_taint_says_since_when() {
    check(
        r#"{"apiVersion":"resource.k8s.io/v1alpha3","kind":"DeviceTaintRule","metadata":{"name":"a"},
        "spec":{"taint":{"key":"k","value":"v","effect":"NoExecute","timeAdded":"2025-12-31T23:59:00Z"}}}"#,
        r#"["a","k","v","NoExecute","60s","<unknown>"]"#,
    );
    check(
        r#"{"apiVersion":"resource.k8s.io/v1beta2","kind":"DeviceTaintRule","metadata":{"name":"a"},"spec":{"taint":{"key":"k","effect":"None"}}}"#,
        r#"["a","k","","None","","<unknown>"]"#,
    );
}

#[track_caller]
fn check_pools(status: &str, expected: &str) {
    check(
        &format!(
            r#"{{"apiVersion":"resource.k8s.io/v1alpha3","kind":"ResourcePoolStatusRequest","metadata":{{"name":"a"}},"spec":{{"driver":"d"}}{status}}}"#
        ),
        expected,
    );
}

#[test]
fn devices_are_counted_over_all_pools() {
    check_pools("", r#"["a","d","-","-","-","-","-",0,"Pending","<none>"]"#);
    let pools = r#""pools":[{"totalDevices":4,"availableDevices":3,"allocatedDevices":1},{"totalDevices":2,"unavailableDevices":2,"validationError":"x"}]"#;
    let complete = r#""conditions":[{"type":"Complete","status":"True","lastTransitionTime":"2025-12-31T23:59:30Z"}]"#;
    check_pools(
        &format!(r#","status":{{"poolCount":2,{pools},{complete}}}"#),
        r#"["a","d",6,3,1,2,1,2,"Complete","30s"]"#,
    );
    check_pools(
        &format!(r#","status":{{"poolCount":5,{pools},{complete}}}"#),
        r#"["a","d",6,3,1,2,1,5,"Complete (2/5 pools)","30s"]"#,
    );
    check_pools(
        &format!(
            r#","status":{{"poolCount":2,{pools},"conditions":[{{"type":"Failed","status":"True"}}]}}"#
        ),
        r#"["a","d","-","-","-","-","-",2,"Failed","<none>"]"#,
    );
}

#[test]
fn classes_and_templates_have_an_age() {
    check(
        r#"{"apiVersion":"resource.k8s.io/v1","kind":"DeviceClass","metadata":{"name":"a","creationTimestamp":"2025-12-30T21:00:00Z"}}"#,
        r#"["a","27h"]"#,
    );
    check(
        r#"{"apiVersion":"resource.k8s.io/v1beta2","kind":"ResourceClaimTemplate","metadata":{"name":"a"}}"#,
        r#"["a","<unknown>"]"#,
    );
}
