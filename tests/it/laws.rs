//! The laws that only real things can show, over a real sshd with a real engine: after an apply there is nothing left
//! to do and only probes are sent (Real); what is there is what the plan promised (Honest); what an interrupted apply
//! left is taken up (Stop, Resume).

use crate::sshd::{Sshd, eventually, processes_with};
use pi::apply::{ApplyContext, Event, Hold, Outcome, Report, Starting, apply};
use pi::hub::HubFacts;
use pi::manifest::{Manifest, parse};
use pi::memory::{Memory, Store};
use pi::name::{ModelName, PodName, Port, SecretName};
use pi::observe::{Life, Observed, PodFacts, ProbeResult, observe};
use pi::plan::{Extent, Inputs, Plan, Protected, Scope, destroy, plan, simulate};
use pi::remote::{Exit, Job, Line, Options, PodConnections, Reach, Remote, RemoteError};
use pi::secret::{Secret, Secrets};
use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Mutex;
use tokio_util::sync::CancellationToken;

/// Everything of one test: a pod, what is wanted there, and a door that notes what goes through it.
struct World {
    manifest: Manifest,
    remote: Noting,
    secrets: Secrets,
    store: Store,
    memory: Memory,
    _directory: tempfile::TempDir,
    sshd: Sshd,
}

