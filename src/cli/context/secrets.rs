//! Reading secrets on this machine: from the environment, a file, or a command.

use crate::bounded::{self, Over, SECRET, SECRET_COMMAND};
use crate::manifest::Manifest;
use crate::secret::{Secret, SecretSource, Secrets};
use miette::{IntoDiagnostic, Result, WrapErr, miette};
use std::path::Path;
use std::process::Command;

/// Every secret that can be had here. An unset variable is no error: whether one is needed is the plan's to say.
pub(in crate::cli) fn read(manifest: &Manifest) -> Result<Secrets> {
    let directory = manifest.path.parent().unwrap_or(Path::new("."));
    let mut secrets = Secrets::new();
    for (name, source) in &manifest.secrets {
        let value = one(source, directory).wrap_err_with(|| format!("cannot read the secret `{name}`"))?;
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            if value.contains(['\n', '\r', '\0']) {
                return Err(miette!("the secret `{name}` has more than one line"));
            }
            secrets.insert(name.clone(), Secret::new(value));
        }
    }
    Ok(secrets)
}

fn one(source: &SecretSource, directory: &Path) -> Result<Option<String>> {
    match source {
        SecretSource::Env(variable) => match std::env::var(variable.as_str()) {
            Ok(value) if value.len() as u64 > SECRET.bytes => {
                Err(Over::Bytes(SECRET)).into_diagnostic().wrap_err_with(|| format!("cannot take {variable}"))
            }
            Ok(value) => Ok(Some(value)),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err(miette!("{variable} is not text")),
        },
        SecretSource::File(path) => {
            let path = directory.join(path);
            let text = bounded::text(&path, SECRET).into_diagnostic();
            text.map(|text| Some(one_line(text))).wrap_err_with(|| format!("cannot read {}", path.display()))
        }
        SecretSource::Command(words) => command(words, directory).map(Some),
    }
}

fn command(words: &[String], directory: &Path) -> Result<String> {
    let [program, args @ ..] = words else { return Err(miette!("its command is empty")) };
    let mut command = Command::new(program);
    command.args(args).current_dir(directory);
    let output = bounded::output(command, SECRET_COMMAND)
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot run `{program}`"))?;
    if !output.status.success() {
        return Err(miette!("`{program}` failed: {}", output.status));
    }
    let text = String::from_utf8(output.stdout).map_err(|_| miette!("`{program}` does not print text"))?;
    Ok(one_line(text))
}

/// Without the one final newline that files and commands end with.
fn one_line(mut text: String) -> String {
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    text
}
