//! What a plan is made of. Everything is decided here: `apply` renders and obeys.

use crate::fit::Fit;
use crate::manifest::Mount;
use crate::model_ref::ModelRef;
use crate::name::{AbsPath, EngineId, ModelName, PodName, SecretName};
use crate::plan::model::change::Change;
use crate::plan::model::fetch::Fetch;
use crate::plan::model::finding::Finding;
use crate::plan::model::launch::Launch;
use crate::plan::model::reason::Reason;
use crate::plan::model::view::PodView;
use crate::spec::{EngineRecipe, RunId, ServerSpec};
use crate::units::Seconds;
use serde::Serialize;
use std::collections::BTreeMap;

/// What to do about the difference between what is wanted and what is there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// In an order in which they may be done one after the other.
    pub steps: Vec<Step>,
    /// What is worth saying: what does not fit, what could not be looked at.
    pub findings: Vec<Finding>,
    /// The pods that were looked at.
    pub pods: BTreeMap<PodName, PodView>,
    /// Servers that are as they should be.
    pub standing: usize,
    /// How vLLM servers that start will fit into their GPUs' memory, as far as that can be told.
    pub fits: BTreeMap<(PodName, ModelName), Fit>,
    /// How long downloads and installations will take, by what was measured on these pods before.
    pub times: BTreeMap<StepId, Seconds>,
}

/// One thing to do on one pod.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// From 1, in the plan's order.
    pub id: StepId,
    /// Where.
    pub pod: PodName,
    /// What.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// Steps that have to succeed first.
    pub after: Vec<StepId>,
}

/// A step's number in its plan.
pub type StepId = usize;

impl Step {
    /// Whether it adds, changes or removes, taken by itself.
    #[must_use]
    pub fn sign(&self) -> Sign {
        match &self.action {
            Action::MountStorage(_)
            | Action::InstallPackages(_)
            | Action::InstallEngine(_)
            | Action::FetchWeights(_) => Sign::Add,
            Action::StartServer(start) if start.replaces == Replaces::Nothing => Sign::Add,
            Action::WriteSecrets(_) if self.reason.is_missing() => Sign::Add,
            Action::WriteSecrets(_)
            | Action::StartServer(_)
            | Action::Promote(..)
            | Action::AdoptServer(_)
            | Action::AwaitReady { .. } => Sign::Change,
            Action::StopServer(_)
            | Action::RemoveServer(_)
            | Action::StopRun(_)
            | Action::RemoveEngine(_)
            | Action::RemoveWeights(_)
            | Action::RemovePiFiles => Sign::Remove,
        }
    }
}

/// Storage to mount, and what is expected on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Storage {
    /// What, where and how.
    pub mount: Mount,
    /// Model paths that have to be on it.
    pub holds: Vec<AbsPath>,
}

/// Packages of the pod's distribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Packages {
    /// The program that installs them.
    pub manager: &'static str,
    /// Their names, as it knows them.
    pub names: Vec<&'static str>,
    /// The programs that are missing and that they bring.
    pub programs: Vec<&'static str>,
}

/// What a step does. Each is one template in `templates/`, named after it.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Mount storage and prove that it can be written.
    MountStorage(Storage),
    /// Install packages of the pod's distribution.
    InstallPackages(Packages),
    /// Build an engine's environment, and prove that it starts.
    InstallEngine(EngineRecipe),
    /// Bring secrets into the pod's 0600 file.
    WriteSecrets(Vec<SecretName>),
    /// Download a repository, or some files of it, into the HF cache.
    FetchWeights(Box<Fetch>),
    /// Start a run of a server.
    StartServer(Box<Start>),
    /// Wait until a run has answered with a token.
    AwaitReady {
        /// What runs.
        spec: Box<ServerSpec>,
        /// Which run of it.
        run: RunId,
        /// Give up after so long without progress.
        stall: Seconds,
        /// What is done if it does not come up.
        otherwise: Otherwise,
    },
    /// Have the run that was started beside the current one be the server, and stop that one.
    Promote(ModelName, RunId),
    /// Stop the runs of a server that are not the server: what was started beside it.
    StopRun(ModelName),
    /// Note that a server is this project's; it goes on untouched.
    AdoptServer(ModelName),
    /// Stop a server and keep its record.
    StopServer(ModelName),
    /// Stop a server, if it runs, and forget it.
    RemoveServer(ModelName),
    /// Remove an engine's environment.
    RemoveEngine(EngineId),
    /// Remove a repository from the HF cache.
    RemoveWeights(ModelRef),
    /// Remove what else pi put on the pod: secrets, tools, what it downloaded to build engines. The journal stays.
    RemovePiFiles,
}

/// A run of a server that is to be started.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// What runs.
    pub spec: ServerSpec,
    /// Which run of it.
    pub run: RunId,
    /// What becomes of the one that runs now.
    pub replaces: Replaces,
    /// How it is launched, for people; none for engines that have nothing to say of it.
    pub launch: Option<Launch>,
}