/// A door that notes the names of the scripts that go through it.
struct Noting(PodConnections, Mutex<Vec<&'static str>>);

impl Remote for Noting {
    async fn run(
        &self,
        pod: &PodName,
        job: Job<'_>,
        stop: &CancellationToken,
        hear: impl FnMut(Line) + Send,
    ) -> Result<Exit, RemoteError> {
        self.1.lock().unwrap().push(job.script.name);
        self.0.run(pod, job, stop, hear).await
    }

    async fn reach(&self, pod: &PodName, port: Port) -> Result<Reach, RemoteError> {
        self.0.reach(pod, port).await
    }
}

impl World {
    fn new() -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let sshd = Sshd::start();
        let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");
        for (from, to) in [("data/tiny-qwen3.gguf", "tiny.gguf"), ("podlab/serve.py", "serve.py")] {
            std::fs::copy(format!("{data}/{from}"), sshd.home().join(to)).unwrap();
        }
        let home = sshd.home().display().to_string();
        let text = format!(
            "[pods.far]\nssh = \"{}\"\n\
             [defaults.model]\nlisten = \"127.0.0.1\"\ngpus = 0\nmodel = \"{home}/tiny.gguf\"\n\
             [models.tiny]\nengine = \"llama.cpp\"\ncontext = \"1k\"\nport = {}\n\
             [models.echo]\nengine = \"command\"\nport = {}\n\
             command = [\"python3\", \"{home}/serve.py\", \"--port\", \"{{port}}\", \"--model\", \"{{model}}\"]\n",
            sshd.ssh_line(),
            free_port(),
            free_port(),
        );
        let manifest = parse("pi.toml", &text, sshd.dir()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let options = Options { sockets: Some(sshd.sockets()), ..Options::default() };
        let remote = Noting(PodConnections::new(&manifest, options), Mutex::default());
        let secrets = Secrets::from([(name("api_key"), Secret::new("a-key-of-this-test".to_owned()))]);
        let store = Store::new(directory.path(), &manifest);
        Self { manifest, remote, secrets, store, memory: Memory::default(), _directory: directory, sshd }
    }

    async fn look(&self) -> Observed {
        let pods = self.manifest.pods.keys().cloned().collect();
        observe(&self.remote, &self.manifest, &self.secrets, pods).await
    }

    fn plan(&self, observed: &Observed) -> Plan {
        self.by(observed, plan)
    }

    fn by(&self, observed: &Observed, rule: impl Fn(&Inputs<'_>) -> Plan) -> Plan {
        let known: BTreeSet<SecretName> = self.secrets.keys().cloned().collect();
        let inputs = Inputs {
            manifest: &self.manifest,
            memory: &self.memory,
            observed,
            hub: &HubFacts::default(),
            secrets: &known,
            scope: &Scope::All,
            protected: Protected::Keep,
            take_over: &BTreeSet::new(),
        };
        rule(&inputs)
    }

    async fn apply(&self, plan: &Plan, stop: &CancellationToken, tell: &(dyn Fn(Event) + Sync)) -> Report {
        let apply_context = ApplyContext {
            manifest: &self.manifest,
            remote: &self.remote,
            secrets: &self.secrets,
            store: &self.store,
            hold: &Hold::unlocked(stop),
            who: "ann@laptop",
            starting: &|| tokio::sync::watch::channel(Some(Starting::Leave)).1,
            jobs: NonZeroUsize::new(8).unwrap(),
        };
        apply(plan, &apply_context, tell).await
    }

    /// Stops everything, also in a test that fails later on: servers outlive their pod's sshd.
    async fn destroy(&self) {
        let observed = self.look().await;
        let plan = self.by(&observed, |inputs| destroy(inputs, Extent::default()));
        let report = self.apply(&plan, &CancellationToken::new(), &|_| {}).await;
        assert!(report.is_success(), "{report:?}");
        self.remote.0.close().await;
    }
}

/// Tests run side by side on one machine: two that look for the first free port find the same.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn name(text: &str) -> SecretName {
    SecretName::parse(text).unwrap()
}

fn facts(observed: &Observed) -> &PodFacts {
    match observed.pods.values().next() {
        Some(ProbeResult::Seen(facts)) => facts,
        other => panic!("not seen: {other:?}"),
    }
}

/// What of a pod a plan rests on, without numbers that nobody can foresee.
fn essence(observed: &Observed) -> impl PartialEq + std::fmt::Debug {
    let PodFacts { servers, engines, secrets, .. } = facts(observed).clone();
    let servers: Vec<_> = servers
        .into_iter()
        .map(|(name, server)| {
            let life = match server.life {
                Life::Running { health, .. } => format!("running, {health:?}"),
                life @ (Life::Dead { .. } | Life::Stopped) => format!("{life:?}"),
            };
            (name, server.spec, life, server.answered, server.secrets)
        })
        .collect();
    let engines: Vec<_> = engines.into_iter().map(|(name, engine)| (name, engine.digest)).collect();
    (servers, engines, secrets)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_promised_is_there_and_nothing_is_left_to_do() {
    let world = World::new();
    let before = world.look().await;
    let plan = world.plan(&before);
    assert!(plan.findings.is_empty(), "{:?}", plan.findings);
    let first = world.apply(&plan, &CancellationToken::new(), &|_| {}).await;

    world.remote.1.lock().unwrap().clear();
    let after = world.look().await;
    let again = world.plan(&after);
    let report = world.apply(&again, &CancellationToken::new(), &|_| {}).await;
    let sent = world.remote.1.lock().unwrap().clone();
    let honest = essence(&simulate(&before, &plan.steps)) == essence(&after);
    let told = format!("{:?}\n{:?}", essence(&simulate(&before, &plan.steps)), essence(&after));
    world.destroy().await;

    assert!(first.is_success(), "{first:?}");
    assert!(again.is_empty(), "{:?}", again.steps);
    assert!(report.outcomes.is_empty());
    assert_eq!(sent, ["probe.sh"], "only probes are sent");
    assert_eq!(again.standing, 2);
    assert!(honest, "promised and found differ:\n{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_stop_every_step_is_accounted_for_and_the_next_apply_does_the_rest() {
    let world = World::new();
    let plan = world.plan(&world.look().await);
    let stop = CancellationToken::new();
    // as soon as the first server has been started
    let echo = ModelName::parse("echo").unwrap();
    let started = plan
        .steps
        .iter()
        .find(|step| step.action.name() == "start_server" && step.action.server() == Some(&echo))
        .map(|step| step.id);
    let tell = |event: Event| {
        if let Event::Ended(id, Outcome::Done { .. }) = event
            && Some(id) == started
        {
            stop.cancel();
        }
    };
    let report = world.apply(&plan, &stop, &tell).await;
    let steps: BTreeSet<usize> = plan.steps.iter().map(|step| step.id).collect();
    let told: BTreeSet<usize> = report.outcomes.keys().copied().collect();
    let rest = world.plan(&world.look().await);
    let finished = world.apply(&rest, &CancellationToken::new(), &|_| {}).await;
    let left = world.plan(&world.look().await);
    world.destroy().await;
    let gone = world.look().await;

    assert_eq!(told, steps, "every step has an outcome");
    assert!(report.was_interrupted(), "{report:?}");
    assert!(!rest.is_empty() && rest.steps.len() < plan.steps.len(), "{:?}", rest.steps);
    assert!(finished.is_success(), "{finished:?}");
    assert!(left.is_empty(), "{:?}", left.steps);
    assert!(facts(&gone).servers.is_empty());
    // also what pi itself ran there: the last probe's shell may take a moment to go
    let home = world.sshd.home().display().to_string();
    eventually("nothing runs there", || processes_with(&home).is_empty());
}
