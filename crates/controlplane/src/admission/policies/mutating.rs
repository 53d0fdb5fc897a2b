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
use pintle_endpoints::context::RequestContext;
use pintle_runtime::codec::{Problems, json};
use pintle_runtime::fields;
use pintle_runtime::patch::{JsonPatch, PatchError};
use pintle_runtime::status::{ApiError, StatusCause, StatusReason};
use pintle_runtime::value::{Map, Record, Value};

use super::activation::{Activation, BUDGET, Expression, Spent, all_hold};
use super::bound::{Binding, InForce, Policies, Question, Sort, Written};
use super::{GROUP, are_asked};
use crate::admission::lookup::Lookup;

/// How much a patch may copy within an object.
const COPIED: usize = 3 * 1024 * 1024;

/// The plug-in.
pub(crate) struct Mutating(Policies<Vec<Mutation>>);

type Policy = super::bound::Policy<Vec<Mutation>>;

const SORT: Sort<Vec<Mutation>> = Sort {
    policies: (GROUP, "v1", "mutatingadmissionpolicies"),
    bindings: (GROUP, "v1", "mutatingadmissionpolicybindings"),
    policy,
    binding,
};

enum Mutation {
    Apply(Expression),
    Patch(Expression),
}

impl Mutation {
    fn new(compiler: &Compiler, mutation: Said<'_>, speaks: Speaks) -> Self {
        let compile =
            |text: &str, wanted: Type| Expression::new(compiler, text.trim(), speaks, &[wanted]);
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

fn policy(object: &Record) -> Policy {
    let policy = MutatingAdmissionPolicy::from_record(object);
    let spec = policy.spec();
    let written = Written {
        name: policy.metadata().name(),
        failure_policy: spec.failure_policy(),
        match_constraints: spec.match_constraints(),
        param_kind: spec.param_kind(),
        match_conditions: spec.match_conditions(),
        variables: spec.variables(),
    };
    Policy::new(&written, |compiler, speaks| {
        let speaks = Speaks {
            patches: true,
            ..speaks
        };
        let mutations = spec.mutations().iter();
        mutations
            .map(|mutation| Mutation::new(compiler, mutation, speaks))
            .collect()
    })
}

fn binding(object: &Record) -> Binding {
    let binding = MutatingAdmissionPolicyBinding::from_record(object);
    let spec = binding.spec();
    Binding::new(
        binding.metadata().name(),
        spec.policy_name(),
        spec.param_ref(),
        spec.match_resources(),
    )
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
        Self(Policies::new(&SORT, lookup, authorizer))
    }

    async fn change(
        &self,
        cx: &RequestContext,
        attributes: &Attributes<'_>,
        object: &mut Record,
        in_force: InForce<Vec<Mutation>>,
    ) -> Result<(), ApiError> {
        let mut faults = Faults::default();
        for (policy, bindings) in in_force.iter() {
            let Some(question) = self.0.question(policy, cx, attributes, Some(object))? else {
                continue;
            };
            if let Some(why) = question.fault() {
                faults.add(policy, None, &why, false);
                continue;
            }
            for binding in bindings {
                if !question.is_meant(binding, Some(object))? {
                    continue;
                }
                match question.parameters(binding) {
                    Err(why) => faults.add(policy, Some(binding), &why, false),
                    Ok(params) => {
                        for params in &params {
                            let made = change_by(policy, &question, params.as_ref(), object).await;
                            for why in made {
                                faults.add(policy, Some(binding), &why, true);
                            }
                        }
                    }
                }
            }
        }
        faults.refuse(attributes)
    }
}

/// Makes of an object what a policy says with these parameters, and returns what failed.
async fn change_by(
    policy: &Policy,
    question: &Question<'_>,
    params: Option<&Record>,
    object: &mut Record,
) -> Vec<String> {
    let mut failures = Vec::new();
    for (index, mutation) in policy.says.iter().enumerate() {
        let attempt = || {
            let before = question.presented(object);
            let mut activation = question.activation(Some(&before), params);
            // The conditions are asked once, about the object as it came here.
            if index == 0 {
                match all_hold(&policy.conditions, &activation) {
                    Ok(true) => {}
                    Ok(false) => return Step::Over,
                    Err(why) => return Step::Failed(why),
                }
            }
            Step::Made(made(policy, mutation, &mut activation, object))
        };
        match question.settle(attempt).await {
            Step::Over => break,
            Step::Failed(why) => {
                failures.push(why);
                break;
            }
            Step::Made(Ok(made)) => {
                *object = made;
                pintle_api::defaults::apply(object);
            }
            Step::Made(Err(why)) => failures.push(why),
        }
    }
    failures
}

/// What becomes of a mutation.
enum Step {
    /// The object as it is to be, or why it can not be made.
    Made(Result<Record, String>),
    /// It and those after it are not asked for.
    Over,
    /// It can not be said whether they are.
    Failed(String),
}

/// The object as a mutation has it, or why it can not be made.
fn made(
    policy: &Policy,
    mutation: &Mutation,
    activation: &mut Activation<'_>,
    object: &Record,
) -> Result<Record, String> {
    let mut budget = BUDGET;
    let wanted = |name: &str| mutation.expression().speaks_of(name);
    match activation.compute(&policy.variables, &wanted, &mut budget) {
        Ok(()) => mutation.make(activation, object),
        Err(Spent) => Err(Spent::MESSAGE.to_owned()),
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
        let Some(object) = object else {
            return Answer::YES;
        };
        match self.0.in_force() {
            Ok(in_force) if in_force.is_empty() => Answer::YES,
            Ok(in_force) => Answer::later(self.change(cx, attributes, object, in_force)),
            Err(error) => Answer::Now(Err(error)),
        }
    }
}
