//! `ValidatingAdmissionPolicy`: what policies have to say against a request.

use std::sync::Arc;

use pintle_api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, Validation as Said,
};
use pintle_api::expressions::admission::{Compiler, Speaks};
use pintle_authz::Authorizer;
use pintle_cel::types::Type;
use pintle_cel::value::Val;
use pintle_endpoints::admission::{Answer, Attributes, Interest, Plugin, Target};
use pintle_endpoints::context::RequestContext;
use pintle_runtime::status::{ApiError, StatusCause};
use pintle_runtime::value::Record;

use super::activation::{Activation, BUDGET, Expression, Spent, all_hold};
use super::bound::{Binding, InForce, Policies, Sort, Written};
use super::{GROUP, are_asked};
use crate::admission::lookup::Lookup;

/// Longer messages that expressions make are not shown.
const LONGEST_MESSAGE: usize = 5 * 1024;
/// More of an annotation is cut off.
const LONGEST_ANNOTATION: usize = 10 * 1024;
const FAILURE_ANNOTATION: &str = "validation.policy.admission.k8s.io/validation_failure";

/// The plug-in.
pub(crate) struct Validating(Policies<Says>);

type Policy = super::bound::Policy<Says>;

const SORT: Sort<Says> = Sort {
    policies: (GROUP, "v1", "validatingadmissionpolicies"),
    bindings: (GROUP, "v1", "validatingadmissionpolicybindings"),
    policy,
    binding,
};

/// What a policy says of a request.
struct Says {
    validations: Vec<Validation>,
    annotations: Vec<(String, Expression)>,
}

struct Validation {
    expression: Expression,
    message: String,
    message_expression: Option<Expression>,
    reason: Option<String>,
}

/// What a policy has to say against a request.
struct Objection {
    /// Which validation says it.
    index: usize,
    message: String,
    reason: Option<String>,
}

fn policy(object: &Record) -> Policy {
    let policy = ValidatingAdmissionPolicy::from_record(object);
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
        let validations = spec.validations().iter();
        let annotations = spec.audit_annotations().iter().map(|annotation| {
            let text = annotation.value_expression().trim();
            let expression = Expression::new(compiler, text, speaks, &[Type::String, Type::Null]);
            (annotation.key().to_owned(), expression)
        });
        Says {
            validations: validations
                .map(|validation| Validation::new(compiler, &validation, speaks))
                .collect(),
            annotations: annotations.collect(),
        }
    })
}

fn binding(object: &Record) -> Binding {
    let binding = ValidatingAdmissionPolicyBinding::from_record(object);
    let spec = binding.spec();
    let mut made = Binding::new(
        binding.metadata().name(),
        spec.policy_name(),
        spec.param_ref(),
        spec.match_resources(),
    );
    let actions = spec.validation_actions().iter().map(str::to_owned);
    made.actions = actions.collect();
    made
}

impl Says {
    /// Whether what decides about a request speaks of a variable.
    fn speaks_of(&self, variable: &str) -> bool {
        let validations = self.validations.iter();
        let mut expressions = validations
            .flat_map(|it| std::iter::once(&it.expression).chain(&it.message_expression))
            .chain(self.annotations.iter().map(|(_, it)| it));
        expressions.any(|expression| expression.speaks_of(variable))
    }
}

impl Objection {
    /// That the policy could not be asked.
    const fn of_all(message: String) -> Self {
        Self {
            index: 0,
            message,
            reason: None,
        }
    }
}

/// What a policy has to say, and what is to be written down.
///
/// # Errors
/// Where that can not be said, as clients are told.
fn heard(
    policy: &Policy,
    activation: &mut Activation<'_>,
) -> Result<(Vec<Objection>, Vec<Note>), String> {
    if !all_hold(&policy.conditions, activation)? {
        return Ok((Vec::new(), Vec::new()));
    }
    let spent = |Spent| Spent::MESSAGE.to_owned();
    let mut budget = BUDGET;
    let says = &policy.says;
    activation
        .compute(&policy.variables, &|name| says.speaks_of(name), &mut budget)
        .map_err(spent)?;
    let mut objections = Vec::new();
    for (index, validation) in says.validations.iter().enumerate() {
        let holds = validation.expression.evaluate(activation, &mut budget);
        let (message, reason) = match holds.map_err(spent)? {
            Ok(Val::Bool(true)) => continue,
            Ok(_) => {
                let message = validation.message(activation, &mut budget);
                (message.map_err(spent)?, validation.reason.clone())
            }
            Err(message) if policy.fails => (message, None),
            Err(_) => continue,
        };
        objections.push(Objection {
            index,
            message,
            reason,
        });
    }
    let mut budget = BUDGET;
    let mut notes = Vec::new();
    for (key, expression) in &says.annotations {
        match expression
            .evaluate(activation, &mut budget)
            .map_err(spent)?
        {
            Ok(Val::String(value)) if !value.trim().is_empty() => {
                notes.push(Note::Of(key.clone(), value.trim().to_owned()));
            }
            Err(message) if policy.fails => notes.push(Note::Failed(message)),
            Ok(_) | Err(_) => {}
        }
    }
    Ok((objections, notes))
}

