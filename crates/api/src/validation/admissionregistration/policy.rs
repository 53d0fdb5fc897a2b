//! Policies.

use std::collections::HashSet;

use pintle_cel::types::Type;
use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::gvk::GroupVersion;
use pintle_runtime::name::{dns1035_label, dns1123_subdomain};
use pintle_runtime::object_meta::{validate_conditions, validate_label_name};
use pintle_runtime::value::Record;
use pintle_runtime::view::List;

use super::rule::{choice, mutating_operations, required_choice};
use super::{FAILURE_POLICIES, REINVOCATION_POLICIES, expression, rule};
use crate::admissionregistration::v1::{
    AuditAnnotation, MatchCondition, MatchResources, MutatingAdmissionPolicy, Mutation, ParamKind,
    ValidatingAdmissionPolicy, Validation, Variable,
};
use crate::expressions::admission::{Compiler, JSON_PATCH, OBJECT, Speaks};
use crate::validation::{Rules, internal_form};

pub(super) const VALIDATING: Rules = Rules {
    create: |new, errors| validating(new, None, errors),
    update: |new, old, errors| validating(new, Some(old), errors),
    subresources: &[("status", |new, _, errors| status(new, errors))],
};

pub(super) const MUTATING: Rules = Rules {
    create: |new, errors| mutating(new, None, errors),
    update: |new, old, errors| mutating(new, Some(old), errors),
    subresources: &[],
};

const ANNOTATIONS: usize = 20;
const ANNOTATION_LIMIT: usize = 5 * 1024;
const REASONS: [&str; 3] = ["Forbidden", "Invalid", "RequestEntityTooLarge"];

fn validating(new: &Record, old: Option<&Record>, errors: &mut ErrorList) {
    let policy = ValidatingAdmissionPolicy::from_record(new);
    let spec = policy.spec();
    let before = old.map(|old| ValidatingAdmissionPolicy::from_record(old).spec());
    let path = Path::new("spec");
    common(
        spec.failure_policy(),
        spec.param_kind(),
        spec.match_constraints(),
        &path,
        errors,
    );
    let says = Conditional {
        kind: spec.param_kind(),
        conditions: spec.match_conditions(),
    };
    let before = before.map(|before| Conditional {
        kind: before.param_kind(),
        conditions: before.match_conditions(),
    });
    let (compiler, speaks) = says.check(before, spec.variables(), &path, errors);
    let annotations = spec.audit_annotations();
    let (at, at_annotations) = (path.child("validations"), path.child("auditAnnotations"));
    if spec.validations().is_empty() && annotations.is_empty() {
        let detail = "validations or auditAnnotations must contain at least one item";
        errors.required(&at, detail);
        return errors.required(&at_annotations, detail);
    }
    for (index, found) in spec.validations().iter().enumerate() {
        validation(&compiler, found, speaks, &at.index(index), errors);
    }
    let name = policy.metadata().name();
    let compile = |text: &str, path: &Path<'_>, errors: &mut ErrorList| {
        let wanted = [Type::String, Type::Null];
        if let Err(why) = compiler.compile(text.trim(), speaks, &wanted) {
            errors.invalid(path, text, why);
        }
    };
    audit_annotations(name, annotations, &compile, &at_annotations, errors);
}

fn mutating(new: &Record, old: Option<&Record>, errors: &mut ErrorList) {
    let spec = MutatingAdmissionPolicy::from_record(new).spec();
    let before = old.map(|old| MutatingAdmissionPolicy::from_record(old).spec());
    let path = Path::new("spec");
    common(
        spec.failure_policy(),
        spec.param_kind(),
        spec.match_constraints(),
        &path,
        errors,
    );
    if let Some(constraints) = spec.match_constraints() {
        mutating_operations(constraints, &path.child("matchConstraints"), errors);
    }
    let says = Conditional {
        kind: spec.param_kind(),
        conditions: spec.match_conditions(),
    };
    let before = before.map(|before| Conditional {
        kind: before.param_kind(),
        conditions: before.match_conditions(),
    });
    let (compiler, speaks) = says.check(before, spec.variables(), &path, errors);
    let at = path.child("mutations");
    if spec.mutations().is_empty() {
        errors.required(&at, "mutations must contain at least one item");
    }
    for (index, found) in spec.mutations().iter().enumerate() {
        mutation(&compiler, found, speaks, &at.index(index), errors);
    }
    let policy = Some(spec.reinvocation_policy()).filter(|policy| !policy.is_empty());
    let at = path.child("reinvocationPolicy");
    required_choice(policy, &REINVOCATION_POLICIES, &at, errors);
}

