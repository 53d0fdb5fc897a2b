//! `ValidatingAdmissionPolicy`: what policies have to say against a request.

use std::sync::Arc;

use pintle_api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
};
use pintle_api::expressions::admission::{Compiler, Speaks};
use pintle_authz::Authorizer;
use pintle_cel::types::Type;
use pintle_cel::value::Val;
use pintle_endpoints::admission::{Answer, Attributes, Interest, Plugin, Target};
use pintle_endpoints::cache::Entry;
use pintle_endpoints::context::RequestContext;
use pintle_runtime::status::{ApiError, StatusCause};
use pintle_runtime::text::Text;
use pintle_runtime::value::Record;

use super::activation::{
    Activation, Asking, BUDGET, Expression, Spent, all_hold, presented, request, value,
};
use super::matching::Matching;
use super::parameters::{Kind, Reference};
use super::{GROUP, are_asked};
use crate::admission::lookup::{Computed, Lookup, Place};

const POLICIES: Place = (GROUP, "v1", "validatingadmissionpolicies");
const BINDINGS: Place = (GROUP, "v1", "validatingadmissionpolicybindings");
/// Longer messages that expressions make are not shown.
const LONGEST_MESSAGE: usize = 5 * 1024;
/// More of an annotation is cut off.
const LONGEST_ANNOTATION: usize = 10 * 1024;
const FAILURE_ANNOTATION: &str = "validation.policy.admission.k8s.io/validation_failure";

/// The plug-in.
pub(crate) struct Validating {
    lookup: Lookup,
    authorizer: Arc<dyn Authorizer>,
    policies: Computed<Vec<Policy>>,
    bindings: Computed<Vec<Binding>>,
}

struct Policy {
    name: String,
    /// Whether a failure to decide refuses.
    fails: bool,
    matching: Matching,
    params: Option<Kind>,
    conditions: Vec<Expression>,
    variables: Vec<(Text, Expression)>,
    validations: Vec<Validation>,
    annotations: Vec<(String, Expression)>,
}

struct Validation {
    expression: Expression,
    message: String,
    message_expression: Option<Expression>,
    reason: Option<String>,
}

struct Binding {
    name: String,
    policy: String,
    params: Option<Reference>,
    matching: Option<Matching>,
    actions: Vec<String>,
}

/// What a policy has to say against a request.
struct Objection {
    /// Which validation says it.
    index: usize,
    message: String,
    reason: Option<String>,
}

