//! A folder of `tests/cases`: what is wanted, what is there, what is remembered, what was asked for.
//!
//! `pi.toml`; `observed/POD.txt` (what a probe printed), `.json` (facts) or `.unreachable` (code, reason and help, a line
//! each); `secrets` (names this machine has; default `api_key`, whose value is `value-of-api_key`, as salted with
//! `salt`); `memory.json` (a `pods.json`); `hub.json` (what the hub said, by `owner/name@revision`); `args` (`plan`, `destroy`, `--target NAME`, `--allow-protected`, `--take-over NAME`, `set-up`, `start NAME`, `start-new NAME`, `stop --target NAME`).
//!
//! An engine whose digest, and a server whose build, is `right` has the digest that this pi asks for.

use pi::hub::HubFacts;
use pi::manifest::{self, Manifest};
use pi::memory::Memory;
use pi::name::{EngineId, ModelName, PodName, SecretName};
use pi::observe::{Blind, EngineSeen, Expect, Observed, PodFacts, ProbeResult, Unreachable, read, salted};
use pi::plan::{
    Action, Extent, Inputs, Origin, Plan, Protected, Removal, Scope, begin, destroy, halt, make_ready, plan,
    plan_ahead,
};
use pi::ssh_target::SshTarget;
use pi::status::{PodStatus, Vitals, pod_status};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) text: String,
    pub(crate) manifest: Manifest,
    pub(crate) observed: Observed,
    pub(crate) memory: Memory,
    pub(crate) hub: HubFacts,
    pub(crate) secrets: BTreeSet<SecretName>,
    pub(crate) ask: Ask,
}

/// What the command line says.
#[derive(Default)]
pub(crate) struct Ask {
    scope: Scope,
    protected: Option<Protected>,
    take_over: BTreeSet<ModelName>,
    destroy: Option<Extent>,
    hands: Option<Hands>,
    /// `pi plan`, which changes nothing.
    shows: bool,
}

/// What the commands that change things plan by.
enum Hands {
    MakeReady,
    Halt,
    Begin(ModelName, Origin),
}

impl Case {
    /// Every folder, by name.
    pub(crate) fn all() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
        let mut folders: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        folders.sort();
        assert!(folders.len() >= 35, "only {} cases", folders.len());
        folders.iter().map(|folder| Self::read(folder)).collect()
    }

    fn read(folder: &Path) -> Self {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let optional = |file| fs::read_to_string(folder.join(file)).ok();
        let text = optional("pi.toml").unwrap_or_else(|| panic!("{name} has no pi.toml"));
        let manifest = parse(&text).unwrap_or_else(|bad| panic!("{name}: {bad}"));
        let secrets = optional("secrets").unwrap_or_else(|| "api_key".to_owned());
        let secrets: BTreeSet<SecretName> = secrets.split_whitespace().map(|s| s.parse().unwrap()).collect();
        let memory = optional("memory.json").map(|text| serde_json::from_str(&text).unwrap());
        let hub = optional("hub.json").map(|text| serde_json::from_str(&text).unwrap());
        let ask = Ask::parse(&optional("args").unwrap_or_default(), &manifest);
        let pods = observed(&folder.join("observed"), &manifest, &secrets);
        let mut case = Self {
            name,
            folder: folder.to_owned(),
            text,
            manifest,
            observed: Observed { pods },
            memory: memory.unwrap_or_default(),
            hub: hub.unwrap_or_default(),
            secrets,
            ask,
        };
        case.fill_in_digests();
        case
    }

    /// The plan for these pods as they are, or would be.
    pub(crate) fn plan(&self, observed: &Observed) -> Plan {
        self.plan_of(&self.manifest, observed)
    }

    pub(crate) fn plan_of(&self, manifest: &Manifest, observed: &Observed) -> Plan {
        let Ask { scope, protected, take_over, destroy: extent, hands, shows: _ } = &self.ask;
        let inputs = Inputs {
            manifest,
            memory: &self.memory,
            observed,
            hub: &self.hub,
            secrets: &self.secrets,
            scope,
            protected: protected.unwrap_or(Protected::Keep),
            take_over,
        };
        match (extent, hands) {
            (Some(extent), _) => destroy(&inputs, *extent),
            (None, Some(Hands::MakeReady)) => make_ready(&inputs),
            (None, Some(Hands::Halt)) => halt(&inputs),
            (None, Some(Hands::Begin(name, origin))) => begin(&inputs, name, *origin),
            (None, None) if self.ask.shows => plan_ahead(&inputs),
            (None, None) => plan(&inputs),
        }
    }

    /// Whether this is a plan that `pi apply` would do.
    pub(crate) fn may_be_done(&self) -> bool {
        !self.ask.shows
    }

    /// What `pi list` makes of a pod, with what its servers say.
    pub(crate) fn status(&self, pod: &PodName, vitals: &Vitals) -> Option<PodStatus> {
        let inputs = Inputs {
            manifest: &self.manifest,
            memory: &self.memory,
            observed: &self.observed,
            hub: &HubFacts::default(),
            secrets: &self.secrets,
            scope: &Scope::All,
            protected: Protected::Keep,
            take_over: &BTreeSet::new(),
        };
        let host = match &self.manifest.pods[pod].ssh {
            SshTarget::Local => None,
            SshTarget::Ssh(line) => Some(line.host()),
        };
        pod_status(&inputs, pod, vitals, host)
    }

    /// `right` becomes the digest that a plan without any engine would install.
    fn fill_in_digests(&mut self) {
        let mut bare = self.observed.clone();
        each_pod(&mut bare, |facts| facts.engines.clear());
        let inputs = Inputs {
            manifest: &self.manifest,
            memory: &self.memory,
            observed: &bare,
            hub: &self.hub,
            secrets: &self.secrets,
            scope: &Scope::All,
            protected: Protected::Allow,
            take_over: &self.ask.take_over,
        };
        let mut right: BTreeMap<EngineId, String> = BTreeMap::new();
        for step in plan(&inputs).steps {
            if let Action::InstallEngine(recipe) = step.action {
                right.insert(recipe.id.clone(), recipe.digest());
            }
        }
        each_pod(&mut self.observed, |facts| {
            for seen in facts.servers.values_mut() {
                let former = seen.past.previous.as_deref_mut();
                let beside = seen.beside.as_deref_mut().and_then(|beside| beside.spec.as_mut().ok());
                for spec in seen.spec.as_mut().ok().into_iter().chain(former).chain(beside) {
                    if spec.build.as_deref() == Some("right") {
                        spec.build = spec.engine.as_ref().and_then(|id| right.get(id).cloned());
                    }
                }
            }
            for (id, EngineSeen { digest, .. }) in &mut facts.engines {
                if digest.as_deref() == Some("right") {
                    *digest = Some(right.get(id).cloned().unwrap_or_else(|| "0123456789ab".to_owned()));
                }
            }
        });
    }
}

