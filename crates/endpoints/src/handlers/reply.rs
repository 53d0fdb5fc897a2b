//! What a request is answered in.

use std::sync::Arc;

use http::{Response, StatusCode};
use pintle_runtime::resource::Resource;
use pintle_runtime::status::{ApiError, Status};

use super::Call;
use crate::audit::Recording;
use crate::body::Body;
use crate::cache::Object;
use crate::context::RequestContext;
use crate::data::Gather;
use crate::gzip;
use crate::negotiate::{Format, Offers, Representation, TableSupport, Transform, representation};
use crate::partial;
use crate::respond::{self, Compression, json_bytes};
use crate::table::TableForm;

/// What a request is answered in: format and form, as the client takes them.
pub(super) struct Reply {
    pub(super) representation: Representation,
    pub(super) compression: Compression,
    /// There where tables are asked for.
    pub(super) table: Option<TableForm>,
    /// What the audit records of the request.
    pub(super) recording: Option<Arc<Recording>>,
}

impl Reply {
    /// What the client takes of what the handler offers.
    ///
    /// # Errors
    /// 406
    pub(super) fn negotiate(
        call: &Call<'_>,
        cx: &RequestContext,
        offers: Offers,
    ) -> Result<Self, ApiError> {
        let tables = call.server.tables.as_ref();
        let support = if tables.is_some() {
            TableSupport::Tables
        } else {
            TableSupport::NoTables
        };
        let representation = representation(call.headers, call.query, offers, support)?;
        let table = match (representation.transform, tables) {
            (Transform::Table(version), Some(tables)) => {
                Some(TableForm::new(tables, version, call.query, cx.now()))
            }
            _ => None,
        };
        Ok(Self {
            representation,
            compression: Compression::None,
            table,
            recording: cx.recording.clone(),
        })
    }

    /// The same for get and list, which are what upstream compresses.
    ///
    /// # Errors
    /// 406
    pub(super) fn negotiate_compressed(
        call: &Call<'_>,
        cx: &RequestContext,
        offers: Offers,
    ) -> Result<Self, ApiError> {
        let compression = if gzip::is_accepted(call.headers) {
            Compression::Gzip
        } else {
            Compression::None
        };
        Ok(Self {
            compression,
            ..Self::negotiate(call, cx, offers)?
        })
    }

    /// Answers with an object.
    ///
    /// # Errors
    /// Where the object cannot be said in its version, or is asked for as what it is not.
    pub(super) fn object(
        &self,
        code: StatusCode,
        row: &Resource,
        object: &Object,
    ) -> Result<Response<Body>, ApiError> {
        let Representation {
            format,
            transform,
            pretty,
        } = self.representation;
        if let Some(recording) = self.recording.as_ref().filter(|it| it.wants_response()) {
            recording.response(&match transform {
                Transform::Metadata(version) => partial::json(object, version)?,
                Transform::Table(_) => self.table_of(row, object)?.into(),
                Transform::None | Transform::MetadataList(_) => object.json()?.clone(),
            });
        }
        if let (Transform::None, Format::Json, false) = (transform, format, pretty) {
            // As it is kept, and not copied before it is encrypted.
            let mut out = Gather::default();
            object
                .entry()
                .gather_json(object.version(), b"", 0, &mut out)?;
            out.fixed(b"\n");
            return Ok(respond::whole(code, format, self.compression, out.finish()));
        }
        let bytes = match (transform, format) {
            (Transform::None, Format::Protobuf) => object.protobuf()?,
            (Transform::None, _) => json_bytes(object.json()?, self.representation),
            (Transform::Metadata(version), Format::Protobuf) => partial::protobuf(object, version)?,
            (Transform::Metadata(version), _) => {
                json_bytes(&partial::json(object, version)?, self.representation)
            }
            (Transform::MetadataList(_), _) => {
                return Err(partial::not_acceptable(
                    "MetadataList",
                    "the requested object is not a list",
                    row,
                    "",
                ));
            }
            (Transform::Table(_), _) => {
                json_bytes(&self.table_of(row, object)?.into(), self.representation)
            }
        };
        Ok(respond::whole(code, format, self.compression, bytes))
    }

    /// Answers with a `Status` that is no error.
    pub(super) fn status(&self, code: StatusCode, status: &Status) -> Response<Body> {
        if let Some(recording) = &self.recording {
            recording.status(status);
        }
        respond::status(code, self.representation, status)
    }

    fn table_of(&self, row: &Resource, object: &Object) -> Result<Vec<u8>, ApiError> {
        match &self.table {
            Some(table) => table.one(Some(row), object),
            None => Err(ApiError::internal(
                "a table was negotiated that cannot be made",
            )),
        }
    }
}
