//! Flags of who is asked who it is.

use super::{Section, many, one, switch};

pub(super) const AUTHENTICATION: Section = Section {
    title: "Authentication",
    flags: &[
        one(
            "client-ca-file",
            "",
            "CA bundle, PEM; a client certificate that it signed authenticates as its CN, in its O groups. It is read again when it changes.",
        ),
        one(
            "token-auth-file",
            "",
            "Static tokens, CSV: token,user,uid[,\"group,group\"].",
        ),
        switch(
            "anonymous-auth",
            "true",
            "Let requests without credentials in as system:anonymous.",
        ),
        many(
            "service-account-issuer",
            "https://kubernetes.default.svc",
            "Issuer of service account tokens; given again, tokens of the others are accepted too.",
        ),
        many(
            "service-account-key-file",
            "",
            "Keys that service account tokens are verified with, PEM. Default: that of --service-account-signing-key-file.",
        ),
        one(
            "service-account-signing-key-file",
            "",
            "Private key of service account tokens, PEM. Default: one made in --cert-dir.",
        ),
        one(
            "service-account-signing-endpoint",
            "",
            "Socket of somebody else on this machine who signs service account tokens and keeps their keys: ExternalJWTSigner v1. It rules out both flags of key files.",
        ),
        many(
            "api-audiences",
            "",
            "Who this server is to those that issue tokens. Default: the issuers.",
        ),
        one(
            "authentication-config",
            "",
            "AuthenticationConfiguration, YAML or JSON: OpenID Connect providers whose tokens are accepted, and which paths are open to requests without credentials. It is read again when it changes.",
        ),
        switch(
            "enable-bootstrap-token-auth",
            "false",
            "Accept the tokens of secrets bootstrap.kubernetes.io/token in kube-system.",
        ),
        one(
            "requestheader-client-ca-file",
            "",
            "CA bundle, PEM; a front proxy with a certificate that it signed is believed who its users are.",
        ),
        many(
            "requestheader-allowed-names",
            "",
            "Common names of front proxies. Default: any that --requestheader-client-ca-file signed.",
        ),
        many(
            "requestheader-username-headers",
            "",
            "Headers in which a front proxy names the user; X-Remote-User is common.",
        ),
        many(
            "requestheader-uid-headers",
            "",
            "Headers in which a front proxy gives the user's uid; X-Remote-Uid is common.",
        ),
        many(
            "requestheader-group-headers",
            "",
            "Headers in which a front proxy gives the user's groups; X-Remote-Group is common.",
        ),
        many(
            "requestheader-extra-headers-prefix",
            "",
            "What headers begin with in which a front proxy tells more of the user; X-Remote-Extra- is common.",
        ),
        switch(
            "service-account-lookup",
            "true",
            "Accept service account tokens only as long as what they are bound to is there.",
        ),
        switch(
            "service-account-extend-token-expiration",
            "true",
            "Let tokens in pods live for a year, and note when one should have been renewed.",
        ),
        one(
            "service-account-max-token-expiration",
            "0s",
            "Longest life of a service account token; 0 is no limit.",
        ),
        one(
            "service-account-jwks-uri",
            "",
            "Where verifiers find the keys of service account tokens. Default: this server.",
        ),
        one(
            "oidc-issuer-url",
            "",
            "Name of an OpenID Connect provider, a URL of https, whose tokens are accepted.",
        ),
        one("oidc-client-id", "", "Whom its tokens have to be for."),
        one("oidc-username-claim", "sub", "Claim that names the user."),
        one(
            "oidc-username-prefix",
            "",
            "What is put before the name; - is nothing. Default: the issuer and #, unless the claim is email.",
        ),
        one(
            "oidc-groups-claim",
            "",
            "Claim that names the user's groups: a text, or a list of them.",
        ),
        one("oidc-groups-prefix", "", "What is put before the groups."),
        many(
            "oidc-required-claim",
            "",
            "Claims that tokens have to have, with their values: name=value.",
        ),
        many(
            "oidc-signing-algs",
            "RS256",
            "How tokens may be signed: RS256, RS384, RS512, ES256, ES384, ES512, PS256, PS384, PS512.",
        ),
        one(
            "oidc-ca-file",
            "",
            "CA bundle, PEM, of the provider. Default: those that the host trusts.",
        ),
        one(
            "authentication-token-webhook-config-file",
            "",
            "Kubeconfig of whoever reviews tokens that nobody else knows.",
        ),
        one(
            "authentication-token-webhook-cache-ttl",
            "2m0s",
            "How long its answers are remembered.",
        ),
        one(
            "authentication-token-webhook-version",
            "v1beta1",
            "Version of authentication.k8s.io that it understands: v1 or v1beta1.",
        ),
    ],
};
