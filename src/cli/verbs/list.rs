//! `pi list`: list servers with state and URL. One look at every pod, all at once; a pod that hangs delays no other.

use crate::bounded::{WATCHED, bytes};
use crate::cli::context::flags::{Global, Scope};
use crate::cli::context::full::Context;
use crate::cli::terminal::exit::Exit;
use crate::cli::terminal::interrupt;
use crate::hub::HubFacts;
use crate::name::PodName;
use crate::observe::{Observed, ProbeResult, Unreachable, observe};
use crate::remote::{Job, Line, bounded};
use crate::script::{Template, render};
use crate::status::{PodStatus, Vitals, VitalsAsk, pod_status, vitals};
use crate::ui;
use crate::units::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use miette::Result;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  pi list --watch            refresh every two seconds\n  pi list --json | jq -r '.pods[].servers[]? | select(.state != \"ready\") | .name'"
)]
pub(in crate::cli) struct Args {
    /// Refresh every two seconds until Ctrl-C
    #[arg(short, long)]
    watch: bool,
    /// Print JSON; with --watch, one document per line
    #[arg(long)]
    json: bool,
}

/// Pods that answer within this are shown in the order of their names, others as they come.
const TOGETHER: Duration = Duration::from_millis(2500);
/// A pod that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks.
const PAUSE: Duration = Duration::from_secs(2);

type Statuses = BTreeMap<PodName, PodStatus>;

pub(in crate::cli) async fn run(global: &Global, args: &Args) -> Result<Exit> {
    let context = Context::open(global, &Scope::default())?;
    if args.watch {
        return follow(global, context, args).await;
    }
    let exit = once(&context, &pods(&context), args).await;
    context.remote.close().await;
    exit
}

fn pods(context: &Context) -> Vec<PodName> {
    let in_scope = |pod: &&PodName| context.scope.has_pod(&context.manifest, pod);
    context.manifest.pods.keys().filter(in_scope).cloned().collect()
}

async fn once(context: &Context, pods: &[PodName], args: &Args) -> Result<Exit> {
    let mut looks: FuturesUnordered<_> = pods.iter().map(|pod| look(context, pod)).collect();
    let (mut all, mut fresh, mut observed) = (Statuses::new(), Statuses::new(), Observed::default());
    let together = sleep(TOGETHER);
    tokio::pin!(together);
    let mut late = false;
    loop {
        let next = tokio::select! {
            next = looks.next() => next,
            () = &mut together, if !late => {
                late = true;
                None
            }
        };
        if let Some((pod, sighting, status)) = next {
            observed.pods.insert(pod.clone(), sighting);
            fresh.extend(status.map(|status| (pod, status)));
        }
        if !args.json && !fresh.is_empty() && (late || looks.is_empty()) {
            let gap = if all.is_empty() { "" } else { "\n" };
            ui::data(&format!("{gap}{}", ui::list_text(&fresh)))?;
            all.append(&mut fresh);
        }
        if looks.is_empty() {
            break;
        }
    }
    all.append(&mut fresh);
    if args.json {
        ui::data(&ui::json_page(&ui::list_json(&all)))?;
    } else if pods.is_empty() {
        ui::note("pi.toml has no pods: `pi pods setup NAME \"ssh root@1.2.3.4\"` adds one");
    }
    if let Err(error) = crate::apply::remember(&context.store, &context.manifest, &observed) {
        ui::note(&format!("warning: {error}"));
    }
    let away = all.values().any(|status| status.seen.is_err());
    Ok(if away { Exit::Unreachable } else { Exit::Done })
}

/// What stands on the screen.
struct Shown {
    screen: ui::Screen,
    all: Statuses,
    /// Why the manifest of before is gone by.
    complaint: Option<String>,
}

/// Why a watch is over.
enum Over {
    /// Somebody has ended it.
    Ended,
    /// The manifest is this now, or can't be read.
    Edited(Option<Vec<u8>>),
}

/// Shows what was last seen of every pod, again and again, and follows the manifest: while that is wrong, by the last one
/// that was right.
async fn follow(global: &Global, mut context: Context, args: &Args) -> Result<Exit> {
    let stop = interrupt::while_read();
    let mut shown = Shown { screen: ui::Screen::new(), all: Statuses::new(), complaint: None };
    let mut text = read(&context.manifest.path).await;
    loop {
        let pods = pods(&context);
        text = match watch(&context, (&pods, &text), args, (&mut shown, &stop)).await? {
            Over::Ended => break,
            Over::Edited(text) => text,
        };
        match Context::open(global, &Scope::default()) {
            Ok(new) => {
                std::mem::replace(&mut context, new).remote.close().await;
                shown.complaint = None;
                shown.all.retain(|pod, _| context.manifest.pods.contains_key(pod));
            }
            Err(report) => {
                let why = format!("{report}; what is shown goes by pi.toml as it was before");
                if args.json {
                    ui::note(&format!("warning: {why}"));
                }
                shown.complaint = Some(why);
            }
        }
    }
    context.remote.close().await;
    Ok(Exit::Done)
}

