//! What is to be said where a server does not surely fit into its GPUs' memory.

use crate::catalog::recipe::Choice;
use crate::catalog::{args, gpus};
use crate::fit::text::Line;
use crate::fit::{Case, Verdict, tries};
use crate::manifest::Model;
use crate::plan::model::code::Code;
use crate::plan::model::finding::{Finding, Severity};
use crate::plan::model::inputs::Inputs;
use crate::plan::model::launch::recipe;
use crate::plan::model::pod_context::PodContext;
use crate::plan::model::view::PodView;
use crate::plan::resolve::estimate::{Estimate, estimate};
use crate::plan::resolve::launch_choice::LaunchChoice;
use crate::plan::resolve::wanted::AtPlace;
use crate::plan::usage::shape::shape;
use crate::spec::ServerSpec;
use crate::units::Tokens;

/// How many alternatives a finding names.
const TOLD: usize = 3;
/// Context that most work wants.
const USEFUL: Tokens = Tokens(32_768);

/// What stands against starting the server, or makes it uncertain.
pub(in crate::plan) fn findings(
    inputs: &Inputs<'_>,
    site: &PodContext<'_>,
    model: &Model,
    (AtPlace { spec, choice }, estimate): (&AtPlace, Option<&Estimate>),
) -> Vec<Finding> {
    let Some(estimate) = estimate else { return Vec::new() };
    let picked = picked(choice, model);
    let (severity, code) = match estimate.fit.verdict {
        Verdict::Fits => return shortened(inputs, site, spec, choice, picked).into_iter().collect(),
        // others have seen it run
        Verdict::Tight if picked.is_some_and(Choice::is_proven) => (Severity::Note, Code::Tight),
        Verdict::Tight => (Severity::Warning, Code::Tight),
        Verdict::DoesNotFit => (Severity::Error, Code::DoesNotFit),
    };
    let finding = Finding::on(severity, code, site.name, Line(&estimate.fit).to_string()).of(&spec.name);
    vec![with_help(finding, instead(site, spec, estimate, None))]
}

/// Less context than most work wants, or a way that is the last resort, because there is no room for more: that is pi's
/// choice and has to be told.
fn shortened(
    inputs: &Inputs<'_>,
    site: &PodContext<'_>,
    spec: &ServerSpec,
    choice: &LaunchChoice,
    picked: Option<&Choice>,
) -> Option<Finding> {
    let context = spec.context?;
    let (own, last_resort) = if spec.fitted {
        (shape(inputs, site, (&spec.model, spec.commit.as_deref()))?.max_context, false)
    } else {
        (recipe(spec)?.max_context(), picked?.last_resort)
    };
    let hoped = if last_resort { own } else { USEFUL.min(own) };
    if context >= hoped {
        return None;
    }
    let more = ServerSpec { context: Some(hoped), ..spec.clone() };
    let estimate = estimate(inputs, site, &more, choice.version.as_ref());
    let estimate = estimate.filter(|it| it.fit.verdict != Verdict::Fits)?;
    let severity = if last_resort || context.0 * 2 < hoped.0 { Severity::Warning } else { Severity::Note };
    let message = format!("pi gives it {context} of context; {}", Line(&estimate.fit));
    let finding = Finding::on(severity, Code::ShortContext, site.name, message).of(&spec.name);
    Some(with_help(finding, instead(site, &more, &estimate, Some(context))))
}

/// The catalog's choice, where the context is its own and not the user's.
fn picked<'a>(choice: &'a LaunchChoice, model: &Model) -> Option<&'a Choice> {
    let said = model.context.is_some() || args::value(&model.args, "--max-model-len").is_some();
    if said { None } else { choice.chosen().map(|chosen| &chosen.choice) }
}

/// What to try instead of something that does not surely fit, besides the context it has anyway.
fn instead(
    site: &PodContext<'_>,
    spec: &ServerSpec,
    estimate: &Estimate,
    has: Option<Tokens>,
) -> Option<String> {
    let Estimate { shape, setup, pool_gib, fit } = estimate;
    let view = PodView::new(site.pod, Some(site.facts));
    let first = view.gpus.get(*spec.gpus.first()? as usize)?;
    let gpu = gpus::seen(&first.name, first.memory_mib);
    let mut found = tries(Case { shape, recipe: recipe(spec), gpu, setup, pool_gib: *pool_gib }, fit);
    found.retain(|it| has.is_none() || it.context != has);
    let found: Vec<String> = found.iter().take(TOLD).map(ToString::to_string).collect();
    (!found.is_empty()).then(|| format!("try {}", found.join("; or ")))
}

fn with_help(finding: Finding, help: Option<String>) -> Finding {
    match help {
        None => finding,
        Some(help) => finding.help(help),
    }
}
