//! Writing JSON without building it first: the documents are large and needed once.

/// Compact JSON under construction. Commas go where they belong by looking at what was written.
#[derive(Default)]
pub(super) struct Json {
    out: Vec<u8>,
}

impl Json {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// `{…}`, whose members `body` writes.
    pub(super) fn object(&mut self, body: impl FnOnce(&mut Self)) {
        self.out.push(b'{');
        body(self);
        self.out.push(b'}');
    }

    /// `[…]`, whose items `each` writes.
    pub(super) fn array<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut each: impl FnMut(&mut Self, T),
    ) {
        self.out.push(b'[');
        for item in items {
            self.comma();
            each(self, item);
        }
        self.out.push(b']');
    }

    /// The name of a member; its value is to follow.
    pub(super) fn key(&mut self, name: &str) -> &mut Self {
        self.comma();
        self.string(name);
        self.out.push(b':');
        self
    }

    pub(super) fn string(&mut self, text: &str) {
        // Strings always serialize, and memory takes all of it.
        let _ = serde_json::to_writer(&mut self.out, text);
    }

    pub(super) fn strings<'a>(&mut self, texts: impl IntoIterator<Item = &'a str>) {
        self.array(texts, Self::string);
    }

    /// Text that is JSON already.
    pub(super) fn raw(&mut self, json: &str) {
        self.out.extend_from_slice(json.as_bytes());
    }

    /// A member with a string, if it is not empty.
    pub(super) fn text_member(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.key(name).string(text);
        }
    }

    fn comma(&mut self) {
        if !matches!(self.out.last(), Some(b'{' | b'[')) {
            self.out.push(b',');
        }
    }
}
