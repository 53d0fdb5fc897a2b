//! The vocabulary of a `Status`: its reasons and those of its causes.

use std::borrow::Cow;
use std::fmt;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
        pub enum $name {
            /// Nothing is said; left out of the object.
            #[default]
            Unknown,
            $($(#[$variant_doc])* $variant,)+
            /// A word that another server, a webhook or an API of its own came up with.
            Other(Cow<'static, str>),
        }

        impl $name {
            /// The word on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    Self::Unknown => "",
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word {
                    "" => Self::Unknown,
                    $($word => Self::$variant,)+
                    other => Self::Other(Cow::Owned(other.to_owned())),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

words! {
    /// Why a request failed, for programs (`metav1.StatusReason`).
    StatusReason {
        /// 401: nobody knows who asks.
        Unauthorized = "Unauthorized",
        /// 403: who asks may not.
        Forbidden = "Forbidden",
        /// 404: it is not there.
        NotFound = "NotFound",
        /// 409: a create met an object of that name.
        AlreadyExists = "AlreadyExists",
        /// 409: the object changed in between.
        Conflict = "Conflict",
        /// 410: it is not there any more.
        Gone = "Gone",
        /// 422: the object is not valid.
        Invalid = "Invalid",
        /// 500: could not be done now, try again.
        ServerTimeout = "ServerTimeout",
        /// 500: stored objects could not be read.
        StorageReadError = "StorageReadError",
        /// 504: took too long; may yet happen.
        Timeout = "Timeout",
        /// 429: too much at once.
        TooManyRequests = "TooManyRequests",
        /// 400: the request makes no sense.
        BadRequest = "BadRequest",
        /// 405: the resource does not do that.
        MethodNotAllowed = "MethodNotAllowed",
        /// 406: no representation that the client takes.
        NotAcceptable = "NotAcceptable",
        /// 413: the body is too large.
        RequestEntityTooLarge = "RequestEntityTooLarge",
        /// 415: the body is in no format that the server takes.
        UnsupportedMediaType = "UnsupportedMediaType",
        /// 500: the server failed.
        InternalError = "InternalError",
        /// 410: the revision has been compacted.
        Expired = "Expired",
        /// 503: what is needed is not there now.
        ServiceUnavailable = "ServiceUnavailable",
    }
}

words! {
    /// What exactly is wrong, for programs (`metav1.CauseType`).
    CauseReason {
        /// A field refers to something that is not there.
        FieldValueNotFound = "FieldValueNotFound",
        /// A field must be there.
        FieldValueRequired = "FieldValueRequired",
        /// Another field has the same value.
        FieldValueDuplicate = "FieldValueDuplicate",
        /// A field is malformed or out of bounds.
        FieldValueInvalid = "FieldValueInvalid",
        /// A field has none of the allowed values.
        FieldValueNotSupported = "FieldValueNotSupported",
        /// A field would be fine in other circumstances.
        FieldValueForbidden = "FieldValueForbidden",
        /// A field is too long.
        FieldValueTooLong = "FieldValueTooLong",
        /// A field is too short.
        FieldValueTooShort = "FieldValueTooShort",
        /// A field has too many items.
        FieldValueTooMany = "FieldValueTooMany",
        /// A field has too few items.
        FieldValueTooFew = "FieldValueTooFew",
        /// A field has another type than its schema says.
        FieldValueTypeInvalid = "FieldValueTypeInvalid",
        /// The server failed.
        InternalError = "InternalError",
        /// An answer from another server was not understood.
        UnexpectedServerResponse = "UnexpectedServerResponse",
        /// Another field manager owns the field.
        FieldManagerConflict = "FieldManagerConflict",
        /// The server has not got that far yet.
        ResourceVersionTooLarge = "ResourceVersionTooLarge",
        /// The namespace is on its way out.
        NamespaceTerminating = "NamespaceTerminating",
        /// A disruption budget does not allow it.
        DisruptionBudget = "DisruptionBudget",
    }
}
