//! Actions and pods whose scripts may be shown to people: without what looks like a secret. They must not be run.

use crate::manifest::Pod;
use crate::plan::model::redact::{env, recipe, spec};
use crate::plan::model::step::{Action, Care, Otherwise, Recreate, Replaces, Start};

/// An action whose script may be shown; it must not be run.
pub(in crate::plan) fn action(action: &Action) -> Action {
    match action {
        Action::InstallEngine(engine) => Action::InstallEngine(recipe(engine)),
        Action::StartServer(start) => Action::StartServer(Box::new(Start {
            spec: spec(&start.spec),
            run: start.run,
            replaces: replaces(&start.replaces),
            launch: start.launch.clone(),
        })),
        Action::AwaitReady { spec: of, run, stall, otherwise } => Action::AwaitReady {
            spec: Box::new(spec(of)),
            run: *run,
            stall: *stall,
            otherwise: match otherwise {
                Otherwise::StartPrevious(previous) => Otherwise::StartPrevious(Box::new(spec(previous))),
                Otherwise::Nothing | Otherwise::StopRun => otherwise.clone(),
            },
        },
        Action::MountStorage(_)
        | Action::InstallPackages(_)
        | Action::WriteSecrets(_)
        | Action::FetchWeights(_)
        | Action::AdoptServer(_)
        | Action::StopServer(_)
        | Action::RemoveServer(_)
        | Action::Promote(..)
        | Action::StopRun(_)
        | Action::RemoveEngine(_)
        | Action::RemoveWeights(_)
        | Action::RemovePiFiles => action.clone(),
    }
}

fn replaces(replaces: &Replaces) -> Replaces {
    match replaces {
        Replaces::Stopped(Recreate { care: Care::StartPrevious(previous), changes, down, not_beside }) => {
            Replaces::Stopped(Recreate {
                care: Care::StartPrevious(Box::new(spec(previous))),
                changes: changes.clone(),
                down: *down,
                not_beside: not_beside.clone(),
            })
        }
        Replaces::Nothing | Replaces::Stopped(_) | Replaces::Beside(_) => replaces.clone(),
    }
}

/// A pod whose scripts may be shown.
pub(in crate::plan) fn pod(pod: &Pod) -> Pod {
    Pod { env: env(&pod.env), ..pod.clone() }
}
