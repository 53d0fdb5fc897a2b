//! What this program is, and which features are on, for `/metrics`.

use pintle_api::{FeatureGate, Stage, feature_gates};
use pintle_controlplane::rows::Switches;
use pintle_endpoints::metrics::{Collector, Kind, Samples};

use crate::version;

/// The families that never change while the server runs.
pub(crate) struct About {
    features: Vec<(&'static str, &'static str, bool)>,
}

impl About {
    /// Of a server with these switches.
    pub(crate) fn new(switches: &Switches) -> Self {
        let feature = |gate: &FeatureGate| {
            let stage = match gate.stage {
                Stage::Alpha => "ALPHA",
                Stage::Beta => "BETA",
                // What is there for good is at no stage.
                Stage::Stable => "",
                Stage::Deprecated => "DEPRECATED",
            };
            (gate.name, stage, switches.gate(gate.name))
        };
        Self {
            features: feature_gates().iter().map(feature).collect(),
        }
    }
}

impl Collector for About {
    fn collect(&self, samples: &mut Samples<'_>) {
        let help = "[BETA] A metric with a constant '1' value labeled by major, minor, git version, git commit, git tree state, \
                    build date, Go version, and compiler from which Kubernetes was built, and platform on which it is running.";
        samples.family("kubernetes_build_info", help, Kind::Gauge);
        let labels = version::labels();
        let labels: Vec<(&str, &str)> = labels.iter().map(|(name, it)| (*name, &**it)).collect();
        samples.sample(&labels, 1.0);
        let help =
            "[BETA] This metric records the data about the stage and enablement of a k8s feature.";
        samples.family("kubernetes_feature_enabled", help, Kind::Gauge);
        for (name, stage, is_on) in &self.features {
            let labels = [("name", *name), ("stage", *stage)];
            samples.sample(&labels, f64::from(u8::from(*is_on)));
        }
    }
}
