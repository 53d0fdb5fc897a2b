//! Takes the descriptions of types and fields out of `k8s-openapi`'s schemas and leaves them,
//! compressed, to be carried in the binary. None are kept in the repository.
//!
//! The form is a text: per definition a group separator (1d) and then records divided by record
//! separators (1e), each of them a name, a unit separator (1f) and a description. The first record
//! is the definition itself; the others are its fields. Definitions are in bytewise order.

mod roots;

use std::io::Write as _;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use k8s_openapi::schemars::SchemaGenerator;
use k8s_openapi::serde_json::{Map, Value};

#[expect(
    clippy::print_stdout,
    reason = "this is how a build script speaks to cargo"
)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=build");
    at_fixed_addresses();
    let mut generator = SchemaGenerator::default();
    for add in roots::ROOTS {
        add(&mut generator);
    }
    let mut definitions: Vec<(&String, &Value)> = generator.definitions().iter().collect();
    definitions.sort_by_key(|(name, _)| *name);
    let mut text = String::new();
    for (name, schema) in definitions {
        text.push('\u{1d}');
        record(&mut text, name, schema);
        let fields = schema.get("properties").and_then(Value::as_object);
        for (field, schema) in fields.into_iter().flat_map(Map::iter) {
            text.push('\u{1e}');
            record(&mut text, field, schema);
        }
    }
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text.as_bytes())?;
    let target = PathBuf::from(std::env::var("OUT_DIR")?).join("descriptions.zlib");
    std::fs::write(target, encoder.finish()?)?;
    Ok(())
}

/// Links the binary for the addresses that it runs at. The tables of the API are full of pointers: elsewhere each start
/// writes all of them anew, to memory that is nobody else's, and every call into another crate goes by way of a table.
#[expect(
    clippy::print_stdout,
    reason = "this is how a build script speaks to cargo"
)]
fn at_fixed_addresses() {
    let target = |part| std::env::var(format!("CARGO_CFG_TARGET_{part}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}

fn record(text: &mut String, name: &str, schema: &Value) {
    text.push_str(name);
    text.push('\u{1f}');
    text.push_str(
        schema
            .get("description")
            .and_then(Value::as_str)
            .unwrap_or_default(),
    );
}
