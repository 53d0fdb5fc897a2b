//! `Table`: objects as rows of cells, as `kubectl get` shows them.
//!
//! What the columns and cells of a kind are is not known here, see [`Tables`]. Making cells means
//! decoding the object, so they are [`kept`] with it.

mod kept;

use std::borrow::Cow;
use std::sync::Arc;

use pintle_runtime::codec::json;
use pintle_runtime::quote::Quoted;
use pintle_runtime::resource::Resource;
use pintle_runtime::status::ApiError;
use pintle_runtime::time::Time;
use pintle_runtime::value::Record;
use pintle_storage::Revision;

use crate::cache::Object;
use crate::negotiate::MetaVersion;
use crate::partial;
use crate::query::Query;
use crate::watch::Bookmark;

/// Knows the columns and cells of every kind.
pub trait Tables: Send + Sync + 'static {
    /// Appends the columns of a resource's objects: a JSON array of `TableColumnDefinition`.
    fn write_columns(&self, row: &Resource, out: &mut Vec<u8>);

    /// Appends the cells of an object as of `now`: a JSON array, a cell for each column.
    fn write_cells(&self, object: &Record, now: Time, out: &mut Vec<u8>);

    /// Appends the conditions of an object's row, which do not depend on the time: a JSON array, or
    /// nothing if there are none.
    fn write_conditions(&self, object: &Record, out: &mut Vec<u8>);

    /// How long before `now` something was, as cells show it.
    fn age(&self, since: Time, now: Time) -> Cow<'static, str>;
}

/// What a row says of its object besides cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Include {
    None,
    Metadata,
    Object,
}

/// Makes the table of one answer.
#[derive(Clone)]
pub(crate) struct TableForm {
    tables: Arc<dyn Tables>,
    version: MetaVersion,
    include: Result<Include, String>,
    now: Time,
}

impl TableForm {
    /// For a request at `now` with this query.
    pub(crate) fn new(
        tables: &Arc<dyn Tables>,
        version: MetaVersion,
        query: Query<'_>,
        now: Time,
    ) -> Self {
        let include = match query.first("includeObject").as_deref() {
            None | Some("" | "Metadata") => Ok(Include::Metadata),
            Some("None") => Ok(Include::None),
            Some("Object") => Ok(Include::Object),
            Some(other) => Err(other.to_owned()),
        };
        Self {
            tables: Arc::clone(tables),
            version,
            include,
            now,
        }
    }

    /// # Errors
    /// 400 where the query makes no sense: found out when there is something to answer with, which
    /// may be after a write.
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        let Err(given) = &self.include else {
            return Ok(());
        };
        Err(ApiError::bad_request(format!(
            "Unable to convert to Table as requested: includeObject: Invalid value: {}: must be 'Metadata', 'Object', 'None', or empty",
            Quoted(given)
        )))
    }

    /// From now on rows are as of `now`: for the events of a watch.
    pub(crate) fn set_now(&mut self, now: Time) {
        self.now = now;
    }

    /// Appends everything before the first row. `columns` are absent from all but the first event of
    /// a watch.
    pub(crate) fn write_head(
        &self,
        columns: Option<&Resource>,
        write_meta: impl FnOnce(&mut Vec<u8>),
        out: &mut Vec<u8>,
    ) {
        out.extend_from_slice(b"{\"kind\":\"Table\",\"apiVersion\":\"");
        out.extend_from_slice(self.version.api_version().as_bytes());
        out.extend_from_slice(b"\",\"metadata\":");
        write_meta(out);
        out.extend_from_slice(b",\"columnDefinitions\":");
        match columns {
            Some(row) => self.tables.write_columns(row, out),
            None => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b",\"rows\":[");
    }

    /// Appends an object's row.
    ///
    /// # Errors
    /// Where the object cannot be said in its version.
    pub(crate) fn write_row(&self, object: &Object, out: &mut Vec<u8>) -> Result<(), ApiError> {
        out.extend_from_slice(b"{\"cells\":");
        kept::write(object, &*self.tables, self.now, out)?;
        out.extend_from_slice(b",\"object\":");
        match self.include {
            Ok(Include::Object) => out.extend_from_slice(object.json()?),
            Ok(Include::Metadata) | Err(_) => partial::write_json(object, self.version, out)?,
            Ok(Include::None) => out.extend_from_slice(b"null"),
        }
        out.push(b'}');
        Ok(())
    }

    /// The table of one object, without a newline.
    ///
    /// # Errors
    /// As [`TableForm::write_row`] and [`TableForm::check`].
    pub(crate) fn one(
        &self,
        columns: Option<&Resource>,
        object: &Object,
    ) -> Result<Vec<u8>, ApiError> {
        self.check()?;
        let mut out = Vec::with_capacity(2048);
        self.write_head(columns, of_revision(object.entry().revision()), &mut out);
        self.write_row(object, &mut out)?;
        out.extend_from_slice(b"]}");
        Ok(out)
    }

    /// The table of a bookmark, without a newline: a row of an object that has nothing but a revision. Where that
    /// says that all objects have been told, it is shown whatever was asked for.
    pub(crate) fn bookmark(&self, columns: Option<&Resource>, bookmark: &Bookmark) -> Vec<u8> {
        let object = bookmark.object();
        let mut out = Vec::with_capacity(2048);
        self.write_head(columns, of_revision(bookmark.revision()), &mut out);
        out.extend_from_slice(b"{\"cells\":");
        kept::write_anew(&object, &*self.tables, self.now, &mut out);
        out.extend_from_slice(b",\"object\":");
        match self.include {
            Ok(Include::Object) => json::encode(&object, &mut out),
            Ok(Include::None) if !bookmark.ends_initial_events() => {
                out.extend_from_slice(b"null");
            }
            _ => partial::write_record_json(&object, self.version, &mut out),
        }
        out.extend_from_slice(b"}]}");
        out
    }
}

/// Writes the metadata of a list as of a revision, if it is of one.
fn of_revision(revision: Revision) -> impl FnOnce(&mut Vec<u8>) {
    move |out| {
        if revision == Revision::ZERO {
            return out.extend_from_slice(b"{}");
        }
        out.extend_from_slice(b"{\"resourceVersion\":\"");
        out.extend_from_slice(itoa::Buffer::new().format(revision.0).as_bytes());
        out.extend_from_slice(b"\"}");
    }
}