/// When a policy of either sort is asked, and by which parameters.
struct Conditional<'a> {
    kind: Option<ParamKind<'a>>,
    conditions: List<'a, MatchCondition<'a>>,
}

impl Conditional<'_> {
    /// Checks the conditions, unless they are as they were, and the variables. Returns what the other expressions of
    /// the policy may speak of.
    fn check(
        &self,
        before: Option<Self>,
        variables: List<'_, Variable<'_>>,
        path: &Path<'_>,
        errors: &mut ErrorList,
    ) -> (Compiler, Speaks) {
        if before.is_none_or(|before| !self.is_same(&before)) {
            let at = path.child("matchConditions");
            expression::match_conditions(self.conditions, self.kind.is_some(), &at, errors);
        }
        let speaks = Speaks {
            params: self.kind.is_some(),
            authorizer: true,
            patches: false,
        };
        let mut compiler = match variables.is_empty() {
            true => Compiler::new(),
            false => Compiler::with_variables(),
        };
        let at = path.child("variables");
        expression::variables(&mut compiler, variables, speaks, &at, errors);
        (compiler, speaks)
    }

    fn is_same(&self, other: &Self) -> bool {
        let pair = |kind: ParamKind<'_>| (kind.api_version().to_owned(), kind.kind().to_owned());
        self.kind.map(pair) == other.kind.map(pair)
            && self.conditions.values() == other.conditions.values()
    }
}

/// What policies of both sorts have.
fn common(
    failure_policy: Option<&str>,
    param: Option<ParamKind<'_>>,
    constraints: Option<MatchResources<'_>>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let at = path.child("failurePolicy");
    required_choice(failure_policy, &FAILURE_POLICIES, &at, errors);
    if let Some(kind) = param {
        param_kind(kind, &path.child("paramKind"), errors);
    }
    let at = path.child("matchConstraints");
    let Some(constraints) = constraints else {
        return errors.required(&at, "");
    };
    rule::match_resources(constraints, &at, errors);
    // Without a rule nobody knows the type of what is looked at.
    if constraints.resource_rules().is_empty() {
        errors.required(&at.child("resourceRules"), "");
    }
}

fn param_kind(kind: ParamKind<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let at = path.child("apiVersion");
    let version = kind.api_version();
    match GroupVersion::parse(version) {
        _ if version.is_empty() => errors.required(&at, ""),
        Err(_) => errors.invalid(
            &at,
            version,
            format!("unexpected GroupVersion string: {version}"),
        ),
        Ok(parsed) => {
            let group = dns1123_subdomain(&parsed.group);
            if !parsed.group.is_empty() && !group.is_empty() {
                errors.invalid(&at, &*parsed.group, group.join(","));
            }
            if parsed.version.is_empty() {
                errors.invalid(&at, version, "version must be specified");
            } else {
                let messages = dns1035_label(&parsed.version);
                if !messages.is_empty() {
                    errors.invalid(&at, &*parsed.version, messages.join(","));
                }
            }
        }
    }
    let at = path.child("kind");
    let messages = dns1035_label(&kind.kind().to_lowercase());
    if kind.kind().is_empty() {
        errors.required(&at, "");
    } else if !messages.is_empty() {
        let detail = format!(
            "may have mixed case, but should otherwise match: {}",
            messages.join(",")
        );
        errors.invalid(&at, kind.kind(), detail);
    }
}

fn validation(
    compiler: &Compiler,
    validation: Validation<'_>,
    speaks: Speaks,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let (text, at) = (validation.expression(), path.child("expression"));
    if expression::specified(text, &at, errors) {
        expression::compiles(compiler, text, speaks, &[Type::Bool], &at, errors);
    }
    let blank = |text: &str| !text.is_empty() && text.trim().is_empty();
    let (text, at) = (
        validation.message_expression(),
        path.child("messageExpression"),
    );
    if blank(text) {
        errors.invalid(&at, text, "must be non-empty if specified");
    } else if !text.is_empty() {
        // Whoever is refused may not ask further what would be allowed.
        let speaks = Speaks {
            authorizer: false,
            ..speaks
        };
        expression::compiles(compiler, text, speaks, &[Type::String], &at, errors);
    }
    let (message, at) = (validation.message(), path.child("message"));
    if blank(message) {
        errors.invalid(&at, message, "message must be non-empty if specified");
    } else if message.trim().contains(['\n', '\r']) {
        errors.invalid(&at, message, "message must not contain line breaks");
    }
    choice(validation.reason(), &REASONS, &path.child("reason"), errors);
}

