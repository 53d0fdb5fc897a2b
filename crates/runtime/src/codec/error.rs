//! Why a body is not an object.

/// Why a body could not be decoded. The text is the one kube-apiserver gives at that point, without
/// what its callers put around it.
///
/// | variant | kube-apiserver's frame |
/// | --- | --- |
/// | [`Syntax`](Self::Syntax) of JSON | `couldn't get version/kind; json parse error: …` |
/// | [`Syntax`](Self::Syntax) of YAML | none: the text begins with `yaml: ` |
/// | [`Syntax`](Self::Syntax) of protobuf | none |
/// | [`Mismatch`](Self::Mismatch) | `ConfigMap in version "v1" cannot be handled as a ConfigMap: …` |
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes are not of the format at all: `invalid character 'x' looking for beginning of value`.
    #[error("{0}")]
    Syntax(String),
    /// The bytes are of the format, but not of the type:
    /// `json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.name of type string`.
    #[error("{0}")]
    Mismatch(String),
}

impl DecodeError {
    pub(crate) fn syntax(text: impl Into<String>) -> Self {
        Self::Syntax(text.into())
    }
}
