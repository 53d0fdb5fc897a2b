//! The audit as configured: `--audit-policy-file`, `--audit-log-*` and `--audit-webhook-*`.

mod webhook;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use pintle_api::audit::v1::{Policy as PolicyView, PolicyRule};
use pintle_endpoints::audit::{
    Audit, AuditMetrics, Backend, BatchOptions, Batching, GroupResources, Lenient, Level, LogFile,
    LogOptions, Policy, Rule, Sink, Stage, Stages, Truncating,
};
use pintle_runtime::codec::{Problems, yaml};
use pintle_runtime::field_path::{ErrorList, Path as FieldPath};
use pintle_runtime::name::dns1123_subdomain;
use pintle_runtime::time::Clock;
use pintle_runtime::value::Record;

use crate::config::{number, span};
use crate::fault::Faults;
use crate::flags::Flags;
use crate::peer;

/// What is recorded of requests, and where.
#[derive(Debug, Clone)]
pub struct AuditConfig {
    /// What.
    pub policy: Policy,
    /// The file, or `-`, and how it makes room.
    pub log: Option<(PathBuf, LogOptions, Delivery)>,
    /// Who gets events.
    pub webhook: Option<AuditWebhookConfig>,
}

/// Somebody who gets events.
#[derive(Debug, Clone)]
pub struct AuditWebhookConfig {
    /// Kubeconfig.
    pub file: PathBuf,
    /// Pause before the first failed delivery is tried again.
    pub initial_backoff: Duration,
    /// How.
    pub delivery: Delivery,
}

/// When and how events are delivered.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// When.
    pub mode: Mode,
    /// Bytes after which an event goes without its objects; never if `None`.
    pub max_event: Option<usize>,
}

/// When events are delivered.
#[derive(Debug, Clone)]
pub enum Mode {
    /// A while after the answer, many at once.
    Batch(BatchOptions),
    /// Before the answer. If that fails, the answer is sent all the same.
    Blocking,
    /// Before the answer. A request whose beginning cannot be recorded is refused.
    BlockingStrict,
}

impl AuditConfig {
    /// What the flags ask for; `None` without a policy.
    pub(crate) fn from_flags(flags: &Flags, faults: &mut Faults) -> Option<Self> {
        for (name, allowed) in [
            ("audit-log-format", "json"),
            ("audit-log-version", "audit.k8s.io/v1"),
            ("audit-webhook-version", "audit.k8s.io/v1"),
        ] {
            let value = flags.one(name);
            if value != allowed {
                faults.add(format!("--{name}={value}: must be {allowed}"));
            }
        }
        let mut number = |name: &str| {
            let number = number::<u32>(flags, name);
            faults.check(number).unwrap_or_default()
        };
        let options = LogOptions {
            max_size: u64::from(number("audit-log-maxsize")) << 20,
            max_age: Duration::from_secs(u64::from(number("audit-log-maxage")) * 86_400),
            max_backups: number("audit-log-maxbackup") as usize,
            compress: flags.on("audit-log-compress"),
        };
        let of_log = delivery(flags, "log", faults);
        let of_webhook = delivery(flags, "webhook", faults);
        let log = flags.given("audit-log-path");
        let webhook = flags.given("audit-webhook-config-file");
        let initial_backoff = faults
            .check(span(flags, "audit-webhook-initial-backoff"))
            .unwrap_or_default();
        if let Some(file) = webhook
            && let Err(found) = peer::read_for("audit-webhook-config-file", Path::new(file))
        {
            found.into_iter().for_each(|fault| faults.add(fault));
        }
        let Some(file) = flags.given("audit-policy-file") else {
            if log.is_some() || webhook.is_some() {
                tracing::warn!(
                    "--audit-log-path and --audit-webhook-config-file have no effect without --audit-policy-file, which says what is recorded"
                );
            }
            return None;
        };
        let policy =
            read(Path::new(file)).map_err(|fault| format!("--audit-policy-file={file}: {fault}"));
        Some(Self {
            policy: faults.check(policy)?,
            log: log.map(|path| (PathBuf::from(path), options, of_log)),
            webhook: webhook.map(|file| AuditWebhookConfig {
                file: PathBuf::from(file),
                initial_backoff,
                delivery: of_webhook,
            }),
        })
    }

