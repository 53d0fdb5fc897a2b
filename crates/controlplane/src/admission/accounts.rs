//! `ServiceAccount`: every pod runs as one, which is there, and gets its token.

use std::sync::Arc;
use std::time::Duration;

use pintle_api::core::v1::{
    Container, ContainerMut, EnvFromSource, EnvVar, KeyToPathMut, Pod, PodMut, ServiceAccount,
    VolumeMountMut,
};
use pintle_endpoints::admission::{Answer, Attributes, Interest, Operation, Plugin, Target};
use pintle_endpoints::context::RequestContext;
use pintle_runtime::gvk::GroupResource;
use pintle_runtime::name;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;
use pintle_runtime::view::{List, View};

use super::lookup::{Lookup, Place};

const SERVICE_ACCOUNTS: Place = ("", "v1", "serviceaccounts");
const MIRROR: &str = "kubernetes.io/config.mirror";
const ENFORCE: &str = "kubernetes.io/enforce-mountable-secrets";
const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
const VOLUME_PREFIX: &str = "kube-api-access-";
/// An hour, and some seconds by which a token of this kind is known.
const TOKEN_SECONDS: i64 = 3607;

/// The plug-in.
pub(super) struct ServiceAccounts(pub Lookup);

impl Plugin for ServiceAccounts {
    fn name(&self) -> &'static str {
        "ServiceAccount"
    }

    fn interest(&self, target: Target<'_>) -> Interest {
        if target.is("", "pods") && target.creates() {
            return Interest::BOTH;
        }
        let debugs = target.is_below("", "pods", "ephemeralcontainers")
            && target.operation == Operation::Update;
        Interest::VALIDATES.when(debugs)
    }

    fn mutate<'a>(
        &'a self,
        cx: &'a RequestContext,
        attributes: &'a Attributes<'a>,
        object: Option<&'a mut Record>,
    ) -> Answer<'a> {
        let Some(object) = object else {
            return Answer::YES;
        };
        let mut pod = PodMut::from_record(object);
        if is_mirror(pod.view()) {
            // A kubelet's own: it is taken as it is or not at all.
            return check_mirror(attributes, pod.view()).into();
        }
        if pod.view().spec().service_account_name().is_empty() {
            pod.spec_mut().set_service_account_name("default");
        }
        let name = pod.view().spec().service_account_name().to_owned();
        pod.spec_mut().set_service_account(name.clone());
        match self.0.object(SERVICE_ACCOUNTS, attributes.namespace, &name) {
            Ok(Some(account)) => equip(cx, attributes, &account, pod).into(),
            Ok(None) => Answer::later(async move {
                let account = self.wait_for(cx, attributes, &name).await?;
                equip(cx, attributes, &account, PodMut::from_record(object))
            }),
            Err(error) => Answer::Now(Err(error)),
        }
    }

    fn validate<'a>(
        &'a self,
        _: &'a RequestContext,
        attributes: &'a Attributes<'a>,
        object: Option<&'a Record>,
    ) -> Answer<'a> {
        let Some(object) = object else {
            return Answer::YES;
        };
        self.check(attributes, Pod::from_record(object)).into()
    }
}

impl ServiceAccounts {
    /// Waits some time for the account: a controller makes `default` soon after its namespace.
    async fn wait_for(
        &self,
        cx: &RequestContext,
        attributes: &Attributes<'_>,
        name: &str,
    ) -> Result<Arc<Record>, ApiError> {
        let attempts = if name == "default" { 10 } else { 1 };
        let pause = Duration::from_millis(100).mul_f64(1.0 + cx.environment.random.fraction());
        for attempt in 1..attempts {
            tokio::time::sleep(pause * u32::from(attempt > 0)).await;
            if let Some(account) = self
                .0
                .object(SERVICE_ACCOUNTS, attributes.namespace, name)?
            {
                return Ok(account);
            }
        }
        Err(absent(attributes, name))
    }

    fn check(&self, attributes: &Attributes<'_>, pod: Pod<'_>) -> Result<(), ApiError> {
        let creates = attributes.operation == Operation::Create;
        if creates && is_mirror(pod) {
            return check_mirror(attributes, pod);
        }
        let (namespace, name) = (attributes.namespace, pod.spec().service_account_name());
        if name.is_empty() {
            let pod = pod.metadata().name();
            let why = format!("no service account specified for pod {namespace}/{pod}");
            return Err(attributes.forbid(why));
        }
        let account = self
            .0
            .object(SERVICE_ACCOUNTS, namespace, name)?
            .ok_or_else(|| absent(attributes, name))?;
        let account = ServiceAccount::from_record(&account);
        let annotation = account.metadata().annotations().get(ENFORCE);
        if !annotation.is_some_and(parses_as_true) {
            return Ok(());
        }
        match foreign_secret(account, pod, creates) {
            Some(why) => Err(attributes.forbid(why)),
            None => Ok(()),
        }
    }
}

