//! Which commit a server's weights are of.
//!
//! A model without a revision means "whatever the default branch holds", and that must not restart servers whenever
//! somebody upstream corrects a README. So it is taken once and then kept: the commit that the server runs, else the
//! one that the pod's cache has, else the hub's newest. That the branch has moved on is a note. Whoever writes
//! `@main` asks to follow it, and gets a restart in the plan when it moves; whoever writes a commit gets that.

use crate::hub::{DEFAULT_BRANCH, HubAnswer, is_commit};
use crate::manifest::State;
use crate::model_ref::ModelRef;
use crate::plan::model::code::Code;
use crate::plan::model::fetch::short;
use crate::plan::model::finding::{Finding, Severity};
use crate::plan::model::inputs::Inputs;
use crate::plan::model::pod_context::PodContext;
use crate::plan::resolve::weights::{Weights, Wish, cached, is_whole, same_repo, weights};
use crate::plan::usage::stored::fetched;

/// The commit that a server is of. `None` where neither the hub nor the pod could tell.
#[derive(Default)]
pub(in crate::plan) struct PinnedRevision {
    /// For its record.
    pub(in crate::plan) server: Option<String>,
    /// For its weights: others may fetch the same at the same time.
    pub(in crate::plan) weights: Option<String>,
    /// What is to be said about it.
    pub(in crate::plan) note: Option<Finding>,
}

/// Chooses the commit for a server.
pub(in crate::plan) fn pin(inputs: &Inputs<'_>, site: &PodContext<'_>, wish: Wish<'_>) -> PinnedRevision {
    let ModelRef::Hub { repo, revision, .. } = wish.model else { return PinnedRevision::default() };
    let name = revision.as_ref().map_or(DEFAULT_BRANCH, |revision| revision.as_str());
    if is_commit(name) {
        let commit = Some(name.to_owned());
        return PinnedRevision { server: commit.clone(), weights: commit, note: None };
    }
    let recorded = recorded(site, wish);
    let answer = inputs.hub.of(wish.model);
    let newest = match answer {
        Some(HubAnswer::Known(facts)) => Some(facts.commit.clone()),
        Some(HubAnswer::Unknown(_)) | None => None,
    };
    let noted = cached(site.facts, repo).and_then(|cache| cache.refs.get(name).cloned());
    let whole = |commit: &String| {
        // what nobody could look at is no reason to take another one
        wish.unseen
            || site.facts.cache.is_unknown()
            || is_whole(inputs, site, wish, commit)
            || is_brought(inputs, site, wish, commit)
    };
    // it was started when nobody could tell, with what the cache had: not worth a restart
    if recorded == Recorded::Unnamed && site.live(wish.name).is_some() {
        let weights = noted.clone().filter(whole).or(newest).or_else(|| answer.and(noted));
        return PinnedRevision { weights, ..PinnedRevision::default() };
    }
    let ran = match &recorded {
        Recorded::Commit(commit) => Some(commit.clone()).filter(whole),
        Recorded::Unnamed | Recorded::Nothing => None,
    };
    let chosen = match (revision, &newest, answer) {
        (Some(_), Some(_), _) => newest.clone(),
        (None, Some(_), _) => ran.or_else(|| noted.clone().filter(whole)).or_else(|| newest.clone()),
        (_, None, Some(_)) => ran.or_else(|| noted.clone()),
        (_, None, None) => ran,
    };
    let moved = match (&chosen, newest) {
        (Some(chosen), Some(newest)) if *chosen != newest => Some(moved_on(site, wish, chosen, &newest)),
        _ => None,
    };
    PinnedRevision { server: chosen.clone(), weights: chosen, note: moved }
}

/// Whether another server brings this commit, which its entry in pi.toml names: then it will be there.
fn is_brought(inputs: &Inputs<'_>, site: &PodContext<'_>, wish: Wish<'_>, commit: &str) -> bool {
    let named = |model: &ModelRef| match model {
        ModelRef::Hub { revision: Some(revision), .. } => revision.as_str() == commit,
        ModelRef::Hub { revision: None, .. } | ModelRef::Path(_) => false,
    };
    site.models.iter().any(|(name, model)| {
        let asks = model.state == State::Running && inputs.scope.has_server(site.name, name);
        if !(asks && same_repo(&model.model, wish.model) && named(&model.model)) {
            return false;
        }
        let other = Wish { name, model: &model.model, kind: model.engine.kind, ..wish };
        let Weights::Fetch(fetch, _) = weights(inputs, site, other, Some(commit)) else { return false };
        let mut facts = site.facts.clone();
        fetched(&mut facts, &fetch);
        is_whole(inputs, &PodContext { facts: &facts, ..*site }, wish, commit)
    })
}

/// What the record of a server with the same model says.
#[derive(PartialEq, Eq)]
enum Recorded {
    /// It is of this commit.
    Commit(String),
    /// No commit could be told when it was started.
    Unnamed,
    /// There is no such record.
    Nothing,
}

fn recorded(site: &PodContext<'_>, wish: Wish<'_>) -> Recorded {
    let seen = site.facts.servers.get(wish.name).and_then(|seen| seen.spec.as_ref().ok());
    match seen.filter(|seen| seen.model == *wish.model).map(|seen| &seen.commit) {
        Some(Some(commit)) => Recorded::Commit(commit.clone()),
        Some(None) => Recorded::Unnamed,
        None => Recorded::Nothing,
    }
}

fn moved_on(site: &PodContext<'_>, wish: Wish<'_>, chosen: &str, newest: &str) -> Finding {
    let ModelRef::Hub { repo, file, .. } = wish.model else {
        return Finding::on(Severity::Note, Code::MovedOn, site.name, String::new());
    };
    let file = file.as_ref().map(|file| format!(":{file}")).unwrap_or_default();
    let message = format!("{repo} has moved on to {}; this pod stays at {}", short(newest), short(chosen));
    let help = format!(
        "to follow it, write \"{repo}@{DEFAULT_BRANCH}{file}\"; to change once, \"{repo}@{newest}{file}\""
    );
    Finding::on(Severity::Note, Code::MovedOn, site.name, message).of(wish.name).help(help)
}
