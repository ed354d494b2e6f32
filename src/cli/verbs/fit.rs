//! `pi fit`: will it fit a kind of GPU, or what is free on a pod.

mod on_pod;

use crate::catalog::engines;
use crate::catalog::gpus::{self, Gpu};
use crate::catalog::recipe::Ask;
use crate::catalog::version::Version;
use crate::cli::context::flags::Global;
use crate::cli::context::manifest_path;
use crate::cli::context::subject::{Subject, subject};
use crate::cli::terminal::exit::{Exit, usage};
use crate::fit::limit;
use crate::fit::{Case, Fit, Setup, Spread, Verdict, Wanted, choose, fewest, fit, fit_pool, spread, tries};
use crate::manifest::{EngineVersion, GpuWish};
use crate::memory::{Memory, Store};
use crate::model_ref::ModelRef;
use crate::plan::{Measurement, measured_before};
use crate::ui::{self, FitHeading, FitLine, FitPod};
use crate::units::{Percent, Tokens};
use miette::{Result, miette};
use std::time::{SystemTime, UNIX_EPOCH};

#[derive(Debug, Clone, clap::Args)]
#[command(
    after_help = "Examples:\n  pi fit zai-org/GLM-4.5-Air --gpu H100 --gpus 2\n  pi fit openai/gpt-oss-120b            every kind of GPU\n  pi fit openai/gpt-oss-120b --pod dc1  the free GPUs of one pod"
)]
pub(in crate::cli) struct Args {
    /// A Hugging Face repository, or a local directory with config.json and safetensors files
    pub(in crate::cli) model: String,
    /// GPU name as nvidia-smi or a price list has it: H100, "RTX 4090", 8xH100 [default: every kind]
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) gpu: Option<String>,
    /// Number of GPUs [default: as many as needed, up to 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(in crate::cli) gpus: Option<u32>,
    /// Context length in tokens, such as 32k
    #[arg(long, value_name = "TOKENS", value_parser = Tokens::parse)]
    pub(in crate::cli) context: Option<Tokens>,
    /// Share of each GPU's memory, such as 90%
    #[arg(long, value_name = "SHARE", value_parser = Percent::parse)]
    pub(in crate::cli) memory: Option<Percent>,
    /// KV cache memory in GiB as the engine reported it ("Available KV cache memory"), instead of an estimate
    #[arg(long, value_name = "GIB", requires = "gpu")]
    pub(in crate::cli) available_kv: Option<f64>,
    /// Print the estimate as JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
    /// Further vLLM arguments, which may change the result
    #[arg(last = true, value_name = "ARGS")]
    pub(in crate::cli) vllm: Vec<String>,
}

pub(in crate::cli) async fn run(global: &Global, args: &Args) -> Result<Exit> {
    if global.pod.is_some() {
        return on_pod::run(global, args).await;
    }
    let subject = subject(global, &args.model).await?;
    not_too_long(&subject, args)?;
    let version = engines::resolve(&EngineVersion::Release);
    // what is remembered is not needed to answer
    let memory = manifest_path::config_dir().and_then(|dir| Store::of_all(&dir)).unwrap_or_default();
    let Some(name) = &args.gpu else {
        let lines = gpus::all().iter().filter(|gpu| gpu.capability().is_some()).filter_map(|gpu| {
            let on = On::a_machine(gpu, &version, args);
            let Told { fit, measured, why, .. } = told(&subject, on, args, &memory).ok()?;
            let fewest = fewest_there(&subject, on, args);
            Some(FitLine { gpu, fit, measured, fewest, why })
        });
        let lines: Vec<_> = lines.collect();
        ui::data(&if args.json {
            ui::fit_overview_json(&subject.name, &version, &lines)
        } else {
            ui::fit_overview(&subject.name, &lines)
        })?;
        return Ok(Exit::Done);
    };
    let (gpu, args) = (find(&kind(name))?, &counted(args, name)?);
    let on = On::a_machine(gpu, &version, args);
    let told = told(&subject, on, args, &memory)?;
    show(&subject, on, &told, args, None)
}

/// The GPUs that a model is held against.
#[derive(Clone, Copy)]
struct On<'a> {
    gpu: &'a Gpu,
    version: &'a Version,
    /// How many of them can be had.
    available: u32,
}

impl<'a> On<'a> {
    /// As many as the user says, else those of the largest machine it comes in.
    fn a_machine(gpu: &'a Gpu, version: &'a Version, args: &Args) -> Self {
        Self { gpu, version, available: args.gpus.unwrap_or(gpu.per_machine) }
    }
}

