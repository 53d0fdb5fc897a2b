//! Flags of who decides.

use super::{Section, many, one};

pub(super) const AUTHORIZATION: Section = Section {
    title: "Authorization",
    flags: &[
        many(
            "authorization-mode",
            "Node,RBAC",
            "Who is asked in turn whether a request is allowed: AlwaysAllow, AlwaysDeny, ABAC, Node, RBAC, Webhook. Members of system:masters may do everything.",
        ),
        one(
            "authorization-policy-file",
            "",
            "Who may do what, for the mode ABAC: a JSON object a line.",
        ),
        one(
            "authorization-config",
            "",
            "AuthorizationConfiguration, YAML or JSON: who is asked in turn, instead of --authorization-mode. It is read again when it changes.",
        ),
        one(
            "authorization-webhook-config-file",
            "",
            "Kubeconfig of whoever decides, for the mode Webhook.",
        ),
        one(
            "authorization-webhook-version",
            "v1beta1",
            "Version of authorization.k8s.io that it understands: v1 or v1beta1.",
        ),
        one(
            "authorization-webhook-cache-authorized-ttl",
            "5m0s",
            "How long its permissions are remembered.",
        ),
        one(
            "authorization-webhook-cache-unauthorized-ttl",
            "30s",
            "How long its refusals are remembered.",
        ),
    ],
};
