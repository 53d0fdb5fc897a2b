use serde_json::{Value, json};

use crate::validation::cases::Kind;

/// A request for `CN=ada`, signed with a key on P-256.
const REQUEST: &str = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIWU1IOENBUUF3SFRFTk1Bc0dBMVVFQ2d3RVpHVjJjekVNTUFvR0ExVUVBd3dEWVdSaE1Ga3dFd1lIS29aSQp6ajBDQVFZSUtvWkl6ajBEQVFjRFFnQUV1OVlvZnZYYzMyVVF2Z3JXeXdOcFQrRzdUM1NicTBIUHhLMUdIYndFClErRHA4VUhNUFowVGZ0SmN3ZzVxNU05aXBHektsTTBTbVlUanhReHI5Z29Pb2FBQU1Bb0dDQ3FHU000OUJBTUMKQTBrQU1FWUNJUURXRFVsaW5ZejRxSkFQOC9ZSGVFMHY5NzA0TXU1aUFjbGR4MEd0aUd2bmdBSWhBTXo3R09rUQpSMlpjRWdBczVSa3dWWm5tTmNpeDMzYndWTnQwdU5YOEdiVzIKLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg==";
/// The same with a bit of the signature turned.
const FORGED: &str = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIWU1IOENBUUF3SFRFTk1Bc0dBMVVFQ2d3RVpHVjJjekVNTUFvR0ExVUVBd3dEWVdSaE1Ga3dFd1lIS29aSXpqMENBUVlJS29aSXpqMERBUWNEUWdBRXU5WW9mdlhjMzJVUXZncld5d05wVCtHN1QzU2JxMEhQeEsxR0hid0VRK0RwOFVITVBaMFRmdEpjd2c1cTVNOWlwR3pLbE0wU21ZVGp4UXhyOWdvT29hQUFNQW9HQ0NxR1NNNDlCQU1DQTBrQU1FWUNJUURXRFVsaW5ZejRxSkFQOC9ZSGVFMHY5NzA0TXU1aUFjbGR4MEd0aUd2bmdBSWhBTXo3R09rUVIyWmNFZ0FzNVJrd1Zabm1OY2l4MzNid1ZOdDB1TlQ4R2JXMgotLS0tLUVORCBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K";
/// A certificate that signed itself.
const CERTIFICATE: &str = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJiekNDQVJXZ0F3SUJBZ0lVY1NzcGxLZmh2ekJGWGl3ZFVDUlI2S1ZVWXpFd0NnWUlLb1pJemowRUF3SXcKRFRFTE1Ba0dBMVVFQXd3Q1kyRXdIaGNOTWpZeE1USXpNRE0xTURBNFdoY05Nell4TVRJd01ETTFNREE0V2pBTgpNUXN3Q1FZRFZRUUREQUpqWVRCWk1CTUdCeXFHU000OUFnRUdDQ3FHU000OUF3RUhBMElBQkx2V0tINzEzTjlsCkVMNEsxc3NEYVUvaHUwOTBtNnRCejhTdFJoMjhCRVBnNmZGQnpEMmRFMzdTWE1JT2F1VFBZcVJzeXBUTkVwbUUKNDhVTWEvWUtEcUdqVXpCUk1CMEdBMVVkRGdRV0JCVHJ0L2JFMVB3dnlNU0JiaVNuNkxuVE1UcW5hVEFmQmdOVgpIU01FR0RBV2dCVHJ0L2JFMVB3dnlNU0JiaVNuNkxuVE1UcW5hVEFQQmdOVkhSTUJBZjhFQlRBREFRSC9NQW9HCkNDcUdTTTQ5QkFNQ0EwZ0FNRVVDSVFDSzk3WkxJUlhzK2VESGxMbE5jaC9HTUozc0gxMFJWYkN0Wnp4Zm9DWloKQWdJZ1NYaUkyRDNmcEEzREplclZKNTZZVjhDUFFWOGs0Y1RFWmtKbCtLRG5pZFk9Ci0tLS0tRU5EIENFUlRJRklDQVRFLS0tLS0K";

fn request() -> Kind {
    Kind {
        group: "certificates.k8s.io",
        kind: "CertificateSigningRequest",
        good: json!({
            "metadata": {"name": "x"},
            "spec": {
                "request": REQUEST,
                "signerName": "example.com/signer",
                "usages": ["client auth"],
            },
        }),
    }
}

fn condition(ty: &str, status: &str) -> Value {
    json!({"type": ty, "status": status})
}

fn conditions(conditions: &[Value]) -> Value {
    json!({"status": {"conditions": conditions}})
}

#[test]
fn a_request_is_signed_by_its_key() {
    request().create(Value::Null, &[]);
    let check = |encoded: &str, problem: &str| {
        let said = format!("spec.request: Invalid value: \"{encoded}\": {problem}");
        request().create(json!({"spec": {"request": encoded}}), &[&said]);
    };
    check("YWJj", "PEM block type must be CERTIFICATE REQUEST");
    check(CERTIFICATE, "PEM block type must be CERTIFICATE REQUEST");
    check(FORGED, "x509: signature check failed");
    // `-----BEGIN CERTIFICATE REQUEST-----` around `abc`.
    check(
        "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KWVdKagotLS0tLUVORCBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K",
        "asn1: structure error: tags don't match",
    );
}

