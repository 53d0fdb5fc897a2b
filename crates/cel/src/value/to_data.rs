//! From what an expression made to data.

use pintle_runtime::text::Text;
use pintle_runtime::value::{Map as DataMap, Value};

use super::{Key, Map, Val};
use crate::library::{convert, time};

/// A value that no JSON can say, and the name of its type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} can not be said in JSON")]
pub struct NoJson(pub String);

impl Val<'_> {
    /// The value as data, in the forms in which JSON says it.
    ///
    /// # Errors
    /// Where JSON can not say it.
    pub fn to_data(&self) -> Result<Value, NoJson> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(truth) => Value::Bool(*truth),
            Self::Int(number) => Value::Int(*number),
            Self::Uint(number) => match i64::try_from(*number) {
                Ok(number) => Value::Int(number),
                Err(_) => Value::Float(*number as f64),
            },
            Self::Double(number) => Value::Float(*number),
            Self::String(text) => Value::String(text.clone()),
            Self::Bytes(bytes) => Value::Bytes(bytes.clone()),
            Self::Duration(_) => Value::String(convert::plain(self).into()),
            Self::Timestamp(at) => Value::String(time::show(*at).into()),
            Self::List(list) => Value::List(
                list.iter()
                    .map(|item| item.to_data())
                    .collect::<Result<_, _>>()?,
            ),
            Self::Map(Map::Data(map)) => Value::Map((*map).clone()),
            Self::Map(map) => entries(map.entries().iter().map(|(key, value)| {
                let key = match Key::of(key) {
                    Some(Key::String(text)) => text,
                    _ => convert::plain(key).into(),
                };
                (key, value.clone())
            }))?,
            Self::Object(object) => entries(object.entries().into_iter())?,
            Self::Optional(Some(inner)) => inner.to_data()?,
            other => return Err(NoJson(other.type_name().to_owned())),
        })
    }
}

fn entries<'a>(entries: impl Iterator<Item = (Text, Val<'a>)>) -> Result<Value, NoJson> {
    let entries = entries.map(|(key, value)| Ok((key, value.to_data()?)));
    Ok(Value::Map(entries.collect::<Result<DataMap, NoJson>>()?))
}
