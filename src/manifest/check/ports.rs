//! Two servers on one port of one pod.

use crate::manifest::raw::ModelTable;
use crate::manifest::types::{Model, State};
use crate::manifest::value::Named;
use crate::name::{ModelName, PodName, Port};
use crate::problem::Problem;
use std::collections::BTreeMap;
use toml::Spanned;

/// Tells of models that shall run at the same time on the same pod and port. A stopped one holds no port, so that
/// two models can take turns on one.
pub(super) fn conflicts(
    raw: &Named<ModelName, ModelTable>,
    models: &BTreeMap<ModelName, Model>,
    problems: &mut Vec<Problem>,
) {
    let place =
        |name| raw.entries.get(name).and_then(|table: &Spanned<ModelTable>| table.get_ref().port.given());
    let mut taken: BTreeMap<(&PodName, Port), &ModelName> = BTreeMap::new();
    for (name, model) in models.iter().filter(|(_, model)| model.state == State::Running) {
        let Some((port, here)) = model.port.zip(place(name)) else { continue };
        for pod in &model.pods {
            let other = *taken.entry((pod, port)).or_insert(name);
            if let (true, Some(there)) = (other != name, place(other)) {
                problems.push(conflict((other, there), (name, here), pod));
                break;
            }
        }
    }
}

type Wish<'a> = (&'a ModelName, &'a Spanned<Port>);

fn conflict(one: Wish, two: Wish, pod: &PodName) -> Problem {
    let ((one, there), (two, here)) = (one, two);
    let message = format!("`{one}` and `{two}` both want port {} of `{pod}`", here.get_ref());
    let help = "leave `port` out: pi then takes the first free one and keeps it";
    let label = |name: &ModelName| {
        if there.span() == here.span() { "inherited by both".to_owned() } else { format!("`{name}`") }
    };
    Problem::new(message, here.span(), label(two)).also(there.span(), label(one)).help(help)
}
