//! What policies of both sorts have: bindings that bring them into force, and what is asked before they speak.

use std::sync::Arc;

use pintle_api::admissionregistration::v1::{
    MatchCondition, MatchResources, ParamKind, ParamRef, Variable,
};
use pintle_api::expressions::admission::{Compiler, Speaks};
use pintle_authz::Authorizer;
use pintle_cel::types::Type;
use pintle_endpoints::admission::Attributes;
use pintle_endpoints::cache::Entry;
use pintle_endpoints::context::RequestContext;
use pintle_endpoints::store::Store;
use pintle_runtime::status::ApiError;
use pintle_runtime::text::Text;
use pintle_runtime::value::Record;
use pintle_runtime::view::List;

use super::activation::{Activation, Expression, presented, request, value};
use super::asking::Asking;
use super::matching::Matching;
use super::parameters::{Kind, Reference};
use crate::admission::lookup::{Computed, Lookup, Place};

/// A policy; `T` is what it says of requests that it is about.
pub(super) struct Policy<T> {
    pub(super) name: String,
    /// Whether a failure refuses.
    pub(super) fails: bool,
    pub(super) conditions: Vec<Expression>,
    pub(super) variables: Vec<(Text, Expression)>,
    pub(super) says: T,
    matching: Matching,
    params: Option<Kind>,
}

/// What is written in a policy of either sort.
pub(super) struct Written<'a> {
    pub(super) name: &'a str,
    pub(super) failure_policy: Option<&'a str>,
    pub(super) match_constraints: Option<MatchResources<'a>>,
    pub(super) param_kind: Option<ParamKind<'a>>,
    pub(super) match_conditions: List<'a, MatchCondition<'a>>,
    pub(super) variables: List<'a, Variable<'a>>,
}

impl<T> Policy<T> {
    /// A policy that says what `say` compiles, with what its expressions may speak of.
    pub(super) fn new(written: &Written<'_>, say: impl FnOnce(&Compiler, Speaks) -> T) -> Self {
        let speaks = Speaks {
            params: written.param_kind.is_some(),
            authorizer: true,
            patches: false,
        };
        let conditions = written.match_conditions.iter().map(|condition| {
            let text = condition.expression().trim();
            Expression::new(&Compiler::new(), text, speaks, &[Type::Bool])
        });
        let mut compiler = match written.variables.is_empty() {
            true => Compiler::new(),
            false => Compiler::with_variables(),
        };
        let variables = written.variables.iter().map(|variable| {
            let expression = Expression {
                text: variable.expression().to_owned(),
                program: compiler.variable(variable.name(), variable.expression(), speaks),
            };
            (Text::from(variable.name().to_owned()), expression)
        });
        let variables = variables.collect();
        let matching = written.match_constraints.map(Matching::new);
        Self {
            name: written.name.to_owned(),
            fails: written.failure_policy != Some("Ignore"),
            conditions: conditions.collect(),
            variables,
            says: say(&compiler, speaks),
            matching: matching.unwrap_or_default(),
            params: written.param_kind.map(Kind::new),
        }
    }
}

/// What brings a policy into force.
pub(super) struct Binding {
    pub(super) name: String,
    /// What is done with what the policy says; nothing where that changes objects.
    pub(super) actions: Vec<String>,
    policy: String,
    params: Option<Reference>,
    matching: Option<Matching>,
}

impl Binding {
    pub(super) fn new(
        name: &str,
        policy: &str,
        params: Option<ParamRef<'_>>,
        resources: Option<MatchResources<'_>>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            actions: Vec::new(),
            policy: policy.to_owned(),
            params: params.map(Reference::new),
            matching: resources.map(Matching::new),
        }
    }
}

/// Where policies of a sort and their bindings are kept, and how they are read.
pub(super) struct Sort<T> {
    pub(super) policies: Place,
    pub(super) bindings: Place,
    pub(super) policy: fn(&Record) -> Policy<T>,
    pub(super) binding: fn(&Record) -> Binding,
}

/// All policies of a sort, compiled when one of them or of their bindings has changed.
pub(super) struct Policies<T: 'static> {
    sort: &'static Sort<T>,
    lookup: Lookup,
    authorizer: Arc<dyn Authorizer>,
    policies: Computed<Vec<Policy<T>>>,
    bindings: Computed<Vec<Binding>>,
}

fn all<T>(entries: &[Arc<Entry>], read: fn(&Record) -> T) -> Result<Vec<T>, ApiError> {
    let read = |entry: &Arc<Entry>| entry.record().map(|object| read(&object));
    entries.iter().map(read).collect()
}

impl<T> Policies<T> {
    pub(super) fn new(
        sort: &'static Sort<T>,
        lookup: Lookup,
        authorizer: Arc<dyn Authorizer>,
    ) -> Self {
        Self {
            sort,
            lookup,
            authorizer,
            policies: Computed::default(),
            bindings: Computed::default(),
        }
    }

