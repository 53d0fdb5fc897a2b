//! Strategic merge patch.
//!
//! Maps merge key by key. A list is replaced, unless its field says `merge`: then items are found by
//! the field's merge key, or by value where they are scalars. Directives in the patch say more:
//! `$patch` (`replace`, `delete`, `merge`), `$retainKeys`, `$setElementOrder/<list>` and
//! `$deleteFromPrimitiveList/<list>`.

use crate::quote::Quoted;
use crate::schema::{Field, FieldType, PatchStrategy, Shape, Type};
use crate::text::Text;
use crate::value::{Map, Value};

use super::PatchError;
use super::printed::{go_type, printed};

const PATCH: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const SET_ELEMENT_ORDER: &str = "$setElementOrder";
const DELETE_FROM_LIST: &str = "$deleteFromPrimitiveList";

/// `target`, an object of type `ty`, with `patch` applied.
///
/// # Errors
/// [`PatchError::Malformed`] for directives in the wrong form, [`PatchError::Inapplicable`] for lists of lists, and
/// [`PatchError::Failed`] for what upstream has no better name for.
pub fn strategic_merge(target: Map, patch: Map, ty: &Type) -> Result<Map, PatchError> {
    merge_maps(target, patch, Guide::Struct(ty))
}

/// What the table says of the map at hand.
#[derive(Clone, Copy)]
enum Guide<'a> {
    /// A struct, or what Go has a struct for.
    Struct(&'a Type),
    /// Nothing: what Go calls this is no struct.
    Other(&'static str),
}

/// What the table says of the items of a list.
#[derive(Clone, Copy)]
struct Items<'a> {
    guide: Guide<'a>,
    merge: bool,
    key: &'a str,
}

impl<'a> Guide<'a> {
    fn of(ty: &'a FieldType) -> Self {
        Self::Other(match ty {
            FieldType::Object(ty) if ty.shape != Shape::StringList => return Self::Struct(ty),
            FieldType::Object(_) | FieldType::List(_) | FieldType::Bytes => "slice",
            FieldType::Map(_) => "map",
            FieldType::String => "string",
            FieldType::Bool => "bool",
            FieldType::Int32 => "int32",
            FieldType::Int64 => "int64",
            FieldType::Float64 => "float64",
            FieldType::Any => "interface",
        })
    }

    /// What errors call it.
    fn name(self) -> &'static str {
        match self {
            Self::Struct(_) => "struct",
            Self::Other(kind) => kind,
        }
    }

    fn field(self, key: &str) -> Result<&'a Field, PatchError> {
        let ty = match self {
            Self::Struct(ty) => ty,
            Self::Other(kind) => {
                return Err(PatchError::Failed(format!(
                    "merging an object in json but data type is not struct, instead is: {kind}"
                )));
            }
        };
        ty.field(key).ok_or_else(|| {
            let name = ty.name.rsplit('.').next().unwrap_or_default();
            let key = Quoted(key);
            PatchError::Failed(format!(
                "unable to find api field in struct {name} for the json field {key}"
            ))
        })
    }

    /// Of the items of the list at `key`.
    fn items(self, key: &str) -> Result<Items<'a>, PatchError> {
        let field = self.field(key)?;
        let guide = match &field.ty {
            FieldType::List(element) => match Self::of(element) {
                Self::Other("slice") => {
                    return Err(PatchError::Failed("unexpected slice of slice".to_owned()));
                }
                guide => guide,
            },
            FieldType::Bytes => Self::Other("uint8"),
            FieldType::Object(ty) if ty.shape == Shape::StringList => Self::Other("string"),
            _ => {
                return Err(PatchError::Failed(format!(
                    "expected slice or array type, but got: {}",
                    self.name()
                )));
            }
        };
        Ok(Items {
            guide,
            merge: merges(field.patch),
            key: &field.merge_key,
        })
    }
}

fn merges(strategy: PatchStrategy) -> bool {
    matches!(
        strategy,
        PatchStrategy::Merge | PatchStrategy::MergeRetainKeys
    )
}

