//! What to ask the hub, before the pods have answered: their answer is compared with the hub's only afterwards.

use crate::hub::{DEFAULT_BRANCH, Need, is_commit};
use crate::manifest::State;
use crate::model_ref::ModelRef;
use crate::name::Revision;
use crate::plan::model::inputs::Inputs;
use crate::plan::model::step::{Action, Plan};
use crate::plan::pods::converge::plan;
use std::collections::BTreeMap;

/// Every repository that a model in scope comes from, and how much depends on the hub's answer.
///
/// `inputs` are what is remembered. A commit that is on all its pods is not asked about: it can't change.
#[must_use]
pub fn questions(inputs: &Inputs<'_>) -> BTreeMap<ModelRef, Need> {
    let plan = plan(inputs);
    let mut questions = BTreeMap::new();
    for (name, model) in &inputs.manifest.models {
        let ModelRef::Hub { repo, revision, .. } = &model.model else { continue };
        let mut pods = model.pods.iter().filter(|pod| inputs.scope.has_server(pod, name)).peekable();
        if model.state == State::Stopped || pods.peek().is_none() {
            continue;
        }
        let there =
            pods.all(|pod| inputs.observed.pods.contains_key(pod)) && !is_fetched(&plan, &model.model);
        if there && revision.as_ref().is_some_and(|revision| is_commit(revision.as_str())) {
            continue;
        }
        // one question for `owner/name` and `owner/name@main`
        let branch = || Revision::parse(DEFAULT_BRANCH).ok();
        let revision = revision.clone().or_else(branch);
        let asked = ModelRef::Hub { repo: repo.clone(), revision, file: None };
        let need = if there { Need::Curious } else { Need::Pressing };
        let former = questions.entry(asked).or_insert(need);
        if need == Need::Pressing {
            *former = need;
        }
    }
    questions
}

fn is_fetched(plan: &Plan, model: &ModelRef) -> bool {
    plan.steps.iter().any(|step| matches!(&step.action, Action::FetchWeights(fetch) if fetch.model == *model))
}
