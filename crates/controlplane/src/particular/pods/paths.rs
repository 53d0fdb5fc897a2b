//! Files of one volume that get in each other's way.

use pintle_api::core::v1::{DownwardAPIVolumeFile, KeyToPath, PodSpec, ProjectedVolumeSource};
use pintle_runtime::quote::Quoted;
use pintle_runtime::view::List;

/// Says where a volume puts two things at one place, or one within the other
/// (`warningsForOverlappingVirtualPaths`).
pub(super) fn check(spec: PodSpec<'_>, warnings: &mut Vec<String>) {
    for volume in spec.volumes() {
        let name = Quoted(volume.name());
        if let Some(source) = volume.config_map() {
            let what = format!(
                "volume {name} (ConfigMap {}): overlapping paths",
                Quoted(source.name())
            );
            overlaps(&keys(source.items()), &what, warnings);
        }
        if let Some(source) = volume.secret() {
            let secret = Quoted(source.secret_name());
            let what = format!("volume {name} (Secret {secret}): overlapping paths");
            overlaps(&keys(source.items()), &what, warnings);
        }
        if let Some(source) = volume.downward_api() {
            let what = format!("volume {name} (DownwardAPI): overlapping paths");
            overlaps(&files(source.items()), &what, warnings);
        }
        if let Some(source) = volume.projected() {
            projected(volume.name(), source, warnings);
        }
    }
}

fn projected(volume: &str, source: ProjectedVolumeSource<'_>, warnings: &mut Vec<String>) {
    let volume = Quoted(volume);
    let mut all: Vec<&str> = Vec::new();
    // What the last source with paths had counts again for one without, as upstream has it.
    let (mut paths, mut what): (Vec<&str>, String) = (Vec::new(), String::new());
    for source in source.sources() {
        if source.record().is_empty() {
            warnings.push(format!(
                "volume {volume} (Projected) has no sources provided"
            ));
            continue;
        }
        let found = if let Some(it) = source.config_map().filter(|it| it.items().is_present()) {
            Some((
                keys(it.items()),
                format!(" ConfigMap {}", Quoted(it.name())),
            ))
        } else if let Some(it) = source.secret().filter(|it| it.items().is_present()) {
            Some((keys(it.items()), format!(" Secret {}", Quoted(it.name()))))
        } else if let Some(it) = source.downward_api().filter(|it| it.items().is_present()) {
            Some((files(it.items()), " DownwardAPI".to_owned()))
        } else if let Some(it) = source.service_account_token() {
            Some((vec![it.path()], " ServiceAccountToken".to_owned()))
        } else {
            source.cluster_trust_bundle().map(|it| {
                let name = it.name().or(it.signer_name()).unwrap_or_default();
                (
                    vec![it.path()],
                    format!(" ClusterTrustBundle {}", Quoted(name)),
                )
            })
        };
        if let Some((found, of)) = found {
            paths = found;
            what = format!("volume {volume} (Projected{of}): overlapping paths");
        }
        if paths.is_empty() {
            continue;
        }
        overlaps(&paths, &what, warnings);
        let mut distinct = paths.clone();
        distinct.sort_unstable();
        distinct.dedup();
        let mut together = distinct.clone();
        together.extend(&all);
        together.sort_unstable();
        overlaps(&together, &what, warnings);
        for path in distinct {
            if !all.contains(&path) {
                all.push(path);
            }
        }
    }
}

fn keys<'a>(items: List<'a, KeyToPath<'a>>) -> Vec<&'a str> {
    items.iter().map(|item| item.path()).collect()
}

fn files<'a>(items: List<'a, DownwardAPIVolumeFile<'a>>) -> Vec<&'a str> {
    items.iter().map(|item| item.path()).collect()
}

fn overlaps(paths: &[&str], what: &str, warnings: &mut Vec<String>) {
    let mut seen: Vec<&str> = Vec::new();
    for path in paths {
        let path = path.trim_end_matches('/');
        if let Some(other) = collision(&seen, path) {
            warnings.push(format!("{what}: {} with {}", Quoted(path), Quoted(other)));
        }
        if !seen.contains(&path) {
            seen.push(path);
        }
    }
}

fn collision<'a>(seen: &[&'a str], path: &str) -> Option<&'a str> {
    for &other in seen {
        if other.is_empty() || path.is_empty() {
            return None;
        }
        if format!("{other}/").starts_with(path) || format!("{path}/").starts_with(other) {
            return Some(other);
        }
    }
    None
}