fn merge_maps(mut target: Map, mut patch: Map, guide: Guide<'_>) -> Result<Map, PatchError> {
    match patch.get(PATCH).map(Value::as_str) {
        None => {}
        Some(Some("replace")) => {
            patch.remove(PATCH);
            return Ok(patch);
        }
        Some(Some("delete")) => return Ok(Map::new()),
        Some(_) => return Err(unknown_directive(Value::Map(patch))),
    }
    retain_keys(&mut target, &mut patch)?;
    order_lists(&mut target, &mut patch, guide)?;
    for (key, value) in patch {
        if key.starts_with(DELETE_FROM_LIST) {
            let list = list_named(&key, DELETE_FROM_LIST, "primitive list")?;
            delete_from_list(&mut target, list, value, guide)?;
            continue;
        }
        if value.is_null() {
            target.remove(&key);
            continue;
        }
        let merged = match (target.remove(&key), value) {
            (Some(Value::Map(old)), Value::Map(new)) => {
                let field = guide.field(&key)?;
                Some(Value::Map(if field.patch == PatchStrategy::Replace {
                    new
                } else {
                    merge_maps(old, new, Guide::of(&field.ty))?
                }))
            }
            (Some(Value::List(old)), Value::List(new)) => {
                let items = guide.items(&key)?;
                Some(Value::List(if items.merge {
                    merge_lists(old, new, items)?
                } else {
                    new
                }))
            }
            (_, value) => without_directives(without_nulls(value)),
        };
        if let Some(merged) = merged {
            target.insert(key, merged);
        }
    }
    Ok(target)
}

/// Drops from the target what `$retainKeys` does not list.
fn retain_keys(target: &mut Map, patch: &mut Map) -> Result<(), PatchError> {
    let Some(keys) = patch.remove(RETAIN_KEYS) else {
        return Ok(());
    };
    let wrong = || PatchError::Malformed("invalid patch format of retainKeys".to_owned());
    let keys = keys.as_list().ok_or_else(wrong)?;
    let listed = |key: &str| keys.iter().any(|listed| listed.as_str() == Some(key));
    let is_directive =
        |key: &str| key.starts_with(DELETE_FROM_LIST) || key.starts_with(SET_ELEMENT_ORDER);
    if patch
        .iter()
        .any(|(key, value)| !value.is_null() && !is_directive(key) && !listed(key))
    {
        return Err(wrong());
    }
    target.retain(|key, _| listed(key));
    Ok(())
}

/// The list that a directive such as `$setElementOrder/ports` is about.
fn list_named<'a>(key: &'a str, directive: &str, what: &str) -> Result<&'a str, PatchError> {
    match key.split_once('/') {
        Some((found, list)) if found == directive => Ok(list),
        _ => Err(PatchError::Malformed(format!(
            "invalid patch format of {what}"
        ))),
    }
}

/// Merges the lists that have a `$setElementOrder` and puts them in that order.
fn order_lists(target: &mut Map, patch: &mut Map, guide: Guide<'_>) -> Result<(), PatchError> {
    let is_order = |(key, _): (&Text, &Value)| {
        let order = key.starts_with(SET_ELEMENT_ORDER);
        order.then(|| key.clone())
    };
    let orders: Vec<Text> = patch.iter().filter_map(is_order).collect();
    for directive in orders {
        let order = list(patch.remove(&directive).unwrap_or_default())?;
        let name = list_named(&directive, SET_ELEMENT_ORDER, "setElementOrder list")?;
        let old = target.remove(name).map(list).transpose()?;
        let new = patch.remove(name).map(list).transpose()?;
        let items = guide.items(name)?;
        check_order(new.as_deref().unwrap_or_default(), &order, items.key)?;
        let is_empty = |list: &Option<Vec<Value>>| list.as_ref().is_none_or(Vec::is_empty);
        let nothing = is_empty(&old) && is_empty(&new);
        let server = identities(old.as_deref().unwrap_or_default(), items.key)?;
        let merged = match (old, new) {
            (None, None) => continue,
            (Some(old), None) => old,
            (None, Some(new)) => new.into_iter().filter_map(without_directives).collect(),
            (Some(old), Some(new)) if items.merge => merge_lists(old, new, items)?,
            (Some(_), Some(new)) => new,
        };
        if nothing {
            return Err(PatchError::Failed(
                "no elements in any of the given slices".to_owned(),
            ));
        }
        let order = identities(&order, items.key)?;
        let merged = arrange(merged, &order, &server, items.key)?;
        target.insert(name.to_owned(), Value::List(merged));
    }
    Ok(())
}

