//! `MutatingAdmissionPolicy`: what policies make of an object.

use std::sync::Arc;

use bytes::Bytes;
use pintle_api::admissionregistration::v1::{
    MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, Mutation as Said,
};
use pintle_api::expressions::admission::{Compiler, JSON_PATCH, OBJECT, Speaks};
use pintle_authz::Authorizer;
use pintle_cel::types::Type;
use pintle_cel::value::{Object, Val};
use pintle_endpoints::admission::{Answer, Attributes, Interest, Plugin, Target};
use pintle_endpoints::cache::Entry;
use pintle_endpoints::context::RequestContext;
use pintle_runtime::codec::{Problems, json};
use pintle_runtime::fields;
use pintle_runtime::patch::{JsonPatch, PatchError};
use pintle_runtime::status::{ApiError, StatusCause, StatusReason};
use pintle_runtime::text::Text;
use pintle_runtime::value::{Map, Record, Value};

use super::activation::{
    Activation, Asking, BUDGET, Expression, Spent, all_hold, presented, request, value,
};
use super::matching::Matching;
use super::parameters::{Kind, Reference};
use super::{GROUP, are_asked};
use crate::admission::lookup::{Computed, Lookup, Place};

const POLICIES: Place = (GROUP, "v1", "mutatingadmissionpolicies");
const BINDINGS: Place = (GROUP, "v1", "mutatingadmissionpolicybindings");
/// How much a patch may copy within an object.
const COPIED: usize = 3 * 1024 * 1024;

/// The plug-in.
pub(crate) struct Mutating {
    lookup: Lookup,
    authorizer: Arc<dyn Authorizer>,
    policies: Computed<Vec<Policy>>,
    bindings: Computed<Vec<Binding>>,
}

struct Policy {
    name: String,
    /// Whether a failure refuses.
    fails: bool,
    matching: Matching,
    params: Option<Kind>,
    conditions: Vec<Expression>,
    variables: Vec<(Text, Expression)>,
    mutations: Vec<Mutation>,
}

enum Mutation {
    Apply(Expression),
    Patch(Expression),
}

struct Binding {
    name: String,
    policy: String,
    params: Option<Reference>,
    matching: Option<Matching>,
}

impl Mutation {
    fn new(compiler: &Compiler, mutation: Said<'_>, speaks: Speaks) -> Self {
        let compile = |text: &str, wanted: Type| Expression {
            text: text.trim().to_owned(),
            program: compiler.compile(text.trim(), speaks, &[wanted]),
        };
        match (mutation.apply_configuration(), mutation.json_patch()) {
            (Some(apply), _) => Self::Apply(compile(apply.expression(), Type::object(OBJECT))),
            (None, patch) => {
                let text = patch.as_ref().map_or("", |patch| patch.expression());
                Self::Patch(compile(text, Type::list(Type::object(JSON_PATCH))))
            }
        }
    }

    const fn expression(&self) -> &Expression {
        match self {
            Self::Apply(expression) | Self::Patch(expression) => expression,
        }
    }

    /// The object as it is to be.
    ///
    /// # Errors
    /// Why it can not be made, as clients are told.
    fn make(&self, activation: &Activation<'_>, object: &Record) -> Result<Record, String> {
        let mut budget = BUDGET;
        let made = match self.expression().evaluate(activation, &mut budget) {
            Err(Spent) => return Err(Spent::MESSAGE.to_owned()),
            Ok(made) => made?,
        };
        match self {
            Self::Apply(_) => apply(&made, object),
            Self::Patch(_) => patch(&made, object),
        }
    }
}

/// Whether objects that an expression made are called after the fields that they are in.
fn check_names(value: &Val<'_>, expected: &str) -> Result<(), String> {
    match value {
        Val::Object(object @ Object::Made(_)) => {
            let found = object.type_name();
            if found != expected {
                return Err(format!(
                    "type mismatch: unexpected type name {found:?}, expected {expected:?}, which matches field name path from root Object type"
                ));
            }
            for (name, value) in object.entries() {
                check_names(&value, &format!("{expected}.{name}"))?;
            }
            Ok(())
        }
        Val::List(list) => list
            .iter()
            .try_for_each(|item| check_names(&item, expected)),
        _ => Ok(()),
    }
}

fn apply(made: &Val<'_>, object: &Record) -> Result<Record, String> {
    check_names(made, OBJECT)?;
    let failed = |why: &dyn std::fmt::Display| format!("error applying patch: {why}");
    let Ok(Value::Map(said)) = made.to_data() else {
        return Err(format!(
            "unsupported return type from ApplyConfiguration expression: {}",
            made.type_name()
        ));
    };
    let configuration = fields::configuration(&said, object.type_ref()).map_err(|why| {
        failed(&format!(
            "failed to convert patch object to typed object: {why}"
        ))
    })?;
    let atomic = fields::atomics(configuration.record());
    if !atomic.is_empty() {
        let why = format!(
            "invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: {}",
            atomic.join(", ")
        );
        return Err(failed(&why));
    }
    Ok(fields::merged(object, configuration.record()))
}

