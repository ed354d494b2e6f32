//! A model that answers: where, under which name, and what to type.

use crate::name::{ModelName, PodName};
use crate::spec::{KeyUse, ServerSpec};
use crate::ui::style::{FAINT, STRONG, Styled};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;

/// A server that answers.
#[derive(Debug, Clone)]
pub struct Serving<'a> {
    /// Where it runs.
    pub pod: &'a PodName,
    /// What runs.
    pub spec: &'a ServerSpec,
    /// `http://1.2.3.4:8001/v1`, as clients elsewhere reach it.
    pub url: String,
    /// What clients call its model.
    pub model: String,
    /// Whether this machine gets to it only through the pod's SSH connection.
    pub tunnel: bool,
}

/// What people read when a model answers.
#[must_use]
pub fn serving_text(serving: &Serving<'_>) -> String {
    let Serving { pod, spec, url, model, tunnel } = serving;
    let name = &spec.name;
    let mut text = format!("\n{} serves {} on {pod}.\n\n", Styled(STRONG, name), spec.model);
    let _ = writeln!(text, "  url     {url}");
    let _ = writeln!(text, "  model   {model}");
    if *tunnel {
        let _ = writeln!(text, "          only ssh gets there: `pi env {name}` opens a tunnel");
    }
    let faint = |text| Styled(FAINT, text);
    let _ =
        writeln!(text, "\n  eval \"$(pi env {name})\"   {}", faint("# OPENAI_BASE_URL, _API_KEY, _MODEL"));
    let _ = write!(text, "\n  curl \"$OPENAI_BASE_URL/chat/completions\" \\\n");
    if spec.key == KeyUse::Required {
        let _ = writeln!(text, "    -H \"Authorization: Bearer $OPENAI_API_KEY\" \\");
    }
    let _ = writeln!(text, "    -H \"Content-Type: application/json\" \\");
    let question = r#""messages": [{"role": "user", "content": "Hello"}]"#;
    let _ = writeln!(text, "    -d '{{\"model\": \"{model}\", {question}}}'");
    let _ = writeln!(text, "\n  from openai import OpenAI   {}", faint("# reads the same variables"));
    let _ = writeln!(text, "  answer = OpenAI().chat.completions.create(model=\"{model}\",");
    let _ = writeln!(text, "      messages=[{{\"role\": \"user\", \"content\": \"Hello\"}}])");
    let _ = writeln!(text, "  print(answer.choices[0].message.content)");
    text
}

/// The same for machines, one line.
#[must_use]
pub fn serving_json(serving: &Serving<'_>) -> Value {
    let Serving { pod, spec, url, model, tunnel } = serving;
    json!({
        "event": "serving", "name": spec.name, "pod": pod, "url": url, "model": model,
        "key": spec.key == KeyUse::Required, "tunnel": tunnel,
    })
}

/// `pi stop`: the models that do not run any more, for machines, one line.
#[must_use]
pub fn stopped_json(models: &BTreeSet<ModelName>) -> Value {
    json!({ "event": "stopped", "models": models })
}
