//! Where a model runs: its pods by name, by labels, or the only one there is.

use super::declared::Declared;
use crate::manifest::choice::PodChoice;
use crate::manifest::raw::{ModelTable, PodTable};
use crate::manifest::suggest::meant;
use crate::manifest::table::Field;
use crate::manifest::value::Named;
use crate::name::{Label, ModelName, PodName};
use crate::problem::Problem;
use std::collections::BTreeSet;
use toml::Spanned;

/// Models need at least one pod; told once, not for every model.
pub(super) fn somewhere(
    models: &Named<ModelName, ModelTable>,
    declared: &Declared,
    problems: &mut Vec<Problem>,
) {
    let first = models.entries.iter().min_by_key(|(_, table)| table.span().start);
    if let (Some((name, table)), false) = (first, any(declared)) {
        let message = format!("there is no pod for `{name}` to run on");
        let help = "declare one: [pods.NAME] with ssh = \"ssh -p 2222 root@1.2.3.4\", or `pi pods setup NAME \"SSH\"`";
        problems.push(Problem::new(message, table.span(), "needs a pod").help(help));
    }
}

fn any(declared: &Declared) -> bool {
    !declared.pods_readable || !declared.pods.entries.is_empty() || !declared.pods.refused.is_empty()
}

/// The pods a model runs on, sorted; `None` if that cannot be told.
pub(super) fn pods(
    name: &ModelName,
    table: &Spanned<ModelTable>,
    declared: &Declared,
    problems: &mut Vec<Problem>,
) -> Option<Vec<PodName>> {
    if !declared.pods_readable || !any(declared) {
        return None;
    }
    let found = match &table.get_ref().pod {
        Field::Wrong => return None,
        Field::Absent => return the_only_one(name, table, declared.pods, problems),
        Field::Given(choice) => match choice.get_ref() {
            PodChoice::Named(names) => by_name(names, declared.pods, problems)?,
            PodChoice::Labeled(labels) => by_label(choice, labels, declared.pods, problems)?,
        },
    };
    Some(found.into_iter().collect())
}

fn the_only_one(
    name: &ModelName,
    table: &Spanned<ModelTable>,
    pods: &Named<PodName, PodTable>,
    problems: &mut Vec<Problem>,
) -> Option<Vec<PodName>> {
    if pods.entries.len() + pods.refused.len() == 1 {
        return pods.entries.keys().next().map(|pod| vec![pod.clone()]);
    }
    let message = format!("model `{name}` does not say on which pod it runs");
    let names = names(pods);
    let help =
        format!("add pod = {:?}; pods: {}", names.first().copied().unwrap_or("NAME"), names.join(", "));
    problems.push(Problem::new(message, table.span(), "has no `pod`").help(help));
    None
}

fn names(pods: &Named<PodName, PodTable>) -> Vec<&str> {
    pods.entries.keys().map(PodName::as_str).chain(pods.refused.iter().map(String::as_str)).collect()
}

fn by_name(
    wanted: &[Spanned<String>],
    pods: &Named<PodName, PodTable>,
    problems: &mut Vec<Problem>,
) -> Option<BTreeSet<PodName>> {
    let mut found = BTreeSet::new();
    let mut all = true;
    for wish in wanted {
        let name = wish.get_ref();
        let pod = pods.entries.keys().find(|pod| pod.as_str() == name);
        all &= pod.is_some();
        if pod.is_none() && !pods.refused.contains(name) {
            problems.push(no_such_pod(wish, pods));
        }
        found.extend(pod.cloned());
    }
    all.then_some(found)
}

fn no_such_pod(wish: &Spanned<String>, pods: &Named<PodName, PodTable>) -> Problem {
    let name = wish.get_ref();
    let help = if labels(pods).any(|label| label.as_str() == name) {
        format!("`{name}` is a label: pod = {{ labels = [{name:?}] }}")
    } else {
        meant(name, "pods", names(pods))
    };
    let label =
        if PodName::parse(name).is_ok() { format!("no [pods.{name}]") } else { "no such pod".to_owned() };
    Problem::new(format!("there is no pod `{name}`"), wish.span(), label).help(help)
}

fn labels(pods: &Named<PodName, PodTable>) -> impl Iterator<Item = &Label> {
    pods.entries.values().filter_map(|pod| pod.get_ref().labels.value()).flatten()
}

fn by_label<T>(
    choice: &Spanned<T>,
    wanted: &[Spanned<String>],
    pods: &Named<PodName, PodTable>,
    problems: &mut Vec<Problem>,
) -> Option<BTreeSet<PodName>> {
    let readable = |pod: &Spanned<PodTable>| !matches!(pod.get_ref().labels, Field::Wrong);
    if !pods.refused.is_empty() || !pods.entries.values().all(readable) {
        return None;
    }
    let known: BTreeSet<&str> = labels(pods).map(Label::as_str).collect();
    let before = problems.len();
    for label in wanted.iter().filter(|label| !known.contains(label.get_ref().as_str())) {
        let message = format!("no pod has the label `{}`", label.get_ref());
        let help = if known.is_empty() {
            format!("give a pod labels = [{:?}]", label.get_ref())
        } else {
            meant(label.get_ref(), "labels", known.iter().copied())
        };
        problems.push(Problem::new(message, label.span(), "no such label").help(help));
    }
    let has_all = |pod: &PodTable| {
        let has = |label: &Spanned<String>| {
            pod.labels.value().is_some_and(|own| own.iter().any(|l| l.as_str() == label.get_ref()))
        };
        wanted.iter().all(has)
    };
    let found: BTreeSet<_> =
        pods.entries.iter().filter(|(_, pod)| has_all(pod.get_ref())).map(|(name, _)| name.clone()).collect();
    if problems.len() > before {
        return None;
    }
    if found.is_empty() {
        let help = "a pod is chosen when it has every label of the list";
        problems.push(
            Problem::new("no pod has all of these labels", choice.span(), "chooses nothing").help(help),
        );
    }
    (!found.is_empty()).then_some(found)
}
