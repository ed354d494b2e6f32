//! GPUs that a model asks for and its pod, by its own `gpus`, does not have.

use super::declared::Declared;
use crate::manifest::raw::ModelTable;
use crate::manifest::types::{GpuAsk, GpuWish, Model, State};
use crate::manifest::value::Named;
use crate::name::{ModelName, PodName};
use crate::problem::Problem;
use std::collections::BTreeMap;
use toml::Spanned;

/// Tells of models that shall run on GPUs beyond those that `gpus` of a pod of theirs says; one without the key may
/// have any.
pub(super) fn beyond(
    raw: &Named<ModelName, ModelTable>,
    models: &BTreeMap<ModelName, Model>,
    declared: &Declared,
    problems: &mut Vec<Problem>,
) {
    for (name, model) in models.iter().filter(|(_, model)| model.state == State::Running) {
        let asked = raw.entries.get(name).and_then(|table| table.get_ref().gpus.given());
        let wish = |pod: &PodName| declared.pods.entries.get(pod)?.get_ref().gpus.given();
        for pod in &model.pods {
            if let (Some(asked), Some(wish)) = (asked, wish(pod)) {
                problems.extend(problem(name, pod, asked, wish));
            }
        }
    }
}

fn problem(
    model: &ModelName,
    pod: &PodName,
    asked: &Spanned<GpuAsk>,
    wish: &Spanned<GpuWish>,
) -> Option<Problem> {
    let GpuWish { count, kind } = wish.get_ref();
    let (message, help) = match asked.get_ref() {
        GpuAsk::Count(wanted) if wanted > count => {
            let message = format!("`{model}` wants {wanted} GPUs, `{pod}` has {count}");
            (message, format!("ask for at most {count}, or leave `gpus` out"))
        }
        GpuAsk::Ids(ids) if ids.iter().any(|id| id >= count) => {
            let beyond: Vec<String> = ids.iter().filter(|id| *id >= count).map(ToString::to_string).collect();
            let message =
                format!("`{model}` wants GPU {}, which `{pod}` does not have", beyond.join(" and "));
            (
                message,
                format!("its {count} are counted from 0 to {}, as nvidia-smi does", count.saturating_sub(1)),
            )
        }
        GpuAsk::Any | GpuAsk::Cpu | GpuAsk::Count(_) | GpuAsk::Ids(_) => return None,
    };
    let problem = Problem::new(message, asked.span(), format!("`{model}`"));
    Some(problem.also(wish.span(), format!("`{pod}` has {count}x{kind}")).help(help))
}
