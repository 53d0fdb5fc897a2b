//! Expressions over what a token says, and over the user that it names: [`Expression`], [`Rule`].

use std::sync::{Arc, LazyLock};

use pintle_cel::types::{Declared, ObjectType, Type};
use pintle_cel::value::Val;
use pintle_cel::{Budget, Environment, Program};
use pintle_runtime::text::Text;
use pintle_runtime::user::UserInfo;
use pintle_runtime::value::{Map, Value};

const CLAIMS: &str = "claims";
const USER: &str = "user";
const USER_TYPE: &str = "kubernetes.UserInfo";

/// An expression that was found to make sense.
#[derive(Debug, Clone)]
pub struct Expression {
    text: Arc<str>,
    program: Program,
}

/// What has to hold, and what is said if it does not.
#[derive(Debug, Clone)]
pub struct Rule {
    expression: Expression,
    message: String,
}

static OF_CLAIMS: LazyLock<Environment> = LazyLock::new(|| {
    let claims = Type::map(Type::String, Type::Any);
    Environment::base().with_variable(CLAIMS, claims)
});

static OF_USERS: LazyLock<Environment> = LazyLock::new(|| {
    let texts = || Type::list(Type::String);
    let user = ObjectType::new([
        ("username", Type::String),
        ("uid", Type::String),
        ("groups", texts()),
        ("extra", Type::map(Type::String, texts())),
    ]);
    Environment::base()
        .with_variable(USER, Type::object(USER_TYPE))
        .with_objects(Arc::new(Declared::new().with(USER_TYPE, user)))
});

impl Expression {
    /// A value that is made of `claims`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of_claims(text: &str) -> Result<Self, String> {
        Self::compile(text, &OF_CLAIMS)
    }

    fn compile(text: &str, environment: &Environment) -> Result<Self, String> {
        let program = Program::compile(text, environment)
            .map_err(|issues| format!("compilation failed: {issues}"))?;
        Ok(Self {
            text: text.into(),
            program,
        })
    }

    /// Whether it selects a claim by its name.
    pub fn selects_claim(&self, name: &str) -> bool {
        self.program.checked().expr.selects(CLAIMS, name)
    }

    fn evaluate<'a>(&self, variable: &str, value: &Val<'a>) -> Result<Val<'a>, String> {
        let variables = [(variable, value.clone())];
        let mut budget = Budget::new(Budget::PER_CALL);
        self.program
            .evaluate(&variables, &mut budget)
            .map_err(|error| format!("expression '{}' resulted in error: {error}", self.text))
    }

    /// The text that it makes of claims; `what` it is for is told where it makes none.
    pub(super) fn text(&self, claims: &Value, what: &str) -> Result<Text, String> {
        match self.evaluate(CLAIMS, &Val::escaped(claims))? {
            Val::String(text) => Ok(text),
            _ => Err(format!("{what} claim expression must return a string")),
        }
    }

    /// The texts that it makes of claims: one, or a list of them.
    pub(super) fn texts(&self, claims: &Value) -> Result<Vec<Text>, String> {
        texts(&self.evaluate(CLAIMS, &Val::escaped(claims))?)
    }
}

/// Values of further facts about a user by their keys. Every expression is evaluated before a value is looked at.
pub(super) fn extra(
    mappings: &[(Text, Expression)],
    claims: &Value,
) -> Result<Vec<(Text, Vec<Text>)>, String> {
    let claims = Val::escaped(claims);
    let values = mappings
        .iter()
        .map(|(_, expression)| expression.evaluate(CLAIMS, &claims));
    let values: Vec<Val<'_>> = values.collect::<Result<_, _>>()?;
    let mut extra = Vec::new();
    for ((key, expression), value) in mappings.iter().zip(&values) {
        let values = texts(value).map_err(|error| {
            format!(
                "oidc: error evaluating extra claim expression: {}: {error}",
                expression.text
            )
        })?;
        if !values.is_empty() {
            extra.push((key.clone(), values));
        }
    }
    Ok(extra)
}

/// One text or a list of them; those that are empty do not count.
fn texts(value: &Val<'_>) -> Result<Vec<Text>, String> {
    let wrong = || "expression must return a string or a list of strings".to_owned();
    let is_some = |text: &Text| !text.is_empty();
    match value {
        Val::Null => Ok(Vec::new()),
        Val::String(text) => Ok(Some(text.clone()).into_iter().filter(is_some).collect()),
        Val::List(list) => {
            let texts = list.iter().map(|item| match item {
                Val::String(text) => Ok(text),
                _ => Err(wrong()),
            });
            let texts: Vec<Text> = texts.collect::<Result<_, _>>()?;
            Ok(texts.into_iter().filter(is_some).collect())
        }
        _ => Err(wrong()),
    }
}

impl Rule {
    /// What has to hold of `claims`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of_claims(text: &str, message: &str) -> Result<Self, String> {
        Self::compile(text, message, &OF_CLAIMS)
    }

    /// What has to hold of `user`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of_users(text: &str, message: &str) -> Result<Self, String> {
        Self::compile(text, message, &OF_USERS)
    }

    fn compile(text: &str, message: &str, environment: &Environment) -> Result<Self, String> {
        let expression = Expression::compile(text, environment)?;
        if *expression.program.result() != Type::Bool {
            return Err("must evaluate to bool".to_owned());
        }
        Ok(Self {
            expression,
            message: message.to_owned(),
        })
    }

    /// Whether it selects a claim by its name.
    pub fn selects_claim(&self, name: &str) -> bool {
        self.expression.selects_claim(name)
    }
}