    /// The audit, with its log open.
    pub(crate) fn open(
        &self,
        clock: Arc<dyn Clock>,
        metrics: Arc<AuditMetrics>,
    ) -> Result<Arc<Audit>> {
        let mut backends: Vec<Arc<dyn Backend>> = Vec::new();
        if let Some((path, options, delivery)) = &self.log {
            let log = LogFile::open(path, options.clone(), Arc::clone(&metrics))
                .with_context(|| format!("cannot write --audit-log-path={}", path.display()))?;
            backends.push(delivery.to(Arc::new(log), 1, &metrics));
        }
        if let Some(config) = &self.webhook {
            let webhook = webhook::Events::connect(config, Arc::clone(&metrics))?;
            backends.push(config.delivery.to(Arc::new(webhook), AT_ONCE, &metrics));
        }
        if backends.is_empty() {
            tracing::warn!(
                "an audit policy is given, and no place for its events: give --audit-log-path or --audit-webhook-config-file too"
            );
        }
        Ok(Arc::new(Audit::new(
            self.policy.clone(),
            backends,
            clock,
            metrics,
        )))
    }
}

/// Batches on their way to a webhook at the same time.
const AT_ONCE: usize = 16;

impl Delivery {
    /// To `keeper`, which takes so many batches at once.
    fn to<K: Backend + Sink>(
        &self,
        keeper: Arc<K>,
        at_once: usize,
        metrics: &Arc<AuditMetrics>,
    ) -> Arc<dyn Backend> {
        let backend: Arc<dyn Backend> = match &self.mode {
            Mode::Batch(options) => {
                let options = BatchOptions {
                    at_once,
                    ..options.clone()
                };
                Arc::new(Batching::start(keeper, options, Arc::clone(metrics)))
            }
            Mode::Blocking => Arc::new(Lenient(keeper)),
            Mode::BlockingStrict => keeper,
        };
        match self.max_event {
            Some(max_event) => Arc::new(Truncating {
                inner: backend,
                max_event,
                metrics: Arc::clone(metrics),
            }),
            None => backend,
        }
    }
}

/// How events get to the log, or to the webhook.
fn delivery(flags: &Flags, plugin: &str, faults: &mut Faults) -> Delivery {
    let name = |what: &str| format!("audit-{plugin}-{what}");
    let mode = match flags.one(&name("mode")) {
        "batch" => Mode::Batch(batch(flags, plugin, faults)),
        "blocking" => Mode::Blocking,
        "blocking-strict" => Mode::BlockingStrict,
        other => {
            faults.add(format!(
                "--audit-{plugin}-mode={other}: invalid audit {plugin} mode {other}, allowed modes are \"batch,blocking,blocking-strict\""
            ));
            Mode::Blocking
        }
    };
    let mut size = |what: &str| {
        faults
            .check(number::<usize>(flags, &name(what)))
            .unwrap_or(1)
    };
    let (max_batch, max_event) = (
        size("truncate-max-batch-size"),
        size("truncate-max-event-size"),
    );
    let is_truncated = flags.on(&name("truncate-enabled"));
    if is_truncated && max_event == 0 {
        faults.add(format!(
            "--audit-{plugin}-truncate-max-event-size: must be a positive number"
        ));
    }
    if is_truncated && max_batch < max_event {
        faults.add(format!(
            "--audit-{plugin}-truncate-max-batch-size: invalid audit truncate {plugin} max batch size {max_batch}, must be greater than max event size ({max_event})"
        ));
    }
    Delivery {
        mode,
        max_event: is_truncated.then_some(max_event),
    }
}

