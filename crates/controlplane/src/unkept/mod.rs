//! The code behind what Kubernetes serves without keeping it: reviews, tokens, bindings, evictions, component statuses.
//!
//! [`Answerers`] says which code answers where; [`Api::start`](crate::registry::Api::start) brings it to the rows. A
//! row or a subresource without code is not served, and so absent from discovery. What the code looks like, and what
//! is done before it is asked, is told by [`pintle_endpoints::unkept`].

mod component_status;
mod pods;

use std::sync::Arc;

use pintle_endpoints::connect::Connect;
use pintle_endpoints::registry::Registration;
use pintle_endpoints::unkept::{Action, Unkept, View};
use pintle_runtime::resource::Resource;

/// Which code answers for which rows, in every version of them.
#[derive(Clone, Default)]
pub struct Answerers {
    actions: Vec<(Place, Arc<dyn Action>)>,
    views: Vec<(Place, Arc<dyn View>)>,
    connects: Vec<(Place, Arc<dyn Connect>)>,
}

/// Group, resource, subresource; the last is empty for the resource itself.
type Place = (&'static str, &'static str, &'static str);

impl Answerers {
    /// Those that need nothing but the stores.
    pub fn of_stores() -> Self {
        Self::default()
            .with_view("", "componentstatuses", component_status::Components::new())
            .with_action("", "bindings", "", pods::Binding)
            .with_action("", "pods", "binding", pods::Binding)
            .with_action("", "pods", "eviction", pods::Eviction)
    }

    /// The same with an action: of a resource, as `("authentication.k8s.io", "tokenreviews", "")`, or below the objects
    /// of one, as `("", "serviceaccounts", "token")`.
    #[must_use]
    pub fn with_action(
        mut self,
        group: &'static str,
        resource: &'static str,
        subresource: &'static str,
        action: impl Action,
    ) -> Self {
        self.actions
            .push(((group, resource, subresource), Arc::new(action)));
        self
    }

    /// The same with a resource that is read.
    #[must_use]
    pub fn with_view(
        mut self,
        group: &'static str,
        resource: &'static str,
        view: impl View,
    ) -> Self {
        self.views.push(((group, resource, ""), Arc::new(view)));
        self
    }

    /// The same with a way out of the API below the objects of a resource, as `("", "pods", "exec")`.
    #[must_use]
    pub fn with_connect(
        mut self,
        group: &'static str,
        resource: &'static str,
        subresource: &'static str,
        connect: impl Connect,
    ) -> Self {
        self.connects
            .push(((group, resource, subresource), Arc::new(connect)));
        self
    }

    /// What serves a row without storage, if there is code for it.
    pub(crate) fn of(&self, row: &Resource) -> Option<Unkept> {
        let is_it = |place: &Place| *place == (&*row.group, &*row.name, "");
        let action = self.actions.iter().find(|(place, _)| is_it(place));
        let view = self.views.iter().find(|(place, _)| is_it(place));
        match (action, view) {
            (Some((_, action)), _) => Some(Unkept::action(row.clone(), Arc::clone(action))),
            (None, Some((_, view))) => Some(Unkept::view(row.clone(), Arc::clone(view))),
            (None, None) => None,
        }
    }

    /// A stored row with the actions and the ways out below its objects.
    pub(crate) fn below(&self, mut registration: Registration) -> Registration {
        let row = Arc::clone(&registration.row);
        for ((group, resource, subresource), action) in &self.actions {
            if *group == row.group
                && *resource == row.name
                && row.subresource(subresource).is_some()
            {
                registration = registration.with_action(*subresource, Arc::clone(action));
            }
        }
        for ((group, resource, subresource), connect) in &self.connects {
            if *group == row.group && *resource == row.name {
                registration = registration.with_connect(*subresource, Arc::clone(connect));
            }
        }
        registration
    }
}

impl std::fmt::Debug for Answerers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let places = self.actions.iter().map(|(place, _)| place);
        let places = places.chain(self.views.iter().map(|(place, _)| place));
        let places = places.chain(self.connects.iter().map(|(place, _)| place));
        f.debug_list().entries(places).finish()
    }
}
