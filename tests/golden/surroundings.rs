//! What a scenario finds and leaves: a namespace made for it, and nothing of what it created.

use anyhow::{Result, bail};
use bytes::Bytes;

use super::json::Json;
use super::prepare::{Prepared, Tokens};
use super::scenario::Scenario;
use crate::http::{Answer, Client};

/// Acts as the administrator beside the scenario's own requests.
pub(super) struct Surroundings<'a> {
    pub(super) client: &'a mut Client,
    pub(super) tokens: &'a Tokens,
}

impl Surroundings<'_> {
    /// Makes the namespace and the service account that a controller would make in it.
    pub(super) async fn prepare(&mut self, scenario: &Scenario, namespace: &str) -> Result<()> {
        let mut metadata = vec![("name".into(), Json::string(namespace))];
        metadata.extend(
            scenario
                .namespace_labels
                .clone()
                .map(|labels| ("labels".into(), labels)),
        );
        let body = object("v1", "Namespace", metadata);
        let answer = self
            .admin(
                "POST",
                "/api/v1/namespaces",
                Some((&body, "application/json")),
            )
            .await?;
        if answer.status != 201 {
            bail!(
                "cannot create namespace {namespace}: {} {}",
                answer.status,
                answer.text()
            );
        }
        let account = object(
            "v1",
            "ServiceAccount",
            vec![("name".into(), Json::string("default"))],
        );
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts");
        self.admin("POST", &path, Some((&account, "application/json")))
            .await?;
        Ok(())
    }

    /// Deletes an object at once, whatever finalizers it has. A failure is left to later scenarios to notice.
    pub(super) async fn remove(&mut self, path: &str) {
        let Ok(answer) = self
            .admin("DELETE", &format!("{path}?gracePeriodSeconds=0"), None)
            .await
        else {
            return;
        };
        if answer.status != 200 && answer.status != 202 {
            return;
        }
        let finalizers = Json::parse(&answer.body)
            .ok()
            .and_then(|object| object.at("/metadata/finalizers").cloned());
        if finalizers.is_some_and(|finalizers| finalizers != Json::List(Vec::new())) {
            let patch =
                Json::parse(br#"{"metadata": {"finalizers": null}}"#).expect("the literal is JSON");
            self.admin(
                "PATCH",
                path,
                Some((&patch, "application/merge-patch+json")),
            )
            .await
            .ok();
        }
        if path.starts_with("/api/v1/namespaces/") && path.matches('/').count() == 4 {
            self.finalize_namespace(path).await;
        }
    }

    /// There is no namespace controller to do it.
    async fn finalize_namespace(&mut self, path: &str) {
        let Ok(answer) = self.admin("GET", path, None).await else {
            return;
        };
        let Ok(namespace) = Json::parse(&answer.body) else {
            return;
        };
        if answer.status == 200 && namespace.at("/metadata/deletionTimestamp").is_some() {
            let patch = br#"{"spec": {"finalizers": []}, "metadata": {"resourceVersion": null}}"#;
            let finalized = namespace.merged(Json::parse(patch).expect("the literal is JSON"));
            self.admin(
                "PUT",
                &format!("{path}/finalize"),
                Some((&finalized, "application/json")),
            )
            .await
            .ok();
        }
    }

    async fn admin(
        &mut self,
        method: &str,
        path: &str,
        body: Option<(&Json, &str)>,
    ) -> Result<Answer> {
        let kind =
            body.map(|(_, kind)| Json::Object(vec![("Content-Type".into(), Json::string(kind))]));
        let headers = self.tokens.headers("admin", kind.as_ref());
        self.client
            .request(
                method,
                path,
                &headers,
                body.map(|(body, _)| Bytes::from(body.to_text())),
            )
            .await
    }
}

fn object(version: &str, kind: &str, metadata: Vec<(String, Json)>) -> Json {
    Json::Object(vec![
        ("apiVersion".into(), Json::string(version)),
        ("kind".into(), Json::string(kind)),
        ("metadata".into(), Json::Object(metadata)),
    ])
}

/// The path of the object that a request has just created, if it has created one.
pub(super) fn created(request: &Prepared, answer: &Answer) -> Option<String> {
    let writes = ["POST", "PUT", "PATCH"].contains(&request.method.as_str());
    if answer.status != 201 || !writes || request.path.contains("dryRun") {
        return None;
    }
    let object = Json::parse(&answer.body).ok()?;
    let name = object.at("/metadata/name")?.as_str()?;
    let path = request.path.split('?').next()?.trim_end_matches('/');
    let collection = if request.method == "POST" {
        path
    } else {
        path.rsplit_once('/')?.0
    };
    let parts: Vec<&str> = collection.trim_matches('/').split('/').collect();
    let mut depth = if parts[0] == "api" { 3 } else { 4 };
    let namespaced = parts
        .iter()
        .skip(2)
        .take(2)
        .any(|part| *part == "namespaces");
    if parts.len() > 3 && namespaced && parts.len() > depth {
        depth += 2;
    }
    (parts.len() == depth).then(|| format!("{collection}/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: &str, path: &str, expected: Option<&str>) {
        let request = Prepared {
            method: method.into(),
            path: path.into(),
            headers: Vec::new(),
            body: None,
        };
        let body = Bytes::from_static(br#"{"metadata": {"name": "a"}}"#);
        let answer = Answer {
            status: 201,
            headers: Vec::new(),
            body,
        };
        assert_eq!(
            created(&request, &answer).as_deref(),
            expected,
            "{method} {path}"
        );
    }

    #[test]
    fn objects_are_remembered_and_subresources_are_not() {
        check("POST", "/api/v1/namespaces", Some("/api/v1/namespaces/a"));
        check(
            "POST",
            "/api/v1/namespaces/x/pods",
            Some("/api/v1/namespaces/x/pods/a"),
        );
        check("POST", "/api/v1/namespaces/x/pods/b/binding", None);
        check(
            "POST",
            "/apis/apps/v1/namespaces/x/deployments?pretty=1",
            Some("/apis/apps/v1/namespaces/x/deployments/a"),
        );
        check(
            "PATCH",
            "/apis/apps/v1/namespaces/x/deployments/a?fieldManager=m",
            Some("/apis/apps/v1/namespaces/x/deployments/a"),
        );
        check(
            "PUT",
            "/api/v1/namespaces/x/configmaps/a",
            Some("/api/v1/namespaces/x/configmaps/a"),
        );
        check("POST", "/api/v1/namespaces/x/pods?dryRun=All", None);
        check("POST", "/api/v1/nodes", Some("/api/v1/nodes/a"));
        check("GET", "/api/v1/nodes/a", None);
    }
}
