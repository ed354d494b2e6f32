//! A model that answers: where, under which name, and what to type.

use crate::manifest::Pod;
use crate::name::PodName;
use crate::spec::{KeyUse, ServerSpec};
use crate::ssh_target::SshTarget;
use crate::ui::style::{FAINT, STRONG, Styled};
use serde_json::{Value, json};
use std::fmt::Write;

/// A server that answers.
#[derive(Debug, Clone, Copy)]
pub struct Serving<'a> {
    /// Where it runs.
    pub pod: &'a PodName,
    /// What the manifest says of that pod.
    pub declared: &'a Pod,
    /// What runs.
    pub spec: &'a ServerSpec,
}

impl Serving<'_> {
    /// `http://1.2.3.4:8001/v1`, as clients elsewhere reach it.
    fn url(&self) -> String {
        let Self { pod: _, declared, spec } = self;
        let host = match (&declared.host, &declared.ssh) {
            (Some(host), _) => host.clone(),
            (None, SshTarget::Ssh(line)) => line.host().to_owned(),
            (None, SshTarget::Local) => "127.0.0.1".to_owned(),
        };
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        let port = declared.ports.get(&spec.port).unwrap_or(&spec.port);
        format!("http://{host}:{port}/v1")
    }

    /// Whether nobody but the pod itself reaches it.
    fn is_hidden(&self) -> bool {
        self.spec.listen.is_loopback() && self.declared.ssh != SshTarget::Local
    }
}

/// What people read when a model answers.
#[must_use]
pub fn serving_text(serving: &Serving<'_>) -> String {
    let Serving { pod, declared: _, spec } = serving;
    let name = &spec.name;
    let mut text = format!("\n{} serves {} on {pod}.\n\n", Styled(STRONG, name), spec.model);
    let _ = writeln!(text, "  url     {}", serving.url());
    let _ = writeln!(text, "  model   {name}");
    if serving.is_hidden() {
        let _ = writeln!(text, "  It listens on the pod's loopback alone. From here: pi tunnel {name}");
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
    let _ = writeln!(text, "    -d '{{\"model\": \"{name}\", {question}}}'");
    let _ = writeln!(text, "\n  from openai import OpenAI   {}", faint("# reads the same variables"));
    let _ = writeln!(text, "  answer = OpenAI().chat.completions.create(model=\"{name}\",");
    let _ = writeln!(text, "      messages=[{{\"role\": \"user\", \"content\": \"Hello\"}}])");
    let _ = writeln!(text, "  print(answer.choices[0].message.content)");
    text
}

/// The same for machines, one line.
#[must_use]
pub fn serving_json(serving: &Serving<'_>) -> Value {
    let Serving { pod, declared: _, spec } = serving;
    json!({
        "event": "serving", "model": spec.name, "pod": pod, "weights": spec.model.to_string(),
        "url": serving.url(), "port": spec.port, "key": spec.key == KeyUse::Required,
        "tunnel": serving.is_hidden(),
    })
}
