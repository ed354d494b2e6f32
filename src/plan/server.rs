//! One server: what it takes to get from how it is to how it should be.

use crate::manifest::{Model, Protect, State};
use crate::name::ModelName;
use crate::observe::{Life, ServerSeen};
use crate::plan::change::{Change, How, changes};
use crate::plan::finding::{Finding, Severity};
use crate::plan::inputs::Protected;
use crate::plan::order::Unnumbered;
use crate::plan::secrets::outdated;
use crate::plan::step::Action;
use crate::plan::wanted::Wanted;
use crate::plan::{Draft, Inputs, Site};

/// Drafts what makes a server that shall run run as it should.
pub(super) fn run(inputs: &Inputs<'_>, site: &Site<'_>, wanted: Wanted, draft: &mut Draft) {
    let name = wanted.spec.name.clone();
    let seen = site.facts.servers.get(&name);
    draft.findings.extend(seen.and_then(|seen| taken_over(site, &name, seen)));
    match verdict(seen, &wanted) {
        Verdict::Standing => draft.standing += 1,
        Verdict::Wait(reason) => draft.steps.push(wait(wanted, reason)),
        Verdict::Start(reason) => {
            let action = Action::StartServer(Box::new(wanted.spec.clone()));
            draft.steps.push(Unnumbered { action, reason });
            draft.steps.push(wait(wanted, "it has to answer before it counts".to_owned()));
        }
        Verdict::Restart(reason, changes) => {
            if wanted.protect == Protect::Yes && inputs.protected == Protected::Keep {
                draft.findings.push(protected(site, &name, &format!("be restarted: {reason}")));
                return;
            }
            let action = Action::RestartServer { to: Box::new(wanted.spec.clone()), changes };
            draft.steps.push(Unnumbered { action, reason });
            draft.steps.push(wait(wanted, "it has to answer before it counts".to_owned()));
        }
    }
}

/// Drafts what makes a server that shall be stopped stop.
pub(super) fn rest(
    inputs: &Inputs<'_>,
    site: &Site<'_>,
    (name, model): (&ModelName, &Model),
    draft: &mut Draft,
) {
    debug_assert_eq!(model.state, State::Stopped);
    let Some(seen) = site.facts.servers.get(name) else { return };
    let reason = match &seen.life {
        Life::Stopped => return,
        Life::Running { .. } => "pi.toml wants it stopped".to_owned(),
        Life::Dead { left } if left.is_empty() => return,
        Life::Dead { left } => format!("it died, {} left over", processes(left.len())),
    };
    if model.protect == Protect::Yes && inputs.protected == Protected::Keep {
        draft.findings.push(protected(site, name, "be stopped"));
        return;
    }
    draft.steps.push(Unnumbered { action: Action::StopServer(name.clone()), reason });
}

enum Verdict {
    Standing,
    Wait(String),
    Start(String),
    Restart(String, Vec<Change>),
}

fn verdict(seen: Option<&ServerSeen>, wanted: &Wanted) -> Verdict {
    let Some(ServerSeen { spec, life, answered, secrets }) = seen else {
        return Verdict::Start("it is not there yet".to_owned());
    };
    let health = match life {
        Life::Stopped => return Verdict::Start("it is stopped".to_owned()),
        Life::Dead { left } if left.is_empty() => return Verdict::Start("its process is gone".to_owned()),
        Life::Dead { left } => {
            return Verdict::Start(format!("its process is gone, {} left over", processes(left.len())));
        }
        Life::Running { health, .. } => *health,
    };
    let changes = match spec {
        Err(why) => return Verdict::Restart(format!("its record can't be read: {why}"), Vec::new()),
        Ok(spec) => changes(spec, &wanted.spec),
    };
    if !changes.is_empty() {
        return Verdict::Restart(in_words(&changes), changes);
    }
    if let Some(reason) = outdated(secrets, &wanted.spec) {
        return Verdict::Restart(reason, Vec::new());
    }
    match (answered, health) {
        (true, Some(200)) => Verdict::Standing,
        (false, _) => Verdict::Wait("it is starting and has not answered yet".to_owned()),
        (true, Some(code)) => Verdict::Wait(format!("its /health says {code}")),
        (true, None) => Verdict::Wait("nothing answers on its port".to_owned()),
    }
}

fn wait(wanted: Wanted, reason: String) -> Unnumbered {
    Unnumbered { action: Action::AwaitReady { spec: Box::new(wanted.spec), stall: wanted.stall }, reason }
}

/// ``its context changes from 32k to 64k``, ``its context and args change``
fn in_words(changes: &[Change]) -> String {
    match changes {
        [Change { field, how: How::Value { from, to } }] => {
            format!("its {field} changes from {from} to {to}")
        }
        [Change { field, .. }] => format!("its {field} changes"),
        [rest @ .., last] => {
            let rest: Vec<_> = rest.iter().map(|change| change.field).collect();
            format!("its {} and {} change", rest.join(", "), last.field)
        }
        [] => "nothing changes".to_owned(),
    }
}

/// `1 process`, `2 processes`
pub(super) fn processes(count: usize) -> String {
    if count == 1 { "1 process is".to_owned() } else { format!("{count} processes are") }
}

fn protected(site: &Site<'_>, name: &ModelName, would: &str) -> Finding {
    Finding::on(Severity::Error, "protected", site.name, format!("it is protected and would {would}"))
        .of(name)
        .help("run again with --allow-protected, or take `protect` out of pi.toml")
}

fn taken_over(site: &Site<'_>, name: &ModelName, seen: &ServerSeen) -> Option<Finding> {
    let spec = seen.spec.as_ref().ok().filter(|spec| spec.project != *site.project)?;
    let message = format!("its server was started by the project `{}`", spec.project);
    let help = format!(
        "if that is this team's, write `project = \"{}\"` in pi.toml; else choose another name",
        spec.project
    );
    let severity = if matches!(seen.life, Life::Running { .. }) { Severity::Warning } else { Severity::Note };
    Some(Finding::on(severity, "other-project", site.name, message).of(name).help(help))
}