/// What is written down of a request.
enum Note {
    Of(String, String),
    /// It could not be said, which refuses the request.
    Failed(String),
}

impl Validation {
    fn new(compiler: &Compiler, said: &Said<'_>, speaks: Speaks) -> Self {
        // Whoever is refused may not ask further what would be allowed.
        let silent = Speaks {
            authorizer: false,
            ..speaks
        };
        Self {
            expression: Expression::new(compiler, said.expression(), speaks, &[Type::Bool]),
            message: said.message().trim().to_owned(),
            message_expression: Some(said.message_expression())
                .filter(|text| !text.is_empty())
                .map(|text| Expression::new(compiler, text, silent, &[Type::String])),
            reason: said.reason().map(str::to_owned),
        }
    }

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

    /// A policy can not be asked, which refuses unless it is to be ignored then.
    fn fail(&mut self, policy: &Policy, binding: Option<&Binding>, why: &str) {
        if policy.fails {
            self.refuse(policy, binding, why, None);
        }
    }

    /// The refusal, if there is one.
    fn answer(self, attributes: &Attributes<'_>) -> Result<(), ApiError> {
        let Some((message, reason)) = self.refused else {
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
}

/// What is written down of a request by one policy: by key, what its bindings and parameters made.
#[derive(Default)]
struct Notes(Vec<(String, Vec<String>)>);

impl Notes {
    fn add(&mut self, key: String, mut value: String) {
        value.truncate(value.floor_char_boundary(LONGEST_ANNOTATION));
        match self.0.iter_mut().find(|(found, _)| *found == key) {
            Some((_, values)) if !values.contains(&value) => values.push(value),
            Some(_) => {}
            None => self.0.push((key, vec![value])),
        }
    }
}

impl Validating {
    pub(crate) fn new(lookup: Lookup, authorizer: Arc<dyn Authorizer>) -> Self {
        Self(Policies::new(&SORT, lookup, authorizer))
    }

    async fn ask(
        &self,
        cx: &RequestContext,
        attributes: &Attributes<'_>,
        object: Option<&Record>,
        in_force: InForce<Says>,
    ) -> Result<(), ApiError> {
        let mut told = Told::default();
        for (policy, bindings) in in_force.iter() {
            let Some(question) = self.0.question(policy, cx, attributes, object)? else {
                continue;
            };
            let object = object.map(|object| question.presented(object));
            let mut notes = Notes::default();
            if let Some(why) = question.fault() {
                told.fail(policy, None, &why);
                continue;
            }
            for binding in bindings {
                if !question.is_meant(binding, object.as_ref())? {
                    continue;
                }
                let params = match question.parameters(binding) {
                    Ok(params) => params,
                    Err(why) => {
                        told.fail(policy, Some(binding), &why);
                        continue;
                    }
                };
                for params in &params {
                    let attempt = || {
                        let mut activation = question.activation(object.as_ref(), params.as_ref());
                        heard(policy, &mut activation)
                    };
                    let (objections, noted) = match question.settle(attempt).await {
                        Ok(heard) => heard,
                        Err(message) if policy.fails => (vec![Objection::of_all(message)], vec![]),
                        Err(_) => continue,
                    };
                    for objection in objections {
                        tell(cx, policy, binding, objection, &mut told);
                    }
                    for note in noted {
                        match note {
                            Note::Failed(why) => told.refuse(policy, Some(binding), &why, None),
                            Note::Of(key, value) => notes.add(key, value),
                        }
                    }
                }
            }
            for (key, values) in notes.0 {
                cx.annotate(format!("{}/{key}", policy.name), values.join(", "));
            }
        }
        told.answer(attributes)
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
        match self.0.in_force() {
            Ok(in_force) if in_force.is_empty() => Answer::YES,
            Ok(in_force) => Answer::later(self.ask(cx, attributes, object, in_force)),
            Err(error) => Answer::Now(Err(error)),
        }
    }
}
