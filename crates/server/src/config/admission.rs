//! What the admission plug-ins are told by flags and by their configuration file.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pintle_api::settings::Settings;
use pintle_controlplane::admission::{AdmissionOptions, Configuration, TolerationSeconds};
use pintle_endpoints::client::{Retries, Webhook};

use super::{gates, number};
use crate::fault::Faults;
use crate::flags::Flags;
use crate::peer::Peer;

pub(super) fn options(flags: &Flags, faults: &mut Faults) -> AdmissionOptions {
    let names = |flag| flags.many(flag).into_iter().map(str::to_owned).collect();
    let mut options = AdmissionOptions {
        enable: names("enable-admission-plugins"),
        disable: names("disable-admission-plugins"),
        configuration: Configuration::default(),
        image_policy: None,
        settings: Settings::new(
            flags.on("allow-privileged"),
            // What is wrong with them is said where they are read for everybody.
            gates(flags, &mut Faults::default()),
        ),
        toleration_seconds: TolerationSeconds {
            not_ready: faults
                .check(number(flags, "default-not-ready-toleration-seconds"))
                .unwrap_or_default(),
            unreachable: faults
                .check(number(flags, "default-unreachable-toleration-seconds"))
                .unwrap_or_default(),
        },
        pod_security: Arc::default(),
    };
    let only: Vec<_> = names("admission-control");
    let mut found = Vec::new();
    if !only.is_empty() {
        found = options.allow_only(only);
    }
    found.extend(options.faults());
    for fault in found {
        faults.add(fault);
    }
    if let Some(file) = flags.given("admission-control-config-file") {
        // Paths in the file are relative to it.
        let directory = Path::new(file).parent().unwrap_or(Path::new(""));
        let open = |path: &Path| std::fs::read(path).map_err(|error| not_opened(path, &error));
        let read = |path: &str| open(&directory.join(path));
        let parsed = open(Path::new(file))
            .map_err(|why| {
                format!("unable to read admission control configuration from \"{file}\" [{why}]")
            })
            .and_then(|text| Configuration::parse(&text, read).map_err(|error| error.to_string()));
        match parsed {
            Ok(configuration) => {
                options.image_policy = faults
                    .check(image_policy(&configuration, directory))
                    .flatten();
                options.configuration = configuration;
            }
            Err(error) => faults.add(format!(
                "failed to apply admission: failed to read plugin config: {error}"
            )),
        }
    }
    options
}

/// Why a file could not be opened, as Go says it.
fn not_opened(path: &Path, error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    format!("open {}: {}", path.display(), text.to_lowercase())
}

/// Whom the plug-in `ImagePolicyWebhook` asks, if there are settings for it. Names are relative to `folder`.
fn image_policy(
    configuration: &Configuration,
    folder: &Path,
) -> Result<Option<Arc<Webhook>>, String> {
    let Some(settings) = configuration.of("ImagePolicyWebhook") else {
        return Ok(None);
    };
    let policy = &settings["imagePolicy"];
    let wrong = |why: String| format!("--admission-control-config-file: ImagePolicyWebhook: {why}");
    let file = policy["kubeConfigFile"].as_str().unwrap_or_default();
    let peer = Peer::read(&folder.join(file)).map_err(|faults| wrong(faults.join("; ")))?;
    let retries = Retries {
        first: Duration::from_millis(policy["retryBackoff"].as_u64().unwrap_or(500)),
        ..Retries::default()
    };
    let webhook = peer
        .webhook(Duration::from_secs(30), retries)
        .map_err(wrong)?;
    Ok(Some(Arc::new(webhook)))
}
