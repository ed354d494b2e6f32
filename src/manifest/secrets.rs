//! `[secrets]`: where values come from, never the values themselves.

use super::choice::nonempty;
use super::value::{At, Place, Refusal, Value, refused};
use crate::name::EnvName;
use crate::problem::Problem;
use crate::secret::SecretSource;
use toml::de::{DeTable, DeValue};

const SOURCES: &str = r#"{ env = "…" }, { file = "…" } or { command = ["…"] }"#;

impl Value for SecretSource {
    fn read(at: At, place: &Place, problems: &mut Vec<Problem>) -> Option<Self> {
        let DeValue::Table(table) = at.get_ref() else {
            // whatever stands here may be the secret: it must not reach a terminal or a CI log
            let help = format!("say where it comes from: {SOURCES}");
            let problem = Problem::new(
                "a secret's value does not belong in the manifest",
                at.span(),
                place.to_string(),
            );
            problems.push(problem.help(help).hiding(at.span()));
            return None;
        };
        let mut known = Vec::new();
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "env" | "file" | "command" => known.push((key.span(), key.get_ref(), value)),
                other => {
                    let problem =
                        Problem::new(format!("unknown key `{other}`"), key.span(), place.to_string());
                    problems.push(problem.help(format!("a secret is {SOURCES}")).hiding(value.span()));
                }
            }
        }
        match known.as_slice() {
            [(_, key, value)] => source(key, value, &place.inside(key), problems),
            [] => nothing(table, at, place, problems),
            [(first, ..), (second, ..), ..] => {
                let problem = Problem::new("a secret comes from one place", first.clone(), "from here");
                problems.push(problem.also(second.clone(), "or from here?"));
                None
            }
        }
    }
}

fn source(key: &str, value: At, place: &Place, problems: &mut Vec<Problem>) -> Option<SecretSource> {
    match key {
        "env" => EnvName::read(value, place, problems).map(SecretSource::Env),
        "file" => nonempty(value, "the path", place, problems).map(|path| SecretSource::File(path.into())),
        _ => {
            let words = Vec::<String>::read(value, place, problems)?;
            if words.first().is_none_or(|program| program.trim().is_empty()) {
                problems.push(refused("", value, place, Refusal::because("the command is empty")));
                return None;
            }
            Some(SecretSource::Command(words))
        }
    }
}

fn nothing(table: &DeTable, at: At, place: &Place, problems: &mut Vec<Problem>) -> Option<SecretSource> {
    if table.is_empty() {
        let problem = Problem::new("a secret without a source", at.span(), place.to_string());
        problems.push(problem.help(format!("say where it comes from: {SOURCES}")));
    }
    None
}
