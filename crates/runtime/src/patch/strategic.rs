//! Strategic merge patch.
//!
//! Maps merge key by key. A list is replaced, unless its field says `merge`: then items are found by
//! the field's merge key, or by value where they are scalars. Directives in the patch say more:
//! `$patch` (`replace`, `delete`, `merge`), `$retainKeys`, `$setElementOrder/<list>` and
//! `$deleteFromPrimitiveList/<list>`.

use crate::schema::{Field, FieldType, PatchStrategy, Shape, Type};
use crate::value::{Map, Value};

use super::PatchError;

const PATCH: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const SET_ELEMENT_ORDER: &str = "$setElementOrder/";
const DELETE_FROM_LIST: &str = "$deleteFromPrimitiveList/";

/// `target`, an object of type `ty`, with `patch` applied.
///
/// # Errors
/// [`PatchError::Malformed`] for directives in the wrong form, [`PatchError::Inapplicable`] for a merge that the
/// type does not allow.
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
    if let Some(directive) = patch.remove(PATCH) {
        return match directive.as_str() {
            Some("replace") => Ok(patch),
            Some("delete") => Ok(Map::new()),
            Some("merge") => merge_maps(target, patch, guide),
            _ => Err(unknown_directive(&directive)),
        };
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
                Value::Map(if replace {
                    new
                } else {
                    merge_maps(old, new, guide.below(&key))?
                })
            }
            (Some(Value::List(old)), Value::List(new)) => {
                let (items, strategy, merge_key) = guide.items(&key);
                Value::List(if merges(strategy) {
                    merge_lists(old, new, items, merge_key)?
                } else {
                    new
                })
            }
            (_, value) => without_directives(value),
        };
        target.insert(key, merged);
    }
    Ok(target)
}

/// Drops from the target what `$retainKeys` does not list.
fn retain_keys(target: &mut Map, patch: &mut Map) -> Result<(), PatchError> {
    let Some(keys) = patch.remove(RETAIN_KEYS) else {
        return Ok(());
    };
    let wrong = || PatchError::Malformed("invalid patch format of retainKeys".to_owned());
    let keys = keys.as_list().ok_or_else(wrong)?.to_vec();
    let listed = |key: &str| keys.iter().any(|listed| listed.as_str() == Some(key));
    if patch
        .iter()
        .any(|(key, value)| !value.is_null() && !key.starts_with('$') && !listed(key))
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
        let wrong =
            || PatchError::Malformed("invalid patch format of setElementOrder list".to_owned());
        let Some(Value::List(order)) = patch.remove(&format!("{SET_ELEMENT_ORDER}{name}")) else {
            return Err(wrong());
        };
        let (items, strategy, merge_key) = guide.items(&name);
        let list = |value: Option<Value>| match value {
            None => Ok(None),
            Some(Value::List(items)) => Ok(Some(items)),
            Some(_) => Err(wrong()),
        };
        let new = list(patch.remove(&name))?;
        check_order(new.as_deref().unwrap_or_default(), &order, merge_key).ok_or_else(wrong)?;
        let old = list(target.get(&name).cloned())?;
        let merged = match (old.clone(), new) {
            (None, None) => continue,
            (Some(old), None) => old,
            (None, Some(new)) => new.into_iter().filter_map(kept_item).collect(),
            (Some(old), Some(new)) if merges(strategy) => merge_lists(old, new, items, merge_key)?,
            (Some(_), Some(new)) => new,
        };
        let merged = arrange(merged, &order, &old.unwrap_or_default(), merge_key);
        target.insert(name, Value::List(merged));
    }
    Ok(())
}

/// Whether the items of `patch` appear in `order` in the same order.
fn check_order(patch: &[Value], order: &[Value], merge_key: &str) -> Option<()> {
    let mut rest = order.iter();
    for item in patch {
        if item.as_map().is_some_and(|item| item.get(PATCH).is_some()) {
            continue;
        }
        rest.find(|listed| same(listed, item, merge_key))?;
    }
    Some(())
}