/// A manifest's text, as if it lay in `/work/team`.
pub(crate) fn parse(text: &str) -> Result<Manifest, pi::problem::Problems> {
    manifest::parse("pi.toml", text, Path::new("/work/team"))
}

pub(crate) fn each_pod(observed: &mut Observed, mut change: impl FnMut(&mut PodFacts)) {
    for sighting in observed.pods.values_mut() {
        if let ProbeResult::Seen(facts) = sighting {
            change(facts);
        }
    }
}

fn observed(
    folder: &Path,
    manifest: &Manifest,
    secrets: &BTreeSet<SecretName>,
) -> BTreeMap<PodName, ProbeResult> {
    let digest = |name: &SecretName| (name.clone(), salted("salt", &format!("value-of-{name}")));
    let project = manifest.identity.id().cloned().map(|id| (id, manifest.project.clone()));
    let expect = Expect { digests: secrets.iter().map(digest).collect(), project };
    let files = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    files
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let sighting = match path.extension().and_then(|end| end.to_str()) {
                Some("txt") => sighting(read(&told_whole(&text), &expect)),
                Some("json") => ProbeResult::Seen(Box::new(serde_json::from_str(&text).unwrap())),
                Some("unreachable") => ProbeResult::Unreachable(unreachable(&text)),
                _ => panic!("{} is neither .txt, .json nor .unreachable", path.display()),
            };
            (path.file_stem().unwrap().to_str().unwrap().parse().unwrap(), sighting)
        })
        .collect()
}

fn sighting(read: Result<PodFacts, Blind>) -> ProbeResult {
    match read {
        Ok(facts) => ProbeResult::Seen(Box::new(facts)),
        Err(blind) => ProbeResult::Unreachable(Unreachable {
            code: "not-looked-at",
            why: format!("SSH works, but {blind}"),
            help: Some(
                "nothing is planned for this pod, since what runs there can't be told: repair that, or try again".to_owned(),
            ),
        }),
    }
}

/// What a pod said, with the last record of every section: a case writes down only what it is about. A section with a
/// `gap`, and all of them in an answer without its end, have none.
fn told_whole(text: &str) -> String {
    const SECTIONS: &str = "host mounts programs processes weights home secrets disks gpus gpu-processes";
    let Some(told) = text.trim_end().strip_suffix("\nend").filter(|told| !told.contains("\ndone\t")) else {
        return text.to_owned();
    };
    let whole = SECTIONS.split(' ').filter(|section| !told.contains(&format!("\ngap\t{section}\t")));
    let done: String = whole.map(|section| format!("\ndone\t{section}")).collect();
    format!("{told}{done}\nend\n")
}

fn unreachable(text: &str) -> Unreachable {
    let mut lines = text.lines().map(str::to_owned);
    let code = lines.next().unwrap();
    Unreachable { code: code.leak(), why: lines.next().unwrap(), help: lines.next() }
}

impl Ask {
    fn parse(text: &str, manifest: &Manifest) -> Self {
        let (mut ask, mut extent, mut destroys) = (Self::default(), Extent::default(), false);
        let (mut pods, mut models) = (BTreeSet::new(), BTreeSet::new());
        let mut words = text.split_whitespace();
        while let Some(word) = words.next() {
            match word {
                "destroy" => destroys = true,
                "plan" => ask.shows = true,
                "set-up" => ask.hands = Some(Hands::MakeReady),
                "stop" => ask.hands = Some(Hands::Halt),
                "start" | "start-new" => {
                    let origin = if word == "start" { Origin::Declared } else { Origin::New };
                    let name: ModelName = words.next().unwrap().parse().unwrap();
                    models.insert(name.clone());
                    ask.hands = Some(Hands::Begin(name, origin));
                }
                "--weights" => extent.weights = Removal::Remove,
                "--engines" => extent.engines = Removal::Remove,
                "--allow-protected" => ask.protected = Some(Protected::Allow),
                "--take-over" => {
                    ask.take_over.insert(words.next().unwrap().parse().unwrap());
                }
                "--target" => {
                    let target = words.next().unwrap();
                    let pod = target.parse::<PodName>().ok().filter(|name| manifest.pods.contains_key(name));
                    let model = target.parse::<ModelName>().ok();
                    models.extend(model.filter(|name| manifest.models.contains_key(name)));
                    pods.extend(pod);
                }
                _ => panic!("no such argument: {word}"),
            }
        }
        if !pods.is_empty() || !models.is_empty() {
            ask.scope = Scope::Only { pods, models };
        }
        ask.destroy = destroys.then_some(extent);
        ask
    }
}
