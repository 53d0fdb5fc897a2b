//! OpenAPI version 3: a document per group version, and small ones for everything else.

use super::descriptions::Descriptions;
use super::json::Json;
use super::parameters::Parameter;
use super::routes::{Content, Operation, PathItem};
use super::schema::{Dialect, group_version_kind};

/// The document of `paths` and of the types that they mention.
pub(super) fn document(
    paths: &[PathItem],
    version: &str,
    descriptions: &dyn Descriptions,
) -> Vec<u8> {
    let definitions = super::definitions(paths);
    let mut json = Json::default();
    json.object(|json| {
        json.key("openapi").string("3.0.0");
        super::info(json, version);
        json.key("paths").object(|json| {
            for item in paths {
                json.key(&item.path).object(|json| path_item(json, item));
            }
        });
        json.key("components").object(|json| {
            if !definitions.is_empty() {
                json.key("schemas")
                    .object(|json| definitions.write(json, Dialect::V3, descriptions));
            }
            json.key("securitySchemes").object(super::bearer_token);
        });
    });
    json.into_bytes()
}

/// The index: where every document is, with the hash of its content. `pages` are the names of the
/// documents, such as `apis/apps/v1`, each with its hash.
pub(super) fn index<'a>(pages: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    let mut json = Json::default();
    json.object(|json| {
        json.key("paths").object(|json| {
            for (name, hash) in pages {
                json.key(name).object(|json| {
                    json.key("serverRelativeURL").string(&location(name, hash));
                });
            }
        });
    });
    json.into_bytes()
}

/// Where the document called `name` is found for good.
pub(super) fn location(name: &str, hash: &str) -> String {
    format!("/openapi/v3/{name}?hash={hash}")
}

fn path_item(json: &mut Json, item: &PathItem) {
    for operation in &item.operations {
        json.key(operation.method)
            .object(|json| self::operation(json, operation));
    }
    parameters(json, &item.parameters);
}

fn operation(json: &mut Json, operation: &Operation) {
    json.key("description").string(&operation.description);
    json.key("operationId").string(&operation.id);
    parameters(json, &operation.parameters);
    if let Some(body) = &operation.body {
        json.key("requestBody").object(|json| {
            json.key("content").object(|json| {
                for media_type in operation.consumes {
                    media(json, media_type, |json| {
                        Dialect::V3.reference(json, &body.ty.name);
                    });
                }
            });
            if body.required {
                json.key("required").raw("true");
            }
        });
    }
    json.key("responses").object(|json| {
        for (code, description) in operation.codes {
            json.key(code).object(|json| {
                json.key("content").object(|json| {
                    for media_type in operation.produces {
                        media(json, media_type, |json| answer(json, &operation.answer));
                    }
                });
                json.key("description").string(description);
            });
        }
        json.key("401")
            .object(|json| json.key("description").string("Unauthorized"));
    });
    json.key("tags").strings([operation.tag.as_str()]);
    if let Some(action) = &operation.action {
        json.key("x-kubernetes-action").string(action.name);
        json.key("x-kubernetes-group-version-kind")
            .object(|json| group_version_kind(json, &action.group, &action.version, &action.kind));
    }
}

fn media(json: &mut Json, media_type: &str, schema: impl FnOnce(&mut Json)) {
    json.key(media_type)
        .object(|json| json.key("schema").object(schema));
}

fn answer(json: &mut Json, content: &Content) {
    match content {
        Content::Type(ty) => Dialect::V3.reference(json, &ty.name),
        Content::Text => json.key("type").string("string"),
    }
}

fn parameters(json: &mut Json, parameters: &[Parameter]) {
    if parameters.is_empty() {
        return;
    }
    json.key("parameters").array(parameters, |json, parameter| {
        json.object(|json| {
            json.text_member("description", &parameter.description);
            json.key("in").string(parameter.place.name());
            json.key("name").string(&parameter.name);
            if parameter.is_required() {
                json.key("required").raw("true");
            }
            json.key("schema").object(|json| {
                json.key("type").string(parameter.ty);
                json.key("uniqueItems").raw("true");
            });
        });
    });
}