    /// Those in force.
    ///
    /// # Errors
    /// 500 where they can not be read.
    pub(super) fn in_force(&self) -> Result<InForce<T>, ApiError> {
        let (lookup, sort) = (&self.lookup, self.sort);
        let bindings = self
            .bindings
            .get(lookup, sort.bindings, |entries| all(entries, sort.binding))?;
        // Without bindings nobody asks what policies there are.
        let policies = if bindings.is_empty() {
            Arc::default()
        } else {
            self.policies
                .get(lookup, sort.policies, |entries| all(entries, sort.policy))?
        };
        Ok(InForce { policies, bindings })
    }

    /// The question to a policy about a request; `None` if it is not about it.
    ///
    /// # Errors
    /// 500 where namespaces can not be looked up.
    pub(super) fn question<'a>(
        &'a self,
        policy: &Policy<T>,
        cx: &'a RequestContext,
        attributes: &'a Attributes<'a>,
        object: Option<&Record>,
    ) -> Result<Option<Question<'a>>, ApiError> {
        let lookup = &self.lookup;
        let Some(version) = policy.matching.version_of(lookup, attributes, object)? else {
            return Ok(None);
        };
        let namespace = match attributes.namespace {
            _ if attributes.is("", "namespaces") => None,
            "" => None,
            name => lookup.object(("", "v1", "namespaces"), "", name)?,
        };
        let params = policy.params.as_ref().map(|kind| kind.store(lookup));
        let old = attributes.old;
        Ok(Some(Question {
            cx,
            attributes,
            lookup,
            old: old.map(|old| presented(old, attributes.resource, &version)),
            namespace,
            asking: Asking::new(&*self.authorizer, cx, attributes),
            params: params.transpose(),
            version,
        }))
    }
}

/// The policies and bindings of a moment.
pub(super) struct InForce<T> {
    policies: Arc<Vec<Policy<T>>>,
    bindings: Arc<Vec<Binding>>,
}

impl<T> InForce<T> {
    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.bindings.is_empty()
    }

    /// The policies that are bound, each with its bindings.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Policy<T>, Vec<&Binding>)> {
        self.policies.iter().filter_map(|policy| {
            let bindings = self.bindings.iter();
            let bindings: Vec<_> = bindings.filter(|it| it.policy == policy.name).collect();
            (!bindings.is_empty()).then_some((policy, bindings))
        })
    }
}

/// What a policy is asked about a request.
pub(super) struct Question<'a> {
    cx: &'a RequestContext,
    attributes: &'a Attributes<'a>,
    lookup: &'a Lookup,
    /// The version that the policy means.
    version: String,
    old: Option<Record>,
    namespace: Option<Arc<Record>>,
    asking: Asking<'a>,
    /// Where its parameters are, if it has any.
    params: Result<Option<Arc<Store>>, String>,
}

impl Question<'_> {
    /// An object as the policy sees it.
    pub(super) fn presented(&self, object: &Record) -> Record {
        presented(object, self.attributes.resource, &self.version)
    }

    /// Why the policy can not be asked, as clients are told.
    pub(super) fn fault(&self) -> Option<String> {
        let why = self.params.as_ref().err()?;
        Some(format!("failed to configure policy: {why}"))
    }

    /// Whether a binding is about the request, too.
    ///
    /// # Errors
    /// 500 where namespaces can not be looked up.
    pub(super) fn is_meant(
        &self,
        binding: &Binding,
        object: Option<&Record>,
    ) -> Result<bool, ApiError> {
        let Some(matching) = &binding.matching else {
            return Ok(true);
        };
        let version = matching.version_of(self.lookup, self.attributes, object)?;
        Ok(version.is_some())
    }

    /// The parameters with each of which the policy is asked: `None` where there are none to be had.
    ///
    /// # Errors
    /// Where there have to be some, as clients are told.
    pub(super) fn parameters(&self, binding: &Binding) -> Result<Vec<Option<Record>>, String> {
        let (Ok(Some(store)), Some(reference)) = (&self.params, &binding.params) else {
            return Ok(vec![None]);
        };
        let found = reference
            .find(store, self.attributes.namespace)
            .map_err(|why| format!("failed to configure binding: {why}"))?;
        let row = store.row();
        let presented = |object: &Record| Some(presented(object, row, &row.version));
        Ok(found.iter().map(presented).collect())
    }

    /// What comes of `attempt` when everything that its expressions ask is answered; it is made again until then.
    pub(super) async fn settle<T>(&self, attempt: impl FnMut() -> T) -> T {
        self.asking.settle(attempt).await
    }

    /// What expressions speak of.
    pub(super) fn activation<'a>(
        &'a self,
        object: Option<&'a Record>,
        params: Option<&'a Record>,
    ) -> Activation<'a> {
        Activation {
            object: value(object),
            old_object: value(self.old.as_ref()),
            request: request(self.cx, self.attributes, &self.version),
            namespace: value(self.namespace.as_deref()),
            params: value(params),
            authorizer: Some(&self.asking),
            variables: None,
        }
    }
}