fn delete_from_list(target: &mut Map, list: &str, values: Value) -> Result<(), PatchError> {
    let Value::List(values) = values else {
        return Err(PatchError::Malformed(
            "invalid patch format of primitive list".to_owned(),
        ));
    };
    if let Some(Value::List(items)) = target.get_mut(list) {
        items.retain(|item| !values.contains(item));
    }
    Ok(())
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
    let maps = |list: &[Value]| {
        list.iter()
            .filter(|item| matches!(item, Value::Map(_)))
            .count()
    };
    match (maps(&old) + maps(&patch), old.len() + patch.len()) {
        (0, _) => {
            let original = old.clone();
            for value in &patch {
                if !old.contains(value) {
                    old.push(value.clone());
                }
            }
            return Ok(arrange(old, &patch, &original, ""));
        }
        (found, all) if found < all => {
            return Err(PatchError::Inapplicable(
                "list element types are not identical".to_owned(),
            ));
        }
        _ if merge_key.is_empty() => {
            return Err(PatchError::Inapplicable(
                "cannot merge lists without merge key".to_owned(),
            ));
        }
        _ => {}
    }
    let (mut plain, mut replace) = (Vec::with_capacity(patch.len()), false);
    for item in patch {
        let Value::Map(mut item) = item else { continue };
        match item.remove(PATCH) {
            None => plain.push(item),
            Some(directive) => match directive.as_str() {
                Some("delete") => {
                    let key = item.get(merge_key).ok_or_else(|| no_merge_key(merge_key))?;
                    old.retain(|found| {
                        found.as_map().and_then(|found| found.get(merge_key)) != Some(key)
                    });
                }
                Some("replace") => replace = true,
                _ => return Err(unknown_directive(&directive)),
            },
        }
    }
    if replace {
        return Ok(plain.into_iter().map(Value::Map).collect());
    }
    let original = old.clone();
    let order: Vec<Value> = plain.iter().cloned().map(Value::Map).collect();
    for item in plain {
        let key = item.get(merge_key).ok_or_else(|| no_merge_key(merge_key))?;
        let place = old
            .iter()
            .position(|found| found.as_map().and_then(|found| found.get(merge_key)) == Some(key));
        match place {
            Some(at) => {
                if let Value::Map(found) = std::mem::take(&mut old[at]) {
                    old[at] = Value::Map(merge_maps(found, item, items)?);
                }
            }
            None => old.push(without_directives(Value::Map(item))),
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

/// A value that is new to the object: without nulls in maps and without directives.
fn without_directives(value: Value) -> Value {
    match value {
        Value::Map(map) => Value::Map(
            map.into_iter()
                .filter(|(key, value)| !value.is_null() && !is_directive(key))
                .map(|(key, value)| (key, without_directives(value)))
                .collect(),
        ),
        Value::List(items) => Value::List(items.into_iter().filter_map(kept_item).collect()),
        other => other,
    }
}

fn kept_item(item: Value) -> Option<Value> {
    match &item {
        Value::Map(map) if map.get(PATCH).and_then(Value::as_str) == Some("delete") => None,
        _ => Some(without_directives(item)),
    }
}

fn is_directive(key: &str) -> bool {
    key == PATCH
        || key == RETAIN_KEYS
        || key.starts_with(SET_ELEMENT_ORDER)
        || key.starts_with(DELETE_FROM_LIST)
}

fn unknown_directive(directive: &Value) -> PatchError {
    PatchError::Inapplicable(format!(
        "unknown patch type: {}",
        directive.as_str().unwrap_or_default()
    ))
}

fn no_merge_key(merge_key: &str) -> PatchError {
    PatchError::Inapplicable(format!(
        "map: does not contain declared merge key: {merge_key}"
    ))
}
