//! `serviceaccounts/token`: [`TokenRequests`].

use std::sync::Arc;

use pintle_api::authentication::v1::{TokenRequest, TokenRequestMut};
use pintle_api::core::v1::Pod;
use pintle_authn::service_account::{Claims, Issuer, Kubernetes, Reference, username};
use pintle_endpoints::metadata::Metadata;
use pintle_endpoints::unkept::{Action, Answer, Asked, Outcome};
use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::gvk::{GroupKind, GroupResource, GroupVersion};
use pintle_runtime::name::path_segment_name;
use pintle_runtime::quote::Quoted;
use pintle_runtime::status::ApiError;
use pintle_runtime::text::Text;
use pintle_runtime::time::Time;
use pintle_runtime::value::{Record, Value};

/// Issues tokens of service accounts.
pub struct TokenRequests {
    issuer: Arc<Issuer>,
    /// Whom tokens are for that are asked for without saying.
    audiences: Arc<[Text]>,
    limits: Lifetimes,
}

/// How long tokens live.
#[derive(Debug, Clone, Copy)]
pub struct Lifetimes {
    /// At most, in seconds; zero is no limit.
    pub longest: i64,
    /// For how many seconds a pod's token lives that is asked for [`PROJECTED`] seconds, so that clients which do not
    /// read it again go on working; as asked for, if absent.
    pub extended: Option<i64>,
}

/// What the kubelet asks for where a pod says nothing, in seconds.
const PROJECTED: i64 = 3607;
const SHORTEST: i64 = 600;
const LONGEST: i64 = 1 << 32;
const DEFAULT: i64 = 3600;

impl TokenRequests {
    /// Tokens by `issuer`, on a server that is meant by `audiences`.
    pub fn new(issuer: Arc<Issuer>, audiences: Arc<[Text]>, limits: Lifetimes) -> Self {
        Self {
            issuer,
            audiences,
            limits,
        }
    }

    async fn issue(&self, asked: Asked<'_>, mut body: Record) -> Result<Outcome, ApiError> {
        let (cx, namespace) = (asked.cx, &asked.cx.namespace);
        let kind = GroupKind::new("authentication.k8s.io", "TokenRequest");
        check_names(&kind, &body, asked.name, namespace)?;
        let account = asked
            .parent()?
            .get(asked.permit, cx, asked.name, "")
            .await?
            .record()?;
        let account = Metadata::of(&account);
        let given = Metadata::of(&body).uid();
        if !given.is_empty() && given != account.uid() {
            let why = format!(
                "the UID in the token request ({given}) does not match the UID of the service account ({})",
                account.uid()
            );
            let resource = GroupResource::new("authentication.k8s.io", "TokenRequest");
            return Err(ApiError::conflict(&resource, asked.name, why));
        }
        let now = cx.now();
        let mut request = TokenRequestMut::from_record(&mut body);
        let mut metadata = request.metadata_mut();
        metadata.set_name(own(account.name()));
        metadata.set_namespace(own(account.namespace()));
        metadata.set_uid(own(account.uid()));
        metadata.set_creation_timestamp(now.truncate_to_seconds());
        if request.view().spec().audiences().is_empty() {
            let audiences = self.audiences.iter().cloned().map(Value::String).collect();
            request.spec_mut().set_audiences(audiences);
        }
        request.clear_status();
        check_lifetime(
            &kind,
            request
                .view()
                .spec()
                .expiration_seconds()
                .unwrap_or(DEFAULT),
        )?;
        let bound = bind(asked, request.view())?;
        let asked_for = request
            .view()
            .spec()
            .expiration_seconds()
            .unwrap_or(DEFAULT);
        let longest = self.limits.longest;
        let seconds = if longest > 0 && asked_for > longest {
            cx.warn(format!(
                "requested expiration of {asked_for} seconds shortened to {longest} seconds"
            ));
            request.spec_mut().set_expiration_seconds(longest);
            longest
        } else {
            asked_for
        };
        let audiences: Vec<String> = request
            .view()
            .spec()
            .audiences()
            .iter()
            .map(str::to_owned)
            .collect();
        // A token that somebody else reads too is to expire when it says.
        let for_us_alone = audiences
            .iter()
            .all(|audience| self.audiences.iter().any(|ours| *ours == **audience));
        let is_projected = bound.pod.is_some() && seconds == PROJECTED;
        let extended = self
            .limits
            .extended
            .filter(|_| is_projected && for_us_alone);
        let begin = now.seconds;
        let claims = Claims {
            sub: username::of(namespace, asked.name),
            aud: audiences,
            exp: Some(begin + extended.unwrap_or(seconds)),
            nbf: Some(begin),
            iat: Some(begin),
            jti: cx.environment.random.uid(),
            kubernetes: Some(Kubernetes {
                namespace: namespace.to_string(),
                serviceaccount: Reference {
                    name: account.name().to_owned(),
                    uid: account.uid().to_owned(),
                },
                warnafter: extended.map(|_| begin + seconds),
                ..bound
            }),
            ..Claims::default()
        };
        let credential = format!("JTI={}", claims.jti);
        let token = self
            .issuer
            .issue(claims)
            .await
            .map_err(|why| ApiError::internal(format!("failed to generate token: {why}")))?;
        cx.annotate(
            "authentication.kubernetes.io/issued-credential-id",
            credential,
        );
        let mut status = request.status_mut();
        status.set_token(token);
        status.set_expiration_timestamp(Time::from_seconds(begin + seconds));
        Ok(Outcome::Object(body))
    }
}

