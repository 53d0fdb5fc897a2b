//! Paths and operations of one resource.

use pintle_runtime::resource::{Resource, Subresource};
use pintle_runtime::schema::TypeRef;

use super::parameters::{self, Parameter};
use super::routes::{
    ANY, Action, Body, Content, GroupNames, MediaTypes, OBJECTS, OK, Operation, PathItem, Routes,
    title_case,
};

const WATCHES: MediaTypes = &[
    "application/json",
    "application/yaml",
    "application/vnd.kubernetes.protobuf",
    "application/json;stream=watch",
    "application/vnd.kubernetes.protobuf;stream=watch",
];
const TEXTS: MediaTypes = &[
    "text/plain",
    "application/json",
    "application/yaml",
    "application/vnd.kubernetes.protobuf",
];
const PATCHES: MediaTypes = &[
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
];
/// Of types without a protobuf form: custom resources.
const CUSTOM_OBJECTS: MediaTypes = &["application/json", "application/yaml"];
const CUSTOM_WATCHES: MediaTypes = &[
    "application/json",
    "application/yaml",
    "application/json;stream=watch",
];
const CUSTOM_PATCHES: MediaTypes = &[
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/apply-patch+yaml",
];

const CREATED: &[(&str, &str)] = &[("200", "OK"), ("201", "Created"), ("202", "Accepted")];
const WRITTEN: &[(&str, &str)] = &[("200", "OK"), ("201", "Created")];
const DELETED: &[(&str, &str)] = &[("200", "OK"), ("202", "Accepted")];

const WATCH_ONE: &str = ". deprecated: use the 'watch' parameter with a list operation instead, filtered to a single \
                         item with the 'fieldSelector' parameter.";
const WATCH_MANY: &str = ". deprecated: use the 'watch' parameter with a list operation instead.";

/// Adds the paths of `row` and its subresources, which are below `root`.
pub(super) fn paths(
    routes: &Routes<'_>,
    root: &str,
    names: &GroupNames,
    row: &Resource,
    items: &mut Vec<PathItem>,
) {
    let maker = Maker {
        routes,
        names,
        row,
        custom: row.object.message.is_empty(),
    };
    let scope = if row.namespaced {
        "/namespaces/{namespace}/"
    } else {
        "/"
    };
    let collection = format!("{scope}{}", row.name);
    let mut add = |path: String, operations: Vec<Operation>| {
        if !operations.is_empty() {
            items.push(PathItem::new(path, operations));
        }
    };
    add(format!("{root}{collection}"), maker.collection());
    add(format!("{root}{collection}/{{name}}"), maker.item());
    if row.has_verb("watch") {
        if row.has_verb("list") {
            add(
                format!("{root}/watch{collection}"),
                vec![maker.watch_list(false)],
            );
        }
        add(
            format!("{root}/watch{collection}/{{name}}"),
            vec![maker.watch()],
        );
    }
    if row.namespaced && row.has_verb("list") {
        add(format!("{root}/{}", row.name), vec![maker.list(true)]);
        if row.has_verb("watch") {
            add(
                format!("{root}/watch/{}", row.name),
                vec![maker.watch_list(true)],
            );
        }
    }
    for subresource in row.subresources.iter() {
        let path = format!("{root}{collection}/{{name}}/{}", subresource.name);
        if subresource.connect.is_empty() {
            add(path, maker.subresource(subresource));
        } else {
            if subresource.subpath {
                add(format!("{path}/{{path}}"), maker.connect(subresource, true));
            }
            add(path, maker.connect(subresource, false));
        }
    }
}

/// Makes the operations of one resource.
struct Maker<'a> {
    routes: &'a Routes<'a>,
    names: &'a GroupNames,
    row: &'a Resource,
    custom: bool,
}

