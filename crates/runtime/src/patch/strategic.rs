//! Strategic merge patch.
//!
//! Maps merge key by key. A list is replaced, unless its field says `merge`: then items are found by
//! the field's merge key, or by value where they are scalars. Directives in the patch say more:
//! `$patch` (`replace`, `delete`, `merge`), `$retainKeys`, `$setElementOrder/<list>` and
//! `$deleteFromPrimitiveList/<list>`.

use crate::schema::{Field, FieldType, PatchStrategy, Shape, Type};
use crate::value::{Map, Value};

use super::PatchError;
use super::printed::{go_type, printed};

const PATCH: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const SET_ELEMENT_ORDER: &str = "$setElementOrder/";
const DELETE_FROM_LIST: &str = "$deleteFromPrimitiveList/";

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
    /// A struct.
    Struct(&'a Type),
    /// A map of these.
    Values(&'a FieldType),
    /// Nothing is known: embedded JSON.
    Open,
}

impl<'a> Guide<'a> {
    fn of(ty: &'a FieldType) -> Self {
        match ty {
            FieldType::Object(ty) if ty.shape == Shape::Struct => Self::Struct(ty),
            FieldType::Map(element) => Self::Values(element),
            _ => Self::Open,
        }
    }

    /// What errors call it.
    fn name(self) -> &'a str {
        match self {
            Self::Struct(ty) => ty.name.rsplit('.').next().unwrap_or_default(),
            _ => "",
        }
    }

    fn field(self, key: &str) -> Option<&'a Field> {
        match self {
            Self::Struct(ty) => ty.field(key),
            _ => None,
        }
    }

    /// Of the map at `key`.
    fn below(self, key: &str) -> Self {
        match self {
            Self::Struct(ty) => ty
                .field(key)
                .map_or(Self::Open, |field| Self::of(&field.ty)),
            Self::Values(element) => Self::of(element),
            Self::Open => Self::Open,
        }
    }

    /// Of the items of the list at `key`, with its strategy and merge key.
    fn items(self, key: &str) -> (Self, PatchStrategy, &'a str) {
        match self.field(key) {
            Some(Field {
                ty: FieldType::List(element),
                patch,
                merge_key,
                ..
            }) => (Self::of(element), *patch, merge_key),
            _ => (Self::Open, PatchStrategy::None, ""),
        }
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
        Some(_) => return Err(unknown_directive(patch)),
    }
    retain_keys(&mut target, &mut patch)?;
    order_lists(&mut target, &mut patch, guide)?;
    for (key, value) in patch {
        if let Some(list) = key.strip_prefix(DELETE_FROM_LIST) {
            delete_from_list(&mut target, list, value)?;
            continue;
        }
        if value.is_null() {
            target.remove(&key);
            continue;
        }
        let merged = match (target.remove(&key), value) {
            (Some(Value::Map(old)), Value::Map(new)) => {
                let replace = guide
                    .field(&key)
                    .is_some_and(|field| field.patch == PatchStrategy::Replace);
                Some(Value::Map(if replace {
                    new
                } else {
                    merge_maps(old, new, guide.below(&key))?
                }))
            }
            (Some(Value::List(old)), Value::List(new)) => {
                let (items, strategy, merge_key) = guide.items(&key);
                Some(Value::List(if merges(strategy) {
                    merge_lists(old, new, items, merge_key)?
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

/// Merges the lists that have a `$setElementOrder` and puts them in that order.
fn order_lists(target: &mut Map, patch: &mut Map, guide: Guide<'_>) -> Result<(), PatchError> {
    let orders: Vec<String> = patch
        .iter()
        .filter_map(|(key, _)| key.strip_prefix(SET_ELEMENT_ORDER))
        .map(str::to_owned)
        .collect();
    for name in orders {
        let list = |value: Option<Value>| match value {
            None => Ok(None),
            Some(Value::List(items)) => Ok(Some(items)),
            Some(other) => Err(PatchError::Failed(format!(
                "expected a []interface {{}}, but received a {}",
                go_type(&other)
            ))),
        };
        let order = list(patch.remove(&format!("{SET_ELEMENT_ORDER}{name}")))?.unwrap_or_default();
        let old = list(target.get(&name).cloned())?;
        let new = list(patch.remove(&name))?;
        let (items, strategy, merge_key) = guide.items(&name);
        check_order(new.as_deref().unwrap_or_default(), &order, merge_key)?;
        let merged = match (old.clone(), new) {
            (None, None) => continue,
            (Some(old), None) => old,
            (None, Some(new)) => new.into_iter().filter_map(without_directives).collect(),
            (Some(old), Some(new)) if merges(strategy) => merge_lists(old, new, items, merge_key)?,
            (Some(_), Some(new)) => new,
        };
        let merged = arrange(merged, &order, &old.unwrap_or_default(), merge_key);
        target.insert(name, Value::List(merged));
    }
    Ok(())
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
        if rest.find(|listed| same(listed, item, merge_key)).is_none() {
            let shown = |list: &[Value]| printed(&Value::List(list.to_vec()));
            return Err(PatchError::Failed(format!(
                "The order in patch list:\n{}\n doesn't match $setElementOrder list:\n{}\n",
                shown(patch),
                shown(order)
            )));
        }
    }
    Ok(())
}

/// `$deleteFromPrimitiveList`; null takes the whole list away, and what is no list says nothing.
fn delete_from_list(target: &mut Map, list: &str, values: Value) -> Result<(), PatchError> {
    match (target.get_mut(list), values) {
        (_, Value::Null) => {
            target.remove(list);
        }
        (Some(Value::List(items)), Value::List(values))
            if !items.is_empty() || !values.is_empty() =>
        {
            if has_maps(items, &values)? {
                return Err(PatchError::Failed(format!(
                    "cannot merge lists without merge key for {list}"
                )));
            }
            items.retain(|item| !values.contains(item));
        }
        _ => {}
    }
    Ok(())
}

/// Whether two lists are of maps; lists of different things, or of lists, do not merge.
fn has_maps(old: &[Value], new: &[Value]) -> Result<bool, PatchError> {
    let mut items = old.iter().chain(new);
    let first = items.clone().next();
    if first.is_some_and(|item| matches!(item, Value::List(_))) {
        return Err(PatchError::Inapplicable(
            "lists of lists are not supported".to_owned(),
        ));
    }
    let kind = first.map(std::mem::discriminant);
    if items.any(|item| Some(std::mem::discriminant(item)) != kind) {
        let types: Vec<_> = old.iter().chain(new).map(go_type).collect();
        return Err(PatchError::Failed(format!(
            "list element types are not identical: {}",
            types.join(", ")
        )));
    }
    Ok(matches!(first, Some(Value::Map(_))))
}

fn merge_lists(
    mut old: Vec<Value>,
    patch: Vec<Value>,
    items: Guide<'_>,
    merge_key: &str,
) -> Result<Vec<Value>, PatchError> {
    if old.is_empty() && patch.is_empty() {
        return Ok(old);
    }
    if !has_maps(&old, &patch)? {
        let original = old.clone();
        for value in &patch {
            if !old.contains(value) {
                old.push(value.clone());
            }
        }
        return Ok(arrange(old, &patch, &original, ""));
    }
    if merge_key.is_empty() {
        return Err(PatchError::Failed(format!(
            "cannot merge lists without merge key for {}",
            items.name()
        )));
    }
    let (mut plain, mut replace) = (Vec::with_capacity(patch.len()), false);
    for item in patch {
        let Value::Map(item) = item else { continue };
        match item.get(PATCH).map(Value::as_str) {
            None => plain.push(item),
            Some(Some("delete")) => {
                let key = key_of(&item, merge_key)?;
                old.retain(|found| {
                    found.as_map().and_then(|found| found.get(merge_key)) != Some(key)
                });
            }
            Some(Some("replace")) => replace = true,
            Some(Some("merge")) => {
                return Err(PatchError::Failed(
                    "merging lists cannot yet be specified in the patch".to_owned(),
                ));
            }
            Some(_) => return Err(unknown_directive(item)),
        }
    }
    if replace {
        return Ok(plain.into_iter().map(Value::Map).collect());
    }
    let original = old.clone();
    let order: Vec<Value> = plain.iter().cloned().map(Value::Map).collect();
    for item in plain {
        let key = key_of(&item, merge_key)?;
        let place = old
            .iter()
            .position(|found| found.as_map().and_then(|found| found.get(merge_key)) == Some(key));
        match place {
            Some(at) => {
                if let Value::Map(found) = std::mem::take(&mut old[at]) {
                    old[at] = Value::Map(merge_maps(found, item, items)?);
                }
            }
            None => old.push(Value::Map(item)),
        }
    }
    Ok(arrange(old, &order, &original, merge_key))
}

/// Puts a merged list in order: what the patch names in the patch's order, the rest in the server's, and
/// among the two whatever the server had first.
fn arrange(merged: Vec<Value>, order: &[Value], server: &[Value], merge_key: &str) -> Vec<Value> {
    let place =
        |list: &[Value], item: &Value| list.iter().position(|listed| same(listed, item, merge_key));
    let (mut named, mut rest): (Vec<_>, Vec<_>) = merged
        .into_iter()
        .partition(|item| place(order, item).is_some());
    named.sort_by_key(|item| place(order, item));
    rest.sort_by_key(|item| place(server, item).unwrap_or(usize::MAX));
    let mut out = Vec::with_capacity(named.len() + rest.len());
    let (mut named, mut rest) = (named.into_iter().peekable(), rest.into_iter().peekable());
    while let (Some(first), Some(other)) = (rest.peek(), named.peek()) {
        let servers = match (place(server, first), place(server, other)) {
            (Some(first), Some(other)) => first < other,
            _ => false,
        };
        out.extend(if servers { rest.next() } else { named.next() });
    }
    out.extend(rest);
    out.extend(named);
    out
}

fn same(a: &Value, b: &Value, merge_key: &str) -> bool {
    match (a, b) {
        (Value::Map(a), Value::Map(b)) => a
            .get(merge_key)
            .is_some_and(|key| b.get(merge_key) == Some(key)),
        _ => a == b,
    }
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

fn unknown_directive(patch: Map) -> PatchError {
    let directive = patch.get(PATCH).map(printed).unwrap_or_default();
    PatchError::Failed(format!(
        "unknown patch type: {directive} in map: {}",
        printed(&Value::Map(patch))
    ))
}

fn key_of<'a>(item: &'a Map, merge_key: &str) -> Result<&'a Value, PatchError> {
    item.get(merge_key).ok_or_else(|| {
        PatchError::Failed(format!(
            "map: {} does not contain declared merge key: {merge_key}",
            printed(&Value::Map(item.clone()))
        ))
    })
}
