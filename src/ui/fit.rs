//! `pi fit`, as people and machines read it.

use crate::catalog::gpus::Gpu;
use crate::catalog::version::Version;
use crate::fit::text::{Short, Table};
use crate::fit::{Fit, Spread, Try, Verdict, report};
use crate::name::PodName;
use crate::plan::{Measurement, OfKind};
use crate::ui::layout::{Count, padded};
use crate::ui::pods::ago;
use crate::ui::style::{ADD, CHANGE, REMOVE, STRONG, Styled};
use crate::ui::visible::json_page;
use serde_json::{Value, json};
use std::fmt::Write;

/// What an estimate is about.
#[derive(Debug, Clone, Copy)]
pub struct FitHeading<'a> {
    /// The model.
    pub model: &'a str,
    /// The GPU, in short.
    pub gpu: &'a str,
    /// Which vLLM.
    pub version: &'a Version,
    /// On which pod the pool was measured, and how many seconds ago.
    pub measured: Option<(&'a PodName, u64)>,
    /// The pod whose GPUs they are, where one was asked about.
    pub pod: Option<&'a FitPod<'a>>,
}

/// A pod, and what of it is free.
#[derive(Debug, Clone, Copy)]
pub struct FitPod<'a> {
    /// The pod.
    pub name: &'a PodName,
    /// Its usable GPUs.
    pub kinds: &'a [OfKind<'a>],
    /// How many seconds ago that was seen.
    pub seconds: u64,
    /// The kind that was estimated.
    pub gpu: &'a Gpu,
}

impl FitPod<'_> {
    /// How many of that kind there are, free or not.
    #[must_use]
    pub fn all(&self) -> u32 {
        self.kinds.iter().filter(|kind| kind.gpu.key == self.gpu.key).map(|kind| kind.all).max().unwrap_or(0)
    }
}

/// What is free of a kind, and who has the others: ``6 of 8 × H100 80GB HBM3 free (`qwen` runs there)``.
#[must_use]
pub fn of_kind(kind: &OfKind<'_>) -> String {
    let OfKind { name: _, gpu: _, all, free, servers } = kind;
    let servers: Vec<String> = servers.iter().map(|name| format!("`{name}`")).collect();
    let others = match servers.len() {
        0 => String::new(),
        1 => format!(" ({} runs there)", servers.concat()),
        _ => format!(" ({} run there)", servers.join(", ")),
    };
    format!("{free} of {all} × {} free{others}", kind.short())
}

/// One model on one kind of GPU, item by item.
#[must_use]
pub fn fit_text(
    heading: &FitHeading<'_>,
    fit: &Fit,
    tries: &[Try],
    fewest: Option<&Spread>,
    why: &[String],
) -> String {
    let FitHeading { model, gpu, version, measured, pod } = heading;
    let of_pod = pod.map(|pod| format!(" of {}", pod.name)).unwrap_or_default();
    let gpus = format!("{}× {gpu}{of_pod}", fit.parallel.gpus());
    let free = pod.map(|FitPod { name, kinds, seconds, gpu: _ }| {
        let kinds: Vec<String> = kinds.iter().map(of_kind).collect();
        format!("{name}: {}, seen {}\n", kinds.join(", "), ago(*seconds))
    });
    let free = free.unwrap_or_default();
    let measured =
        measured.map(|(pod, age)| format!("measured on {pod}, {}\n", ago(age))).unwrap_or_default();
    let both = both(fit, fewest, why);
    format!(
        "{} on {gpus}, vllm {version}\n{free}{measured}{both}\n{}",
        Styled(STRONG, model),
        Table { fit, tries }
    )
}

/// Whether the catalog recommends these GPUs: what does not fit is nobody's advice.
fn is_recommended(fit: &Fit, why: &[String]) -> bool {
    !why.is_empty() && fit.verdict != Verdict::DoesNotFit
}

/// The fewest GPUs that hold the model beside those that the catalog recommends, and why it does.
fn both(fit: &Fit, fewest: Option<&Spread>, why: &[String]) -> String {
    let mut text = String::new();
    if is_recommended(fit, why) {
        let _ = writeln!(text, "recommended by the catalog: {}: {}", fit.parallel.gpus(), why.join(", "));
    }
    if let Some(fewest) = fewest.filter(|_| is_recommended(fit, why)) {
        let _ =
            writeln!(text, "fewest that hold it: {}, with {} of context", fewest.gpus(), fewest.fit.context);
    }
    text
}

/// One model on one kind of GPU, as a line of the overview.
#[derive(Debug)]
pub struct FitLine {
    /// The GPU.
    pub gpu: &'static Gpu,
    /// How it fits.
    pub fit: Fit,
    /// What a pod measured when it ran so.
    pub measured: Option<Measurement>,
    /// The fewest that hold it.
    pub fewest: Option<Spread>,
    /// Why the catalog recommends so many; empty where it has no say.
    pub why: Vec<String>,
}

