//! The audit as configured: `--audit-policy-file` and `--audit-log-*`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use pintle_api::audit::v1::{Policy as PolicyView, PolicyRule};
use pintle_endpoints::audit::{
    Audit, Backend, GroupResources, Level, LogFile, LogOptions, Policy, Rule, Stage, Stages,
};
use pintle_runtime::codec::{Problems, yaml};
use pintle_runtime::field_path::{ErrorList, Path as FieldPath};
use pintle_runtime::name::dns1123_subdomain;
use pintle_runtime::time::Clock;
use pintle_runtime::value::Record;

use crate::fault::Faults;
use crate::flags::Flags;

/// What is recorded of requests, and where.
#[derive(Debug, Clone)]
pub struct AuditConfig {
    /// What.
    pub policy: Policy,
    /// The file, or `-`, and how it makes room.
    pub log: Option<(PathBuf, LogOptions)>,
}

impl AuditConfig {
    /// What the flags ask for; `None` without a policy.
    pub(crate) fn from_flags(flags: &Flags, faults: &mut Faults) -> Option<Self> {
        for (name, allowed) in [
            ("audit-log-format", &["json"][..]),
            ("audit-log-mode", &["blocking", "blocking-strict"]),
        ] {
            let value = flags.one(name);
            if !allowed.contains(&value) {
                faults.add(format!(
                    "--{name}={value}: must be {}",
                    allowed.join(" or ")
                ));
            }
        }
        let mut number = |name: &str| {
            let value = flags.one(name);
            let number = value.parse::<u32>();
            let number = number
                .map_err(|_| format!("--{name}={value}: must be a number that is not negative"));
            faults.check(number).unwrap_or_default()
        };
        let options = LogOptions {
            max_size: u64::from(number("audit-log-maxsize")) << 20,
            max_age: Duration::from_secs(u64::from(number("audit-log-maxage")) * 86_400),
            max_backups: number("audit-log-maxbackup") as usize,
        };
        let log = flags.given("audit-log-path");
        let Some(file) = flags.given("audit-policy-file") else {
            if log.is_some() {
                tracing::warn!(
                    "--audit-log-path has no effect without --audit-policy-file, which says what is recorded"
                );
            }
            return None;
        };
        let policy =
            read(Path::new(file)).map_err(|fault| format!("--audit-policy-file={file}: {fault}"));
        Some(Self {
            policy: faults.check(policy)?,
            log: log.map(|path| (PathBuf::from(path), options)),
        })
    }

    /// The audit, with its log open.
    pub(crate) fn open(&self, clock: Arc<dyn Clock>) -> Result<Arc<Audit>> {
        let mut backends: Vec<Arc<dyn Backend>> = Vec::new();
        if let Some((path, options)) = &self.log {
            let log = LogFile::open(path, options.clone())
                .with_context(|| format!("cannot write --audit-log-path={}", path.display()))?;
            backends.push(Arc::new(log));
        } else {
            tracing::warn!(
                "an audit policy is given, and no place for its events: give --audit-log-path too"
            );
        }
        Ok(Arc::new(Audit::new(self.policy.clone(), backends, clock)))
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
