//! Values of `pi.toml` as the JSON Schema tells of them, where their types do not say it.

use super::mount::MountTable;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;

/// What a name looks like, as a pattern for the schema; [`crate::name`] checks it.
pub(super) const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$";

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