/// One model on every kind of GPU: the fewest that do, or why none will.
#[must_use]
pub fn fit_overview(model: &str, lines: &[FitLine]) -> String {
    let mut text = format!("{}\n\n", Styled(STRONG, model));
    let widest = lines.iter().map(|line| line.gpu.key.len()).max().unwrap_or(0);
    for FitLine { gpu, fit, measured, fewest, why: _ } in lines {
        let style = match fit.verdict {
            Verdict::Fits => ADD,
            Verdict::Tight => CHANGE,
            Verdict::DoesNotFit => REMOVE,
        };
        let gpus = padded(&format!("{}× {}", fit.parallel.gpus(), gpu.key), widest + 4);
        let verdict = match fit.verdict {
            Verdict::Fits => "fits ",
            Verdict::Tight => "tight",
            Verdict::DoesNotFit => "does not fit",
        };
        let line = match fit.verdict {
            Verdict::DoesNotFit => verdict.to_owned(),
            Verdict::Fits | Verdict::Tight => format!(
                "{verdict}  {:>6} tokens, {:.1} × {}",
                Short(fit.tokens).to_string(),
                fit.concurrency,
                fit.context
            ),
        };
        let measured = measured.as_ref().map(|it| format!("  measured on {}", it.pod)).unwrap_or_default();
        let fewer = fewest.as_ref().filter(|fewest| fewest.gpus() < fit.parallel.gpus());
        let hold = |it: &Spread| if it.gpus() == 1 { "holds" } else { "hold" };
        let fewer = fewer.map(|it| format!("  ({} {} {})", it.gpus(), hold(it), it.fit.context));
        let fewer = fewer.unwrap_or_default();
        let _ = writeln!(text, "  {}  {line}{fewer}{measured}", Styled(style, gpus));
    }
    let fitting = lines.iter().filter(|line| line.fit.verdict == Verdict::Fits).count();
    let kinds = Count(lines.len(), "kind");
    let _ = writeln!(text, "\nIt surely fits on {fitting} of {kinds} of GPU, with up to 8 of them.");
    if lines.iter().any(|line| !line.why.is_empty()) {
        text.push_str("The counts are what the catalog recommends, `--gpu` says why; in parentheses the fewest that hold it.\n");
    }
    text
}

/// The same for machines.
#[must_use]
pub fn fit_json(
    (fit, tries): (&Fit, &[Try]),
    measured: Option<&Measurement>,
    (fewest, why): (Option<&Spread>, &[String]),
    pod: Option<&FitPod<'_>>,
) -> String {
    let mut value = report::report(fit, tries);
    if let Some(FitPod { name, kinds, seconds, gpu }) = pod {
        let kind = |kind: &OfKind<'_>| json!({ "gpu": kind.gpu.key, "count": kind.all, "free": kind.free });
        let kinds: Vec<Value> = kinds.iter().map(kind).collect();
        let takes = json!({ "gpu": gpu.key, "count": fit.parallel.gpus() });
        value["pod"] = json!({ "name": name, "seen_seconds_ago": seconds, "gpus": kinds, "takes": takes });
    }
    add_both(&mut value, fit, fewest, why);
    if let Some(measured) = measured {
        value["measured"] = measured_json(measured);
    }
    json_page(&value)
}

/// What the catalog recommends and why, and the fewest that hold it; neither where it has no say.
fn add_both(value: &mut Value, fit: &Fit, fewest: Option<&Spread>, why: &[String]) {
    if !is_recommended(fit, why) {
        return;
    }
    value["recommended"] = json!({ "gpus": fit.parallel.gpus(), "why": why });
    if let Some(fewest) = fewest {
        value["fewest"] = json!({ "gpus": fewest.gpus(), "context": fewest.fit.context });
    }
}

/// The overview for machines, in format 1: for every kind of GPU the fewest that do, in the form of [`fit_json`].
#[must_use]
pub fn fit_overview_json(model: &str, version: &Version, lines: &[FitLine]) -> String {
    let line = |FitLine { gpu, fit, measured, fewest, why }: &FitLine| {
        let mut value = json!({ "gpu": gpu.key, "count": fit.parallel.gpus(), "context": fit.context });
        if let (Value::Object(into), Value::Object(report)) = (&mut value, report::report(fit, &[])) {
            // what would fit instead is asked with --gpu
            into.extend(report.into_iter().filter(|(name, _)| name != "try"));
        }
        add_both(&mut value, fit, fewest.as_ref(), why);
        if let Some(measured) = measured {
            value["measured"] = measured_json(measured);
        }
        value
    };
    let gpus: Vec<Value> = lines.iter().map(line).collect();
    json_page(&json!({ "format": 1, "model": model, "vllm": version.to_string(), "gpus": gpus }))
}

/// Where a pool was measured, and when, in seconds since 1970.
pub(super) fn measured_json(Measurement { pod, at, kv_gib: _ }: &Measurement) -> Value {
    json!({ "pod": pod, "at": at })
}