fn patch(made: &Val<'_>, object: &Record) -> Result<Record, String> {
    let Val::List(operations) = made else {
        return Err("type mismatch: JSONPatchType.expression should evaluate to array".to_owned());
    };
    let mut patch = Vec::with_capacity(operations.len());
    for operation in operations.iter() {
        let data = operation.to_data().map_err(|why| {
            format!(
                "JSONPath valueExpression evaluated to a type that could not marshal to JSON: {why}"
            )
        })?;
        let Value::Map(data) = data else { continue };
        let kept = data.into_iter().filter(|(key, value)| {
            !(key == "from" && value.is_empty())
                && matches!(key.as_str(), "op" | "path" | "from" | "value")
        });
        patch.push(Value::Map(kept.collect::<Map>()));
    }
    let mut text = Vec::new();
    json::encode_value(&Value::List(patch), &mut text);
    let failed = |why: PatchError| format!("JSON Patch: {why}");
    let patch = JsonPatch::parse(&Bytes::from(text)).map_err(failed)?;
    let mut document = Vec::new();
    json::encode(object, &mut document);
    let patched = match patch.apply(&Bytes::from(document), COPIED) {
        // A test that fails says that the patch is not meant for the object.
        Err(PatchError::Untested(_)) => return Ok(object.clone()),
        other => other.map_err(failed)?,
    };
    let mut problems = Problems::collected();
    let record = json::decode(object.type_ref(), &patched, &mut problems);
    let record = record.map_err(|why| why.to_string())?;
    match problems.strict_error() {
        Some(why) => Err(why),
        None => Ok(record),
    }
}

impl Policy {
    fn new(object: &Record) -> Self {
        let policy = MutatingAdmissionPolicy::from_record(object);
        let spec = policy.spec();
        let speaks = Speaks {
            params: spec.param_kind().is_some(),
            authorizer: true,
            patches: false,
        };
        let mut compiler = match spec.variables().is_empty() {
            true => Compiler::new(),
            false => Compiler::with_variables(),
        };
        let conditions = spec.match_conditions().iter().map(|condition| {
            let text = condition.expression().trim();
            Expression {
                text: text.to_owned(),
                program: Compiler::new().compile(text, speaks, &[Type::Bool]),
            }
        });
        let conditions = conditions.collect();
        let variables = spec.variables().iter().map(|variable| {
            let expression = Expression {
                text: variable.expression().to_owned(),
                program: compiler.variable(variable.name(), variable.expression(), speaks),
            };
            (Text::from(variable.name().to_owned()), expression)
        });
        let variables = variables.collect();
        let patching = Speaks {
            patches: true,
            ..speaks
        };
        let mutations = spec.mutations().iter();
        Self {
            name: policy.metadata().name().to_owned(),
            fails: spec.failure_policy() != Some("Ignore"),
            matching: spec
                .match_constraints()
                .map(Matching::new)
                .unwrap_or_default(),
            params: spec.param_kind().map(Kind::new),
            conditions,
            variables,
            mutations: mutations
                .map(|it| Mutation::new(&compiler, it, patching))
                .collect(),
        }
    }
}

impl Binding {
    fn new(object: &Record) -> Self {
        let binding = MutatingAdmissionPolicyBinding::from_record(object);
        let spec = binding.spec();
        Self {
            name: binding.metadata().name().to_owned(),
            policy: spec.policy_name().to_owned(),
            params: spec.param_ref().map(Reference::new),
            matching: spec.match_resources().map(Matching::new),
        }
    }
}

fn all<T>(entries: &[Arc<Entry>], make: fn(&Record) -> T) -> Result<Vec<T>, ApiError> {
    entries
        .iter()
        .map(|entry| entry.record().map(|object| make(&object)))
        .collect()
}

/// What went wrong on the way, and whether with a mutation: that makes the request one that is wrong.
#[derive(Default)]
struct Faults(Vec<(String, bool)>);

impl Faults {
    fn add(&mut self, policy: &Policy, binding: Option<&Binding>, why: &str, mutation: bool) {
        if !policy.fails {
            return;
        }
        let who = match binding {
            Some(binding) => format!("policy '{}' with binding '{}'", policy.name, binding.name),
            None => format!("policy {:?}", policy.name),
        };
        self.0
            .push((format!("{who} denied request: {why}"), mutation));
    }

    /// The refusal, in which the first fault speaks and all are listed.
    fn refuse(self, attributes: &Attributes<'_>) -> Result<(), ApiError> {
        let Some((first, is_mutation)) = self.0.first() else {
            return Ok(());
        };
        let mut refusal = attributes.forbid("admission request denied by policy");
        for (message, _) in &self.0 {
            refusal = refusal.with_cause(StatusCause {
                message: message.clone(),
                ..StatusCause::default()
            });
        }
        let mut status = refusal.to_status();
        status.message = first.clone().into();
        if *is_mutation {
            status.reason = StatusReason::Invalid;
        }
        Err(ApiError::Foreign(Box::new(status)))
    }
}

