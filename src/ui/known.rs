//! `pi start` without a model: what of the catalog fits a pod.

use crate::catalog::models::Recipe;
use crate::fit::Fit;
use crate::fit::text::Short;
use crate::name::PodName;
use crate::plan::Known;
use crate::ui::fit::measured_json;
use crate::ui::layout::{Count, padded, width};
use crate::ui::style::{STRONG, Styled};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;

/// GPUs of one kind, and what fits them.
#[derive(Debug)]
pub struct Free {
    /// `H100 80GB HBM3`
    pub kind: String,
    /// How many there are.
    pub all: u32,
    /// How many of them nobody has.
    pub free: u32,
    /// What surely fits the free ones.
    pub models: Vec<Known>,
}

/// The list, for people.
#[must_use]
pub fn known_text(pod: &PodName, gpus: &[Free]) -> String {
    let mut text = String::new();
    for Free { kind, all, free, models } in gpus {
        let heading = format!("{free} of {all} × {kind} free");
        let _ = writeln!(text, "{}  {heading}\n", Styled(STRONG, pod));
        let mut families = BTreeSet::new();
        let family = |recipe: &Recipe| recipe.family.clone().unwrap_or_else(|| recipe.id.clone());
        let shown: Vec<_> = models.iter().filter(|known| families.insert(family(known.recipe))).collect();
        let widest = shown.iter().map(|known| width(&known.recipe.id)).max().unwrap_or(0);
        for Known { recipe, chosen, measured } in &shown {
            let count = chosen.choice.parallel.gpus();
            let gpus = padded(&Count(count as usize, "GPU").to_string(), 6);
            let holds = chosen
                .fit
                .as_ref()
                .map(|Fit { tokens, .. }| format!("{:>5} tokens", Short(*tokens).to_string()));
            let holds = holds.unwrap_or_default();
            let mark = if measured.is_some() { "*" } else { "" };
            let _ = writeln!(
                text,
                "  {}  {gpus}  {:>8}  {holds}{mark}",
                padded(&recipe.id, widest),
                recipe.weights().to_string()
            );
        }
        let pods: BTreeSet<_> =
            shown.iter().filter_map(|it| Some(it.measured.as_ref()?.pod.as_str())).collect();
        if !pods.is_empty() {
            let _ = writeln!(text, "  * measured on {}", Vec::from_iter(pods).join(", "));
        }
        match models.len() - shown.len() {
            _ if models.is_empty() => text.push_str("  none of pi's catalog\n"),
            0 => {}
            more => {
                let _ = writeln!(text, "  and {} of these: pi start --json", Count(more, "variant"));
            }
        }
        text.push('\n');
    }
    text.push_str("Start one: pi start OWNER/NAME. Others of the hub may fit as well: try.\n");
    text
}

/// The list, for machines, in format 1.
#[must_use]
pub fn known_json(pod: &PodName, gpus: &[Free]) -> Value {
    let model = |Known { recipe, chosen, measured }: &Known| {
        let mut model = json!({
            "model": recipe.id, "gpus": chosen.choice.parallel.gpus(), "weights_bytes": recipe.weights(),
            "context": chosen.context, "tokens": chosen.fit.as_ref().map(|fit| fit.tokens),
            "source": chosen.fit.as_ref().map(|fit| fit.source),
        });
        if let Some(measured) = measured {
            model["measured"] = measured_json(measured);
        }
        model
    };
    let group = |Free { kind, all, free, models }: &Free| json!({ "gpu": kind, "count": all, "free": free, "models": models.iter().map(model).collect::<Vec<_>>() });
    json!({ "format": 1, "pod": pod, "gpus": gpus.iter().map(group).collect::<Vec<_>>() })
}
