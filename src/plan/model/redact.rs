//! What plans, scripts and JSON do not show: values whose name looks like a secret's, and passwords in addresses.
//!
//! pi's own secrets never get here. These are people's: written into `env`, `args` or an index's address.

use crate::name::EnvName;
use crate::spec::{EngineRecipe, ServerSpec};
use std::collections::BTreeMap;

/// What stands in the place of a value.
pub(in crate::plan) const HIDDEN: &str = "(hidden)";

/// Whether a variable's name looks like a secret's.
pub(in crate::plan) fn is_secret(name: &EnvName) -> bool {
    let name = name.as_str().to_uppercase();
    ["KEY", "TOKEN", "SECRET", "PASSWORD"].iter().any(|word| name.contains(word))
}

/// Whether a flag's last word is a secret's: `--api-key`, `--hf_token`.
pub(in crate::plan) fn is_secret_flag(flag: &str) -> bool {
    let last = flag.rsplit(['-', '_']).next().unwrap_or_default().to_lowercase();
    flag.starts_with("--") && ["key", "token", "secret", "password"].contains(&last.as_str())
}

/// An address without what stands before its `@`.
#[must_use]
pub fn address(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://{HIDDEN}{}", &rest[at..]),
        None => text.to_owned(),
    }
}

/// A recipe that may be shown.
#[must_use]
pub fn recipe(recipe: &EngineRecipe) -> EngineRecipe {
    let addresses = |list: &[String]| list.iter().map(|text| address(text)).collect();
    EngineRecipe {
        packages: addresses(&recipe.packages),
        overrides: addresses(&recipe.overrides),
        index: addresses(&recipe.index),
        find_links: addresses(&recipe.find_links),
        ..recipe.clone()
    }
}

/// A spec that may be shown.
pub(in crate::plan) fn spec(spec: &ServerSpec) -> ServerSpec {
    let (args, command) = (words(&spec.args), words(&spec.command));
    ServerSpec { args, command, env: env(&spec.env), ..spec.clone() }
}

/// Variables that may be shown.
pub(in crate::plan) fn env(env: &BTreeMap<EnvName, String>) -> BTreeMap<EnvName, String> {
    let shown = |(name, value): (&EnvName, &String)| {
        let value = if is_secret(name) { HIDDEN.to_owned() } else { address(value) };
        (name.clone(), value)
    };
    env.iter().map(shown).collect()
}

/// A command line without the values of secret flags.
fn words(words: &[String]) -> Vec<String> {
    let mut after_flag = false;
    let shown = words.iter().map(|word| {
        let hidden = std::mem::replace(&mut after_flag, is_secret_flag(word));
        match word.split_once('=') {
            Some((flag, _)) if is_secret_flag(flag) => format!("{flag}={HIDDEN}"),
            _ if hidden => HIDDEN.to_owned(),
            _ => address(word),
        }
    });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_not_shown() {
        for (text, shown) in [
            ("https://ann:pw@wheels.example/simple", "https://(hidden)@wheels.example/simple"),
            ("vllm @ git+https://tok@github.com/x@v1", "vllm @ git+https://(hidden)@github.com/x@v1"),
            ("https://example.org/a@b", "https://example.org/a@b"),
            ("vllm==0.32.0", "vllm==0.32.0"),
        ] {
            assert_eq!(address(text), shown);
        }
        let line = ["serve", "--api-key", "sk-1", "--hf_token=hf_2", "--max-tokens", "3"].map(str::to_owned);
        assert_eq!(words(&line).join(" "), "serve --api-key (hidden) --hf_token=(hidden) --max-tokens 3");
    }
}
