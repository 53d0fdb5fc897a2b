//! The columns and cells of built-in kinds.

use std::borrow::Cow;
use std::sync::OnceLock;

use pintle_api::printers::{self, ColumnDefinitions};
use pintle_endpoints::table::Tables;
use pintle_runtime::meta::{METADATA, ObjectMeta};
use pintle_runtime::resource::Resource;
use pintle_runtime::time::Time;
use pintle_runtime::value::{Record, Value};
use pintle_runtime::view::View;

use crate::descriptions::descriptions;

/// The tables of built-in kinds. What is said about the columns is looked up when the first table is
/// asked for.
#[derive(Debug, Default)]
pub(crate) struct BuiltIn {
    columns: OnceLock<ColumnDefinitions>,
}

impl BuiltIn {
    fn columns(&self) -> &ColumnDefinitions {
        self.columns.get_or_init(|| {
            let texts = descriptions();
            ColumnDefinitions::new(&|definition, field| {
                texts.of_field(definition, field).map(Cow::Borrowed)
            })
        })
    }
}

impl Tables for BuiltIn {
    fn write_columns(&self, row: &Resource, out: &mut Vec<u8>) {
        out.extend_from_slice(self.columns().json(&row.kind, &row.group));
    }

    fn write_cells(&self, object: &Record, now: Time, out: &mut Vec<u8>) {
        let cells = printers::cells(object, now).unwrap_or_else(|| {
            let metadata = object.get(METADATA).and_then(Value::as_record);
            metadata
                .map(|metadata| printers::default_cells(ObjectMeta::of(metadata)))
                .unwrap_or_default()
        });
        printers::write_cells(&cells, out);
    }

    fn write_conditions(&self, object: &Record, out: &mut Vec<u8>) {
        let conditions = printers::conditions(object);
        for (at, condition) in conditions.iter().enumerate() {
            out.push(if at == 0 { b'[' } else { b',' });
            condition.write(out);
        }
        if !conditions.is_empty() {
            out.push(b']');
        }
    }

    fn age(&self, since: Time, now: Time) -> Cow<'static, str> {
        printers::age(Some(since), now)
    }
}
