//! From the file's shape to the manifest: inheritance, defaults, and what has to fit together.
//!
//! In: the tables as they were read, with positions. Out: the manifest, where no problem was found.

mod engine;
mod gpus;
mod declared;
mod model;
mod place;
mod pod;
mod ports;

use super::raw::File;
use super::table::Field;
use super::types::{Identity, Lines, Manifest};
use super::value::{Named, Value};
use crate::name::{EnvName, Project, SecretName};
use crate::problem::Problem;
use crate::secret::SecretSource;
use declared::Declared;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::Spanned;

/// The manifest; `None` if something is wrong, and then `problems` has grown.
pub(super) fn check(file: &File, text: &str, dir: &Path, problems: &mut Vec<Problem>) -> Option<Manifest> {
    let before = problems.len();
    let defaults = file.defaults.value().cloned().unwrap_or_default();
    let builds = engine::builds(&named(&file.engines), problems);
    engine::pinned(&named(&file.models), problems);
    let pods = inherit(named(&file.pods), defaults.pod.value());
    let models = inherit(named(&file.models), defaults.model.value());
    let lines = Lines { pods: lines(&pods, text), models: lines(&models, text) };
    let pods_built = pod::all(&pods, problems);
    let declared =
        Declared { pods: &pods, pods_readable: !matches!(file.pods, Field::Wrong), builds: &builds };
    let models_built = model::all(&models, &declared, problems);
    ports::conflicts(&models, &models_built, problems);
    gpus::beyond(&models, &models_built, &declared, problems);
    let manifest = Manifest {
        path: PathBuf::new(),
        project: file.project.value().cloned().or_else(|| project(dir))?,
        identity: file.project_id.value().cloned().map_or(Identity::None, Identity::Given),
        secrets: secrets(file)?,
        pods: pods_built,
        models: models_built,
        lines,
    };
    (problems.len() == before).then_some(manifest)
}

/// The tables of one kind; none if the kind itself cannot be read.
fn named<N: Clone, T: Clone>(field: &Field<Named<N, T>>) -> Named<N, T> {
    field.value().cloned().unwrap_or_default()
}

/// Gives every table what `base` has and it has not.
fn inherit<N: Ord, T: Value>(named: Named<N, T>, base: Option<&T>) -> Named<N, T> {
    let Some(base) = base else { return named };
    let Named { entries, refused } = named;
    let over =
        |(name, table): (N, Spanned<T>)| (name, Spanned::new(table.span(), table.into_inner().over(base)));
    Named { entries: entries.into_iter().map(over).collect(), refused }
}

/// The line of each table's name, counted from 1.
fn lines<N: Ord + Clone, T>(named: &Named<N, T>, text: &str) -> BTreeMap<N, usize> {
    let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
    let line = |at: usize| ends.partition_point(|end| *end < at) + 1;
    named.entries.iter().map(|(name, table)| (name.clone(), line(table.span().start))).collect()
}

/// The secrets of the file, on top of the two that every manifest has.
fn secrets(file: &File) -> Option<BTreeMap<SecretName, SecretSource>> {
    let mut secrets = BTreeMap::new();
    for (name, variable) in [("api_key", "PI_API_KEY"), ("hf_token", "HF_TOKEN")] {
        let source = SecretSource::Env(EnvName::parse(variable).ok()?);
        secrets.insert(SecretName::parse(name).ok()?, source);
    }
    let own = named(&file.secrets).entries;
    secrets.extend(own.into_iter().map(|(name, source)| (name, source.into_inner())));
    Some(secrets)
}

/// The directory's name, as far as it makes a project's; else `pi`.
fn project(dir: &Path) -> Option<Project> {
    let name = dir.file_name().unwrap_or_default().to_string_lossy();
    let ok = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
    let name: String = name.chars().map(ok).collect();
    let name = name.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    Project::parse(&name[..name.len().min(63)]).or_else(|_| Project::parse("pi")).ok()
}