impl Action for TokenRequests {
    fn default(&self, body: &mut Record) {
        let mut request = TokenRequestMut::from_record(body);
        if request.view().spec().expiration_seconds().is_none() {
            request.spec_mut().set_expiration_seconds(DEFAULT);
        }
    }

    fn keeps_system_fields(&self) -> bool {
        true
    }

    fn create<'a>(&'a self, asked: Asked<'a>, body: Record) -> Answer<'a, Outcome> {
        Box::pin(self.issue(asked, body))
    }
}

/// Name and namespace in the body are those of the path, if they are there.
fn check_names(
    kind: &GroupKind,
    body: &Record,
    name: &str,
    namespace: &str,
) -> Result<(), ApiError> {
    let metadata = Metadata::of(body);
    let mut errors = ErrorList::new();
    let fields = [
        (
            "metadata.name",
            metadata.name(),
            name,
            "must match the service account name if specified",
        ),
        (
            "metadata.namespace",
            metadata.namespace(),
            namespace,
            "must match the service account namespace if specified",
        ),
    ];
    for (field, given, expected, why) in fields {
        if !given.is_empty() && given != expected {
            errors.invalid(&Path::new(field), given, why);
            return Err(ApiError::invalid(kind, name, &errors));
        }
    }
    Ok(())
}

fn check_lifetime(kind: &GroupKind, seconds: i64) -> Result<(), ApiError> {
    let mut errors = ErrorList::new();
    let field = Path::new("spec.expirationSeconds");
    if seconds < SHORTEST {
        errors.invalid(
            &field,
            seconds,
            "may not specify a duration less than 10 minutes",
        );
    }
    if seconds > LONGEST {
        errors.invalid(
            &field,
            seconds,
            "may not specify a duration larger than 2^32 seconds",
        );
    }
    if errors.is_empty() {
        return Ok(());
    }
    Err(ApiError::invalid(kind, "", &errors))
}

/// Whether there can be an object of this name at all.
fn check_name(name: &str) -> Result<(), ApiError> {
    if name.is_empty() {
        return Err(ApiError::bad_request("Name parameter required."));
    }
    let wrong = path_segment_name(name);
    if wrong.is_empty() {
        return Ok(());
    }
    Err(ApiError::bad_request(format!(
        "Name parameter invalid: {}: {}",
        Quoted(name),
        wrong.join(";")
    )))
}

/// What the token is bound to, if that is there.
fn bind(asked: Asked<'_>, request: TokenRequest<'_>) -> Result<Kubernetes, ApiError> {
    let mut bound = Kubernetes::default();
    let Some(wanted) = request.spec().bound_object_ref() else {
        return Ok(bound);
    };
    let version = GroupVersion::parse(wanted.api_version()).unwrap_or_default();
    let resource = match (version.group.as_str(), wanted.kind()) {
        ("", "Pod") => "pods",
        ("", "Secret") => "secrets",
        ("", "Node") => "nodes",
        _ => {
            return Err(ApiError::bad_request(format!(
                "cannot bind token to object of type {}",
                version.with_kind(own(wanted.kind()))
            )));
        }
    };
    let key = |resource: &str, name: &str| match resource {
        "nodes" => name.to_owned(),
        _ => format!("{}/{name}", asked.cx.namespace),
    };
    let find = |resource: &str, name: &str| -> Result<Reference, ApiError> {
        check_name(name)?;
        let found = asked
            .store("", "v1", resource)?
            .cache()
            .get(&key(resource, name));
        let found = found
            .ok_or_else(|| ApiError::not_found(&GroupResource::new("", own(resource)), name))?;
        Ok(Reference {
            name: found.name().to_owned(),
            uid: found.uid().to_owned(),
        })
    };
    let found = find(resource, wanted.name())?;
    if resource == "pods" {
        let entry = asked
            .store("", "v1", "pods")?
            .cache()
            .get(&key("pods", wanted.name()));
        let pod = entry.map(|entry| entry.record()).transpose()?;
        let pod = pod.as_ref().map_or_else(Pod::empty, Pod::from_record);
        if pod.spec().service_account_name() != asked.name {
            return Err(ApiError::bad_request(format!(
                "cannot bind token for serviceaccount {} to pod running with different serviceaccount name.",
                Quoted(asked.name)
            )));
        }
        let node = pod.spec().node_name();
        if !node.is_empty() {
            // A node that is not there has no uid, and that is no reason not to have a token.
            bound.node = Some(find("nodes", node).unwrap_or_else(|_| Reference {
                name: node.to_owned(),
                uid: String::new(),
            }));
        }
    }
    if !wanted.uid().is_empty() && wanted.uid() != found.uid {
        let why = format!(
            "the UID in the bound object reference ({}) does not match the UID in record. The object might have been deleted \
             and then recreated",
            wanted.uid()
        );
        let resource = GroupResource::new(version.group.clone(), own(wanted.kind()));
        return Err(ApiError::conflict(&resource, wanted.name(), why));
    }
    match resource {
        "pods" => bound.pod = Some(found),
        "secrets" => bound.secret = Some(found),
        _ => bound.node = Some(found),
    }
    Ok(bound)
}

fn own(text: &str) -> Text {
    Text::from(text.to_owned())
}
