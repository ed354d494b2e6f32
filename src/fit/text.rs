//! How an estimate reads: one line in a plan, a table in `pi fit`.

use super::advice::Try;
use super::estimate::{Fit, PerGpu, Verdict};
use super::shape::Source;
use std::fmt;

/// The line under a server in a plan.
///
/// `fits: 30.5 weights + 3.1 overhead + 39.2 KV of 72.8 GiB per GPU = 321k tokens, 9.8 × 32k`
#[derive(Debug, Clone, Copy)]
pub struct Line<'a>(pub &'a Fit);

/// Why it is tight or does not fit, as one sentence; why it fits otherwise.
#[derive(Debug, Clone, Copy)]
pub struct Why<'a>(pub &'a Fit);

/// Everything, item by item, for `pi fit`. Ends with a line break.
#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    /// The estimate.
    pub fit: &'a Fit,
    /// What to try instead.
    pub tries: &'a [Try],
}

/// Tokens in short: `960`, `321k` (thousands), `1.18M`.
#[derive(Debug, Clone, Copy)]
pub struct Short(pub u64);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fit = self.0;
        let PerGpu { requested_gib, weights_gib, overhead_gib: (low, high), kv_gib, .. } = fit.per_gpu;
        let of = Of(fit, requested_gib);
        match fit.verdict {
            Verdict::Fits => {
                let overhead = (requested_gib - weights_gib - kv_gib).max(0.0);
                let (tokens, times) = (Short(fit.tokens), Times(fit.concurrency));
                write!(
                    f,
                    "fits: {weights_gib:.1} weights + {overhead:.1} overhead + {kv_gib:.1} KV of {of}"
                )?;
                write!(f, " = {tokens} tokens, {times} × {}", fit.context)?;
                if fit.source == Source::Measured {
                    write!(f, "; measured at an earlier start")
                } else {
                    Ok(())
                }
            }
            Verdict::Tight => {
                let (least, most) = left(fit);
                write!(
                    f,
                    "tight: {weights_gib:.1} weights + {low:.1}–{high:.1} overhead leave {least:.1}–{most:.1}"
                )?;
                write!(f, " of {of} for KV; {} takes {:.1}", fit.context, fit.needed_gib)
            }
            Verdict::DoesNotFit => write!(f, "does not fit: {}", Why(fit)),
        }
    }
}

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fit = self.0;
        let PerGpu { requested_gib, weights_gib, overhead_gib: (low, _), .. } = fit.per_gpu;
        let (least, most) = left(fit);
        let of = Of(fit, requested_gib);
        let (context, needed) = (fit.context, fit.needed_gib);
        match fit.verdict {
            _ if fit.source == Source::Measured => {
                let pool = fit.per_gpu.kv_gib;
                write!(f, "one request of {context} takes {needed:.1} of the {pool:.1} GiB pool")
            }
            Verdict::Fits => {
                write!(
                    f,
                    "one request of {context} takes {needed:.1} GiB, and at least {least:.1} GiB are left"
                )
            }
            Verdict::Tight => {
                write!(
                    f,
                    "one request of {context} takes {needed:.1} GiB; {least:.1}–{most:.1} GiB are left, "
                )?;
                write!(f, "as vLLM's overhead turns out")
            }
            Verdict::DoesNotFit if weights_gib >= requested_gib => {
                write!(f, "{} of weights need {weights_gib:.1} GiB, and there are {of}", fit.files)
            }
            Verdict::DoesNotFit => {
                write!(f, "{weights_gib:.1} weights + at least {low:.1} overhead leave {most:.1} of {of}; ")?;
                write!(f, "{context} takes {needed:.1}")
            }
        }
    }
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fit = self.fit;
        let PerGpu { total_gib, requested_gib, weights_gib, overhead_gib: (low, high), kv_gib } = fit.per_gpu;
        let share = requested_gib / total_gib * 100.0;
        row(f, "GPU memory", format_args!("{total_gib:.1} GiB"), "as torch counts it")?;
        let requested = tenths_down(requested_gib);
        row(f, "requested", format_args!("{requested:.1} GiB"), &format!("{share:.0}% of it"))?;
        row(f, "weights", format_args!("{weights_gib:.1} GiB"), &weights_note(fit))?;
        match fit.source {
            Source::Measured => {
                row(f, "KV cache", format_args!("{kv_gib:.1} GiB"), "as the engine reported it")?;
            }
            Source::Recipe | Source::Config => {
                let note = "activations, CUDA graphs, buffers; known after the first start";
                row(f, "overhead", format_args!("{low:.1}–{high:.1} GiB"), note)?;
                row(f, "KV cache", format_args!("{kv_gib:.1} GiB"), "in the middle of that")?;
            }
        }
        row(f, "per token", format_args!("{}", Size(fit.kv_bytes_per_token)), "")?;
        row(f, "holds", format_args!("{} tokens", Short(fit.tokens)), "")?;
        let note = format!("requests of {} side by side", fit.context);
        row(f, "concurrency", format_args!("{}", Times(fit.concurrency)), &note)?;
        let verdict = fit.verdict.as_str().replace('-', " ");
        writeln!(f, "\n{verdict}: {}", Why(fit))?;
        for (at, t) in self.tries.iter().enumerate() {
            writeln!(f, "{} {t}", if at == 0 { "try:" } else { "    " })?;
        }
        Ok(())
    }
}

