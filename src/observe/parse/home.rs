//! In: `engine`, `program`, `secret`, `lock` and `env` records. Out: what pi, an installer or a provider left there.

pub(super) use super::Expect;
use super::records::gap;
use super::records::{Records, clean, odd};
use crate::name::{EngineId, EnvName, SecretName};
use crate::observe::facts::Section;
use crate::observe::facts::{EngineSeen, LockSeen, ProbeFailure, SecretSeen};
use std::collections::BTreeMap;

/// Engine environments; one without a digest is unfinished.
pub(super) fn engines(records: &Records, gaps: &mut Vec<ProbeFailure>) -> BTreeMap<EngineId, EngineSeen> {
    let mut engines = BTreeMap::new();
    for row in records.rows("engine") {
        let [id, digest, ..] = row.as_slice() else {
            gaps.push(odd(Section::Engines, row));
            continue;
        };
        match EngineId::parse(id) {
            Ok(id) => {
                let digest = Some(digest.trim().to_owned()).filter(|digest| !digest.is_empty());
                let took = row.get(2).and_then(|took| took.parse().ok());
                engines.insert(id, EngineSeen { digest, took });
            }
            Err(bad) => gaps.push(gap(Section::Engines, &clean(&bad.to_string()))),
        }
    }
    engines
}

/// How fast weights came last, in bytes a second.
pub(super) fn download_rate(records: &Records) -> Option<u64> {
    records.rows("rate").first()?.first()?.parse().ok().filter(|rate| *rate > 0)
}

/// Programs that are there → their paths.
pub(super) fn programs(records: &Records) -> BTreeMap<String, String> {
    pairs(records, "program").map(|(name, path)| (name.to_owned(), path.to_owned())).collect()
}

/// What else pi put into its directory.
pub(super) fn rest(records: &Records) -> Vec<String> {
    let mut names: Vec<String> = records.rows("rest").iter().filter_map(|row| row.first()).cloned().collect();
    names.sort();
    names
}

/// What the provider tells a pod about itself.
pub(super) fn provider(records: &Records) -> BTreeMap<EnvName, String> {
    pairs(records, "env")
        .filter_map(|(name, value)| Some((EnvName::parse(name).ok()?, value.to_owned())))
        .collect()
}

fn pairs<'a>(records: &'a Records, key: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    records.rows(key).iter().filter_map(|row| match row.as_slice() {
        [name, value, ..] => Some((name.as_str(), value.as_str())),
        _ => None,
    })
}

/// The secrets in the pod's file, compared with this machine's.
pub(super) fn secrets(
    records: &Records,
    expect: &Expect,
    gaps: &mut Vec<ProbeFailure>,
) -> BTreeMap<SecretName, SecretSeen> {
    let mut secrets = BTreeMap::new();
    for row in records.rows("secret") {
        match row.as_slice() {
            [name, digest, ..] if let Some((name, seen)) = compared(name, digest, expect) => {
                secrets.insert(name, seen);
            }
            _ => gaps.push(odd(Section::Secrets, row)),
        }
    }
    secrets
}

/// One secret, compared by its digest.
pub(super) fn compared(name: &str, digest: &str, expect: &Expect) -> Option<(SecretName, SecretSeen)> {
    let name = SecretName::parse(name).ok()?;
    // the pod may have had no program to make a digest with
    let seen = match expect.digests.get(&name).filter(|_| !digest.is_empty()) {
        None => SecretSeen::There,
        Some(ours) if ours == digest => SecretSeen::Same,
        Some(_) => SecretSeen::Differs,
    };
    Some((name, seen))
}

/// Who applies now.
pub(super) fn lock(records: &Records, gaps: &mut Vec<ProbeFailure>) -> Option<LockSeen> {
    let row = records.rows("lock").first()?;
    let [who, project, since, idle, rest @ ..] = row.as_slice() else {
        gaps.push(odd(Section::Lock, row));
        return None;
    };
    Some(LockSeen {
        who: who.clone(),
        project: project.clone(),
        since: since.parse().unwrap_or(0),
        // a clock that was set back is no reason to call a lock old
        idle: idle.parse().unwrap_or(0),
        token: rest.first().cloned().unwrap_or_default(),
    })
}
