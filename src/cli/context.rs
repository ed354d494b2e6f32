//! What verbs share: the manifest, the secrets, the door, what is there.

use crate::cli::args::{Global, Taking};
use crate::cli::exit::{as_usage, usage};
use crate::cli::trust::trusted;
use crate::cli::{identity, scope, secrets};
use crate::hub::{Here, HubFacts, Need, ask};
use crate::manifest::{Identity, Manifest, Surroundings, find, load};
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
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Everything a verb works with.
pub(super) struct Context {
    pub(super) manifest: Manifest,
    pub(super) secrets: Secrets,
    pub(super) store: Store,
    pub(super) memory: Memory,
    pub(super) remote: Arc<PodConnections>,
    pub(super) scope: Scope,
    pub(super) protected: Protected,
    /// Servers that may be made this project's, whoever has them now.
    pub(super) take_over: BTreeSet<ModelName>,
    /// Whether all that happens shall be shown.
    pub(super) verbose: bool,
    known: BTreeSet<SecretName>,
    here: Here,
}

impl Context {
    /// Reads everything that is on this machine.
    pub(super) fn open(global: &Global, wanted: &crate::cli::args::Scope) -> Result<Self> {
        let manifest = load_manifest(global)?;
        let scope = scope::scope(&manifest, global.pod.as_deref(), &wanted.target)?;
        let protected = if wanted.allow_protected { Protected::Allow } else { Protected::Keep };
        Ok(Self::of(global, manifest, scope, protected)?.taking_over(&wanted.taking))
    }

    /// The same, with servers that may be made this project's.
    pub(super) fn taking_over(self, taking: &Taking) -> Self {
        Self { take_over: taking.take_over.iter().cloned().collect(), ..self }
    }

    /// The same for a manifest that is not, or not yet, in a file. One without an id is given one, which is written
    /// into the file when something is changed.
    pub(super) fn of(
        global: &Global,
        mut manifest: Manifest,
        scope: Scope,
        protected: Protected,
    ) -> Result<Self> {
        let secrets = secrets::read(&manifest)?;
        let config_dir = config_dir(global)?;
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
    pub(super) async fn look(&self) -> (Observed, HubFacts) {
        tokio::join!(self.observe(), self.ask_hub())
    }

    async fn ask_hub(&self) -> HubFacts {
        ask(&self.here, &self.questions()).await
    }

    /// What is known without looking anywhere: `--offline`.
    pub(super) async fn recall(&self) -> (Observed, HubFacts) {
        let here = Here { offline: Some("--offline".to_owned()), ..self.here.clone() };
        (self.memory.as_observed(), ask(&here, &self.questions()).await)
    }

    /// Every repository in scope, and how much depends on what the hub says of it: by what is remembered of the pods.
    fn questions(&self) -> BTreeMap<ModelRef, Need> {
        let (observed, hub) = (self.memory.as_observed(), HubFacts::default());
        questions(&self.inputs(&observed, &hub))
    }

    /// Looks at every pod in scope, and remembers what was seen.
    pub(super) async fn observe(&self) -> Observed {
        let in_scope = |pod: &&PodName| self.scope.has_pod(&self.manifest, pod);
        self.observe_these(self.manifest.pods.keys().filter(in_scope).cloned().collect()).await
    }

    /// Looks at these pods, and remembers what was seen.
    pub(super) async fn observe_these(&self, pods: Vec<PodName>) -> Observed {
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
    pub(super) fn check_taking(&self, observed: &Observed) -> Result<()> {
        let hub = HubFacts::default();
        nowhere(&self.inputs(observed, &hub)).map_or(Ok(()), |(message, help)| Err(usage(message, help)))
    }

    /// What a plan is made from.
    pub(super) fn inputs<'a>(&'a self, observed: &'a Observed, hub: &'a HubFacts) -> Inputs<'a> {
        let Self { manifest, memory, scope, protected, take_over, known, .. } = self;
        Inputs { manifest, memory, observed, hub, secrets: known, scope, protected: *protected, take_over }
    }
}

/// Finds, reads and checks the manifest.
pub(super) fn load_manifest(global: &Global) -> Result<Manifest> {
    load(&find_manifest(global)?)
}

/// Finds the manifest; an absolute path.
pub(super) fn find_manifest(global: &Global) -> Result<PathBuf> {
    trusted(find(&surroundings(global), Path::is_file).map_err(|report| as_usage(&report))?)
}

/// `$PI_CONFIG_DIR`, else `~/.pi`.
pub(super) fn config_dir(global: &Global) -> Result<PathBuf> {
    let directory = surroundings(global).config_dir();
    directory.ok_or_else(|| usage("there is no home directory", "set PI_CONFIG_DIR"))
}

/// What decides where the manifest is.
pub(super) fn surroundings(global: &Global) -> Surroundings {
    let path = |name| std::env::var_os(name).map(PathBuf::from);
    Surroundings {
        flag: global.manifest.clone(),
        pi_manifest: path("PI_MANIFEST"),
        pi_config_dir: path("PI_CONFIG_DIR"),
        home: std::env::home_dir(),
        cwd: std::env::current_dir().unwrap_or_default(),
    }
}