impl Policy {
    fn new(object: &Record) -> Self {
        let policy = ValidatingAdmissionPolicy::from_record(object);
        let spec = policy.spec();
        let speaks = Speaks {
            params: spec.param_kind().is_some(),
            authorizer: true,
            patches: false,
        };
        let silent = Speaks {
            authorizer: false,
            ..speaks
        };
        let mut compiler = match spec.variables().is_empty() {
            true => Compiler::new(),
            false => Compiler::with_variables(),
        };
        let compile =
            |compiler: &Compiler, text: &str, speaks: Speaks, wanted: &[Type]| Expression {
                text: text.to_owned(),
                program: compiler.compile(text, speaks, wanted),
            };
        let conditions = spec.match_conditions().iter().map(|condition| {
            compile(
                &Compiler::new(),
                condition.expression().trim(),
                speaks,
                &[Type::Bool],
            )
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
        let validations = spec.validations().iter().map(|validation| Validation {
            expression: compile(&compiler, validation.expression(), speaks, &[Type::Bool]),
            message: validation.message().trim().to_owned(),
            message_expression: Some(validation.message_expression())
                .filter(|text| !text.is_empty())
                .map(|text| compile(&compiler, text, silent, &[Type::String])),
            reason: validation.reason().map(str::to_owned),
        });
        let annotations = spec.audit_annotations().iter().map(|annotation| {
            let text = annotation.value_expression().trim();
            let wanted = [Type::String, Type::Null];
            (
                annotation.key().to_owned(),
                compile(&compiler, text, speaks, &wanted),
            )
        });
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
            validations: validations.collect(),
            annotations: annotations.collect(),
        }
    }

    /// Whether what decides about a request speaks of a variable.
    fn speaks_of(&self, variable: &str) -> bool {
        let validations = self.validations.iter();
        let mut expressions = validations
            .flat_map(|it| std::iter::once(&it.expression).chain(&it.message_expression))
            .chain(self.annotations.iter().map(|(_, it)| it));
        expressions.any(|expression| expression.speaks_of(variable))
    }

    /// What it has to say with these parameters.
    fn objections(&self, activation: &mut Activation<'_>) -> (Vec<Objection>, Vec<Note>) {
        let failed = |message: String| match self.fails {
            true => vec![Objection {
                index: 0,
                message,
                reason: None,
            }],
            false => Vec::new(),
        };
        match all_hold(&self.conditions, activation) {
            Ok(true) => {}
            Ok(false) => return (Vec::new(), Vec::new()),
            Err(message) => return (failed(message), Vec::new()),
        }
        let mut budget = BUDGET;
        let computed =
            activation.compute(&self.variables, &|name| self.speaks_of(name), &mut budget);
        let mut objections = Vec::new();
        let validate = || -> Result<(), Spent> {
            computed?;
            for (index, validation) in self.validations.iter().enumerate() {
                match validation.expression.evaluate(activation, &mut budget)? {
                    Ok(Val::Bool(true)) => {}
                    Ok(_) => objections.push(Objection {
                        index,
                        message: validation.message(activation, &mut budget)?,
                        reason: validation.reason.clone(),
                    }),
                    Err(message) if self.fails => objections.push(Objection {
                        index,
                        message,
                        reason: None,
                    }),
                    Err(_) => {}
                }
            }
            Ok(())
        };
        if let Err(Spent) = validate() {
            return (failed(Spent::MESSAGE.to_owned()), Vec::new());
        }
        let mut budget = BUDGET;
        let mut notes = Vec::new();
        for (key, expression) in &self.annotations {
            match expression.evaluate(activation, &mut budget) {
                Err(Spent) => return (failed(Spent::MESSAGE.to_owned()), Vec::new()),
                Ok(Ok(Val::String(value))) if !value.trim().is_empty() => {
                    notes.push(Note::Of(key.clone(), value.trim().to_owned()));
                }
                Ok(Ok(_)) => {}
                Ok(Err(message)) if self.fails => notes.push(Note::Failed(message)),
                Ok(Err(_)) => {}
            }
        }
        (objections, notes)
    }
}

/// What is written down of a request.
enum Note {
    Of(String, String),
    /// It could not be said, which refuses the request.
    Failed(String),
}

impl Validation {
    fn message(&self, activation: &Activation<'_>, budget: &mut u64) -> Result<String, Spent> {
        if let Some(expression) = &self.message_expression
            && let Ok(Val::String(message)) = expression.evaluate(activation, budget)?
        {
            let message = message.trim();
            if !message.is_empty() && message.len() <= LONGEST_MESSAGE && !message.contains('\n') {
                return Ok(message.to_owned());
            }
        }
        Ok(match self.message.as_str() {
            "" => format!("failed expression: {}", self.expression.text.trim()),
            message => message.to_owned(),
        })
    }
}

impl Binding {
    fn new(object: &Record) -> Self {
        let binding = ValidatingAdmissionPolicyBinding::from_record(object);
        let spec = binding.spec();
        Self {
            name: binding.metadata().name().to_owned(),
            policy: spec.policy_name().to_owned(),
            params: spec.param_ref().map(Reference::new),
            matching: spec.match_resources().map(Matching::new),
            actions: spec
                .validation_actions()
                .iter()
                .map(str::to_owned)
                .collect(),
        }
    }
}

fn all<T>(entries: &[Arc<Entry>], make: fn(&Record) -> T) -> Result<Vec<T>, ApiError> {
    entries
        .iter()
        .map(|entry| entry.record().map(|object| make(&object)))
        .collect()
}

/// What of a request is told, so far.
#[derive(Default)]
struct Told {
    /// The first refusal: its message and reason.
    refused: Option<(String, Option<String>)>,
}

impl Told {
    fn refuse(
        &mut self,
        policy: &Policy,
        binding: Option<&Binding>,
        why: &str,
        reason: Option<String>,
    ) {
        let with = binding.map_or_else(String::new, |binding| {
            format!(" with binding '{}'", binding.name)
        });
        let message = format!(
            "ValidatingAdmissionPolicy '{}'{with} denied request: {why}",
            policy.name
        );
        self.refused.get_or_insert((message, reason));
    }
}

impl Validating {
    pub(crate) fn new(lookup: Lookup, authorizer: Arc<dyn Authorizer>) -> Self {
        Self {
            lookup,
            authorizer,
            policies: Computed::default(),
            bindings: Computed::default(),
        }
    }

    fn ask(
        &self,
        cx: &RequestContext,
        attributes: &Attributes<'_>,
        object: Option<&Record>,
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
        let mut told = Told::default();
        for policy in policies.iter() {
            let bound: Vec<&Binding> = bindings
                .iter()
                .filter(|it| it.policy == policy.name)
                .collect();
            if bound.is_empty() {
                continue;
            }
            if let Some(version) = policy
                .matching
                .version_of(&self.lookup, attributes, object)?
            {
                self.ask_one(
                    cx,
                    attributes,
                    object,
                    (policy, &bound),
                    &version,
                    &mut told,
                )?;
            }
        }
        let Some((message, reason)) = told.refused else {
            return Ok(());
        };
        let refusal = attributes.forbid(&message).with_cause(StatusCause {
            message,
            ..StatusCause::default()
        });
        Err(match (refusal, reason.as_deref()) {
            (refusal, Some("Forbidden")) => refusal,
            (ApiError::Forbidden(failure), Some("RequestEntityTooLarge")) => {
                ApiError::RequestEntityTooLarge(failure)
            }
            (ApiError::Forbidden(failure), _) => ApiError::Invalid(failure),
            (refusal, _) => refusal,
        })
    }