fn batch(flags: &Flags, plugin: &str, faults: &mut Faults) -> BatchOptions {
    let name = |what: &str| format!("audit-{plugin}-batch-{what}");
    let positive = |what: &str, value: f64| {
        if value > 0.0 {
            Ok(())
        } else {
            let flag = name(what);
            Err(format!(
                "--{flag}={}: must be a positive number",
                flags.one(&flag)
            ))
        }
    };
    let (buffer, max_size, qps, burst) = (
        number::<usize>(flags, &name("buffer-size")),
        number::<usize>(flags, &name("max-size")),
        number::<f64>(flags, &name("throttle-qps")),
        number::<u32>(flags, &name("throttle-burst")),
    );
    let buffer = faults.check(buffer).unwrap_or(1);
    let max_size = faults.check(max_size).unwrap_or(1);
    let qps = faults.check(qps).unwrap_or(1.0);
    let burst = faults.check(burst).unwrap_or(1);
    let is_throttled = flags.on(&name("throttle-enable"));
    #[allow(
        clippy::cast_precision_loss,
        reason = "only whether it is zero matters"
    )]
    let mut checks = vec![
        ("buffer-size", buffer as f64),
        ("max-size", max_size as f64),
    ];
    if is_throttled {
        checks.extend([("throttle-qps", qps), ("throttle-burst", f64::from(burst))]);
    }
    for (what, value) in checks {
        faults.check(positive(what, value));
    }
    BatchOptions {
        buffer,
        max_size,
        max_wait: faults
            .check(span(flags, &name("max-wait")))
            .unwrap_or_default(),
        throttle: is_throttled.then_some((qps, burst)),
        at_once: 1,
    }
}

fn read(file: &Path) -> Result<Policy, String> {
    let text = std::fs::read(file).map_err(|error| error.to_string())?;
    parse(text.into())
}

/// A policy in YAML or JSON. Fields that are not known are warned of, as kube-apiserver does.
fn parse(text: Bytes) -> Result<Policy, String> {
    let ty = pintle_api::type_by_name("io.k8s.apiserver.pkg.apis.audit.v1.Policy")
        .ok_or("this build knows no audit policies")?;
    let mut problems = Problems::collected();
    let record = yaml::decode(&ty, &text, &mut problems).map_err(|error| error.to_string())?;
    for problem in problems.texts() {
        tracing::warn!(
            problem,
            "the audit policy has something that is not understood"
        );
    }
    let view = PolicyView::from_record(&record);
    if view.api_version() != "audit.k8s.io/v1" || view.kind() != "Policy" {
        return Err("must be of kind Policy of audit.k8s.io/v1".to_owned());
    }
    let mut errors = ErrorList::new();
    let policy = policy(&record, &mut errors);
    if errors.is_empty() {
        Ok(policy)
    } else {
        Err(errors.to_string())
    }
}

fn policy(record: &Record, errors: &mut ErrorList) -> Policy {
    let view = PolicyView::from_record(record);
    let rules = FieldPath::new("rules");
    Policy {
        omit_stages: stages(
            view.omit_stages().iter(),
            &FieldPath::new("omitStages"),
            errors,
        ),
        omit_managed_fields: view.omit_managed_fields(),
        rules: view
            .rules()
            .iter()
            .enumerate()
            .map(|(index, view)| rule(view, &rules.index(index), errors))
            .collect(),
    }
}