fn is_mirror(pod: Pod<'_>) -> bool {
    pod.metadata().annotations().contains_key(MIRROR)
}

fn absent(attributes: &Attributes<'_>, name: &str) -> ApiError {
    let error = ApiError::not_found(&GroupResource::new("", "serviceaccount"), name);
    attributes.forbid(format!(
        "error looking up service account {}/{name}: {error}",
        attributes.namespace
    ))
}

/// As Go's `strconv.ParseBool` has it.
fn parses_as_true(text: &str) -> bool {
    matches!(text, "1" | "t" | "T" | "true" | "TRUE" | "True")
}

fn check_mirror(attributes: &Attributes<'_>, pod: Pod<'_>) -> Result<(), ApiError> {
    let spec = pod.spec();
    let projects_token = || {
        spec.volumes().iter().any(|volume| {
            let projected = volume.projected();
            projected.is_some_and(|projected| {
                let mut sources = projected.sources().iter();
                sources.any(|source| source.service_account_token().is_some())
            })
        })
    };
    let why = if !spec.service_account_name().is_empty() {
        "a mirror pod may not reference service accounts"
    } else if has_secrets(pod) {
        "a mirror pod may not reference secrets"
    } else if projects_token() {
        "a mirror pod may not use service account token volume projections"
    } else {
        return Ok(());
    };
    Err(attributes.forbid(why))
}

/// Whether a pod names a secret anywhere.
pub(super) fn has_secrets(pod: Pod<'_>) -> bool {
    let spec = pod.spec();
    let container =
        |env, from| env_secrets(env).next().is_some() || from_secrets(from).next().is_some();
    let regular = spec
        .init_containers()
        .iter()
        .chain(spec.containers().iter());
    let mut regular = regular.map(|it| container(it.env(), it.env_from()));
    let mut debugging = spec.ephemeral_containers().iter();
    let in_volume = |volume: pintle_api::core::v1::Volume<'_>| {
        let projects = |projected: pintle_api::core::v1::ProjectedVolumeSource<'_>| {
            let mut sources = projected.sources().iter();
            sources.any(|source| source.secret().is_some())
        };
        volume.secret().is_some()
            || volume.azure_file().is_some()
            || volume.projected().is_some_and(projects)
            || volume.cephfs().is_some_and(|it| it.secret_ref().is_some())
            || volume.cinder().is_some_and(|it| it.secret_ref().is_some())
            || volume
                .flex_volume()
                .is_some_and(|it| it.secret_ref().is_some())
            || volume.rbd().is_some_and(|it| it.secret_ref().is_some())
            || volume
                .scale_io()
                .is_some_and(|it| it.secret_ref().is_some())
            || volume.iscsi().is_some_and(|it| it.secret_ref().is_some())
            || volume
                .storageos()
                .is_some_and(|it| it.secret_ref().is_some())
            || volume
                .csi()
                .is_some_and(|it| it.node_publish_secret_ref().is_some())
    };
    !spec.image_pull_secrets().is_empty()
        || regular.any(|has| has)
        || debugging.any(|it| container(it.env(), it.env_from()))
        || spec.volumes().iter().any(in_volume)
}

fn env_secrets<'a>(env: List<'a, EnvVar<'a>>) -> impl Iterator<Item = (&'a str, &'a str)> {
    env.iter().filter_map(|variable| {
        let secret = variable.value_from()?.secret_key_ref()?;
        Some((variable.name(), secret.name()))
    })
}

fn from_secrets<'a>(from: List<'a, EnvFromSource<'a>>) -> impl Iterator<Item = &'a str> {
    from.iter().filter_map(|it| Some(it.secret_ref()?.name()))
}

