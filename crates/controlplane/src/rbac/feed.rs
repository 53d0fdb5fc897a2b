//! Roles and bindings into the index, as they are written.

use std::sync::Arc;

use futures_util::future::join_all;
use pintle_authz::Rbac;
use pintle_authz::rbac::Index;
use pintle_endpoints::cache::Entry;
use pintle_endpoints::registry::Registry;
use pintle_endpoints::watch::{Told, follow};
use pintle_runtime::text::Text;
use pintle_runtime::value::Record;
use tracing::error;

use super::{GROUP, convert};

/// A kind of the group: whether it is a role, and whether it has a namespace.
#[derive(Clone, Copy)]
struct Part {
    resource: &'static str,
    is_role: bool,
    namespaced: bool,
}

const fn part(resource: &'static str, is_role: bool, namespaced: bool) -> Part {
    Part {
        resource,
        is_role,
        namespaced,
    }
}

const PARTS: [Part; 4] = [
    part("clusterroles", true, false),
    part("roles", true, true),
    part("clusterrolebindings", false, false),
    part("rolebindings", false, true),
];

/// Tells `rbac` of all roles and bindings there are, before it returns; the answer tells it of changes, until it is
/// dropped.
pub fn feed(registry: &Registry, rbac: &Arc<Rbac>) -> impl Future<Output = ()> + Send + use<> {
    let parts: Vec<_> = PARTS
        .into_iter()
        .filter_map(|part| Some((part, registry.store(GROUP, "v1", part.resource)?)))
        .map(|(part, store)| {
            let rbac = Arc::clone(rbac);
            follow(
                Arc::clone(store.cache()),
                Arc::clone(store.storage()),
                move |told| {
                    rbac.change(|index| part.apply(index, &told));
                },
            )
        })
        .collect();
    async move {
        join_all(parts).await;
    }
}

impl Part {
    fn apply(self, index: &mut Index, told: &Told<'_>) {
        match told {
            Told::All(snapshot) => {
                if self.is_role {
                    index.clear_roles(self.namespaced);
                } else {
                    index.clear_bindings(self.namespaced);
                }
                for entry in snapshot.iter() {
                    self.put(index, entry);
                }
            }
            Told::Put(entry) => self.put(index, entry),
            Told::Gone(entry) => self.remove(index, entry),
        }
    }

    fn put(self, index: &mut Index, entry: &Entry) {
        let object: Record = match entry.record() {
            Ok(object) => object,
            Err(error) => {
                // What cannot be read grants nothing.
                error!(key = entry.key(), %error, "an object of the authorization's does not decode");
                return self.remove(index, entry);
            }
        };
        if self.is_role {
            let (namespace, name) = (own(entry.namespace()), own(entry.name()));
            index.put_role(&namespace, &name, convert::rules_of(&object));
        } else {
            match convert::binding_of(&object) {
                Some(binding) => index.put_binding(binding),
                None => self.remove(index, entry),
            }
        }
    }

    fn remove(self, index: &mut Index, entry: &Entry) {
        if self.is_role {
            index.remove_role(entry.namespace(), entry.name());
        } else {
            index.remove_binding(entry.namespace(), entry.name());
        }
    }
}

fn own(text: &str) -> Text {
    Text::from(text.to_owned())
}
