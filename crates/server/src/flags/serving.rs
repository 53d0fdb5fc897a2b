//! Flags of addresses, certificates, limits and the chain of requests.

use super::{Section, each, inert, many, one, switch};

pub(super) const SERVING: Section = Section {
    title: "Serving",
    flags: &[
        one(
            "bind-address",
            "",
            "IP address to listen on. Default: 127.0.0.1 without --tls-cert-file, --client-ca-file and --token-auth-file, else 0.0.0.0.",
        ),
        one(
            "secure-port",
            "6443",
            "Port to serve HTTPS on; 0 takes a free one.",
        ),
        one(
            "advertise-address",
            "",
            "IP address on which members of the cluster reach this server. Default: --bind-address, or the host's.",
        ),
        one(
            "external-hostname",
            "",
            "Host name for externalized URLs of this server, and in its self-made certificate.",
        ),
        one(
            "tls-cert-file",
            "",
            "Serving certificate, PEM, followed by its intermediates. Default: one made in --data-dir.",
        ),
        one(
            "tls-private-key-file",
            "",
            "Private key of --tls-cert-file, PEM.",
        ),
        one(
            "tls-min-version",
            "VersionTLS12",
            "Lowest TLS version: VersionTLS12 or VersionTLS13.",
        ),
        many(
            "tls-cipher-suites",
            "",
            "Cipher suites to offer in TLS 1.2. Default: all that are known.",
        ),
        each(
            "tls-sni-cert-key",
            "",
            "Certificate and key, PEM, for names that clients ask for: cert.pem,key.pem, or cert.pem,key.pem:*.example.com,example.com; without names, those of the certificate.",
        ),
        one(
            "cert-dir",
            "",
            "Directory for the certificates made at start. Default: `pki` in --data-dir.",
        ),
        one(
            "http2-max-streams-per-connection",
            "0",
            "Concurrent HTTP/2 streams a client may open on a connection; 0 is 100.",
        ),
        one(
            "request-timeout",
            "1m0s",
            "How long a request may take that is not a watch.",
        ),
        one(
            "min-request-timeout",
            "1800",
            "Seconds that a watch lives at least, unless the client asked for less.",
        ),
        one(
            "max-requests-inflight",
            "400",
            "Reads served at once. With priority and fairness, the sum of both is the seats that are shared.",
        ),
        one(
            "max-mutating-requests-inflight",
            "200",
            "Writes served at once, likewise. Without priority and fairness 0 is no limit.",
        ),
        one(
            "shutdown-delay-duration",
            "0s",
            "How long to go on serving after SIGTERM while /readyz already fails.",
        ),
        one(
            "livez-grace-period",
            "0s",
            "How long after start /livez takes unfinished start-up for good.",
        ),
        one(
            "goaway-chance",
            "0",
            "Share of HTTP/2 requests answered with GOAWAY, to spread clients over instances.",
        ),
        inert(switch("profiling", "true", "Serve /debug/pprof.")),
        switch(
            "enable-priority-and-fairness",
            "true",
            "Share the server's capacity fairly by FlowSchema and PriorityLevelConfiguration; false refuses what is too many.",
        ),
    ],
};