/// What is wrong with a pod whose account lets it use its own secrets only.
fn foreign_secret(account: ServiceAccount<'_>, pod: Pod<'_>, creates: bool) -> Option<String> {
    let spec = pod.spec();
    let is_known = |secret: &str| account.secrets().iter().any(|it| it.name() == secret);
    let name = account.metadata().name();
    let not_allowed = |what: String, secret: &str| {
        (!is_known(secret)).then(|| {
            format!(
                "{what}secret.secretName=\"{secret}\" is not allowed because service account {name} does not reference \
                 that secret"
            )
        })
    };
    let in_container = |kind: &str,
                        container: &str,
                        env: List<'_, EnvVar<'_>>,
                        from: List<'_, EnvFromSource<'_>>| {
        let variable = env_secrets(env).find_map(|(variable, secret)| {
            let what = format!("{kind} {container} with envVar {variable} referencing ");
            not_allowed(what, secret)
        });
        variable.or_else(|| {
            from_secrets(from).find_map(|secret| {
                let what = format!("{kind} {container} with envFrom referencing ");
                not_allowed(what, secret)
            })
        })
    };
    if !creates {
        let mut debugging = spec.ephemeral_containers().iter();
        return debugging.find_map(|it| {
            in_container("ephemeral container", it.name(), it.env(), it.env_from())
        });
    }
    let volume = spec
        .volumes()
        .iter()
        .find_map(|volume| not_allowed("volume with ".to_owned(), volume.secret()?.secret_name()));
    let containers = |kind: &'static str, list: List<'_, Container<'_>>| {
        list.iter()
            .find_map(|it| in_container(kind, it.name(), it.env(), it.env_from()))
    };
    let pull = || {
        let mut secrets = spec.image_pull_secrets().iter().enumerate();
        secrets.find_map(|(at, secret)| {
            let secret = secret.name();
            let known = account.image_pull_secrets();
            (!known.iter().any(|it| it.name() == secret)).then(|| {
                format!(
                    "imagePullSecrets[{at}].name=\"{secret}\" is not allowed because service account {name} does not \
                     reference that imagePullSecret"
                )
            })
        })
    };
    volume
        .or_else(|| containers("init container", spec.init_containers()))
        .or_else(|| containers("container", spec.containers()))
        .or_else(pull)
}

/// Gives the pod what its account has for it: a token, and secrets to pull images with.
fn equip(
    cx: &RequestContext,
    _: &Attributes<'_>,
    account: &Record,
    mut pod: PodMut<'_>,
) -> Result<(), ApiError> {
    let account = ServiceAccount::from_record(account);
    let spec = pod.view().spec();
    let mounts = spec
        .automount_service_account_token()
        .or(account.automount_service_account_token())
        .unwrap_or(true);
    if mounts {
        mount_token(cx, &mut pod);
    }
    if pod.view().spec().image_pull_secrets().is_empty() {
        for secret in account.image_pull_secrets() {
            let mut spec = pod.spec_mut();
            let mut secrets = spec.image_pull_secrets_mut();
            secrets.push_new().set_name(secret.name().to_owned());
        }
    }
    Ok(())
}

fn mount_token(cx: &RequestContext, pod: &mut PodMut<'_>) {
    let volumes = pod.view().spec().volumes();
    let existing = volumes
        .iter()
        .find(|volume| volume.name().starts_with(VOLUME_PREFIX))
        .map(|volume| volume.name().to_owned());
    let has_volume = existing.is_some();
    let volume = existing
        .unwrap_or_else(|| name::generate(VOLUME_PREFIX, &mut || cx.environment.random.bits()));
    let mut spec = pod.spec_mut();
    let mut needed = false;
    for container in spec.init_containers_mut().iter_mut() {
        needed |= mount_in(container, &volume);
    }
    for container in spec.containers_mut().iter_mut() {
        needed |= mount_in(container, &volume);
    }
    if !needed || has_volume {
        return;
    }
    let mut volumes = spec.volumes_mut();
    let mut made = volumes.push_new();
    made.set_name(volume);
    let mut projected = made.projected_or_new();
    projected.set_default_mode(0o644);
    let mut sources = projected.sources_mut();
    let mut source = sources.push_new();
    let mut token = source.service_account_token_or_new();
    token.set_expiration_seconds(TOKEN_SECONDS);
    token.set_path("token");
    let mut source = sources.push_new();
    let mut root = source.config_map_or_new();
    root.set_name("kube-root-ca.crt");
    item(root.items_mut().push_new(), "ca.crt");
    let mut source = sources.push_new();
    let mut namespace = source.downward_api_or_new();
    let mut items = namespace.items_mut();
    let mut file = items.push_new();
    file.set_path("namespace");
    let mut field = file.field_ref_or_new();
    field.set_api_version("v1");
    field.set_field_path("metadata.namespace");
}

fn item(mut item: KeyToPathMut<'_>, key: &'static str) {
    item.set_key(key);
    item.set_path(key);
}

/// Mounts the volume where no other stands in its place, and says whether it did.
fn mount_in(mut container: ContainerMut<'_>, volume: &str) -> bool {
    let mounts = container.view().volume_mounts();
    if mounts.iter().any(|mount| mount.mount_path() == TOKEN_PATH) {
        return false;
    }
    let mut mount = <pintle_api::core::v1::VolumeMount<'_> as View>::new_record();
    let mut view = VolumeMountMut::from_record(&mut mount);
    view.set_name(volume.to_owned());
    view.set_read_only(true);
    view.set_mount_path(TOKEN_PATH);
    container.volume_mounts_mut().push(mount);
    true
}
