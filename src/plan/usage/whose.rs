//! Whose servers are. Those of others, and of nobody known, are left alone unless `--take-over` names them.

use crate::manifest::Identity;
use crate::name::{ModelName, PodName};
use crate::observe::{Life, OwnerSeen, PodFacts, ProbeResult, ServerSeen, Whose};
use crate::plan::model::code::Code;
use crate::plan::model::finding::{Finding, Severity};
use crate::plan::model::inputs::Inputs;
use crate::plan::model::pod_context::{PodContext, is_live};
use crate::plan::model::pod_plan::PodPlan;
use crate::plan::model::pod_plan::Unnumbered;
use crate::plan::model::step::{Action, Care, Recreate, Replaces};
use crate::spec::{EngineRecipe, Owner};
use jiff::Timestamp;

/// How many servers of others a plan names; the rest is counted.
const NAMED: usize = 3;

/// The name is taken on this pod by a server of somebody else.
pub(in crate::plan) fn taken(site: &PodContext<'_>, name: &ModelName) -> Result<(), Finding> {
    let Some(seen) = site.facts.servers.get(name).filter(|seen| !site.is_own(name, seen)) else {
        return Ok(());
    };
    let Whose::Other { project, owner } = seen.whose(site.project) else { return Ok(()) };
    let (told, since) = (owner_in_words(site, seen), since(site, seen));
    let message = format!("the name is taken on this pod by a server of {told}{since}");
    let others = format!("choose another name; or, if it is yours to change: --take-over {name}");
    let help = match (project, owner) {
        (Some(project), Some(owner)) if project == site.project => {
            format!(
                "if it is this project, its id is in no pi.toml of yours: write `project_id = \"{}\"`; else {others}",
                owner.id
            )
        }
        (Some(project), None) if project != site.project => {
            format!("if it is this project's, write `project = \"{project}\"` in pi.toml; else {others}")
        }
        (Some(_) | None, _) => others,
    };
    Err(Finding::on(Severity::Error, Code::NotOurs, site.name, message).of(name).help(help))
}

/// Servers that this plan makes the project's, whoever has them now.
pub(in crate::plan) fn taken_over(site: &PodContext<'_>, name: &ModelName) -> Option<Finding> {
    let seen = site.facts.servers.get(name).filter(|seen| is_others(site, seen))?;
    let message = format!("it is taken over from {}{}", owner_in_words(site, seen), since(site, seen));
    Some(
        Finding::on(Severity::Warning, Code::TakenOver, site.name, message)
            .of(name)
            .help("that project's next plan says so, too"),
    )
}

fn is_others(site: &PodContext<'_>, seen: &ServerSeen) -> bool {
    matches!(seen.whose(site.project), Whose::Other { .. })
}

/// Records that have to say that a server is this project's, where no other step writes or removes them.
pub(in crate::plan) fn adopt(inputs: &Inputs<'_>, site: &PodContext<'_>, draft: &PodPlan) -> Vec<Unnumbered> {
    let mut steps = Vec::new();
    if inputs.manifest.identity.id().is_none() {
        return steps;
    }
    for (name, seen) in site.own_servers().filter(|(name, _)| inputs.scope.has_server(site.name, name)) {
        let reason = match seen.whose(site.project) {
            Whose::Unnamed => format!("it was started by an older pi for project \"{}\"", site.project),
            Whose::Other { .. } => format!("it was of {}", owner_in_words(site, seen)),
            Whose::Ours if seen.both().any(|seen| seen.owner == OwnerSeen::Unnamed) => {
                "the one beside it was started by an older pi".to_owned()
            }
            Whose::Ours if seen.renamed().is_some() && site.take_over.contains(name) => {
                format!("it was of {}", owner_in_words(site, seen))
            }
            Whose::Ours | Whose::Nobodys => continue,
        };
        let rewrites = |step: &Unnumbered| step.action.server() == Some(name) && rewrites(&step.action);
        let leaves = draft.relocations.iter().any(|mover| mover.is(name));
        if !leaves && !draft.steps.iter().any(rewrites) {
            steps.push(Unnumbered::new(Action::AdoptServer(name.clone()), reason));
        }
    }
    steps
}

