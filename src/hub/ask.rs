//! Asking: every repository at once, each once.

use super::answer::Resolved;
use super::client::Hub;
use super::facts::{DEFAULT_BRANCH, HubAnswer, HubFacts, HubFile, NoAnswer, RepoFacts, is_commit};
use super::here::Here;
use super::kept;
use crate::model_ref::ModelRef;
use crate::name::HfRepo;
use futures_util::future::join_all;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::timeout;

/// How long the hub is waited for where the plan depends on it.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long where it only could tell something new.
const CURIOSITY: Duration = Duration::from_secs(2);

/// How much a plan depends on an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Weights may have to be fetched.
    Pressing,
    /// They are there: the hub could only tell something new.
    Curious,
}

/// Asks the hub. Whatever goes wrong is an answer, too.
pub async fn ask(here: &Here, questions: &BTreeMap<ModelRef, Need>) -> HubFacts {
    if questions.is_empty() {
        return HubFacts::default(); // a client reads every certificate of this machine
    }
    let hub = match &here.offline {
        Some(why) => Err(NoAnswer::Offline(why.clone())),
        None => Hub::new(here),
    };
    let answers = questions.iter().filter_map(|(model, need)| {
        let ModelRef::Hub { repo, revision, .. } = model else { return None };
        let revision = revision.as_ref().map_or(DEFAULT_BRANCH, |revision| revision.as_str());
        let hub = hub.as_ref().map_err(NoAnswer::clone);
        let patience = match need {
            Need::Pressing => PATIENCE,
            Need::Curious => CURIOSITY,
        };
        Some(async move { (model, one(here, hub, repo, revision, patience).await) })
    });
    let mut facts = HubFacts::default();
    for (model, answer) in join_all(answers).await {
        facts.insert(model, answer);
    }
    facts
}

async fn one(
    here: &Here,
    hub: Result<&Hub<'_>, NoAnswer>,
    repo: &HfRepo,
    revision: &str,
    patience: Duration,
) -> HubAnswer {
    let answer = match hub {
        Err(why) => Err(why),
        Ok(hub) => match timeout(patience, everything(here, hub, repo, revision)).await {
            Ok(answer) => answer,
            Err(_) => Err(NoAnswer::Unreached(format!("no answer within {patience:?}"))),
        },
    };
    match answer {
        Ok(facts) => HubAnswer::Known(facts),
        // a commit is what it was
        Err(why @ (NoAnswer::Offline(_) | NoAnswer::Unreached(_))) => {
            match kept::read(&here.kept, repo, revision) {
                Some(facts) if is_commit(revision) => HubAnswer::Known(facts),
                Some(_) | None => HubAnswer::Unknown(why),
            }
        }
        Err(why) => HubAnswer::Unknown(why),
    }
}

async fn everything(
    here: &Here,
    hub: &Hub<'_>,
    repo: &HfRepo,
    revision: &str,
) -> Result<RepoFacts, NoAnswer> {
    let Resolved { commit, gated, private } = hub.resolve(repo, revision).await?;
    if let Some(facts) = kept::read(&here.kept, repo, &commit) {
        if gated && let Some(path) = smallest(&facts.files) {
            hub.may_have(repo, &commit, path).await?;
        }
        return Ok(RepoFacts { gated, private, ..facts });
    }
    let files = hub.files(repo, &commit).await?;
    let mut config = None;
    if files.contains_key("config.json") {
        config = hub.config(repo, &commit).await?;
    } else if gated && let Some(path) = smallest(&files) {
        hub.may_have(repo, &commit, path).await?;
    }
    let facts = RepoFacts { commit, gated, private, files, config };
    drop(kept::write(&here.kept, repo, &facts));
    Ok(facts)
}

fn smallest(files: &BTreeMap<String, HubFile>) -> Option<&str> {
    files.iter().min_by_key(|(_, file)| file.bytes).map(|(path, _)| path.as_str())
}
