//! Plug-ins about certificates: who may approve, sign and attest for a signer, and `CertificateSubjectRestriction`.

use std::sync::Arc;

use pintle_api::certificates::v1::CertificateSigningRequest;
use pintle_authz::{self as authz, Authorizer, ResourceAttributes};
use pintle_endpoints::admission::{Answer, Attributes, Interest, Operation, Plugin, Target};
use pintle_endpoints::context::RequestContext;
use pintle_runtime::status::ApiError;
use pintle_runtime::text::Text;
use pintle_runtime::value::Record;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::pem::Pem;
use x509_parser::prelude::FromDer;
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

use super::rule::Rule;

const GROUP: &str = "certificates.k8s.io";
const REQUESTS: &str = "certificatesigningrequests";

/// What is done for a signer that takes a right of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// `CertificateApproval`
    Approve,
    /// `CertificateSigning`
    Sign,
    /// `ClusterTrustBundleAttest`
    Attest,
}

/// Who does something for a signer has to have the right to, on the resource `signers`.
pub(super) struct ForSigner {
    pub act: Act,
    pub authorizer: Arc<dyn Authorizer>,
}

impl Plugin for ForSigner {
    fn name(&self) -> &'static str {
        match self.act {
            Act::Approve => "CertificateApproval",
            Act::Sign => "CertificateSigning",
            Act::Attest => "ClusterTrustBundleAttest",
        }
    }

    fn interest(&self, target: Target<'_>) -> Interest {
        let updates = target.operation == Operation::Update;
        Interest::VALIDATES.when(match self.act {
            Act::Approve => updates && target.is_below(GROUP, REQUESTS, "approval"),
            Act::Sign => updates && target.is_below(GROUP, REQUESTS, "status"),
            Act::Attest => target.writes() && target.is(GROUP, "clustertrustbundles"),
        })
    }

    fn validate<'a>(
        &'a self,
        cx: &'a RequestContext,
        attributes: &'a Attributes<'a>,
        object: Option<&'a Record>,
    ) -> Answer<'a> {
        match object.and_then(|object| self.signer(attributes, object)) {
            Some(signer) => Answer::later(self.check(cx, attributes, signer)),
            None => Answer::YES,
        }
    }
}

impl ForSigner {
    /// The signer for which something is done, if anything is.
    fn signer<'a>(&self, attributes: &Attributes<'a>, object: &'a Record) -> Option<&'a str> {
        if self.act == Act::Attest {
            let spec =
                |object: &'a Record| object.get_by_name("spec").and_then(|it| it.as_record());
            let new = spec(object)?;
            let is_same = attributes.old.and_then(spec) == Some(new);
            let signer = new.get_by_name("signerName").and_then(|it| it.as_str());
            return signer.filter(|signer| !is_same && !signer.is_empty());
        }
        let old = CertificateSigningRequest::from_record(attributes.old?);
        let new = CertificateSigningRequest::from_record(object).status();
        let is_same = new.certificate() == old.status().certificate()
            && new.conditions().values() == old.status().conditions().values();
        (self.act == Act::Approve || !is_same).then(|| old.spec().signer_name())
    }

    async fn check(
        &self,
        cx: &RequestContext,
        attributes: &Attributes<'_>,
        signer: &str,
    ) -> Result<(), ApiError> {
        let (verb, doing) = match self.act {
            Act::Approve => ("approve", "approve requests with"),
            Act::Sign => ("sign", "sign requests with"),
            Act::Attest => ("attest", "attest for"),
        };
        let domain = signer.split_once('/').map_or(signer, |(domain, _)| domain);
        for name in [signer.to_owned(), format!("{domain}/*")] {
            let asked = authz::Attributes {
                user: Arc::clone(&cx.user),
                verb: Text::from_static(verb),
                path: Text::default(),
                resource: Some(ResourceAttributes {
                    group: Text::from_static(GROUP),
                    version: Text::from_static("*"),
                    resource: Text::from_static("signers"),
                    name: Text::from(name),
                    ..ResourceAttributes::default()
                }),
            };
            if self.authorizer.authorize(&asked).wait().await.is_allow() {
                return Ok(());
            }
        }
        Err(attributes.forbid(format!(
            "user not permitted to {doing} signerName \"{signer}\""
        )))
    }
}

/// `CertificateSubjectRestriction`: no certificate makes its bearer a member of `system:masters`.
pub(super) struct SubjectRestriction;

const CLIENT_SIGNER: &str = "kubernetes.io/kube-apiserver-client";

impl Rule for SubjectRestriction {
    const NAME: &'static str = "CertificateSubjectRestriction";

    fn interest(&self, target: Target<'_>) -> Interest {
        Interest::VALIDATES.when(target.is(GROUP, REQUESTS) && target.creates())
    }

    fn validate(
        &self,
        _: &RequestContext,
        attributes: &Attributes<'_>,
        object: &Record,
    ) -> Result<(), ApiError> {
        let spec = CertificateSigningRequest::from_record(object).spec();
        if spec.signer_name() != CLIENT_SIGNER {
            return Ok(());
        }
        let organizations = organizations(spec.request())
            .ok_or_else(|| attributes.forbid("failed to parse CSR: no certificate request"))?;
        if organizations.iter().any(|it| it == "system:masters") {
            return Err(attributes.forbid(format!(
                "use of {CLIENT_SIGNER} signer with system:masters group is not allowed"
            )));
        }
        Ok(())
    }
}

/// The organizations in the subject of a request in PEM; `None` if it is no request.
fn organizations(request: &[u8]) -> Option<Vec<String>> {
    of_subject(request, |subject| texts(subject.iter_organization()))
}

/// The common names in the subject of a request in PEM; `None` if it is no request.
pub(super) fn common_names(request: &[u8]) -> Option<Vec<String>> {
    of_subject(request, |subject| texts(subject.iter_common_name()))
}

fn of_subject<T>(request: &[u8], read: impl Fn(&X509Name<'_>) -> T) -> Option<T> {
    let pem = Pem::iter_from_buffer(request).next()?.ok()?;
    let (_, request) = X509CertificationRequest::from_der(&pem.contents).ok()?;
    Some(read(&request.certification_request_info.subject))
}

fn texts<'s, 'a: 's>(
    attributes: impl Iterator<Item = &'s AttributeTypeAndValue<'a>>,
) -> Vec<String> {
    attributes
        .filter_map(|it| it.as_str().ok())
        .map(str::to_owned)
        .collect()
}