/// The list that a value is.
fn list(value: Value) -> Result<Vec<Value>, PatchError> {
    match value {
        Value::List(items) => Ok(items),
        other => Err(unexpected("[]interface {}", &other)),
    }
}

/// Whether the items of `patch` appear in `order` in the same order.
fn check_order(patch: &[Value], order: &[Value], merge_key: &str) -> Result<(), PatchError> {
    if patch.is_empty() || order.is_empty() {
        return Ok(());
    }
    let mut rest = order.iter();
    for item in patch {
        if item.as_map().is_some_and(|item| item.contains_key(PATCH)) {
            continue;
        }
        let wanted = identity(item, merge_key)?;
        loop {
            match rest.next() {
                Some(listed) if identity(listed, merge_key)? == wanted => break,
                Some(_) => {}
                None => {
                    let shown = |list: &[Value]| printed(&Value::List(list.to_vec()));
                    return Err(PatchError::Failed(format!(
                        "The order in patch list:\n{}\n doesn't match $setElementOrder list:\n{}\n",
                        shown(patch),
                        shown(order)
                    )));
                }
            }
        }
    }
    Ok(())
}

/// `$deleteFromPrimitiveList`; null takes the whole list away, and what is no list says nothing. Upstream merges a list
/// of maps as if the patch had named it.
fn delete_from_list(
    target: &mut Map,
    list: &str,
    values: Value,
    guide: Guide<'_>,
) -> Result<(), PatchError> {
    match (target.get_mut(list), values) {
        (_, Value::Null) => {
            target.remove(list);
        }
        (Some(Value::List(old)), Value::List(values)) if !old.is_empty() || !values.is_empty() => {
            let items = guide.items(list)?;
            if are_maps(old, &values)? {
                *old = merge_lists(std::mem::take(old), values, items)?;
            } else {
                old.retain(|item| !values.contains(item));
            }
        }
        _ => {}
    }
    Ok(())
}

/// Whether two lists are of maps; lists of different things, or of lists, do not merge.
fn are_maps(old: &[Value], new: &[Value]) -> Result<bool, PatchError> {
    let mut items = old.iter().chain(new);
    let first = items.clone().next();
    if first.is_some_and(|item| matches!(item, Value::List(_))) {
        return Err(PatchError::Inapplicable(
            "lists of lists are not supported".to_owned(),
        ));
    }
    let kind = first.map(std::mem::discriminant);
    if items.any(|item| Some(std::mem::discriminant(item)) != kind) {
        let both = [old, new].map(|list| Value::List(list.to_vec()));
        return Err(PatchError::Failed(format!(
            "list element types are not identical: {}",
            printed(&Value::List(both.into()))
        )));
    }
    Ok(matches!(first, Some(Value::Map(_))))
}

fn merge_lists(
    mut old: Vec<Value>,
    patch: Vec<Value>,
    items: Items<'_>,
) -> Result<Vec<Value>, PatchError> {
    if old.is_empty() && patch.is_empty() {
        return Ok(old);
    }
    if !are_maps(&old, &patch)? {
        let mut merged: Vec<Value> = Vec::with_capacity(old.len() + patch.len());
        for value in old.iter().chain(&patch) {
            if !merged.contains(value) {
                merged.push(value.clone());
            }
        }
        return arrange(merged, &patch, &old, "");
    }
    let Items { guide, key, .. } = items;
    if key.is_empty() {
        return Err(PatchError::Failed(format!(
            "cannot merge lists without merge key for {}",
            guide.name()
        )));
    }
    let (mut plain, mut replace) = (Vec::with_capacity(patch.len()), false);
    for item in patch {
        let Some(directive) = item.as_map().and_then(|item| item.get(PATCH)) else {
            plain.push(item);
            continue;
        };
        match directive.as_str() {
            Some("delete") => {
                let gone = identity(&item, key)?;
                old.retain(|found| found.as_map().and_then(|found| found.get(key)) != Some(gone));
            }
            Some("replace") => replace = true,
            Some("merge") => {
                return Err(PatchError::Failed(
                    "merging lists cannot yet be specified in the patch".to_owned(),
                ));
            }
            _ => return Err(unknown_directive(item)),
        }
    }
    if replace {
        identities(&plain, key)?;
        return Ok(plain);
    }
    let (server, order) = (identities(&old, key)?, identities(&plain, key)?);
    let mut known = server.clone();
    for (item, wanted) in plain.into_iter().zip(&order) {
        match (known.iter().position(|known| known == wanted), item) {
            (Some(at), Value::Map(item)) => {
                if let Value::Map(found) = std::mem::take(&mut old[at]) {
                    old[at] = Value::Map(merge_maps(found, item, guide)?);
                }
            }
            (_, item) => {
                known.push(wanted.clone());
                old.push(item);
            }
        }
    }
    arrange(old, &order, &server, key)
}