impl Mutating {
    pub(crate) fn new(lookup: Lookup, authorizer: Arc<dyn Authorizer>) -> Self {
        Self {
            lookup,
            authorizer,
            policies: Computed::default(),
            bindings: Computed::default(),
        }
    }

    fn change(
        &self,
        cx: &RequestContext,
        attributes: &Attributes<'_>,
        object: &mut Record,
    ) -> Result<(), ApiError> {
        let bindings = self
            .bindings
            .get(&self.lookup, BINDINGS, |entries| all(entries, Binding::new))?;
        if bindings.is_empty() {
            return Ok(());
        }
        let policies = self
            .policies
            .get(&self.lookup, POLICIES, |entries| all(entries, Policy::new))?;
        let mut faults = Faults::default();
        for policy in policies.iter() {
            let bound: Vec<&Binding> = bindings
                .iter()
                .filter(|it| it.policy == policy.name)
                .collect();
            if bound.is_empty() {
                continue;
            }
            if let Some(version) =
                policy
                    .matching
                    .version_of(&self.lookup, attributes, Some(object))?
            {
                self.change_by(
                    cx,
                    attributes,
                    object,
                    (policy, &bound),
                    &version,
                    &mut faults,
                )?;
            }
        }
        faults.refuse(attributes)
    }

    fn change_by(
        &self,
        cx: &RequestContext,
        attributes: &Attributes<'_>,
        object: &mut Record,
        (policy, bindings): (&Policy, &[&Binding]),
        version: &str,
        faults: &mut Faults,
    ) -> Result<(), ApiError> {
        let store = match policy
            .params
            .as_ref()
            .map(|kind| kind.store(&self.lookup))
            .transpose()
        {
            Ok(store) => store,
            Err(why) => {
                faults.add(
                    policy,
                    None,
                    &format!("failed to configure policy: {why}"),
                    false,
                );
                return Ok(());
            }
        };
        let namespace = match attributes.namespace {
            _ if attributes.is("", "namespaces") => None,
            "" => None,
            name => self.lookup.object(("", "v1", "namespaces"), "", name)?,
        };
        let old = attributes
            .old
            .map(|old| presented(old, attributes.resource, version));
        let asking = Asking::new(&*self.authorizer, cx, attributes);
        for binding in bindings {
            if let Some(matching) = &binding.matching
                && matching
                    .version_of(&self.lookup, attributes, Some(object))?
                    .is_none()
            {
                continue;
            }
            let params = match (&store, &binding.params) {
                (Some(store), Some(reference)) => match reference.find(store, attributes.namespace)
                {
                    Ok(found) => found
                        .iter()
                        .map(|it| Some(presented(it, store.row(), &store.row().version)))
                        .collect(),
                    Err(why) => {
                        let why = format!("failed to configure binding: {why}");
                        faults.add(policy, Some(binding), &why, false);
                        continue;
                    }
                },
                _ => vec![None],
            };
            for params in &params {
                for (index, mutation) in policy.mutations.iter().enumerate() {
                    let before = presented(object, attributes.resource, version);
                    let mut activation = Activation {
                        object: value(Some(&before)),
                        old_object: value(old.as_ref()),
                        request: request(cx, attributes, version),
                        namespace: value(namespace.as_deref()),
                        params: value(params.as_ref()),
                        authorizer: Some(&asking),
                        variables: None,
                    };
                    // The conditions are asked once, about the object as it came here.
                    match if index == 0 {
                        all_hold(&policy.conditions, &activation)
                    } else {
                        Ok(true)
                    } {
                        Ok(true) => {}
                        Ok(false) => break,
                        Err(why) => {
                            faults.add(policy, Some(binding), &why, true);
                            break;
                        }
                    }
                    let mut budget = BUDGET;
                    let wanted = |name: &str| mutation.expression().speaks_of(name);
                    let computed = activation.compute(&policy.variables, &wanted, &mut budget);
                    let made = match computed {
                        Ok(()) => mutation.make(&activation, object),
                        Err(Spent) => Err(Spent::MESSAGE.to_owned()),
                    };
                    match made {
                        Ok(made) => {
                            *object = made;
                            pintle_api::defaults::apply(object);
                        }
                        Err(why) => faults.add(policy, Some(binding), &why, true),
                    }
                }
            }
        }
        Ok(())
    }
}

impl Plugin for Mutating {
    fn name(&self) -> &'static str {
        "MutatingAdmissionPolicy"
    }

    fn interest(&self, target: Target<'_>) -> Interest {
        Interest::MUTATES.when(are_asked(target) && target.writes())
    }

    fn mutate<'a>(
        &'a self,
        cx: &'a RequestContext,
        attributes: &'a Attributes<'a>,
        object: Option<&'a mut Record>,
    ) -> Answer<'a> {
        object.map_or(Answer::YES, |object| {
            self.change(cx, attributes, object).into()
        })
    }
}
