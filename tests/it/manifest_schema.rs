//! The JSON Schema takes what pi takes, and refuses the commonest mistakes.

use jsonschema::Validator;
use pi::manifest;
use std::path::{Path, PathBuf};

fn json(text: &str) -> serde_json::Value {
    serde_json::to_value(toml::from_str::<toml::Value>(text).unwrap()).unwrap()
}

fn complaints(validator: &Validator, text: &str) -> Vec<String> {
    validator.iter_errors(&json(text)).map(|error| format!("{error} at {}", error.instance_path())).collect()
}

/// Every `examples/*/pi.toml`.
pub(crate) fn examples() -> Vec<PathBuf> {
    let dirs = std::fs::read_dir("examples").unwrap().map(|entry| entry.unwrap().path().join("pi.toml"));
    let found: Vec<_> = dirs.filter(|path| path.is_file()).collect();
    assert!(found.len() >= 2);
    found
}

#[test]
fn examples_and_starters_are_good_manifests() {
    for path in examples() {
        manifest::load(&path).unwrap_or_else(|report| panic!("{}: {report:?}", path.display()));
    }
    for text in [manifest::starter(), manifest::starter_local()] {
        let manifest =
            manifest::parse("pi.toml", text, Path::new("/work")).unwrap_or_else(|p| panic!("{p:?}"));
        assert_eq!((manifest.pods.len(), manifest.models.len()), (1, 1));
    }
}

#[test]
fn every_commented_line_of_the_starter_works_when_it_is_taken_in() {
    let key = |line: &str| {
        line.strip_prefix("# ").is_some_and(|line| line.contains(" = ") || line.starts_with('['))
    };
    let text: Vec<&str> =
        manifest::starter().lines().map(|line| if key(line) { &line[2..] } else { line }).collect();
    let text = text.join("\n");
    let manifest = manifest::parse("pi.toml", &text, Path::new("/work"));
    let manifest = manifest.unwrap_or_else(|problems| panic!("{}", crate::manifests::show(&problems)));
    assert_eq!(manifest.models.len(), 2);
}

#[test]
fn the_schema_takes_good_manifests() {
    let validator = jsonschema::validator_for(&manifest::schema()).unwrap();
    let mut texts: Vec<_> = examples().iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    texts.extend([manifest::starter(), manifest::starter_local()].map(str::to_owned));
    for text in texts {
        assert_eq!(complaints(&validator, &text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn the_schema_refuses_bad_manifests() {
    let validator = jsonschema::validator_for(&manifest::schema()).unwrap();
    for bad in [
        "[pods.a]\nshh = 'x'\n",
        "[pods.a]\nssh = 5\n",
        "[pods.a]\nssh = 'x'\nprice = -1\n",
        "[pods.a]\nssh = 'x'\nports = { web = 1 }\n",
        "[pods.a]\nssh = 'x'\nmount = { sauce = 'x' }\n",
        "[pods.a]\nssh = 'x'\ngpus = 'H100'\n",
        "[models.a]\nmodel = 'Qwen3'\n",
        "[models.a]\nport = 0\n",
        "[models.a]\nmemory = 190\n",
        "[models.a]\ncontext = 0\n",
        "[models.a]\ngpus = [-1]\n",
        "[models.a]\nstate = 'paused'\n",
        "[models.a]\npod = { label = ['x'] }\n",
        "[models.a]\nargs = '--x'\n",
        "[secrets]\napi_key = 'sk-1'\n",
        "[secrets]\napi_key = { env = 'A', file = 'b' }\n",
        "[engines.a]\nkind = 'sglang'\n",
        "[defaults.pods]\n",
        "pdos = 1\n",
    ] {
        assert_ne!(complaints(&validator, bad), Vec::<String>::new(), "{bad}");
    }
}

#[test]
fn the_schema_has_no_null_and_describes_every_key() {
    let schema = manifest::schema();
    let text = schema.to_string();
    assert!(!text.contains("null"), "{text}");
    assert!(text.contains("draft-07"));
    for table in ["PodTable", "ModelTable", "EngineTable"] {
        let keys = schema["definitions"][table]["properties"].as_object().unwrap();
        assert!(keys.len() >= 6);
        for (key, about) in keys {
            assert!(about["description"].is_string(), "{table}.{key} has no description: {about}");
        }
    }
}
