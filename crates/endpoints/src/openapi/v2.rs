//! OpenAPI version 2: one document of everything.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;

use super::descriptions::Descriptions;
use super::json::Json;
use super::parameters::Parameter;
use super::routes::{Body, Content, Operation, PathItem};
use super::schema::{Definitions, Dialect, group_version_kind};

/// The document of `paths`.
pub(super) fn document(
    paths: &[PathItem],
    version: &str,
    descriptions: &dyn Descriptions,
) -> Vec<u8> {
    let definitions = super::definitions(paths);
    let shared = Shared::of(paths);
    let mut json = Json::default();
    json.object(|json| {
        json.key("swagger").string("2.0");
        super::info(json, version);
        json.key("paths").object(|json| {
            for item in paths {
                json.key(&item.path)
                    .object(|json| path_item(json, item, &shared));
            }
        });
        json.key("definitions")
            .object(|json| write_definitions(json, &definitions, descriptions));
        json.key("parameters").object(|json| shared.write(json));
        json.key("securityDefinitions").object(super::bearer_token);
        json.key("security").array([()], |json, ()| {
            json.object(|json| json.key("BearerToken").array([(); 0], |_, ()| ()));
        });
    });
    json.into_bytes()
}

fn write_definitions(json: &mut Json, definitions: &Definitions, descriptions: &dyn Descriptions) {
    definitions.write(json, Dialect::V2, descriptions);
}

fn path_item(json: &mut Json, item: &PathItem, shared: &Shared) {
    for operation in &item.operations {
        json.key(operation.method)
            .object(|json| self::operation(json, operation, shared));
    }
    if !item.parameters.is_empty() {
        json.key("parameters")
            .array(&item.parameters, |json, parameter| {
                shared.parameter(json, parameter);
            });
    }
}

fn operation(json: &mut Json, operation: &Operation, shared: &Shared) {
    if !operation.consumes.is_empty() {
        json.key("consumes")
            .strings(operation.consumes.iter().copied());
    }
    json.key("description").string(&operation.description);
    json.key("operationId").string(&operation.id);
    if operation.body.is_some() || !operation.parameters.is_empty() {
        let all = operation
            .body
            .iter()
            .map(Either::Body)
            .chain(operation.parameters.iter().map(Either::Parameter));
        json.key("parameters")
            .array(all, |json, parameter| match parameter {
                Either::Body(body) => shared.body(json, body),
                Either::Parameter(parameter) => shared.parameter(json, parameter),
            });
    }
    json.key("produces")
        .strings(operation.produces.iter().copied());
    json.key("responses").object(|json| {
        for (code, description) in operation.codes {
            json.key(code).object(|json| {
                json.key("description").string(description);
                json.key("schema")
                    .object(|json| answer(json, &operation.answer));
            });
        }
        json.key("401")
            .object(|json| json.key("description").string("Unauthorized"));
    });
    json.key("schemes").strings(["https"]);
    json.key("tags").strings([operation.tag.as_str()]);
    if let Some(action) = &operation.action {
        json.key("x-kubernetes-action").string(action.name);
        json.key("x-kubernetes-group-version-kind")
            .object(|json| group_version_kind(json, &action.group, &action.version, &action.kind));
    }
}

enum Either<'a> {
    Body(&'a Body),
    Parameter(&'a Parameter),
}

fn answer(json: &mut Json, content: &Content) {
    match content {
        Content::Type(ty) => Dialect::V2.reference(json, &ty.name),
        Content::Text => json.key("type").string("string"),
    }
}

/// Parameters that stand once in the document and are referred to.
///
/// Those that name a kind are not, nor are `dryRun` and `fieldValidation`: kubectl of v1.27 and
/// older looks for these two and does not follow references.
struct Shared {
    /// JSON of a parameter to its name.
    names: BTreeMap<Vec<u8>, String>,
}

impl Shared {
    fn of(paths: &[PathItem]) -> Self {
        let mut shared = Self {
            names: BTreeMap::new(),
        };
        for item in paths {
            for parameter in &item.parameters {
                shared.add(parameter);
            }
            for operation in &item.operations {
                for parameter in &operation.parameters {
                    shared.add(parameter);
                }
                if let Some(body) = &operation.body {
                    shared.add_body(body);
                }
            }
        }
        shared
    }

    fn add(&mut self, parameter: &Parameter) {
        if !matches!(
            parameter.name.as_ref(),
            "name" | "dryRun" | "fieldValidation"
        ) {
            let text = rendered(parameter);
            self.names
                .entry(text)
                .or_insert_with_key(|text| shared_name(&parameter.name, text));
        }
    }

    /// Bodies of a type that all groups share.
    fn add_body(&mut self, body: &Body) {
        if body.ty.name.starts_with("io.k8s.apimachinery") {
            let text = rendered_body(body);
            self.names
                .entry(text)
                .or_insert_with_key(|text| shared_name("body", text));
        }
    }

    fn write(&self, json: &mut Json) {
        let by_name: BTreeMap<_, _> = self.names.iter().map(|(text, name)| (name, text)).collect();
        for (name, text) in by_name {
            json.key(name).raw(&String::from_utf8_lossy(text));
        }
    }

    fn parameter(&self, json: &mut Json, parameter: &Parameter) {
        self.rendered(json, &rendered(parameter));
    }

    fn body(&self, json: &mut Json, body: &Body) {
        self.rendered(json, &rendered_body(body));
    }

    fn rendered(&self, json: &mut Json, text: &[u8]) {
        match self.names.get(text) {
            Some(name) => {
                json.object(|json| json.key("$ref").string(&format!("#/parameters/{name}")));
            }
            None => json.raw(&String::from_utf8_lossy(text)),
        }
    }
}

/// The order of members is upstream's, as names are hashes of the text.
fn rendered(parameter: &Parameter) -> Vec<u8> {
    let mut json = Json::default();
    json.object(|json| {
        json.key("uniqueItems").raw("true");
        json.key("type").string(parameter.ty);
        json.text_member("description", &parameter.description);
        json.key("name").string(&parameter.name);
        json.key("in").string(parameter.place.name());
        if parameter.is_required() {
            json.key("required").raw("true");
        }
    });
    json.into_bytes()
}

fn rendered_body(body: &Body) -> Vec<u8> {
    let mut json = Json::default();
    json.object(|json| {
        json.key("name").string("body");
        json.key("in").string("body");
        if body.required {
            json.key("required").raw("true");
        }
        json.key("schema")
            .object(|json| Dialect::V2.reference(json, &body.ty.name));
    });
    json.into_bytes()
}

/// The parameter's name and a hash of its JSON text, which has `<`, `>` and `&` escaped.
fn shared_name(name: &str, text: &[u8]) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |byte: u8| hash = hash.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte);
    for &byte in text {
        match byte {
            b'<' => b"\\u003c".iter().copied().for_each(&mut add),
            b'>' => b"\\u003e".iter().copied().for_each(&mut add),
            b'&' => b"\\u0026".iter().copied().for_each(&mut add),
            byte => add(byte),
        }
    }
    format!("{name}-{}", URL_SAFE.encode(&hash.to_be_bytes()[..6]))
}