/// That every rule holds of claims.
pub(super) fn check_claims(rules: &[Rule], claims: &Value) -> Result<(), String> {
    check(rules, CLAIMS, &Val::escaped(claims))
}

/// That every rule holds of a user.
pub(super) fn check_user(rules: &[Rule], user: &UserInfo) -> Result<(), String> {
    let plain = |texts: &[Text]| texts.iter().cloned().map(Value::String).collect();
    let entries = user.extra.iter();
    let extra: Map = entries
        .map(|(key, values)| (key.clone(), Value::List(plain(values))))
        .collect();
    let extra = Value::Map(extra);
    let groups = user.groups.iter().cloned().map(Val::String).collect();
    let fields = vec![
        ("username", Val::String(user.name.clone())),
        ("uid", Val::String(user.uid.clone())),
        ("groups", Val::list(groups)),
        ("extra", Val::escaped(&extra)),
    ];
    check(rules, USER, &Val::object(USER_TYPE, fields))
}

/// Every expression is evaluated before a value is looked at.
fn check<'a>(rules: &[Rule], variable: &str, value: &Val<'a>) -> Result<(), String> {
    let values = rules
        .iter()
        .map(|rule| rule.expression.evaluate(variable, value));
    let values: Vec<Val<'_>> = values.collect::<Result<_, _>>()?;
    for (rule, value) in rules.iter().zip(&values) {
        match value.as_bool() {
            Some(true) => {}
            Some(false) => {
                return Err(format!(
                    "validation expression '{}' failed: {}",
                    rule.expression.text, rule.message
                ));
            }
            None => return Err("validation expression must return a boolean".to_owned()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::claims::Claims;
    use super::*;

    fn rules(make: fn(&str, &str) -> Result<Rule, String>, texts: &[&str]) -> Vec<Rule> {
        let made = texts.iter().map(|text| make(text, "no good").expect(text));
        made.collect()
    }

    #[track_caller]
    fn check_claims(texts: &[&str], expected: Result<(), &str>) {
        let claims: Claims =
            serde_json::from_value(json!({"sub": "jane", "hd": "a.org", "age": 7, "ok": false}))
                .expect("a map");
        let found = super::check_claims(&rules(Rule::of_claims, texts), &claims.data());
        assert_eq!(found, expected.map_err(str::to_owned), "{texts:?}");
    }

    #[track_caller]
    fn check_user(text: &str, expected: Result<(), &str>) {
        let user = UserInfo {
            uid: "007".into(),
            groups: vec!["devs".into(), "ops".into()],
            extra: vec![("example.org/pod-name".into(), vec!["a".into()])],
            ..UserInfo::named("jane")
        };
        let found = super::check_user(&rules(Rule::of_users, &[text]), &user);
        assert_eq!(found, expected.map_err(str::to_owned), "{text}");
    }

    #[track_caller]
    fn check_refused(rule: Result<Rule, String>, expected: &str) {
        let why = rule.expect_err(expected);
        assert_eq!(why.lines().next(), Some(expected));
    }

    #[test]
    fn rules_hold_of_claims_or_say_why_not() {
        check_claims(&[], Ok(()));
        check_claims(&["claims.hd == 'a.org'", "claims.age < 8"], Ok(()));
        check_claims(
            &["claims.age == 7", "claims.hd == 'b.org'"],
            Err("validation expression 'claims.hd == 'b.org'' failed: no good"),
        );
        check_claims(
            &["claims.nothing == 1"],
            Err("expression 'claims.nothing == 1' resulted in error: no such key: nothing"),
        );
        // All are evaluated before a value is looked at.
        check_claims(
            &["claims.ok == true", "claims.nothing == 1"],
            Err("expression 'claims.nothing == 1' resulted in error: no such key: nothing"),
        );
    }

    #[test]
    fn rules_hold_of_users_or_say_why_not() {
        for text in [
            "!user.username.startsWith('system:')",
            "user.uid == '007'",
            "'devs' in user.groups && user.groups.size() == 2",
            "user.extra['example.org/pod-name'][0] == 'a'",
            "user.extra.example__dot__org__slash__pod__dash__name == ['a']",
            "user.extra[?'example.org/none'].orValue([]) == []",
            "has(user.uid) && !('example.org/none' in user.extra)",
        ] {
            check_user(text, Ok(()));
        }
        check_user(
            "user.groups.all(group, !group.startsWith('o'))",
            Err(
                "validation expression 'user.groups.all(group, !group.startsWith('o'))' failed: no good",
            ),
        );
        check_user(
            "user.extra['none'] == ['a']",
            Err("expression 'user.extra['none'] == ['a']' resulted in error: no such key: none"),
        );
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        let undeclared = |name| {
            format!(
                "compilation failed: ERROR: <input>:1:1: undeclared reference to '{name}' (in container '')"
            )
        };
        check_refused(
            Rule::of_claims("user.username == 'a'", ""),
            &undeclared("user"),
        );
        check_refused(Rule::of_users("claims.a == 'a'", ""), &undeclared("claims"));
        check_refused(Rule::of_claims("claims.a", ""), "must evaluate to bool");
        check_refused(Rule::of_users("user.username", ""), "must evaluate to bool");
        check_refused(
            Rule::of_users("user.unknown == 'a'", ""),
            "compilation failed: ERROR: <input>:1:5: undefined field 'unknown'",
        );
        let why = Expression::of_claims("claims + 1").expect_err("it makes no sense");
        assert_eq!(
            why.lines().next(),
            Some(
                "compilation failed: ERROR: <input>:1:8: found no matching overload for '_+_' applied to '(map(string, any), int)'"
            )
        );
    }
}
