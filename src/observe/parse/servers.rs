//! In: `server` records (name, what, …). Out: the servers that pi started, dead ones too.

use super::Blind;
use super::home::{Expect, compared};
use super::records::{Records, clean, gap, obeyed, odd};
use crate::diagnose::measured;
use crate::name::{ModelName, SecretName};
use crate::observe::facts::Section;
use crate::observe::facts::{
    FailedStart, Life, NO_SPEC, OwnerSeen, Past, ProbeFailure, Restarts, SecretSeen, ServerSeen,
};
use crate::spec::{Owner, RunId, ServerSpec};
use std::collections::{BTreeMap, BTreeSet};

/// The servers that pi started, by name; of each it must be known whether it lives.
pub(super) fn servers(
    records: &Records,
    expect: &Expect,
    gaps: &mut Vec<ProbeFailure>,
) -> Result<BTreeMap<ModelName, ServerSeen>, Blind> {
    let names = records.rows("server").iter().filter_map(|row| row.first());
    let names: BTreeSet<&str> = names.map(|name| name.strip_prefix(BESIDE).unwrap_or(name)).collect();
    let mut servers = BTreeMap::new();
    for text in names {
        match ModelName::parse(text) {
            Err(bad) => gaps.push(gap(Section::Servers, &clean(&bad.to_string()))),
            Ok(name) => {
                let told: Vec<&[String]> = records.named("server", text).collect();
                let beside = beside(records, text, expect);
                match server(&told, expect).or_else(|| beside.is_some().then(gone)) {
                    Some(server) => {
                        let beside = beside.map(|beside| Box::new(owned_as(&server, beside)));
                        servers.insert(name, ServerSeen { beside, ..server });
                    }
                    None => return Err(Blind(format!("it was not told whether `{name}` lives"))),
                }
                gaps.extend(told.iter().filter(|row| unreadable(row)).map(|row| odd(Section::Servers, row)));
            }
        }
    }
    Ok(servers)
}

/// In front of the name of a server: another run of it that may live.
const BESIDE: &str = "beside/";

fn beside(records: &Records, name: &str, expect: &Expect) -> Option<ServerSeen> {
    let name = format!("{BESIDE}{name}");
    let told: Vec<&[String]> = records.named("server", &name).collect();
    server(&told, expect)
}

/// A run whose server's record says whose both are; an earlier pi noted that for each.
fn owned_as(server: &ServerSeen, run: ServerSeen) -> ServerSeen {
    let unnamed = run.owner == OwnerSeen::Unnamed;
    ServerSeen { owner: if unnamed { server.owner.clone() } else { run.owner }, ..run }
}

/// What there is of a server where only the one is left that was started beside it.
fn gone() -> ServerSeen {
    ServerSeen {
        spec: Err("it is gone".to_owned()),
        run: RunId::default(),
        last_run: RunId::default(),
        owner: OwnerSeen::Unnamed,
        life: Life::Stopped,
        answered: false,
        secrets: BTreeMap::new(),
        measured: None,
        past: Past::default(),
        beside: None,
    }
}

fn server(told: &[&[String]], expect: &Expect) -> Option<ServerSeen> {
    let stopped = told.iter().any(|row| matches!(row, [what, ..] if what == "stopped"));
    let answered = told.iter().any(|row| matches!(row, [what, ..] if what == "answered"));
    let (run, last_run) = run(told);
    Some(ServerSeen {
        spec: spec(field(told, "spec")),
        run,
        last_run,
        owner: owner(field(told, "owner"), expect),
        life: life(told, stopped.then_some(Life::Stopped))?,
        answered,
        secrets: secrets(told, expect),
        measured: measured(&fields(told, "measured")),
        past: past(told),
        beside: None,
    })
}

/// Which run it is, and which the last one is that was ever started.
fn run(told: &[&[String]]) -> (RunId, RunId) {
    let id = |text: &str| text.parse().map(RunId).ok();
    let ids = told.iter().find_map(|row| match row {
        [what, run, last, ..] if what == "run" => Some((id(run)?, id(last)?)),
        _ => None,
    });
    ids.unwrap_or_default()
}

