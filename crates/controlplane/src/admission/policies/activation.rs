//! What the expressions of a policy speak of, while it is asked about one request.

use std::sync::Arc;

use pintle_api::expressions::admission::{
    Compiler, KIND, REQUEST, RESOURCE, Speaks, USER, VARIABLES,
};
use pintle_cel::ast::{Expr, Kind};
use pintle_cel::types::Type;
use pintle_cel::value::{Computed, EvalError, Key, Map, Object, Outcome, OwnedMap, Val};
use pintle_cel::{Budget, Program, Variables};
use pintle_endpoints::admission::{Attributes, Operation};
use pintle_endpoints::context::RequestContext;
use pintle_runtime::resource::Resource;
use pintle_runtime::text::Text;
use pintle_runtime::user::UserInfo;
use pintle_runtime::value::{Record, Value};

use super::asking::Asking;

/// An expression with its text, or why it can not be compiled.
#[derive(Debug)]
pub(super) struct Expression {
    pub(super) text: String,
    pub(super) program: Result<Program, String>,
}

/// Everything went wrong for good: the budget is spent.
#[derive(Debug)]
pub(super) struct Spent;

impl Spent {
    /// As clients are told.
    pub(super) const MESSAGE: &'static str = "validation failed due to running out of cost budget, no further validation rules will be run";
}

impl Expression {
    pub(super) fn new(compiler: &Compiler, text: &str, speaks: Speaks, wanted: &[Type]) -> Self {
        Self {
            text: text.to_owned(),
            program: compiler.compile(text, speaks, wanted),
        }
    }

    /// The value, or why there is none, as clients are told.
    ///
    /// # Errors
    /// Where `budget` is spent.
    pub(super) fn evaluate<'a>(
        &self,
        activation: &Activation<'a>,
        budget: &mut u64,
    ) -> Result<Result<Val<'a>, String>, Spent> {
        let program = match &self.program {
            Ok(program) => program,
            Err(why) => return Ok(Err(format!("compilation error: {why}"))),
        };
        let mut call = Budget::new(Budget::PER_CALL);
        let outcome = program.evaluate(activation, &mut call);
        *budget = budget.checked_sub(call.spent()).ok_or(Spent)?;
        let text = &self.text;
        Ok(outcome.map_err(|error| format!("expression '{text}' resulted in error: {error}")))
    }

    /// Whether it speaks of a variable.
    pub(super) fn speaks_of(&self, variable: &str) -> bool {
        let Ok(program) = &self.program else {
            return false;
        };
        let mut found = false;
        program.checked().expr.walk(&mut |expr: &Expr| {
            found |= match &expr.kind {
                Kind::Select { operand, field, .. } => {
                    matches!(&operand.kind, Kind::Ident(name) if &**name == "variables")
                        && **field == *variable
                }
                // Whoever takes them as a whole may want any of them.
                Kind::Call { args, .. } => args
                    .iter()
                    .any(|arg| matches!(&arg.kind, Kind::Ident(name) if &**name == "variables")),
                _ => false,
            };
        });
        found
    }
}

/// What all expressions of a policy may cost together.
pub(super) const BUDGET: u64 = 10_000_000;
/// What its match conditions may cost together.
const CONDITIONS_BUDGET: u64 = 2_500_000;

/// Whether all match conditions hold.
///
/// # Errors
/// Where that can not be said, as clients are told.
pub(super) fn all_hold(
    conditions: &[Expression],
    activation: &Activation<'_>,
) -> Result<bool, String> {
    let mut budget = CONDITIONS_BUDGET;
    let mut failures: Vec<String> = Vec::new();
    let mut hold = true;
    for condition in conditions {
        match condition.evaluate(activation, &mut budget) {
            Err(Spent) => return Err(Spent::MESSAGE.to_owned()),
            Ok(Err(why)) => failures.push(why),
            Ok(Ok(Val::Bool(false))) => hold = false,
            Ok(Ok(_)) => {}
        }
    }
    match failures.as_slice() {
        _ if !hold => Ok(false),
        [] => Ok(true),
        [one] => Err(one.clone()),
        many => Err(format!("[{}]", many.join(", "))),
    }
}

/// An object as a value; null if there is none.
pub(super) fn value(record: Option<&Record>) -> Val<'_> {
    record.map_or(Val::Null, Val::from)
}

/// What the expressions of a policy speak of.
#[derive(Clone)]
pub(super) struct Activation<'a> {
    pub(super) object: Val<'a>,
    pub(super) old_object: Val<'a>,
    pub(super) request: Val<'a>,
    pub(super) namespace: Val<'a>,
    pub(super) params: Val<'a>,
    pub(super) authorizer: Option<&'a Asking<'a>>,
    pub(super) variables: Option<Arc<Computed<'a>>>,
}

impl<'a> Variables<'a> for Activation<'a> {
    fn variable(&self, name: &str) -> Option<Val<'a>> {
        Some(match name {
            "object" => self.object.clone(),
            "oldObject" => self.old_object.clone(),
            "request" => self.request.clone(),
            "namespaceObject" => self.namespace.clone(),
            "params" => self.params.clone(),
            "authorizer" => Val::authorizer(self.authorizer?),
            "authorizer.requestResource" => {
                let asking = self.authorizer?;
                Val::request_resource(asking, asking.resource().clone())
            }
            "variables" => Val::Object(Object::Computed(Arc::clone(self.variables.as_ref()?))),
            _ => return None,
        })
    }
}