/// Whether it is noted afterwards whose the server is, or the server is gone. What is asked first may be left alone.
fn rewrites(action: &Action) -> bool {
    match action.start().map(|start| &start.replaces) {
        Some(Replaces::Nothing | Replaces::Beside(_)) => true,
        Some(Replaces::Stopped(Recreate { care, .. })) => *care != Care::AskAgain,
        None => matches!(action, Action::RemoveServer(_)),
    }
}

/// Servers that this project's id made under another name, as far as the plan would change or remove them. A copied
/// directory has the id of the other one, and so has a clone under another name: nobody can tell these apart here.
pub(in crate::plan) fn renamed(
    inputs: &Inputs<'_>,
    site: &PodContext<'_>,
    draft: &PodPlan,
) -> Option<Finding> {
    let in_scope = site.facts.servers.iter().filter(|(name, _)| inputs.scope.has_server(site.name, name));
    let mut renamed: Vec<(&ModelName, &Owner, &str)> = Vec::new();
    for (name, seen) in in_scope {
        let Some(owner) = seen.renamed().filter(|_| !site.take_over.contains(name)) else { continue };
        if !site.is_own(name, seen) {
            renamed.push((name, owner, "is left alone"));
        } else if let Some(step) = draft.steps.iter().find(|step| step.action.server() == Some(name)) {
            let removed = matches!(step.action, Action::RemoveServer(_));
            renamed.push((name, owner, if removed { "is removed" } else { "is changed" }));
        }
    }
    let (_, Owner { project, who, .. }, _) = renamed.first()?;
    let mut list: Vec<String> =
        renamed.iter().take(NAMED).map(|(name, _, becomes)| format!("`{name}` {becomes}")).collect();
    if renamed.len() > NAMED {
        list.push(format!("{} more", renamed.len() - NAMED));
    }
    let message = format!(
        "{who} used this project_id under the name `{project}`, and this is `{}`: was the directory copied? {}",
        site.project,
        list.join(", ")
    );
    let help = format!(
        "if it was copied, remove the project_id line from this pi.toml: it gets one of its own; if it is the same project: project = \"{project}\"; for one server: --take-over NAME"
    );
    Some(Finding::on(Severity::Warning, Code::Renamed, site.name, message).help(help))
}

/// An engine that others run from, and that would have to be built anew from other packages: that would break theirs.
pub(in crate::plan) fn engine_in_use(site: &PodContext<'_>, recipe: &EngineRecipe) -> Option<Finding> {
    let digest = site.facts.engines.get(&recipe.id)?.digest.as_ref()?;
    let runs_from_it = |seen: &ServerSeen| {
        is_live(seen) && seen.spec.as_ref().is_ok_and(|spec| spec.engine.as_ref() == Some(&recipe.id))
    };
    let mut servers = site.facts.servers.iter().filter(|(name, seen)| !site.is_own(name, seen));
    let (name, seen) =
        servers.find(|(_, seen)| *digest != recipe.digest() && seen.both().any(runs_from_it))?;
    let id = &recipe.id;
    let message = format!(
        "{id} is there from other packages, and `{name}` of {} runs from it",
        owner_in_words(site, seen)
    );
    let help = "agree on one, or give it a build of its own in [engines]: that has a directory of its own";
    Some(Finding::on(Severity::Error, Code::EngineInUse, site.name, message).help(help))
}