/// What becomes of the run that is the server when another one is started.
#[derive(Debug, Clone, PartialEq)]
pub enum Replaces {
    /// Nothing runs; what is left of it is cleared away.
    Nothing,
    /// It is stopped first.
    Stopped(Recreate),
    /// It goes on serving until the new one is promoted. These fields change.
    Beside(Vec<Change>),
}

/// A server that is stopped to be started as it should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Recreate {
    /// What differs; empty where something else than the spec is the reason.
    pub changes: Vec<Change>,
    /// What is done about a failure, or before it is stopped.
    pub care: Care,
    /// How long it will not answer, going by its last start.
    pub down: Option<Seconds>,
    /// Why the new one is not started beside it, where that is worth saying.
    pub not_beside: Option<String>,
}

/// What is done so that a server is not lost for nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum Care {
    /// Nothing.
    Nothing,
    /// If the new one does not begin, it is started again.
    StartPrevious(Box<ServerSpec>),
    /// It is asked once more: if it answers after all, it is left alone.
    AskAgain,
}

/// What is done if a server does not come up.
#[derive(Debug, Clone, PartialEq)]
pub enum Otherwise {
    /// Nothing.
    Nothing,
    /// The one that was stopped for it is started again, as a run of its own.
    StartPrevious(Box<ServerSpec>),
    /// It was started beside one that runs, and is stopped again.
    StopRun,
}

/// Whether an action adds, changes or removes; the sign in front of its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// `+`
    Add,
    /// `~`
    Change,
    /// `-`
    Remove,
}

impl Action {
    /// The name in JSON and in journals.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::MountStorage(_) => "mount_storage",
            Self::InstallPackages(_) => "install_packages",
            Self::InstallEngine(_) => "install_engine",
            Self::WriteSecrets(_) => "write_secrets",
            Self::FetchWeights(_) => "fetch_weights",
            Self::StartServer(start) => match start.replaces {
                Replaces::Nothing => "start_server",
                Replaces::Stopped(_) => "restart_server",
                Replaces::Beside(_) => "start_beside",
            },
            Self::AwaitReady { .. } => "await_ready",
            Self::Promote(..) => "take_over",
            Self::StopRun(_) => "remove_beside",
            Self::AdoptServer(_) => "adopt_server",
            Self::StopServer(_) => "stop_server",
            Self::RemoveServer(_) => "remove_server",
            Self::RemoveEngine(_) => "remove_engine",
            Self::RemoveWeights(_) => "remove_weights",
            Self::RemovePiFiles => "remove_rest",
        }
    }

    /// What it acts on, in one word or path.
    #[must_use]
    pub fn target(&self) -> String {
        match self {
            Self::MountStorage(storage) => storage.mount.target.to_string(),
            Self::InstallPackages(packages) => packages.names.join(", "),
            Self::InstallEngine(recipe) => recipe.id.to_string(),
            Self::WriteSecrets(names) => names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            Self::FetchWeights(fetch) => fetch.target(),
            Self::RemoveWeights(model) => model.to_string(),
            Self::StartServer(start) => start.spec.name.to_string(),
            Self::AwaitReady { spec, .. } => spec.name.to_string(),
            Self::AdoptServer(name)
            | Self::StopServer(name)
            | Self::RemoveServer(name)
            | Self::Promote(name, _)
            | Self::StopRun(name) => name.to_string(),
            Self::RemoveEngine(id) => id.to_string(),
            Self::RemovePiFiles => "secrets, tools, caches".to_owned(),
        }
    }

    /// The model whose server it acts on, if it does.
    #[must_use]
    pub fn server(&self) -> Option<&ModelName> {
        match self {
            Self::StartServer(start) => Some(&start.spec.name),
            Self::AwaitReady { spec, .. } => Some(&spec.name),
            Self::AdoptServer(name)
            | Self::StopServer(name)
            | Self::RemoveServer(name)
            | Self::Promote(name, _)
            | Self::StopRun(name) => Some(name),
            Self::MountStorage(_)
            | Self::InstallPackages(_)
            | Self::InstallEngine(_)
            | Self::WriteSecrets(_)
            | Self::FetchWeights(_)
            | Self::RemoveEngine(_)
            | Self::RemoveWeights(_)
            | Self::RemovePiFiles => None,
        }
    }

    /// The server that it starts, or starts anew, if it does.
    #[must_use]
    pub fn starts(&self) -> Option<&ServerSpec> {
        self.start().map(|start| &start.spec)
    }

    /// The run that it starts, if it does.
    #[must_use]
    pub fn start(&self) -> Option<&Start> {
        if let Self::StartServer(start) = self { Some(start) } else { None }
    }

    /// What makes a server that runs another one, if it does.
    #[must_use]
    pub fn replaces(&self) -> Option<&ServerSpec> {
        self.start().filter(|start| start.replaces != Replaces::Nothing).map(|start| &start.spec)
    }
}

impl Replaces {
    /// What differs between the two.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        match self {
            Self::Nothing => &[],
            Self::Stopped(recreate) => &recreate.changes,
            Self::Beside(changes) => changes,
        }
    }
}
