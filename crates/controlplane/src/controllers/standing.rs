//! What every namespace has: the service account `default`, and the CA by which to know this server.

use std::collections::HashMap;
use std::pin::Pin;

use pintle_api::core::v1::{ConfigMap, ConfigMapMut, ServiceAccount, ServiceAccountMut};
use pintle_endpoints::cache::Entry;
use pintle_endpoints::store::Change;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;
use pintle_runtime::view::View;
use pintle_storage::Revision;

use super::{Controller, Tools};

/// `serviceaccount-controller`
pub(super) struct Accounts(pub Tools);

/// `root-ca-certificate-publisher-controller`
pub(super) struct RootCa {
    tools: Tools,
    bundle: String,
    /// The maps that were found right, by namespace.
    published: HashMap<String, Revision>,
}

impl RootCa {
    pub(super) fn new(tools: Tools, bundle: String) -> Self {
        Self {
            tools,
            bundle,
            published: HashMap::new(),
        }
    }
}

type Pass<'a> = Pin<Box<dyn Future<Output = Result<(), ApiError>> + Send + 'a>>;

/// Namespaces that are not on their way out.
fn is_active(entry: &Entry) -> bool {
    entry.field("status.phase") != "Terminating"
}

/// Whatever makes a create needless or impossible by now is no failure.
fn tolerate<T>(result: Result<T, ApiError>) -> Result<(), ApiError> {
    match result {
        Ok(_)
        | Err(ApiError::AlreadyExists(_) | ApiError::NotFound(_) | ApiError::Forbidden(_)) => {
            Ok(())
        }
        Err(error) => Err(error),
    }
}

impl Controller for Accounts {
    fn pass(&mut self) -> Pass<'_> {
        Box::pin(async move {
            let tools = &self.0;
            let (namespaces, accounts) = (
                tools.store("", "namespaces")?,
                tools.store("", "serviceaccounts")?,
            );
            for namespace in namespaces.cache().all(None)? {
                let name = namespace.name();
                let key = format!("{name}/default");
                if !is_active(&namespace) || accounts.cache().get(&key).is_some() {
                    continue;
                }
                let mut account = <ServiceAccount<'_> as View>::new_record();
                let mut view = ServiceAccountMut::from_record(&mut account);
                view.metadata_mut().set_name("default");
                view.metadata_mut().set_namespace(name.to_owned());
                let cx = tools.context(name);
                tolerate(accounts.create(&tools.permit(), &cx, account).await)?;
            }
            Ok(())
        })
    }
}

const NAME: &str = "kube-root-ca.crt";
const KEY: &str = "ca.crt";
const DESCRIPTION: (&str, &str) = (
    "kubernetes.io/description",
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the \
     internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes \
     clusters.",
);

impl Controller for RootCa {
    fn pass(&mut self) -> Pass<'_> {
        Box::pin(async move {
            let Self {
                tools,
                bundle,
                published,
            } = self;
            let mut right = HashMap::new();
            let (namespaces, maps) = (
                tools.store("", "namespaces")?,
                tools.store("", "configmaps")?,
            );
            for namespace in namespaces.cache().all(None)? {
                let name = namespace.name();
                if !is_active(&namespace) {
                    continue;
                }
                let cx = tools.context(name);
                let Some(entry) = maps.cache().get(&format!("{name}/{NAME}")) else {
                    let mut map = <ConfigMap<'_> as View>::new_record();
                    let mut view = ConfigMapMut::from_record(&mut map);
                    view.metadata_mut().set_name(NAME);
                    view.metadata_mut().set_namespace(name.to_owned());
                    publish(view, bundle);
                    tolerate(maps.create(&tools.permit(), &cx, map).await)?;
                    continue;
                };
                let revision = entry.revision();
                if published.get(name) == Some(&revision) || is_published(&*entry.glance()?, bundle)
                {
                    right.insert(name.to_owned(), revision);
                    continue;
                }
                let make = |old: Option<&Record>| {
                    let mut map = old.cloned().ok_or_else(|| ApiError::internal("no map"))?;
                    publish(ConfigMapMut::from_record(&mut map), bundle);
                    Ok(map)
                };
                let change = Change::default();
                tolerate(
                    maps.update_with(&tools.permit(), &cx, NAME, &change, make)
                        .await,
                )?;
            }
            *published = right;
            Ok(())
        })
    }
}

fn is_published(map: &Record, bundle: &str) -> bool {
    let map = ConfigMap::from_record(map);
    // Whoever wants may describe it otherwise.
    let description = map.metadata().annotations().get(DESCRIPTION.0);
    map.data().len() == 1
        && map.data().get(KEY) == Some(bundle)
        && description.is_some_and(|text| !text.is_empty())
}

fn publish(mut map: ConfigMapMut<'_>, bundle: &str) {
    map.clear_data();
    map.data_mut().insert(KEY, bundle.to_owned());
    let (key, text) = DESCRIPTION;
    map.metadata_mut().annotations_mut().insert(key, text);
}
