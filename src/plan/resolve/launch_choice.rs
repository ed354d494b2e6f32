//! How a server is launched at its place: what the manifest says, and what the catalog or the fit adds.
//!
//! It is chosen once, in [`LaunchChoice::of`]. The spec, the findings and the fit are made from that choice, and
//! [`Launch`] is what people are shown of it.

use crate::catalog::recipe::NoChoice;
use crate::catalog::{Version, args};
use crate::fit::{Chosen, Fit};
use crate::manifest::Model;
use crate::name::EnvName;
use crate::plan::model::launch::Launch;
use crate::plan::model::pod_context::PodContext;
use crate::plan::resolve::pick::Pick;
use crate::plan::resolve::said;
use crate::plan::resolve::spread::{Context, Ruled};
use crate::spec::ServerSpec;
use crate::units::{Percent, Tokens};
use std::collections::BTreeMap;

/// How a server on these GPUs is launched.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::plan) struct LaunchChoice {
    /// Which vLLM runs it; none for other engines, and for builds of one's own that pin none.
    pub(in crate::plan) version: Option<Version>,
    /// What the catalog has chosen, or why nothing; none where it has no say.
    pub(in crate::plan) chosen: Option<Result<Chosen, NoChoice>>,
    /// The context to name on the command line; none where that is the model's own.
    pub(in crate::plan) context: Option<Tokens>,
    /// Whether the context is what fits.
    pub(in crate::plan) fitted: bool,
    /// Share of each GPU's memory.
    pub(in crate::plan) memory: Option<Percent>,
    /// Arguments of the engine: the user's, and what the catalog adds.
    pub(in crate::plan) args: Vec<String>,
    /// The server's environment: the catalog's, the pod's, the model's, each over those before it.
    pub(in crate::plan) env: BTreeMap<EnvName, String>,
}

impl LaunchChoice {
    /// Chooses for a server on these GPUs.
    pub(in crate::plan) fn of(
        site: &PodContext<'_>,
        model: &Model,
        place: &[u32],
        (pick, ruled): (&Pick, Option<&Ruled<'_>>),
    ) -> Self {
        let mut choice = Self {
            version: pick.version.clone(),
            chosen: None,
            context: said::context(model).or(model.context),
            fitted: false,
            memory: pick.memory.or(model.memory),
            args: model.args.clone(),
            env: BTreeMap::new(),
        };
        let by_fit = ruled.filter(|_| choice.context.is_none());
        if let Some(Context { tokens, fitted }) = by_fit.and_then(|it| it.context(model, site.facts, place)) {
            (choice.context, choice.fitted) = (tokens, fitted);
        } else {
            choice.chosen = pick.chosen_at(site, model, place);
            if let Some(Ok(Chosen { choice: ways, context, .. })) = &choice.chosen {
                choice.args = merged(&ways.beside(&model.args), &model.args);
                choice.context = choice.context.or(*context);
                choice.env.clone_from(&ways.env);
            }
        }
        choice.env.extend(site.pod.env.clone());
        choice.env.extend(model.env.clone());
        choice
    }

    /// What the catalog has chosen, where it did.
    pub(in crate::plan) fn chosen(&self) -> Option<&Chosen> {
        self.chosen.as_ref()?.as_ref().ok()
    }

    /// What people are shown of it; none for other engines. `fit` is how it fits, as far as that is known.
    pub(in crate::plan) fn shown(&self, spec: &ServerSpec, fit: Option<&Fit>) -> Option<Launch> {
        let plain = Launch::of_record(spec)?;
        let reasons = self.chosen().map(|chosen| chosen.choice.reasons.clone()).unwrap_or_default();
        let own_context = plain.own_context.or_else(|| fit.map(|fit| fit.own));
        Some(Launch {
            context: plain.context.or(own_context.filter(|_| !reasons.is_empty())),
            own_context,
            is_most: spec.fitted
                && plain.context.zip(own_context).is_some_and(|(context, own)| context < own),
            reasons,
            ..plain
        })
    }
}

/// The catalog's arguments and the user's; `--tensor-parallel-size` follows from the number of GPUs and stands nowhere else.
fn merged(catalog: &[String], user: &[String]) -> Vec<String> {
    let others = args::split(catalog).into_iter().filter(|arg| arg.flag != "--tensor-parallel-size");
    let catalog: Vec<String> = others.flat_map(|arg| arg.words).collect();
    args::merge(&catalog, user).0
}
