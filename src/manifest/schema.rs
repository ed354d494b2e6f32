//! The JSON Schema of `pi.toml`, for editors.
//!
//! In: the shape in `raw`, with its comments. Out: draft 07, which taplo and tombi both read, without nulls, which
//! TOML has not.

use super::mount::MountTable;
use super::raw::{File, NAME};
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;
use std::borrow::Cow;

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

/// Declares a type that exists for its schema only.
macro_rules! shape {
    ($($name:ident($generator:ident) => $schema:expr;)*) => {$(
        pub(super) enum $name {}

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema($generator: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    )*};
}

shape! {
    Secret(_generator) => json_schema!({
        "type": "object",
        "description": "Where the value comes from: an environment variable, a file, or what a command prints.",
        "properties": {
            "env": { "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" },
            "file": { "type": "string", "minLength": 1 },
            "command": { "type": "array", "items": { "type": "string" }, "minItems": 1 }
        },
        "additionalProperties": false,
        "minProperties": 1,
        "maxProperties": 1
    });
    Mount(generator) => json_schema!({
        "anyOf": [{ "type": "string", "minLength": 1 }, generator.subschema_for::<MountTable>()]
    });
    Ports(_generator) => json_schema!({
        "type": "object",
        "propertyNames": { "pattern": "^[1-9][0-9]{0,4}$" },
        "additionalProperties": { "type": "integer", "minimum": 1, "maximum": 65535 }
    });
    Env(_generator) => json_schema!({
        "type": "object",
        "propertyNames": { "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" },
        "additionalProperties": { "type": "string" }
    });
    Pods(_generator) => json_schema!({
        "anyOf": [
            { "type": "string", "pattern": NAME },
            { "type": "array", "items": { "type": "string", "pattern": NAME }, "minItems": 1 },
            {
                "type": "object",
                "properties": {
                    "labels": { "type": "array", "items": { "type": "string" }, "minItems": 1 }
                },
                "required": ["labels"],
                "additionalProperties": false
            }
        ]
    });
    Gpus(_generator) => json_schema!({
        "anyOf": [
            { "type": "integer", "minimum": 0 },
            { "type": "array", "items": { "type": "integer", "minimum": 0 }, "minItems": 1, "uniqueItems": true },
            { "type": "string", "pattern": "^(CPU|cpu|GPU [0-9]+(,[0-9]+)*|[1-9][0-9]* GPUs?)$" }
        ]
    });
    Context(_generator) => json_schema!({
        "anyOf": [
            { "type": "integer", "minimum": 1 },
            { "type": "string", "pattern": "^[1-9]([0-9]*|[0-9]{0,2}([,_][0-9]{3})+) *[kKmM]?$" }
        ]
    });
    Share(_generator) => json_schema!({
        "anyOf": [
            { "type": "number", "exclusiveMinimum": 0, "maximum": 100 },
            { "type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?\s*%?$" }
        ]
    });
    State(_generator) => json_schema!({ "enum": ["running", "stopped"] });
    Restart(_generator) => json_schema!({ "enum": ["no", "on-failure"] });
    EngineKind(_generator) => json_schema!({ "enum": ["vllm", "llama.cpp", "command"] });
}