/// Shows what was last seen of these pods, until the manifest changes. Each is looked at at its own pace.
async fn watch(
    context: &Context,
    (pods, text): (&[PodName], &Option<Vec<u8>>),
    args: &Args,
    (shown, stop): (&mut Shown, &CancellationToken),
) -> Result<Over> {
    let again = |pod, after| async move {
        sleep(after).await;
        look(context, pod).await
    };
    let mut looks: FuturesUnordered<_> = pods.iter().map(|pod| again(pod, Duration::ZERO)).collect();
    let edited = edited(&context.manifest.path, text.as_deref());
    tokio::pin!(edited);
    let first = sleep(if shown.screen.is_drawn() { Duration::ZERO } else { TOGETHER });
    tokio::pin!(first);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(Over::Ended),
            text = &mut edited => return Ok(Over::Edited(text)),
            Some((pod, _, status)) = looks.next() => {
                let known = context.manifest.pods.get_key_value(&pod).map(|(name, _)| name);
                looks.extend(known.map(|name| again(name, PAUSE)));
                shown.all.extend(status.map(|status| (pod, status)));
                if shown.all.len() < pods.len() || shown.screen.is_drawn() {
                    continue;
                }
            }
            () = &mut first => {}
        }
        if args.json {
            ui::data(&ui::json_line(&ui::list_json(&shown.all)))?;
        } else {
            ui::use_terminal_width();
            let none = pods.is_empty().then_some("pi.toml has no pods");
            shown.screen.draw(&ui::watch_text(&shown.all, shown.complaint.as_deref().or(none)))?;
        }
        first.as_mut().reset(tokio::time::Instant::now() + PAUSE);
    }
}

/// Waits until a file has another text than this one.
async fn edited(path: &Path, text: Option<&[u8]>) -> Option<Vec<u8>> {
    loop {
        sleep(PAUSE / 2).await;
        let now = read(path).await;
        if now.as_deref() != text {
            return now;
        }
    }
}

/// What the manifest holds, if it can be read; Ctrl-C is heard meanwhile.
async fn read(path: &Path) -> Option<Vec<u8>> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || bytes(&path, WATCHED)).await.ok()?.ok()
}

/// One pod: what is there, and what its servers say, over one connection.
async fn look(context: &Context, pod: &PodName) -> (PodName, ProbeResult, Option<PodStatus>) {
    let Context { manifest, secrets, remote, .. } = context;
    let probe = timeout(PATIENCE, observe(remote.as_ref(), manifest, secrets, vec![pod.clone()]));
    let (said, host) = (ask(context, pod), remote.host(pod));
    tokio::pin!(probe, said);
    let mut vitals = None;
    let probed = loop {
        tokio::select! {
            // first: a pod that is away is tried once, not once for each question
            biased;
            probed = &mut probe => break probed,
            told = &mut said, if vitals.is_none() => vitals = Some(told),
        }
    };
    let sighting = probed.ok().and_then(|mut observed| observed.pods.remove(pod)).unwrap_or_else(hangs);
    let vitals = match (vitals, &sighting) {
        (Some(vitals), _) => vitals,
        (None, ProbeResult::Seen(_)) => said.await,
        (None, ProbeResult::Unreachable(_)) => Vitals::new(),
    };
    let host = host.await;
    let (observed, hub) = (one(pod, sighting.clone()), HubFacts::default());
    let status = pod_status(&context.inputs(&observed, &hub), pod, &vitals, host.as_deref());
    (pod.clone(), sighting, status)
}

fn one(pod: &PodName, sighting: ProbeResult) -> Observed {
    Observed { pods: [(pod.clone(), sighting)].into() }
}

fn hangs() -> ProbeResult {
    ProbeResult::Unreachable(Unreachable {
        code: "timed-out",
        why: format!("it did not finish its answer in {PATIENCE:?}"),
        help: Some("log in and look: a dead mount or a hanging driver can hold everything up".to_owned()),
    })
}

/// What the servers of a pod say of themselves; nothing if that takes too long.
async fn ask(context: &Context, pod: &PodName) -> Vitals {
    let Some(declared) = context.manifest.pods.get(pod) else { return Vitals::new() };
    let Ok(script) = render(Template::VITALS, &VitalsAsk { pi: &declared.pi_path }) else {
        return Vitals::new();
    };
    let mut text = String::new();
    let hear = |line| {
        if let Line::Out(line) = line {
            text.push_str(&line);
            text.push('\n');
        }
    };
    let job = Job { script: &script, input: None };
    let run = bounded(context.remote.as_ref(), pod, job, Bytes(16 << 20), hear);
    let _late_or_not = timeout(PATIENCE, run).await;
    vitals(&text)
}
