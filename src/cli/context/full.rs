//! What verbs share: the manifest, the secrets, the door, what is there.

use crate::cli::context::flags::{Global, Taking};
use crate::cli::context::manifest_path::{config_dir, load_manifest};
use crate::cli::context::{flags, identity, scope, secrets};
use crate::cli::terminal::exit::usage;
use crate::hub::{Here, HubFacts, Need, ask};
use crate::manifest::{Identity, Manifest};
use crate::memory::{Memory, Store};
use crate::model_ref::ModelRef;
use crate::name::{ModelName, PodName, SecretName};
use crate::observe::{Observed, observe};
use crate::plan::{Inputs, Protected, Scope, nowhere, questions};
use crate::remote::{Options, Persist, PodConnections};
use crate::secret::Secrets;
use crate::ui;
use miette::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Everything a verb works with.
pub(in crate::cli) struct Context {
    pub(in crate::cli) manifest: Manifest,
    pub(in crate::cli) secrets: Secrets,
    pub(in crate::cli) store: Store,
    pub(in crate::cli) memory: Memory,
    pub(in crate::cli) remote: Arc<PodConnections>,
    pub(in crate::cli) scope: Scope,
    pub(in crate::cli) protected: Protected,
    /// Servers that may be made this project's, whoever has them now.
    pub(in crate::cli) take_over: BTreeSet<ModelName>,
    /// Whether all that happens shall be shown.
    pub(in crate::cli) verbose: bool,
    known: BTreeSet<SecretName>,
    here: Here,
}

impl Context {
    /// Reads everything that is on this machine.
    pub(in crate::cli) fn open(global: &Global, wanted: &flags::Scope) -> Result<Self> {
        let (manifest, scope, protected) = meant(global, wanted)?;
        Ok(Self::of(global, manifest, scope, protected)?.taking_over(&wanted.taking))
    }

    /// The same for a verb that sends no secret: none is read, so that one that can't be had is in nobody's way.
    pub(in crate::cli) fn open_without_secrets(global: &Global, wanted: &flags::Scope) -> Result<Self> {
        let (manifest, scope, protected) = meant(global, wanted)?;
        Ok(Self::without_secrets(global, manifest, scope, protected)?.taking_over(&wanted.taking))
    }

    /// The same, with servers that may be made this project's.
    pub(in crate::cli) fn taking_over(self, taking: &Taking) -> Self {
        Self { take_over: taking.take_over.iter().cloned().collect(), ..self }
    }

    /// The same for a manifest that is not, or not yet, in a file. One without an id is given one, which is written
    /// into the file when something is changed.
    pub(in crate::cli) fn of(
        global: &Global,
        manifest: Manifest,
        scope: Scope,
        protected: Protected,
    ) -> Result<Self> {
        let secrets = secrets::read(&manifest)?;
        Self::with(global, manifest, secrets, scope, protected)
    }

    /// The same without secrets.
    pub(in crate::cli) fn without_secrets(
        global: &Global,
        manifest: Manifest,
        scope: Scope,
        protected: Protected,
    ) -> Result<Self> {
        Self::with(global, manifest, Secrets::new(), scope, protected)
    }

    fn with(
        global: &Global,
        mut manifest: Manifest,
        secrets: Secrets,
        scope: Scope,
        protected: Protected,
    ) -> Result<Self> {
        let config_dir = config_dir()?;
        let here = Here::read(&secrets, &config_dir);
        let store = Store::new(&config_dir, &manifest);
        if manifest.identity == Identity::None {
            manifest.identity = Identity::Made(identity::make()?);
        }
        let memory = store.read()?;
        let persist = if global.no_persist { Persist::No } else { Persist::Yes };
        let remote = Arc::new(PodConnections::new(&manifest, Options { persist, ..Options::default() }));
        let known = secrets.keys().cloned().collect();
        Ok(Self {
            manifest,
            secrets,
            store,
            memory,
            remote,
            scope,
            protected,
            take_over: BTreeSet::new(),
            verbose: global.verbose,
            known,
            here,
        })
    }

    /// Looks at every pod in scope and asks the hub, side by side.
    pub(in crate::cli) async fn look(&self) -> (Observed, HubFacts) {
        tokio::join!(self.observe(), self.ask_hub())
    }

    async fn ask_hub(&self) -> HubFacts {
        ask(&self.here, &self.questions()).await
    }

    /// What is known without looking anywhere: `--offline`.
    pub(in crate::cli) async fn recall(&self) -> (Observed, HubFacts) {
        let here = Here { offline: Some("--offline".to_owned()), ..self.here.clone() };
        (self.memory.as_observed(), ask(&here, &self.questions()).await)
    }

    /// Every repository in scope, and how much depends on what the hub says of it: by what is remembered of the pods.
    fn questions(&self) -> BTreeMap<ModelRef, Need> {
        let (observed, hub) = (self.memory.as_observed(), HubFacts::default());
        questions(&self.inputs(&observed, &hub))
    }

    /// Looks at every pod in scope, and remembers what was seen.
    pub(in crate::cli) async fn observe(&self) -> Observed {
        let in_scope = |pod: &&PodName| self.scope.has_pod(&self.manifest, pod);
        self.observe_these(self.manifest.pods.keys().filter(in_scope).cloned().collect()).await
    }

    /// Looks at these pods, and remembers what was seen.
    pub(in crate::cli) async fn observe_these(&self, pods: Vec<PodName>) -> Observed {
        let observed = observe(self.remote.as_ref(), &self.manifest, &self.secrets, pods).await;
        if let Err(error) = crate::apply::remember(&self.store, &self.manifest, &observed) {
            let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
            ui::note(&format!("warning: {}", causes.join(": ")));
        }
        observed
    }

    /// Refuses names behind `--take-over` that are nowhere.
    ///
    /// # Errors
    /// The first such name, as a mistake of the person at the keyboard.
    pub(in crate::cli) fn check_taking(&self, observed: &Observed) -> Result<()> {
        let hub = HubFacts::default();
        nowhere(&self.inputs(observed, &hub)).map_or(Ok(()), |(message, help)| Err(usage(message, help)))
    }

    /// What a plan is made from.
    pub(in crate::cli) fn inputs<'a>(&'a self, observed: &'a Observed, hub: &'a HubFacts) -> Inputs<'a> {
        let Self { manifest, memory, scope, protected, take_over, known, .. } = self;
        Inputs { manifest, memory, observed, hub, secrets: known, scope, protected: *protected, take_over }
    }
}

/// The manifest, and what of it is meant.
fn meant(global: &Global, wanted: &flags::Scope) -> Result<(Manifest, Scope, Protected)> {
    let manifest = load_manifest(global.manifest.as_deref())?;
    let scope = scope::scope(&manifest, global.pod.as_deref(), &wanted.target)?;
    let protected = if wanted.allow_protected { Protected::Allow } else { Protected::Keep };
    Ok((manifest, scope, protected))
}