/// Servers of others that hold places here.
pub(in crate::plan) fn neighbors(site: &PodContext<'_>) -> Option<Finding> {
    let others = site.facts.servers.iter().filter(|(name, seen)| !site.is_own(name, seen));
    let others = others.filter(|(_, seen)| seen.renamed().is_none());
    let others: Vec<_> =
        others.filter(|(name, _)| site.live(name).is_some() && site.model(name).is_none()).collect();
    if others.is_empty() {
        return None;
    }
    let told = |(name, seen): &(&ModelName, &ServerSeen)| {
        format!("`{name}` of {}{}", owner_in_words(site, seen), since(site, seen))
    };
    let mut list: Vec<String> = others.iter().take(NAMED).map(told).collect();
    if others.len() > NAMED {
        list.push(format!("{} more", others.len() - NAMED));
    }
    let message = format!("servers of others run here and are left alone: {}", list.join("; "));
    let help = "if one of them is this project's: `pi import` writes it into pi.toml, and --take-over NAME makes it so; without an entry that removes it";
    Some(Finding::on(Severity::Note, Code::Others, site.name, message).help(help))
}

/// ``the project `research`, by bob@laptop``
fn owner_in_words(site: &PodContext<'_>, seen: &ServerSeen) -> String {
    match seen.whose(site.project) {
        Whose::Other { .. } if seen.owner == OwnerSeen::Unreadable => {
            "nobody known (its record of whose it is can't be read)".to_owned()
        }
        Whose::Other { project: Some(project), owner } => {
            let by = owner.map(|owner| format!(" by {}", owner.who)).unwrap_or_default();
            let another =
                if project == site.project { "another project that is called" } else { "the project" };
            format!("{another} `{project}`{by}")
        }
        Whose::Other { project: None, .. } => match &seen.spec {
            Err(why) => format!("nobody known ({why})"),
            Ok(_) => "nobody known".to_owned(),
        },
        Whose::Unnamed => format!("a project `{}` from before projects had ids", site.project),
        Whose::Ours | Whose::Nobodys => {
            let project = seen.renamed().map_or(site.project, |owner| &owner.project);
            format!("the project `{project}`")
        }
    }
}

/// `, since 2026-11-22T13:00:00Z`: by its record, else by how long it runs.
fn since(site: &PodContext<'_>, seen: &ServerSeen) -> String {
    let noted = match &seen.owner {
        OwnerSeen::Other(Owner { since, .. }) | OwnerSeen::Renamed(Owner { since, .. }) => Some(*since),
        OwnerSeen::Unnamed | OwnerSeen::Ours | OwnerSeen::Unreadable => None,
    };
    let runs = match &seen.life {
        Life::Running { seconds, .. } => Some(site.facts.host.clock.saturating_sub(*seconds)),
        Life::Dead { .. } | Life::Stopped => None,
    };
    let since = noted.or(runs).and_then(|at| Timestamp::from_second(i64::try_from(at).ok()?).ok());
    since.map(|since| format!(", since {since}")).unwrap_or_default()
}

/// Where this manifest is about to get an id, pods on which a project of its name has another one already: a clone whose
/// id was never committed, perhaps. Nothing is planned then.
pub(in crate::plan) fn namesakes(inputs: &Inputs<'_>) -> Vec<Finding> {
    let Identity::Made(made) = &inputs.manifest.identity else { return Vec::new() };
    let project = &inputs.manifest.project;
    let seen = inputs.observed.pods.iter().filter_map(|(pod, sighting)| match sighting {
        ProbeResult::Seen(facts) => Some((pod, facts.as_ref())),
        ProbeResult::Unreachable(_) => None,
    });
    let named = |(pod, facts): (&PodName, &PodFacts)| {
        let owner = facts.servers.values().find_map(|seen| match &seen.owner {
            OwnerSeen::Other(owner) if owner.project == *project => Some(owner.clone()),
            OwnerSeen::Other(_)
            | OwnerSeen::Unnamed
            | OwnerSeen::Ours
            | OwnerSeen::Renamed(_)
            | OwnerSeen::Unreadable => None,
        })?;
        let Owner { id, who, .. } = owner;
        let message = format!(
            "pi.toml has no project_id, and {who} made servers here those of a project `{project}` that has one"
        );
        let help = format!(
            "if that is this project, write at the top of pi.toml: project_id = \"{id}\"; if it is another one: project_id = \"{made}\""
        );
        Some(Finding::on(Severity::Error, Code::NoProjectId, pod, message).help(help))
    };
    seen.filter_map(named).collect()
}
