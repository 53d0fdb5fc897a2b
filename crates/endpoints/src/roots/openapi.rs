//! OpenAPI over HTTP: encodings, hashes and what may be kept.

use http::header::{ACCEPT, CACHE_CONTROL, EXPIRES, HeaderMap, LOCATION, VARY};
use http::{HeaderValue, Response, StatusCode};

use super::{bare, conditional};
use crate::body::Body;
use crate::documents::DocumentSet;
use crate::negotiate::clauses;

/// The encodings of OpenAPI documents.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum OpenApiForm {
    Json,
    Protobuf,
}

impl OpenApiForm {
    pub(super) fn negotiate(headers: &HeaderMap, v2: bool) -> Option<Self> {
        if headers.get(ACCEPT).is_none_or(HeaderValue::is_empty) {
            return Some(Self::Json);
        }
        let protobuf = if v2 {
            [
                "com.github.proto-openapi.spec.v2@v1.0+protobuf",
                "com.github.proto-openapi.spec.v2.v1.0+protobuf",
            ]
        } else {
            [
                "com.github.proto-openapi.spec.v3@v1.0+protobuf",
                "com.github.proto-openapi.spec.v3.v1.0+protobuf",
            ]
        };
        clauses(headers).iter().find_map(|clause| {
            if clause.matches("application", "json") {
                Some(Self::Json)
            } else if clause.kind == "application" && protobuf.contains(&clause.subtype) {
                Some(Self::Protobuf)
            } else {
                None
            }
        })
    }
}

/// The answer at `path`, `/openapi/v2` or `/openapi/v3` or below.
pub(super) fn openapi(
    set: &DocumentSet,
    headers: &HeaderMap,
    path: &str,
    hash: Option<&str>,
    form: OpenApiForm,
) -> Response<Body> {
    let documents = &set.openapi;
    let vary = |mut response: Response<Body>| {
        response
            .headers_mut()
            .insert(VARY, HeaderValue::from_static("Accept"));
        response
    };
    let name = match path {
        "/openapi/v2" => {
            let document = if form == OpenApiForm::Protobuf {
                documents.v2_protobuf()
            } else {
                documents.v2()
            };
            return vary(conditional(headers, document));
        }
        "/openapi/v3" => return conditional(headers, documents.v3_index()),
        other => other.trim_start_matches("/openapi/v3/"),
    };
    let location = documents.v3_location(name);
    if let (Some(hash), Some(location)) = (hash, &location)
        && !location.ends_with(&format!("hash={hash}"))
    {
        let mut response = bare(StatusCode::MOVED_PERMANENTLY);
        if let Ok(location) = HeaderValue::from_str(location) {
            response.headers_mut().insert(LOCATION, location);
        }
        return response;
    }
    let document = if form == OpenApiForm::Protobuf {
        documents.v3_protobuf(name)
    } else {
        documents.v3(name)
    };
    let Some(document) = document else {
        return bare(StatusCode::NOT_FOUND);
    };
    let mut response = vary(conditional(headers, document));
    if hash.is_some() {
        // The right one, or the client would have been sent there: it may keep the document.
        response
            .headers_mut()
            .insert(CACHE_CONTROL, HeaderValue::from_static("public, immutable"));
        let year = std::time::SystemTime::now() + std::time::Duration::from_secs(365 * 86_400);
        if let Ok(expires) = HeaderValue::from_str(&http_date(year)) {
            response.headers_mut().insert(EXPIRES, expires);
        }
    }
    response
}

/// A point in time as HTTP writes it.
pub(super) fn http_date(time: std::time::SystemTime) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let seconds = time
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Days since 0000-03-01, in eras of 400 years.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12;
    let year = year_of_era + era * 400 + u64::from(month < 2);
    format!(
        "{}, {day:02} {} {year} {:02}:{:02}:{:02} GMT",
        DAYS[(days % 7) as usize],
        MONTHS[month as usize],
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn dates_are_as_http_writes_them() {
        let at = |seconds| http_date(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(at(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT");
    }
}
