//! Looking at all pods at once. A pod that does not answer delays no other.

use super::ask::{Ask, ask_of};
use super::facts::{NOT_LOOKED_AT, Observed, PodFacts, ProbeFailure, ProbeResult, Section, Unreachable};
use super::parse::{Blind, Expect, read, salted};
use crate::manifest::Manifest;
use crate::name::PodName;
use crate::remote::{Exit, Job, Line, Remote, RemoteError, bounded};
use crate::script::{Template, render};
use crate::secret::Secrets;
use crate::units::Bytes;
use futures_util::future::join_all;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;
use tokio::time::timeout;

/// Longer than every part of a probe may take by itself: beyond it the pod as a whole is stuck.
const PATIENCE: Duration = Duration::from_mins(1);

/// More than any probe tells: 100,000 files of weights are 20 MB.
const MOST: Bytes = Bytes(64 << 20);

/// Probes these pods of the manifest.
pub async fn observe<R: Remote>(
    remote: &R,
    manifest: &Manifest,
    secrets: &Secrets,
    pods: Vec<PodName>,
) -> Observed {
    let looks = pods.into_iter().filter_map(|pod| {
        let salt = salt();
        let ask = ask_of(manifest, &pod, &salt)?;
        let digests = secrets.iter().map(|(name, secret)| (name.clone(), salted(&salt, secret.expose())));
        let project = manifest.identity.id().cloned().map(|id| (id, manifest.project.clone()));
        let expect = Expect { digests: digests.collect(), project };
        Some(async move {
            let sighting = look(remote, &pod, &ask, &expect).await;
            (pod, sighting)
        })
    });
    Observed { pods: join_all(looks).await.into_iter().collect() }
}

async fn look<R: Remote>(remote: &R, pod: &PodName, ask: &Ask, expect: &Expect) -> ProbeResult {
    let script = match render(Template::PROBE, ask) {
        Ok(script) => script.alone(),
        Err(error) => return unreachable("no-script", error.to_string(), None),
    };
    let (mut text, mut complaint) = (String::new(), String::new());
    let hear = |line: Line| match line {
        Line::Out(line) => {
            text.push_str(&line);
            text.push('\n');
        }
        Line::Err(line) => complaint = line,
    };
    let job = Job { script: &script, input: None };
    match timeout(PATIENCE, bounded(remote, pod, job, MOST, hear)).await {
        Ok(Ok(exit)) => match facts(&text, expect, exit, &complaint) {
            Ok(facts) => ProbeResult::Seen(Box::new(facts)),
            Err(blind) => {
                unreachable(NOT_LOOKED_AT, format!("SSH works, but {blind}"), Some(TRY_AGAIN.to_owned()))
            }
        },
        Ok(Err(error)) => from_remote(&error),
        Err(_) => {
            let help = "log in and look: a dead mount or a hanging driver can hold everything up";
            unreachable(
                "timed-out",
                format!("it did not finish its answer in {PATIENCE:?}"),
                Some(help.to_owned()),
            )
        }
    }
}

/// For a pod of which it can't be told what runs there.
const TRY_AGAIN: &str =
    "nothing is planned for this pod, since what runs there can't be told: repair that, or try again";

fn facts(text: &str, expect: &Expect, exit: Exit, complaint: &str) -> Result<PodFacts, Blind> {
    let failed = (exit != Exit(0)).then(|| format!("it ended with exit code {}: {complaint}", exit.0));
    let mut facts = match (read(text, expect), &failed) {
        (Err(Blind(why)), Some(failed)) => return Err(Blind(format!("{why} ({failed})"))),
        (facts, _) => facts?,
    };
    facts.gaps.extend(failed.map(|why| ProbeFailure { section: Section::Probe, why }));
    Ok(facts)
}

fn from_remote(error: &RemoteError) -> ProbeResult {
    unreachable(error.code(), error.to_string(), error.help())
}

fn unreachable(code: &'static str, why: String, help: Option<String>) -> ProbeResult {
    ProbeResult::Unreachable(Unreachable { code, why, help })
}

/// Text that differs from run to run and can't be foreseen: the standard library's hash keys come from the system.
fn salt() -> String {
    let part = || RandomState::new().hash_one(0_u8);
    format!("{:016x}{:016x}", part(), part())
}
