//! What a model may do here: list, read, find and search files. Nothing is changed, and nothing outside is seen.
//!
//! In: a tool's name and arguments as the model wrote them. Out: text for the model, also where it asked for nonsense.

mod confine;
mod ls;
mod read;
mod glob;
mod rg_args;
mod rg;

pub use confine::Grounds;

use serde::de::DeserializeOwned;
use serde_json::Value;

/// The most characters that one call gives: some 8,000 tokens.
const MOST: usize = 24_000;

/// The tools and the files that they may see.
#[derive(Debug, Clone)]
pub struct Toolbox {
    grounds: Grounds,
}

impl Toolbox {
    /// Tools for these directories.
    #[must_use]
    pub fn new(grounds: Grounds) -> Self {
        Self { grounds }
    }

    /// Where they may look.
    #[must_use]
    pub fn grounds(&self) -> &Grounds {
        &self.grounds
    }

    /// Name, description and JSON Schema of each tool.
    #[must_use]
    pub fn specs(&self) -> Vec<Value> {
        // a test reads the embedded file
        serde_json::from_str(include_str!("../../../data/tools.json")).unwrap_or_default()
    }

    /// Calls a tool. What went wrong is told so that the model can do better.
    pub fn call(&self, name: &str, arguments: &str) -> Result<String, String> {
        let result = match name {
            "ls" => parse(arguments).and_then(|args| ls::run(&self.grounds, &args)),
            "read" => parse(arguments).and_then(|args| read::run(&self.grounds, &args)),
            "glob" => parse(arguments).and_then(|args| glob::run(&self.grounds, &args)),
            "rg" => parse(arguments).and_then(|args| rg::run(&self.grounds, &args)),
            _ => Err(format!("there is no tool `{name}`; there are ls, read, glob and rg")),
        };
        result.map(|text| capped(&text)).map_err(|text| capped(&text))
    }
}

/// The arguments of a call; none at all are as good as an empty object.
fn parse<T: DeserializeOwned>(arguments: &str) -> Result<T, String> {
    let arguments = if arguments.trim().is_empty() { "{}" } else { arguments };
    let value: Value = serde_json::from_str(arguments).map_err(|error| {
        format!("the arguments are not valid JSON ({error}): {arguments}\nCall again with a JSON object")
    })?;
    serde_json::from_value(value).map_err(|error| format!("wrong arguments: {error}; they were {arguments}"))
}

/// A text, and a note where its end is missing.
fn capped(text: &str) -> String {
    let count = text.chars().count();
    if count <= MOST {
        return text.to_owned();
    }
    let begin: String = text.chars().take(MOST).collect();
    // whole lines, if there are any
    let begin = begin.rsplit_once('\n').map_or(begin.as_str(), |(lines, _)| lines);
    format!("{begin}\n[cut here: {count} characters are too many; ask for less]")
}

#[cfg(test)]
mod tests;