impl fmt::Display for Try {
    /// `--gpus 4` …: what to change and what it comes to.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { context, gpus, kv_cache_dtype, model, fit } = self;
        let parts = [
            model.clone(),
            gpus.map(|n| format!("{n} GPUs")),
            context.map(|tokens| format!("context {tokens}")),
            kv_cache_dtype.map(|kind| format!("--kv-cache-dtype {kind}")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        let verdict = fit.verdict.as_str().replace('-', " ");
        let (tokens, times) = (Short(fit.tokens), Times(fit.concurrency));
        write!(f, "{}: {verdict}, {tokens} tokens, {times} × {}", parts.join(" with "), fit.context)
    }
}

/// GiB left for the KV cache: at the most overhead and at the least.
fn left(fit: &Fit) -> (f64, f64) {
    let PerGpu { requested_gib, weights_gib, overhead_gib: (low, high), .. } = fit.per_gpu;
    let left = |overhead: f64| (requested_gib - weights_gib - overhead).max(0.0);
    (left(high), left(low))
}

fn weights_note(fit: &Fit) -> String {
    match fit.parallel.gpus() {
        1 => format!("{} of files", fit.files),
        gpus => format!("{} of files over {gpus} GPUs", fit.files),
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, value: fmt::Arguments<'_>, note: &str) -> fmt::Result {
    let value = value.to_string();
    let line = format!("  {name:<12}{value:>14}  {note}");
    writeln!(f, "{}", line.trim_end())
}

/// The memory vLLM may take, rounded down: never more than there is.
struct Of<'a>(&'a Fit, f64);

impl fmt::Display for Of<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gib = tenths_down(self.1);
        write!(f, "{gib:.1} GiB{}", if self.0.parallel.gpus() > 1 { " per GPU" } else { "" })
    }
}

fn tenths_down(number: f64) -> f64 {
    (number * 10.0).floor() / 10.0
}

/// `9.8`, `118`: one decimal up to ten; rounded down, a request fits whole or not at all.
struct Times(f64);

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 10.0 {
            write!(f, "{:.1}", tenths_down(self.0))
        } else {
            write!(f, "{:.0}", self.0.floor())
        }
    }
}

impl fmt::Display for Short {
    #[expect(clippy::cast_precision_loss, reason = "for display")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            n if n >= 1_000_000 => write!(f, "{:.2}M", n as f64 / 1e6),
            n if n >= 10_000 => write!(f, "{}k", n / 1000),
            n => write!(f, "{n}"),
        }
    }
}

/// Bytes in binary units, as caches are counted: `128 KiB`.
struct Size(u64);

impl fmt::Display for Size {
    #[expect(clippy::cast_precision_loss, reason = "for display")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            n if n.is_multiple_of(1024) => write!(f, "{} KiB", n / 1024),
            n if n >= 10_240 => write!(f, "{:.1} KiB", n as f64 / 1024.0),
            n => write!(f, "{n} B"),
        }
    }
}

#[cfg(test)]
mod tests;