fn audit_annotations(
    policy: &str,
    annotations: List<'_, AuditAnnotation<'_>>,
    compile: &dyn Fn(&str, &Path<'_>, &mut ErrorList),
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    if annotations.len() > ANNOTATIONS {
        errors.invalid(
            path,
            internal_form::shown_list(annotations.values()),
            format!("must not have more than {ANNOTATIONS} auditAnnotations"),
        );
    }
    let mut keys = HashSet::new();
    for (index, annotation) in annotations.iter().enumerate() {
        let path = path.index(index);
        let (key, at) = (annotation.key(), path.child("key"));
        if policy.is_empty() {
            errors.invalid(&at, key, "requires metadata.name be non-empty");
        } else {
            validate_label_name(&format!("{policy}/{key}"), &at, errors);
        }
        let value = annotation.value_expression().trim();
        let at_value = path.child("valueExpression");
        if value.is_empty() {
            errors.required(&at_value, "valueExpression is not specified");
        } else if value.len() > ANNOTATION_LIMIT {
            let detail = format!("must not exceed {ANNOTATION_LIMIT} bytes in length");
            errors.required(&at_value, detail);
        } else {
            compile(annotation.value_expression(), &at_value, errors);
        }
        if !keys.insert(key) {
            errors.duplicate(&at, key);
        }
    }
}

fn mutation(
    compiler: &Compiler,
    mutation: Mutation<'_>,
    speaks: Speaks,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let (patch, apply) = (mutation.json_patch(), mutation.apply_configuration());
    let at_patch = path.child("jsonPatch");
    let at_apply = path.child("applyConfiguration");
    let speaks = Speaks {
        patches: true,
        ..speaks
    };
    let expression = |text: &str, wanted: Type, path: &Path<'_>, errors: &mut ErrorList| {
        let at = path.child("expression");
        match text.trim() {
            "" => errors.required(&at, ""),
            text => expression::compiles(compiler, text, speaks, &[wanted], &at, errors),
        }
    };
    let patches = || Type::list(Type::object(JSON_PATCH));
    match mutation.patch_type() {
        "" => errors.required(&path.child("patchType"), ""),
        "JSONPatch" => {
            match patch {
                Some(patch) => expression(patch.expression(), patches(), &at_patch, errors),
                None => errors.required(&at_patch, "must be specified when patchType is JSONPatch"),
            }
            if apply.is_some() {
                errors.invalid(
                    &at_apply,
                    "{applyConfiguration}",
                    "must not be specified when patchType is JSONPatch",
                );
            }
        }
        "ApplyConfiguration" => {
            match apply {
                Some(apply) => {
                    expression(apply.expression(), Type::object(OBJECT), &at_apply, errors);
                }
                None => errors.required(
                    &at_apply,
                    "must be specified when patchType is ApplyConfiguration",
                ),
            }
            if patch.is_some() {
                errors.invalid(
                    &at_patch,
                    "{jsonPatch}",
                    "must not be specified when patchType is ApplyConfiguration",
                );
            }
        }
        other => errors.not_supported(
            &path.child("patchType"),
            BadValue::json_string(other),
            ["ApplyConfiguration", "JSONPatch"],
        ),
    }
}

fn status(new: &Record, errors: &mut ErrorList) {
    let status = ValidatingAdmissionPolicy::from_record(new).status();
    let path = Path::new("status");
    if let Some(checking) = status.type_checking() {
        let checking_path = path.child("typeChecking");
        let at = checking_path.child("expressionWarnings");
        for (index, warning) in checking.expression_warnings().iter().enumerate() {
            let path = at.index(index);
            if warning.warning().is_empty() {
                errors.required(&path.child("warning"), "");
            }
            if warning.field_ref().trim().is_empty() {
                errors.required(&path.child("fieldRef"), "");
            }
        }
    }
    validate_conditions(status.conditions(), &path.child("conditions"), errors);
}