impl<'a> Activation<'a> {
    /// With the values of variables: of those that are wanted, in their order, as each may speak of those before.
    ///
    /// # Errors
    /// Where `budget` is spent.
    pub(super) fn compute(
        &mut self,
        variables: &[(Text, Expression)],
        wanted: &dyn Fn(&str) -> bool,
        budget: &mut u64,
    ) -> Result<(), Spent> {
        let mut fields: Vec<(Text, Outcome<'a>)> = Vec::new();
        for (index, (name, expression)) in variables.iter().enumerate() {
            let later = variables[index + 1..].iter();
            if !wanted(name) && !later.map(|(_, it)| it).any(|it| it.speaks_of(name)) {
                continue;
            }
            let outcome = match &expression.program {
                Err(why) => Err(format!("fails to compile: {why}")),
                Ok(program) => {
                    let mut call = Budget::new(Budget::PER_CALL);
                    let outcome = program.evaluate(self, &mut call);
                    *budget = budget.checked_sub(call.spent()).ok_or(Spent)?;
                    outcome.map_err(|error| format!("fails to evaluate: {error}"))
                }
            };
            let quoted = pintle_runtime::quote::Quoted(name);
            let outcome = outcome
                .map_err(|why| EvalError::new(format!("composited variable {quoted} {why}")));
            fields.push((name.clone(), outcome));
            self.variables = Some(Arc::new(Computed {
                type_name: VARIABLES.into(),
                fields: fields.clone(),
            }));
        }
        Ok(())
    }
}

/// An object as expressions see it: of the version that the policy means, and with its kind.
pub(super) fn presented(object: &Record, resource: &Resource, version: &str) -> Record {
    let mut object = object.clone();
    let kind = object
        .ty()
        .kinds
        .iter()
        .find(|kind| kind.group == resource.group);
    let kind = kind.map_or_else(|| resource.kind.to_string(), |kind| kind.kind.to_string());
    let api_version = match resource.group.as_ref() {
        "" => version.to_owned(),
        group => format!("{group}/{version}"),
    };
    for (field, text) in [("apiVersion", api_version), ("kind", kind)] {
        if let Some(index) = object.ty().field_index(field) {
            object.set(index, Value::String(text.into()));
        }
    }
    object
}

/// What expressions know as `request`.
pub(super) fn request<'a>(
    cx: &RequestContext,
    attributes: &Attributes<'_>,
    version: &str,
) -> Val<'a> {
    let resource = attributes.resource;
    let text = |text: &str| Val::string(text);
    let kind = |version: &str| {
        let fields = vec![
            ("group", text(&resource.group)),
            ("version", text(version)),
            ("kind", text(&resource.kind)),
        ];
        Val::object(KIND, fields)
    };
    let place = |version: &str| {
        let fields = vec![
            ("group", text(&resource.group)),
            ("version", text(version)),
            ("resource", text(&resource.name)),
        ];
        Val::object(RESOURCE, fields)
    };
    let mut fields = vec![
        ("kind", kind(version)),
        ("resource", place(version)),
        ("requestKind", kind(&resource.version)),
        ("requestResource", place(&resource.version)),
        ("operation", text(attributes.operation.as_str())),
        ("userInfo", user(&cx.user)),
        ("dryRun", Val::Bool(cx.dry_run)),
        ("options", options(cx, attributes)),
    ];
    for (name, value) in [
        ("subResource", attributes.subresource),
        ("requestSubResource", attributes.subresource),
        ("name", attributes.name.as_str()),
        ("namespace", attributes.namespace),
    ] {
        if !value.is_empty() {
            fields.push((name, text(value)));
        }
    }
    Val::object(REQUEST, fields)
}

fn map<'a>(entries: impl IntoIterator<Item = (Text, Val<'a>)>) -> Val<'a> {
    let mut map = OwnedMap::default();
    for (key, value) in entries {
        map.insert(Key::String(key), value);
    }
    Val::Map(Map::Owned(Arc::new(map)))
}

fn user<'a>(user: &UserInfo) -> Val<'a> {
    let texts = |texts: &[Text]| Val::list(texts.iter().cloned().map(Val::String).collect());
    let mut fields = Vec::new();
    for (name, value) in [("username", &user.name), ("uid", &user.uid)] {
        if !value.is_empty() {
            fields.push((name, Val::String(value.clone())));
        }
    }
    if !user.groups.is_empty() {
        fields.push(("groups", texts(&user.groups)));
    }
    if !user.extra.is_empty() {
        let extra = user.extra.iter();
        fields.push((
            "extra",
            map(extra.map(|(key, values)| (key.clone(), texts(values)))),
        ));
    }
    Val::object(USER, fields)
}

fn options<'a>(cx: &RequestContext, attributes: &Attributes<'_>) -> Val<'a> {
    let kind = match attributes.operation {
        Operation::Create => "CreateOptions",
        Operation::Update => "UpdateOptions",
        Operation::Delete => "DeleteOptions",
        Operation::Connect => return Val::Null,
    };
    let mut entries = vec![
        ("apiVersion".into(), Val::string("meta.k8s.io/v1")),
        ("kind".into(), Val::string(kind)),
    ];
    if cx.dry_run {
        entries.push(("dryRun".into(), Val::list(vec![Val::string("All")])));
    }
    map(entries)
}