    fn ask_one(
        &self,
        cx: &RequestContext,
        attributes: &Attributes<'_>,
        object: Option<&Record>,
        (policy, bindings): (&Policy, &[&Binding]),
        version: &str,
        told: &mut Told,
    ) -> Result<(), ApiError> {
        let fault = |told: &mut Told, binding: Option<&Binding>, why: &str| {
            let what = if binding.is_some() {
                "binding"
            } else {
                "policy"
            };
            if policy.fails {
                told.refuse(
                    policy,
                    binding,
                    &format!("failed to configure {what}: {why}"),
                    None,
                );
            }
        };
        let store = match policy
            .params
            .as_ref()
            .map(|kind| kind.store(&self.lookup))
            .transpose()
        {
            Ok(store) => store,
            Err(why) => {
                fault(told, None, &why);
                return Ok(());
            }
        };
        let resource = attributes.resource;
        let object = object.map(|object| presented(object, resource, version));
        let old = attributes.old.map(|old| presented(old, resource, version));
        let namespace = match attributes.namespace {
            _ if attributes.is("", "namespaces") => None,
            "" => None,
            name => self.lookup.object(("", "v1", "namespaces"), "", name)?,
        };
        let asking = Asking::new(&*self.authorizer, cx, attributes);
        let mut notes: Vec<(String, Vec<String>)> = Vec::new();
        for binding in bindings {
            if let Some(matching) = &binding.matching
                && matching
                    .version_of(&self.lookup, attributes, object.as_ref())?
                    .is_none()
            {
                continue;
            }
            let params = match (&store, &binding.params) {
                (Some(store), Some(reference)) => {
                    match reference.find(store, attributes.namespace) {
                        Ok(found) => found
                            .iter()
                            .map(|it| Some(presented(it, store.row(), &store.row().version)))
                            .collect(),
                        Err(why) => {
                            fault(told, Some(binding), &why);
                            continue;
                        }
                    }
                }
                _ => vec![None],
            };
            for params in &params {
                let mut activation = Activation {
                    object: value(object.as_ref()),
                    old_object: value(old.as_ref()),
                    request: request(cx, attributes, version),
                    namespace: value(namespace.as_deref()),
                    params: value(params.as_ref()),
                    authorizer: Some(&asking),
                    variables: None,
                };
                let (objections, noted) = policy.objections(&mut activation);
                for objection in objections {
                    tell(cx, policy, binding, objection, told);
                }
                for note in noted {
                    match note {
                        Note::Failed(why) => told.refuse(policy, Some(binding), &why, None),
                        Note::Of(key, value) => add_note(&mut notes, key, value),
                    }
                }
            }
        }
        for (key, values) in notes {
            cx.annotate(format!("{}/{key}", policy.name), values.join(", "));
        }
        Ok(())
    }
}

fn add_note(notes: &mut Vec<(String, Vec<String>)>, key: String, mut value: String) {
    let end = (0..=LONGEST_ANNOTATION.min(value.len())).rev();
    let end = end.into_iter().find(|at| value.is_char_boundary(*at));
    value.truncate(end.unwrap_or(0));
    match notes.iter_mut().find(|(found, _)| *found == key) {
        Some((_, values)) if !values.contains(&value) => values.push(value),
        Some(_) => {}
        None => notes.push((key, vec![value])),
    }
}

fn tell(
    cx: &RequestContext,
    policy: &Policy,
    binding: &Binding,
    objection: Objection,
    told: &mut Told,
) {
    for action in &binding.actions {
        match action.as_str() {
            "Deny" => {
                told.refuse(
                    policy,
                    Some(binding),
                    &objection.message,
                    objection.reason.clone(),
                );
            }
            "Warn" => cx.warn(format!(
                "Validation failed for ValidatingAdmissionPolicy '{}' with binding '{}': {}",
                policy.name, binding.name, objection.message
            )),
            "Audit" => {
                let failure = serde_json::json!([{
                    "message": objection.message,
                    "policy": policy.name,
                    "binding": binding.name,
                    "expressionIndex": objection.index,
                    "validationActions": binding.actions,
                }]);
                cx.annotate(FAILURE_ANNOTATION, failure.to_string());
            }
            _ => {}
        }
    }
}

impl Plugin for Validating {
    fn name(&self) -> &'static str {
        "ValidatingAdmissionPolicy"
    }

    fn interest(&self, target: Target<'_>) -> Interest {
        Interest::VALIDATES.when(are_asked(target))
    }

    fn validate<'a>(
        &'a self,
        cx: &'a RequestContext,
        attributes: &'a Attributes<'a>,
        object: Option<&'a Record>,
    ) -> Answer<'a> {
        self.ask(cx, attributes, object).into()
    }
}