fn rule(view: PolicyRule<'_>, at: &FieldPath<'_>, errors: &mut ErrorList) -> Rule {
    let level = Level::of(view.level());
    if view.level().is_empty() {
        errors.required(&at.child("level"), "");
    } else if level.is_none() {
        let levels = ["None", "Metadata", "Request", "RequestResponse"];
        errors.not_supported(&at.child("level"), view.level(), levels);
    }
    let rule = Rule {
        level: level.unwrap_or_default(),
        users: owned(view.users().iter()),
        user_groups: owned(view.user_groups().iter()),
        verbs: owned(view.verbs().iter()),
        resources: view
            .resources()
            .iter()
            .map(|some| GroupResources {
                group: some.group().to_owned(),
                resources: owned(some.resources().iter()),
                resource_names: owned(some.resource_names().iter()),
            })
            .collect(),
        namespaces: owned(view.namespaces().iter()),
        non_resource_urls: owned(view.non_resource_urls().iter()),
        omit_stages: stages(view.omit_stages().iter(), &at.child("omitStages"), errors),
        omit_managed_fields: view.omit_managed_fields(),
    };
    let urls = at.child("nonResourceURLs");
    if !rule.non_resource_urls.is_empty() {
        if !rule.resources.is_empty() || !rule.namespaces.is_empty() {
            errors.invalid(
                &urls,
                &*rule.non_resource_urls.join(","),
                "rules cannot apply to both regular resources and non-resource URLs",
            );
        }
        for (index, url) in rule.non_resource_urls.iter().enumerate() {
            let stars = url.trim_end_matches('*');
            if url != "*" && !url.starts_with('/') {
                errors.invalid(
                    &urls.index(index),
                    url.as_str(),
                    "non-resource URL rules must begin with a '/' character",
                );
            } else if stars.contains('*') {
                errors.invalid(
                    &urls.index(index),
                    url.as_str(),
                    "non-resource URL wildcards '*' must be the final character of the rule",
                );
            }
        }
    }
    let resources = at.child("resources");
    for (index, some) in rule.resources.iter().enumerate() {
        let at = resources.index(index);
        if !some.group.is_empty() {
            errors.invalid_each(
                &at.child("group"),
                &some.group,
                dns1123_subdomain(&some.group),
            );
        }
        if some.resources.is_empty() && !some.resource_names.is_empty() {
            errors.invalid(
                &at.child("resourceNames"),
                &*some.resource_names.join(","),
                "using resourceNames requires at least one resource",
            );
        }
    }
    rule
}

fn stages<'a>(
    names: impl Iterator<Item = &'a str>,
    at: &FieldPath<'_>,
    errors: &mut ErrorList,
) -> Stages {
    names
        .enumerate()
        .filter_map(|(index, name)| {
            let stage = Stage::of(name);
            if stage.is_none() {
                errors.invalid(
                    &at.index(index),
                    name,
                    format!("allowed stages are {STAGES}"),
                );
            }
            stage
        })
        .collect()
}

const STAGES: &str = "RequestReceived,ResponseStarted,ResponseComplete,Panic";

fn owned<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    texts.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_faults(line: &str, expected: usize) {
        let flags = Flags::parse(std::iter::once("pintle").chain(line.split_whitespace()));
        let mut faults = Faults::default();
        AuditConfig::from_flags(&flags.expect("flags"), &mut faults);
        assert_eq!(faults.to_string().lines().count(), expected, "{faults}");
    }

    #[test]
    fn every_fault_of_the_flags_is_told() {
        check_faults("", 0);
        check_faults(
            "--audit-log-mode=some --audit-webhook-batch-max-size=0 --audit-webhook-batch-throttle-qps=0 --audit-log-maxage=x",
            4,
        );
        check_faults(
            "--audit-log-truncate-enabled --audit-log-truncate-max-batch-size=1 --audit-webhook-config-file=/none",
            2,
        );
    }

    #[test]
    fn a_policy_is_read() {
        let policy = parse(Bytes::from_static(
            b"apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n- level: Metadata\n  resources: [{group: '', resources: [secrets]}]\n- level: RequestResponse\n",
        ))
        .expect("nothing is wrong with it");
        let levels: Vec<_> = policy.rules.iter().map(|rule| rule.level).collect();
        assert_eq!(levels, [Level::Metadata, Level::RequestResponse]);
        assert!(policy.omit_stages.has(Stage::RequestReceived));
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let fault = parse(Bytes::from_static(
            b"apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Some\n  omitStages: [Now]\n- nonResourceURLs: [healthz]\n",
        ))
        .expect_err("much is wrong with it");
        for part in [
            "rules[0].level",
            "rules[0].omitStages[0]",
            "rules[1].level",
            "rules[1].nonResourceURLs[0]",
        ] {
            assert!(fault.contains(part), "{part}: {fault}");
        }
    }
}