/// Puts a merged list in order: what the patch names in the patch's order, the rest in the server's, and
/// among the two whatever the server had first. `order` and `server` are the identities of items.
fn arrange(
    merged: Vec<Value>,
    order: &[Value],
    server: &[Value],
    merge_key: &str,
) -> Result<Vec<Value>, PatchError> {
    let place = |list: &[Value], wanted: &Value| list.iter().position(|listed| listed == wanted);
    let (mut named, mut rest) = (Vec::with_capacity(merged.len()), Vec::new());
    for item in merged {
        let found = identity(&item, merge_key)?;
        let servers = place(server, found);
        match place(order, found) {
            Some(at) => named.push((at, servers, item)),
            None => rest.push((servers.unwrap_or(usize::MAX), servers, item)),
        }
    }
    named.sort_by_key(|(at, ..)| *at);
    rest.sort_by_key(|(at, ..)| *at);
    let mut out = Vec::with_capacity(named.len() + rest.len());
    let (mut named, mut rest) = (named.into_iter().peekable(), rest.into_iter().peekable());
    while let (Some((_, first, _)), Some((_, other, _))) = (rest.peek(), named.peek()) {
        let is_before = first
            .zip(*other)
            .is_some_and(|(first, other)| first < other);
        out.extend(if is_before { rest.next() } else { named.next() });
    }
    let in_order = out.into_iter().chain(rest).chain(named);
    Ok(in_order.map(|(_, _, item)| item).collect())
}

/// By what an item of a list is found: its merge key, or itself.
fn identity<'a>(item: &'a Value, merge_key: &str) -> Result<&'a Value, PatchError> {
    if merge_key.is_empty() {
        return Ok(item);
    }
    let Some(map) = item.as_map() else {
        return Err(unexpected("map[string]interface {}", item));
    };
    map.get(merge_key).ok_or_else(|| {
        PatchError::Failed(format!(
            "map: {} does not contain declared merge key: {merge_key}",
            printed(item)
        ))
    })
}

fn identities(list: &[Value], merge_key: &str) -> Result<Vec<Value>, PatchError> {
    list.iter()
        .map(|item| identity(item, merge_key).cloned())
        .collect()
}

/// A value that is new to the object, without what a `$patch` is about.
fn without_directives(value: Value) -> Option<Value> {
    Some(match value {
        Value::Map(map) if map.contains_key(PATCH) => return None,
        Value::Map(map) => Value::Map(
            map.into_iter()
                .filter_map(|(key, value)| Some((key, without_directives(value)?)))
                .collect(),
        ),
        Value::List(items) => {
            Value::List(items.into_iter().filter_map(without_directives).collect())
        }
        other => other,
    })
}

/// A value that is new to the object: null says nothing about what is not there.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Map(map) => Value::Map(
            map.into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key, without_nulls(value)))
                .collect(),
        ),
        Value::List(items) => Value::List(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

fn unknown_directive(patch: Value) -> PatchError {
    let directive = patch.as_map().and_then(|patch| patch.get(PATCH));
    // As Go's `%s` shows it.
    let directive = match directive {
        Some(Value::String(text)) => text.to_string(),
        Some(Value::Null) | None => "%!s(<nil>)".to_owned(),
        Some(other) => format!("%!s({}={})", go_type(other), printed(other)),
    };
    PatchError::Failed(format!(
        "unknown patch type: {directive} in map: {}",
        printed(&patch)
    ))
}

fn unexpected(expected: &str, found: &Value) -> PatchError {
    let found = match found {
        Value::Null => "%!s(<nil>)",
        found => go_type(found),
    };
    PatchError::Failed(format!("expected a {expected}, but received a {found}"))
}