#[test]
fn a_request_says_what_for_and_by_whom() {
    let check = |spec: Value, said: &[&str]| request().create(json!({"spec": spec}), said);
    check(json!({"usages": []}), &["spec.usages: Required value"]);
    check(
        json!({"usages": ["any", "any"]}),
        &["spec.usages[1]: Duplicate value: \"any\""],
    );
    check(
        json!({"expirationSeconds": 5}),
        &[
            "spec.expirationSeconds: Invalid value: 5: may not specify a duration less than 600 seconds (10 minutes)",
        ],
    );
    check(
        json!({"signerName": ""}),
        &["spec.signerName: Required value"],
    );
    check(
        json!({"signerName": "nodomain"}),
        &[
            "spec.signerName: Invalid value: \"nodomain\": must be a fully qualified domain and path of the form 'example.com/signer-name'",
        ],
    );
    check(
        json!({"signerName": "com/x"}),
        &[
            "spec.signerName: Invalid value: \"com\": should be a domain with at least two segments separated by dots",
        ],
    );
    let label = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
    let said =
        format!("spec.signerName: Invalid value: \"A.com\": validating label \"A\": {label}");
    check(json!({"signerName": "A.com/x"}), &[&said]);
    check(
        json!({"signerName": "kubernetes.io/legacy-unknown"}),
        &[
            "spec.signerName: Invalid value: \"kubernetes.io/legacy-unknown\": the legacy signerName is not allowed via this API version",
        ],
    );
}

#[test]
fn an_unknown_usage_may_stay_where_it_was() {
    let odd = json!({"spec": {"usages": ["cooking"]}});
    request().update_from(odd.clone(), odd.clone(), &[]);
    let mut kind = request();
    kind.good["spec"]["usages"] = json!(["any"]);
    let said = "spec.usages[0]: Unsupported value: \"cooking\": supported values: \"any\", \"cert sign\", \"client auth\", \"code signing\", \"content commitment\", \"crl sign\", \"data encipherment\", \"decipher only\", \"digital signature\", \"email protection\", \"encipher only\", \"ipsec end system\", \"ipsec tunnel\", \"ipsec user\", \"key agreement\", \"key encipherment\", \"microsoft sgc\", \"netscape sgc\", \"ocsp signing\", \"s/mime\", \"server auth\", \"signing\", \"timestamping\"";
    kind.update(odd, &[said]);
}

#[test]
fn approval_is_given_once_and_by_approval_alone() {
    let approved = conditions(&[condition("Approved", "True")]);
    let check = |part: &str, before: Value, change: Value, said: &[&str]| {
        request().part(part, before, change, said);
    };
    check("approval", Value::Null, approved.clone(), &[]);
    check(
        "status",
        Value::Null,
        approved.clone(),
        &["status.conditions: Forbidden: updates may not add a condition of type \"Approved\""],
    );
    check(
        "approval",
        approved.clone(),
        conditions(&[condition("Denied", "True")]),
        &["status.conditions: Forbidden: updates may not remove a condition of type \"Approved\""],
    );
    check(
        "approval",
        Value::Null,
        conditions(&[
            condition("Approved", "False"),
            condition("Denied", "True"),
            condition("", ""),
            condition("", "Odd"),
        ]),
        &[
            "status.conditions[0].status: Unsupported value: \"False\": supported values: \"True\"",
            "status.conditions: Invalid value: \"Denied\": Approved and Denied conditions are mutually exclusive",
            "status.conditions[2].type: Required value",
            "status.conditions[2].status: Required value",
            "status.conditions[3].type: Required value",
            "status.conditions[3].status: Unsupported value: \"Odd\": supported values: \"False\", \"True\", \"Unknown\"",
            "status.conditions[3].type: Duplicate value: \"\"",
        ],
    );
    let mut worded = condition("Approved", "True");
    worded["message"] = json!("m");
    check(
        "status",
        approved,
        conditions(&[worded]),
        &[
            "status.conditions: Forbidden: updates may not modify a condition of type \"Approved\"\n@@ -3,7 +3,7 @@\n   \"Type\": \"Approved\",\n   \"Status\": \"True\",\n   \"Reason\": \"\",\n-  \"Message\": \"\",\n+  \"Message\": \"m\",\n   \"LastUpdateTime\": null,\n   \"LastTransitionTime\": null\n  }\n",
        ],
    );
}

#[test]
fn a_certificate_is_given_once_and_through_status_alone() {
    let given = json!({"status": {"certificate": CERTIFICATE}});
    let check = |part: &str, before: Value, change: Value, said: &[&str]| {
        request().part(part, before, change, said);
    };
    check("status", Value::Null, given.clone(), &[]);
    check(
        "approval",
        Value::Null,
        given.clone(),
        &["status.certificate: Forbidden: updates may not set certificate content"],
    );
    check(
        "status",
        given,
        json!({"status": {"certificate": null}}),
        &["status.certificate: Forbidden: updates may not modify existing certificate content"],
    );
    check(
        "status",
        Value::Null,
        json!({"status": {"certificate": REQUEST}}),
        &[
            "status.certificate: Invalid value: \"<certificate data>\": only CERTIFICATE PEM blocks are allowed, found \"CERTIFICATE REQUEST\"",
        ],
    );
    for (encoded, problem) in [
        // The blocks have a header, nothing inside, and `abc`.
        (
            "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCkE6IGIKCllXSmoKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=",
            "no PEM block headers are permitted",
        ),
        (
            "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCi0tLS0tRU5EIENFUlRJRklDQVRFLS0tLS0K",
            "found CERTIFICATE PEM block containing 0 certificates",
        ),
        (
            "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCllXSmoKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=",
            "x509: malformed certificate",
        ),
    ] {
        let said = format!("status.certificate: Invalid value: \"<certificate data>\": {problem}");
        check(
            "status",
            Value::Null,
            json!({"status": {"certificate": encoded}}),
            &[&said],
        );
    }
    check(
        "status",
        Value::Null,
        json!({"status": {"certificate": "YWJj"}}),
        &[
            "status.certificate: Invalid value: \"<certificate data>\": must contain at least one CERTIFICATE PEM block",
        ],
    );
}