impl Maker<'_> {
    fn collection(&self) -> Vec<Operation> {
        let mut operations = Vec::new();
        if self.row.has_verb("list") {
            operations.push(self.list(false));
        }
        if self.row.has_verb("create") {
            let mut create = self.own("post", "post", "create", "");
            create.description = format!("create{}{}", article(&self.row.kind), self.row.kind);
            self.creates(&mut create, &self.row.object, &self.row.object);
            operations.push(create);
        }
        if self.row.has_verb("deletecollection") {
            let mut delete = self.own("delete", "deletecollection", "delete", "Collection");
            delete.description = format!("delete collection of {}", self.row.kind);
            delete.body = self.delete_options();
            delete.answer = content(self.routes.meta("Status"));
            delete.parameters.extend(self.routes.delete.iter().cloned());
            let only_watch =
                |parameter: &Parameter| matches!(&*parameter.name, "watch" | "allowWatchBookmarks");
            delete
                .parameters
                .extend(self.routes.list.iter().filter(|p| !only_watch(p)).cloned());
            operations.push(delete);
        }
        operations
    }

    fn item(&self) -> Vec<Operation> {
        let kind = &self.row.kind;
        let object = &self.row.object;
        let mut operations = Vec::new();
        if self.row.has_verb("get") {
            let mut get = self.own("get", "get", "read", "");
            get.description = format!("read the specified {kind}");
            get.answer = Content::Type(object.clone());
            operations.push(get);
        }
        if self.row.has_verb("update") {
            let mut put = self.own("put", "put", "replace", "");
            put.description = format!("replace the specified {kind}");
            self.updates(&mut put, object, object);
            operations.push(put);
        }
        if self.row.has_verb("patch") {
            let mut patch = self.own("patch", "patch", "patch", "");
            patch.description = format!("partially update the specified {kind}");
            self.patches(&mut patch, object);
            operations.push(patch);
        }
        if self.row.has_verb("delete") {
            let mut delete = self.own("delete", "delete", "delete", "");
            delete.description = format!("delete{}{kind}", article(kind));
            delete.body = self.delete_options();
            delete.codes = DELETED;
            delete.answer = content(
                self.row
                    .delete_result
                    .clone()
                    .or_else(|| self.routes.meta("Status")),
            );
            delete.parameters.extend(self.routes.delete.iter().cloned());
            operations.push(delete);
        }
        for operation in &mut operations {
            operation.parameters.push(Parameter::name(kind));
        }
        operations
    }

    fn list(&self, everywhere: bool) -> Operation {
        let kind = &self.row.kind;
        let mut list = self.own("get", "list", "list", "");
        list.id = self.id("list", &self.collection_name("", everywhere));
        let watchable = if self.row.has_verb("watch") {
            "list or watch"
        } else {
            "list"
        };
        list.description = format!("{watchable} objects of kind {kind}");
        self.lists(&mut list, everywhere);
        list.answer = content(self.row.list.clone());
        list
    }

    fn watch_list(&self, everywhere: bool) -> Operation {
        let mut watch = self.own("get", "watchlist", "watch", "");
        watch.id = self.id("watch", &self.collection_name("List", everywhere));
        watch.description = format!(
            "watch individual changes to a list of {}{WATCH_MANY}",
            self.row.kind
        );
        self.lists(&mut watch, everywhere);
        watch.answer = content(self.routes.meta("WatchEvent"));
        watch
    }

    fn watch(&self) -> Operation {
        let mut watch = self.own("get", "watch", "watch", "");
        watch.description = format!(
            "watch changes to an object of kind {}{WATCH_ONE}",
            self.row.kind
        );
        self.lists(&mut watch, false);
        watch.parameters.push(Parameter::name(&self.row.kind));
        watch.answer = content(self.routes.meta("WatchEvent"));
        watch
    }

    fn lists(&self, operation: &mut Operation, everywhere: bool) {
        operation.produces = if self.custom { CUSTOM_WATCHES } else { WATCHES };
        operation
            .parameters
            .extend(self.routes.list.iter().cloned());
        if everywhere {
            operation
                .parameters
                .retain(|parameter| *parameter != Parameter::namespace());
        }
    }

    fn subresource(&self, row: &Subresource) -> Vec<Operation> {
        let kind = &self.row.kind;
        let name = &row.name;
        let has = |verb: &str| row.verbs.iter().any(|found| found == verb);
        let mut operations = Vec::new();
        if has("get") {
            let mut get = self.below("get", "get", "read", row);
            get.description = format!("read {name} of the specified {kind}");
            get.answer = content(row.output.clone());
            if row.output.is_none() {
                get.produces = TEXTS;
            }
            if let Some(options) = row.options.clone().or_else(|| self.options_of(row)) {
                get.parameters
                    .extend(parameters::of_options(&options, self.routes.descriptions));
            }
            operations.push(get);
        }
        if let (true, Some(input)) = (has("create"), &row.input) {
            let mut create = self.below("post", "post", "create", row);
            create.description = format!("create {name} of{}{kind}", article(kind));
            self.creates(&mut create, input, row.output.as_ref().unwrap_or(input));
            operations.push(create);
        }
        if let (true, Some(input)) = (has("update"), &row.input) {
            let mut put = self.below("put", "put", "replace", row);
            put.description = format!("replace {name} of the specified {kind}");
            self.updates(&mut put, input, row.output.as_ref().unwrap_or(input));
            operations.push(put);
        }
        if let (true, Some(object)) = (has("patch"), row.output.as_ref().or(row.input.as_ref())) {
            let mut patch = self.below("patch", "patch", "patch", row);
            patch.description = format!("partially update {name} of the specified {kind}");
            self.patches(&mut patch, object);
            operations.push(patch);
        }
        operations
    }

    /// The options of a subresource that is read as text: they stand beside its parent's type, and
    /// are called after both.
    fn options_of(&self, row: &Subresource) -> Option<TypeRef> {
        let (package, _) = self.row.object.name.rsplit_once('.')?;
        let name = format!(
            "{package}.{}{}Options",
            self.row.kind,
            title_case(&row.name)
        );
        if row.output.is_none() {
            self.routes.type_named(&name)
        } else {
            None
        }
    }

    /// The operations of a streaming subresource, one per HTTP method.
    fn connect(&self, row: &Subresource, with_path: bool) -> Vec<Operation> {
        let options = row
            .options
            .as_ref()
            .map(|options| parameters::of_options(options, self.routes.descriptions));
        let methods = row.connect.iter().filter_map(|method| {
            let mut connect = self.below(lower(method)?, "connect", "connect", row);
            let suffix = if with_path { "WithPath" } else { "" };
            let rest = format!("{}{}{suffix}", self.object_name(), title_case(&row.name));
            connect.id = format!("connect{}{}{rest}", self.names.title, title_case(method));
            connect.description = format!(
                "connect {method} requests to {} of {}",
                row.name, self.row.kind
            );
            connect.produces = ANY;
            // A streaming answer has no form that could be pretty.
            connect
                .parameters
                .retain(|parameter| *parameter != Parameter::pretty());
            connect
                .parameters
                .extend(options.clone().unwrap_or_default());
            if with_path {
                connect.parameters.push(Parameter::rest_of_path());
            }
            Some(connect)
        });
        methods.collect()
    }

    fn creates(&self, operation: &mut Operation, input: &TypeRef, output: &TypeRef) {
        operation.codes = CREATED;
        operation.body = Some(Body {
            ty: input.clone(),
            required: true,
        });
        operation.answer = Content::Type(output.clone());
        operation
            .parameters
            .extend(self.routes.create.iter().cloned());
    }

    fn updates(&self, operation: &mut Operation, input: &TypeRef, output: &TypeRef) {
        operation.codes = WRITTEN;
        operation.body = Some(Body {
            ty: input.clone(),
            required: true,
        });
        operation.answer = Content::Type(output.clone());
        operation
            .parameters
            .extend(self.routes.update.iter().cloned());
    }

    fn patches(&self, operation: &mut Operation, output: &TypeRef) {
        operation.codes = WRITTEN;
        operation.consumes = if self.custom { CUSTOM_PATCHES } else { PATCHES };
        operation.body = self
            .routes
            .meta("Patch")
            .map(|ty| Body { ty, required: true });
        operation.answer = Content::Type(output.clone());
        operation
            .parameters
            .extend(self.routes.patch.iter().cloned());
    }

    fn delete_options(&self) -> Option<Body> {
        self.routes.meta("DeleteOptions").map(|ty| Body {
            ty,
            required: false,
        })
    }

    /// An operation on the resource itself.
    fn own(
        &self,
        method: &'static str,
        action: &'static str,
        verb: &str,
        prefix: &str,
    ) -> Operation {
        let row = self.row;
        self.operation(
            method,
            self.id(verb, &format!("{prefix}{}", self.object_name())),
            Action {
                name: action,
                group: row.group.to_string(),
                version: row.version.to_string(),
                kind: row.kind.to_string(),
            },
        )
    }

    /// An operation on a subresource. Its identifier has the parent's kind, its action its own.
    fn below(
        &self,
        method: &'static str,
        action: &'static str,
        verb: &str,
        row: &Subresource,
    ) -> Operation {
        let id = self.id(
            verb,
            &format!("{}{}", self.object_name(), title_case(&row.name)),
        );
        let mut operation = self.operation(
            method,
            id,
            Action {
                name: action,
                group: row.group.to_string(),
                version: row.version.to_string(),
                kind: row.kind.to_string(),
            },
        );
        operation.parameters.push(Parameter::name(&row.kind));
        operation
    }

    fn operation(&self, method: &'static str, id: String, action: Action) -> Operation {
        let mut parameters = vec![Parameter::pretty()];
        if self.row.namespaced {
            parameters.push(Parameter::namespace());
        }
        Operation {
            method,
            id,
            description: String::new(),
            tag: self.names.tag.clone(),
            consumes: ANY,
            produces: if self.custom { CUSTOM_OBJECTS } else { OBJECTS },
            body: None,
            parameters,
            codes: OK,
            answer: Content::Text,
            action: Some(action),
        }
    }

    fn id(&self, verb: &str, rest: &str) -> String {
        format!("{verb}{}{rest}", self.names.title)
    }

    fn object_name(&self) -> String {
        let scope = if self.row.namespaced {
            "Namespaced"
        } else {
            ""
        };
        format!("{scope}{}", self.row.kind)
    }

    fn collection_name(&self, suffix: &str, everywhere: bool) -> String {
        if everywhere {
            format!("{}{suffix}ForAllNamespaces", self.row.kind)
        } else {
            format!("{}{suffix}", self.object_name())
        }
    }
}

fn content(ty: Option<TypeRef>) -> Content {
    ty.map_or(Content::Text, Content::Type)
}

fn lower(method: &str) -> Option<&'static str> {
    ["delete", "get", "head", "options", "patch", "post", "put"]
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(method))
}

/// The article before a kind, between spaces. Plurals have none.
fn article(kind: &str) -> &'static str {
    let plural = kind.ends_with('s') && !kind.ends_with("ss");
    let vowel = kind.starts_with(['A', 'E', 'I', 'O', 'U', 'a', 'e', 'i', 'o', 'u']);
    match (plural, vowel) {
        (true, _) => " ",
        (false, true) => " an ",
        (false, false) => " a ",
    }
}
