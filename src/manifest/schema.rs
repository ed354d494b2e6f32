//! The JSON Schema of `pi.toml`, for editors.
//!
//! In: the shape in `raw`, with its comments. Out: draft 07, which taplo and tombi both read, without nulls, which
//! TOML has not.

use super::raw::File;
use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::Value;

/// The schema that `pi schema` prints.
#[must_use]
pub fn schema() -> Value {
    let mut settings = SchemaSettings::draft07().with_transform(RecursiveTransform(tidy));
    settings.inline_subschemas = false;
    let mut schema = settings.into_generator().into_root_schema_for::<File>();
    schema.insert("title".to_owned(), "pi.toml".into());
    schema.to_value()
}

/// Drops `null` from types, alternatives and defaults, so that editors do not offer it, and line breaks of the
/// source from descriptions.
fn tidy(schema: &mut Schema) {
    let null = Value::from("null");
    if let Some(Value::String(about)) = schema.get_mut("description") {
        *about = about.replace('\n', " ");
    }
    if schema.get("default") == Some(&Value::Null) {
        schema.remove("default");
    }
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|one| *one != null);
        if let [only] = types.as_mut_slice() {
            let only = only.take();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(any)) = schema.get_mut("anyOf") {
        any.retain(|one| one.get("type") != Some(&null));
        // draft 07 ignores what stands beside a $ref: a description needs the detour over allOf
        if any.len() == 1 {
            let all = schema.remove("anyOf").unwrap_or_default();
            schema.insert("allOf".to_owned(), all);
        }
    }
}