/// Item by item, and what to try instead.
fn show(subject: &Subject, on: On<'_>, told: &Told, args: &Args, pod: Option<&FitPod<'_>>) -> Result<Exit> {
    let Told { setup, fit, measured, why } = told;
    let case = Case {
        shape: &subject.shape,
        recipe: subject.recipe,
        gpu: Some(on.gpu),
        setup,
        pool_gib: args.available_kv.or(measured.as_ref().map(|it| it.kv_gib)),
    };
    let mut tries = tries(case, fit);
    // a pod gets no more than it has
    tries.retain(|it| pod.is_none_or(|pod| it.gpus.is_none_or(|gpus| gpus <= pod.all())));
    let both = (fewest_there(subject, on, args), why);
    if args.json {
        ui::data(&ui::fit_json((fit, &tries), measured.as_ref(), (both.0.as_ref(), both.1), pod))?;
    } else {
        let measured = measured.as_ref().map(|it| (&it.pod, age(it.at)));
        let heading =
            FitHeading { model: &subject.name, gpu: &on.gpu.key, version: on.version, measured, pod };
        ui::data(&ui::fit_text(&heading, fit, &tries, both.0.as_ref(), both.1))?;
    }
    Ok(if fit.verdict == Verdict::DoesNotFit { Exit::Failed } else { Exit::Done })
}

/// Seconds since then, by this machine's clock.
fn age(at: u64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    now.saturating_sub(at)
}

/// A context beyond the model's own limit fits nowhere: vLLM refuses to start.
fn not_too_long(subject: &Subject, args: &Args) -> Result<()> {
    let Some(context) = args.context.or_else(|| limit::asked(&args.vllm)) else { return Ok(()) };
    let Some(limit) = subject.limit(&args.vllm).filter(|limit| limit.refuses(context)) else { return Ok(()) };
    let help = limit::remedy(&subject.name, &limit, context);
    Err(miette!(help = help, "{}: {}", subject.name, limit::refusal(&limit, context)))
}

/// How the model fits a GPU, and who says so.
struct Told {
    setup: Setup,
    fit: Fit,
    measured: Option<Measurement>,
    /// Why the catalog recommends so many GPUs; empty where fit alone decides, or the user.
    why: Vec<String>,
}

/// What a pod measured when it ran so takes the estimate's place, unless the pool is given.
fn told(subject: &Subject, on: On<'_>, args: &Args, memory: &Memory) -> Result<Told> {
    let (setup, fit, why) = estimate(subject, on, args)?;
    let repo = match ModelRef::parse(&subject.name) {
        Ok(ModelRef::Hub { repo, .. }) if args.available_kv.is_none() => Some(repo),
        Ok(ModelRef::Hub { .. } | ModelRef::Path(_)) | Err(_) => None,
    };
    let measured = repo.and_then(|repo| measured_before(memory, &repo, on.gpu, on.version, &setup));
    let fit = measured.as_ref().map_or(fit, |it| fit_pool(&subject.shape, &setup, it.kv_gib));
    Ok(Told { setup, fit, measured, why })
}

/// How the model would be run on this GPU, and how that fits.
fn estimate(subject: &Subject, on: On<'_>, args: &Args) -> Result<(Setup, Fit, Vec<String>)> {
    let (ask, wanted) = asked(on, args);
    let (setup, why) = if let Some(recipe) = subject.recipe {
        let chosen = choose(recipe, ask, wanted).map_err(|why| miette!("{why}"))?;
        let why = if args.gpus.is_none() { chosen.choice.reasons } else { Vec::new() };
        (chosen.setup, why)
    } else {
        let spread = spread(&subject.shape, ask, wanted).ok_or_else(|| miette!("there is no GPU"))?;
        (spread.setup, Vec::new())
    };
    let fit = match args.available_kv {
        Some(gib) => fit_pool(&subject.shape, &setup, gib),
        None => fit(&subject.shape, &setup),
    };
    Ok((setup, fit, why))
}

/// The fewest GPUs that hold the model, where the user leaves it open.
fn fewest_there(subject: &Subject, on: On<'_>, args: &Args) -> Option<Spread> {
    let (ask, wanted) = asked(on, args);
    fewest(&subject.shape, ask, wanted).filter(|_| args.gpus.is_none())
}

fn asked<'a>(on: On<'a>, args: &'a Args) -> (Ask<'a>, Wanted<'a>) {
    let On { gpu, version, available } = on;
    let wanted = Wanted { context: args.context, memory: args.memory, args: &args.vllm };
    (Ask { gpu, available, gpus: args.gpus, version }, wanted)
}

/// The arguments with the count that stands before a kind, as in `8xH100`.
fn counted(args: &Args, name: &str) -> Result<Args> {
    let mut args = args.clone();
    if let Some(wish) = GpuWish::parse(name) {
        if let Some(gpus) = args.gpus.filter(|gpus| *gpus != wish.count) {
            return Err(usage(
                format!("`{name}` are {} GPUs, --gpus says {gpus}", wish.count),
                "leave one of them out",
            ));
        }
        args.gpus = Some(wish.count);
    }
    Ok(args)
}

/// The kind in `8xH100`, `8× H100` or `H100`.
fn kind(name: &str) -> String {
    GpuWish::parse(name).map_or_else(|| name.to_owned(), |wish| wish.kind)
}

fn find(name: &str) -> Result<&'static Gpu> {
    gpus::find(name).ok_or_else(|| {
        let known: Vec<&str> = gpus::all().iter().map(|gpu| gpu.key.as_str()).collect();
        usage(format!("pi does not know the GPU `{name}`"), format!("it knows {}", known.join(", ")))
    })
}
