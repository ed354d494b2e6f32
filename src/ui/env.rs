//! `pi env`: assignments for a shell. The one place where a secret is shown, to whom asks for it.

use crate::script::quote::quoted;
use crate::secret::Secret;
use crate::ui::visible::json_page;
use serde_json::json;

/// What clients of a server need.
#[derive(Debug)]
pub struct ClientEnv<'a> {
    /// `http://1.2.3.4:8001/v1`
    pub base_url: &'a str,
    /// The key, if the server wants one.
    pub key: Option<&'a Secret>,
    /// What the server calls its model.
    pub model: &'a str,
}

/// Whose syntax assignments have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Shell {
    /// bash, zsh and all their kin
    #[value(alias = "bash", alias = "zsh")]
    Sh,
    /// fish
    Fish,
}

/// For servers without a key: clients refuse to start without one, and would else send the one they find.
const NO_KEY: &str = "none";

/// One assignment a line.
#[must_use]
pub fn env_text(env: &ClientEnv<'_>, shell: Shell) -> String {
    let line = |(name, value): (&str, &str)| match shell {
        Shell::Sh => format!("export {name}={}\n", quoted(value).unwrap_or_default()),
        Shell::Fish => format!("set -gx {name} '{}'\n", value.replace('\\', "\\\\").replace('\'', "\\'")),
    };
    values(env).into_iter().map(line).collect()
}

/// The same for machines.
#[must_use]
pub fn env_json(env: &ClientEnv<'_>) -> String {
    let values = values(env).into_iter().map(|(name, value)| (name.to_owned(), json!(value)));
    json_page(&serde_json::Value::Object(values.collect()))
}

fn values<'a>(env: &ClientEnv<'a>) -> [(&'static str, &'a str); 3] {
    let ClientEnv { base_url, key, model } = env;
    let key = match key {
        Some(key) => key.expose(),
        None => NO_KEY,
    };
    [("OPENAI_BASE_URL", base_url), ("OPENAI_API_KEY", key), ("OPENAI_MODEL", model)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_arrive_whatever_is_in_them() {
        let key = Secret::new("a'b\\c $(d) `e`".to_owned());
        let env = ClientEnv { base_url: "http://h:1/v1", key: Some(&key), model: "qwen" };
        let text = env_text(&env, Shell::Sh);
        let script =
            format!("{text}printf '%s|%s|%s' \"$OPENAI_BASE_URL\" \"$OPENAI_API_KEY\" \"$OPENAI_MODEL\"");
        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "http://h:1/v1|a'b\\c $(d) `e`|qwen");
        assert!(env_text(&env, Shell::Fish).contains("set -gx OPENAI_API_KEY 'a\\'b\\\\c $(d) `e`'\n"));
        let json: serde_json::Value = serde_json::from_str(&env_json(&env)).unwrap();
        assert_eq!(json["OPENAI_API_KEY"], "a'b\\c $(d) `e`");
    }

    #[test]
    fn a_server_without_a_key_gets_none_of_the_users() {
        let env = ClientEnv { base_url: "http://h:1/v1", key: None, model: "qwen" };
        assert!(env_text(&env, Shell::Sh).contains("export OPENAI_API_KEY='none'\n"));
    }
}
