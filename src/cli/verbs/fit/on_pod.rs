//! `pi fit MODEL --pod NAME`: will it fit what is free there.

use super::{Args, On, Told, age, not_too_long, show, told};
use crate::cli::context::flags::Global;
use crate::cli::context::full::Context;
use crate::cli::context::manifest_path::load_manifest;
use crate::cli::context::pod_gpus::{kinds, known, vllm};
use crate::cli::context::subject::subject;
use crate::cli::context::which_pod::which_pod;
use crate::cli::terminal::exit::{Exit, usage};
use crate::name::PodName;
use crate::plan::{OfKind, Protected, Scope};
use crate::ui::{FitPod, of_kind};
use miette::{Report, Result, WrapErr, miette};

pub(super) async fn run(global: &Global, args: &Args) -> Result<Exit> {
    if args.gpu.is_some() {
        return Err(usage("--pod and --gpu both say which GPUs", "leave one of them out"));
    }
    let context =
        Context::of(global, load_manifest(global.manifest.as_deref())?, Scope::All, Protected::Keep)?;
    let pod = which_pod(global, &context.manifest, &context.memory)?;
    let known = known(&context, &pod).await;
    context.remote.close().await;
    let known = known?;
    let kinds = kinds(&pod, &known.facts)?;
    let wanted = args.gpus.unwrap_or(1);
    if kinds.iter().all(|kind| kind.free < wanted) {
        return Err(too_few(&pod, &kinds, wanted));
    }
    let subject = subject(global, &args.model).await?;
    not_too_long(&subject, args)?;
    let version = vllm(&context.manifest, &pod);
    let told = kinds.iter().filter(|kind| kind.free >= wanted).map(|kind| {
        let on = On { gpu: &kind.gpu, version: &version, available: kind.free };
        Ok((on, told(&subject, on, args, &context.memory)?))
    });
    let told: Vec<Result<(On<'_>, Told)>> = told.collect();
    // one kind that takes it is enough
    let best = |it: &Result<(On<'_>, Told)>| match it {
        Ok((_, Told { fit, .. })) => (false, Some((fit.verdict, fit.parallel.gpus()))),
        Err(_) => (true, None),
    };
    let best = told.into_iter().min_by_key(best).unwrap_or_else(|| Err(too_few(&pod, &kinds, wanted)));
    let (on, told) = best.wrap_err_with(|| format!("{} can't run on `{pod}`", subject.name))?;
    let seconds = known.seen.map_or(0, age);
    show(&subject, on, &told, args, Some(&FitPod { name: &pod, kinds: &kinds, seconds, gpu: on.gpu }))
}

/// Why nothing can be started there, whatever its size.
fn too_few(pod: &PodName, kinds: &[OfKind<'_>], wanted: u32) -> Report {
    let Some(most) = kinds.iter().max_by_key(|kind| kind.all) else {
        let help = "`pi fit MODEL` says which kinds of GPU hold it";
        return miette!(help = help, "`{pod}` has no GPU that can be used");
    };
    let there: Vec<String> = kinds.iter().map(of_kind).collect();
    let asked = if wanted > 1 { format!("; --gpus asks for {wanted}") } else { String::new() };
    let all = format!("{}x{}", most.all, most.gpu.key);
    let help = format!("`pi fit MODEL --gpu \"{all}\"` says whether it would fit if all of them were free");
    miette!(help = help, "`{pod}` has too few free GPUs: {}{asked}", there.join(", "))
}
