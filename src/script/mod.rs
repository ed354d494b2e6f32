//! The language pods are spoken to in: bash, from templates.
//!
//! In: a [`Template`] and the values it asks for. Out: a [`Script`], whole or not at all: its body is a function
//! that is called in the last line, so that a script cut in half does nothing.
//!
//! A value enters a template only as a `name={{ value }}` line, as `name={{ value | path }}` for a path that may begin
//! with `~`, or as `name=({{ value | words }})` for a list; whatever is in it arrives in the variable unchanged. Secrets never enter a script: they are its input.

mod exit_code;
pub(crate) mod quote;
mod templates;

pub use exit_code::ExitCode;
pub use templates::Template;

use minijinja::{Environment, UndefinedBehavior, syntax::SyntaxConfig, value::Serde};
use serde::Serialize;
use thiserror::Error;

/// What every script has at hand: `say`, `die`, `expand`.
const PRELUDE: &str = include_str!("../../templates/lib/prelude.sh");

/// The last lines of every script.
const CALL: &str = "{ main \"$@\"\n}\n";

/// A bash script, ready to be run on a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The template's file name: `start_server.sh`. Bash shows it in its own errors.
    pub name: &'static str,
    /// The script itself.
    pub text: String,
    /// The part of it that is this script's own, for people to read: without the functions that many share.
    pub own: String,
    /// Who sees to it that it ends when pi does.
    pub keeper: Keeper,
}

/// Who sees to it that a script ends when pi does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeper {
    /// A process beside it.
    Runner,
    /// A process beside it, which gives up after those of all other scripts.
    LastRunner,
    /// The script itself: it never waits for longer than a second without looking whether pi still listens.
    Itself,
}

impl Script {
    /// The same, without a process that waits beside it.
    #[must_use]
    pub fn alone(self) -> Self {
        Self { keeper: Keeper::Itself, ..self }
    }

    /// The same, with more patience where pi gives no sign of life: what it holds outlasts what other scripts do.
    #[must_use]
    pub fn outlasting(self) -> Self {
        Self { keeper: Keeper::LastRunner, ..self }
    }
}

/// A template and its values do not fit together: a mistake in `pi`, never in what the user wrote.
#[derive(Debug, Error)]
#[error("the script `{template}` could not be written")]
pub struct RenderError {
    template: &'static str,
    #[source]
    cause: minijinja::Error,
}

/// Fills a template in; `values` is a struct whose fields are the names that the template uses.
pub fn render(template: Template, values: &impl Serialize) -> Result<Script, RenderError> {
    let name = template.name();
    let body = fill(name, template.text(), values).map_err(|cause| RenderError { template: name, cause })?;
    Ok(wrap(name, template.parts(), &body))
}

/// Makes a script of plain bash: strict mode, the prelude, and nothing runs unless all of it has arrived.
///
/// The functions of others stand before its own: inside, bash would copy each of them once more, 1 ms for a probe.
#[must_use]
pub fn wrap(name: &'static str, parts: &[&str], body: &str) -> Script {
    let own = body.trim_end().to_owned();
    let parts = parts.concat();
    let text = format!(
        "{PRELUDE}\n{parts}\nmain() {{\nset -euo pipefail\numask 077\nexport LC_ALL=C\n{own}\n}}\n{CALL}"
    );
    Script { name, text, own, keeper: Keeper::Runner }
}

/// The same script as a function `step` of this template, which calls it. People read the step alone.
pub fn around(template: Template, values: &impl Serialize, step: Script) -> Result<Script, RenderError> {
    let outer = render(template, values)?;
    // what stands outside as well is not sent twice
    let outside = std::iter::once(PRELUDE).chain(template.parts().iter().copied());
    let inner = step.text.strip_suffix(CALL).unwrap_or(&step.text).to_owned();
    let inner = outside.fold(inner, |text, part| text.replacen(part, "", 1));
    let step_function = format!("step() {{\n{inner}main \"$@\"\n}}\n");
    let parts: Vec<&str> = template.parts().iter().copied().chain([&*step_function]).collect();
    let text = wrap(step.name, &parts, &outer.own).text;
    Ok(Script { text, ..step })
}

fn fill(name: &str, text: &str, values: &impl Serialize) -> Result<String, minijinja::Error> {
    // Empty: no filter but our own, above all no `safe`.
    let mut environment = Environment::empty();
    // `${#array[@]}` is bash: comments of templates have another sign.
    let syntax = SyntaxConfig::builder()
        .comment_delimiters("{##", "##}")
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build()?;
    environment.set_syntax(syntax);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_formatter(quote::format);
    environment.add_filter("words", quote::words);
    environment.add_filter("path", quote::path);
    environment.render_named_str(name, text, Serde(values))
}

#[cfg(test)]
mod scan;
#[cfg(test)]
mod tests;
