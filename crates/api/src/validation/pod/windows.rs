//! What only pods on Windows have.

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::name::dns1123_subdomain;

use super::visit::for_each_container;
use crate::core::v1::{PodSpec, WindowsSecurityContextOptions};
use crate::settings;

/// How long a credential spec may be.
const SPEC_LIMIT: usize = 64 << 10;

/// Checks `windowsOptions`.
pub(super) fn options(
    options: WindowsSecurityContextOptions<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    if let Some(name) = options.gmsa_credential_spec_name() {
        errors.invalid_each(
            &path.child("gmsaCredentialSpecName"),
            name,
            dns1123_subdomain(name),
        );
    }
    if let Some(spec) = options.gmsa_credential_spec() {
        let fault = match spec.len() {
            0 => "gmsaCredentialSpec cannot be an empty string",
            length if length > SPEC_LIMIT => "gmsaCredentialSpec size must be under 64 KiB",
            _ => "",
        };
        if !fault.is_empty() {
            errors.invalid(&path.child("gmsaCredentialSpec"), spec, fault);
        }
    }
    if let Some(name) = options.run_as_user_name() {
        for fault in user_name(name) {
            let detail = format!("runAsUserName{fault}");
            errors.invalid(&path.child("runAsUserName"), name, detail);
        }
    }
}

/// `USER` or `DOMAIN\USER`.
fn user_name(name: &str) -> Vec<&'static str> {
    if name.is_empty() {
        return vec![" cannot be an empty string"];
    }
    if name.bytes().any(|byte| byte.is_ascii_control()) {
        return vec![" cannot contain control characters"];
    }
    let (domain, user) = match name.split_once('\\') {
        Some((_, user)) if user.contains('\\') => {
            return vec![" cannot contain more than one backslash"];
        }
        Some((domain, user)) => (Some(domain), user),
        None => (None, name),
    };
    let mut faults = Vec::new();
    if let Some(domain) = domain {
        if domain.len() >= 256 {
            faults.push("'s Domain length must be under 256 characters");
        }
        if !is_net_bios(domain) && !is_domain(domain) {
            faults.push("'s Domain doesn't match the NetBios nor the DNS format");
        }
    }
    match user.len() {
        0 => faults.push("'s User cannot be empty"),
        length if length > 104 => {
            faults.push("'s User length must not be longer than 104 characters");
        }
        _ => {}
    }
    if !user.is_empty() && user.chars().all(|c| matches!(c, '.' | ' ')) {
        faults.push("'s User cannot contain only periods or spaces");
    }
    if user.contains([
        '"', '/', '\\', ':', ';', '|', '=', ',', '+', '*', '?', '<', '>', '@', '[', ']',
    ]) {
        faults.push("'s User cannot contain the following characters: \"/\\:;|=,+*?<>@[]");
    }
    faults
}

fn is_net_bios(domain: &str) -> bool {
    (1..=15).contains(&domain.chars().count())
        && !domain.starts_with('.')
        && !domain.contains(['\\', '/', ':', '*', '?', '"', '<', '>', '|'])
}

fn is_domain(domain: &str) -> bool {
    domain.split('.').all(|label| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

/// Containers that are processes of the host: all of a pod or none (`validateWindowsHostProcessPod`).
pub(super) fn host_processes(spec: PodSpec<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let of_pod = spec
        .security_context()
        .and_then(|context| context.windows_options())
        .and_then(|options| options.host_process());
    let (mut all, mut of_host) = (0, 0);
    for_each_container(spec, path, &mut |container, at| {
        all += 1;
        let own = container
            .security_context()
            .and_then(|context| context.windows_options())
            .and_then(|options| options.host_process());
        if let (Some(of_pod), Some(own)) = (of_pod, own)
            && of_pod != own
        {
            let at = at.child("securityContext");
            let at = at.child("windowsOptions");
            let detail = format!(
                "pod hostProcess value must be identical if both are specified, was {of_pod}"
            );
            errors.invalid(&at.child("hostProcess"), own, detail);
        }
        if own.or(of_pod) == Some(true) {
            of_host += 1;
        }
    });
    if of_host == 0 {
        return;
    }
    if of_host != all {
        errors.invalid(
            path,
            "",
            "If pod contains any hostProcess containers then all containers must be HostProcess containers",
        );
    }
    if !spec.host_network() {
        errors.invalid(
            &path.child("hostNetwork"),
            false,
            "hostNetwork must be true if pod contains any hostProcess containers",
        );
    }
    if !settings::allows_privileged() {
        errors.forbidden(
            path,
            "hostProcess containers are disallowed by cluster policy",
        );
    }
}