/// What its earlier runs left. What answers needs none of them any more.
fn past(told: &[&[String]]) -> Past {
    let says = |word: &str| told.iter().any(|row| matches!(row, [what, ..] if what == word));
    let needed = !(says("answered") && says("running"));
    let previous = field(told, "previous").filter(|_| needed).and_then(|text| spec(Some(text)).ok());
    let failed = told.iter().find_map(|row| match row {
        [what, digest, count, cause, ..] if what == "failed" => {
            let (digest, cause) = (digest.clone(), cause.clone());
            Some(FailedStart { digest, count: count.parse().ok()?, cause })
        }
        _ => None,
    });
    let took = field(told, "took").and_then(|seconds| seconds.parse().ok());
    let restarts = told.iter().find_map(|row| match row {
        [what, count, code, word, ..] if what == "restarts" => Some(Restarts {
            count: count.parse().ok()?,
            code: code.parse().ok()?,
            given_up: word == "given-up",
        }),
        _ => None,
    });
    Past { previous: previous.map(Box::new), failed, took, restarts }
}

/// Its record. One that would be obeyed by a terminal is refused: what is in it is shown and compared.
fn spec(text: Option<&str>) -> Result<ServerSpec, String> {
    let text = text.unwrap_or_default();
    if text.is_empty() {
        return Err(NO_SPEC.to_owned());
    }
    let spec: ServerSpec =
        serde_json::from_str(text).map_err(|error| clean(&format!("spec.json: {error}")))?;
    let ServerSpec { build, commit, args, command, env, .. } = &spec;
    let mut texts = commit.iter().chain(build).chain(args).chain(command).chain(env.values());
    let hostile = |text: &String| text.chars().any(|c| obeyed(c) && !matches!(c, '\n' | '\t'));
    if texts.any(hostile) { Err("spec.json has control characters in it".to_owned()) } else { Ok(spec) }
}

/// Whose it is. What is there and can't be read is somebody's.
fn owner(text: Option<&str>, expect: &Expect) -> OwnerSeen {
    let Some(text) = text else { return OwnerSeen::Unnamed };
    match serde_json::from_str::<Owner>(text) {
        Ok(owner) => {
            let owner = Owner { who: clean(&owner.who), ..owner };
            match &expect.project {
                Some((id, _)) if *id != owner.id => OwnerSeen::Other(owner),
                Some((_, name)) if *name != owner.project => OwnerSeen::Renamed(owner),
                Some(_) => OwnerSeen::Ours,
                None => OwnerSeen::Other(owner),
            }
        }
        Err(_) => OwnerSeen::Unreadable,
    }
}

fn life(told: &[&[String]], stopped: Option<Life>) -> Option<Life> {
    for row in told {
        match row {
            [what, pid, seconds, ..] if what == "running" => {
                let health = field(told, "health").and_then(|code| code.parse().ok());
                return Some(Life::Running {
                    pid: pid.parse().ok()?,
                    seconds: seconds.parse().unwrap_or(0),
                    health,
                });
            }
            [what, left, ..] if what == "dead" => {
                let left: Vec<u32> = left.split_whitespace().filter_map(|pid| pid.parse().ok()).collect();
                return Some(stopped.filter(|_| left.is_empty()).unwrap_or(Life::Dead { left }));
            }
            [what, ..] if what == "never" => return Some(Life::Stopped),
            _ => {}
        }
    }
    None
}

fn fields(told: &[&[String]], name: &str) -> Vec<String> {
    let value = |row: &&[String]| match row {
        [what, value, ..] if what == name => Some(value.clone()),
        _ => None,
    };
    told.iter().filter_map(value).collect()
}

fn field<'a>(told: &[&'a [String]], name: &str) -> Option<&'a str> {
    told.iter().find_map(|row| match row {
        [what, value, ..] if what == name => Some(value.as_str()),
        _ => None,
    })
}

fn secrets(told: &[&[String]], expect: &Expect) -> BTreeMap<SecretName, SecretSeen> {
    let secret = |row: &&[String]| match row {
        [what, name, digest, ..] if what == "secret" => compared(name, digest, expect),
        _ => None,
    };
    told.iter().filter_map(secret).collect()
}

fn unreadable(row: &[String]) -> bool {
    matches!(row, [what, name, ..] if what == "secret" && SecretName::parse(name).is_err())
}
