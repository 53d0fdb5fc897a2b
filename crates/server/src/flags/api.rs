//! Flags of what is served, and of what is let in.

use super::{Section, inert, many, one, switch};

pub(super) const API: Section = Section {
    title: "API and admission",
    flags: &[
        many(
            "runtime-config",
            "",
            "Group versions to turn on or off: api/all=…, api/ga=…, api/beta=…, api/alpha=…, group/version=true.",
        ),
        many("feature-gates", "", "Gates to turn on or off: Name=true."),
        many(
            "builtin-controllers",
            "",
            "Controllers to run inside, for a cluster without kube-controller-manager: their names, * for all, -name for all but one, or nothing. Default: * with the embedded store, none with --etcd-servers.",
        ),
        one(
            "service-cluster-ip-range",
            "10.0.0.0/24",
            "Range of cluster IPs, CIDR, or two of them with a comma.",
        ),
        one(
            "service-node-port-range",
            "30000-32767",
            "Range of node ports, from-to.",
        ),
        switch("allow-privileged", "false", "Allow privileged containers."),
        inert(switch(
            "enable-aggregator-routing",
            "false",
            "Route to the endpoints of an aggregated server instead of its cluster IP.",
        )),
        many(
            "enable-admission-plugins",
            "",
            "Admission plugins to add to the default ones. Their order is fixed.",
        ),
        many(
            "admission-control",
            "",
            "All admission plugins that there are to be, deprecated: use --enable-admission-plugins and --disable-admission-plugins instead.",
        ),
        many(
            "disable-admission-plugins",
            "",
            "Admission plugins to take from the default ones.",
        ),
        one(
            "default-not-ready-toleration-seconds",
            "300",
            "Seconds that a pod stays on a node that is not ready, unless it says otherwise.",
        ),
        one(
            "default-unreachable-toleration-seconds",
            "300",
            "Seconds that a pod stays on a node that is unreachable, unless it says otherwise.",
        ),
        one(
            "admission-control-config-file",
            "",
            "File with the settings of admission plugins: an AdmissionConfiguration.",
        ),
    ],
};
