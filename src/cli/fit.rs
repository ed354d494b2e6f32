//! `pi fit`: will it fit, without any pod.

use crate::catalog::gpus::{self, Gpu};
use crate::catalog::recipe::{Ask, Parallel};
use crate::catalog::version::Version;
use crate::catalog::{args as arguments, engines};
use crate::cli::args::{Fit as Args, Global};
use crate::cli::exit::{Exit, usage};
use crate::cli::subject::{Subject, subject};
use crate::fit::{Case, Fit, Setup, Shape, Verdict, Wanted, choose, fit, fit_pool, tries};
use crate::manifest::EngineVersion;
use crate::ui::{self, FitHeading};
use miette::{Result, miette};

/// GPUs of one machine, when nobody says how many.
const MACHINE: u32 = 8;

pub(super) async fn run(global: &Global, args: &Args) -> Result<Exit> {
    let subject = subject(global, &args.model).await?;
    let version = engines::resolve(&EngineVersion::Release);
    let Some(name) = &args.gpu else {
        let lines = gpus::all()
            .iter()
            .filter(|gpu| gpu.capability().is_some())
            .filter_map(|gpu| Some((gpu, estimate(&subject, gpu, &version, args).ok()?.1)));
        ui::data(&ui::fit_overview(&subject.name, &lines.collect::<Vec<_>>()))?;
        return Ok(Exit::Done);
    };
    let gpu = find(name)?;
    let (setup, fit) = estimate(&subject, gpu, &version, args)?;
    let case = Case {
        shape: &subject.shape,
        recipe: subject.recipe,
        gpu: Some(gpu),
        setup: &setup,
        pool_gib: args.available_kv,
    };
    let tries = tries(case, &fit);
    if args.json {
        ui::data(&ui::fit_json(&fit, &tries))?;
    } else {
        let heading = FitHeading { model: &subject.name, gpu: &gpu.key, version: &version };
        ui::data(&ui::fit_text(&heading, &fit, &tries))?;
    }
    Ok(if fit.verdict == Verdict::DoesNotFit { Exit::Failed } else { Exit::Done })
}

/// How the model would be run on this GPU, and how that fits.
fn estimate(subject: &Subject, gpu: &'static Gpu, version: &Version, args: &Args) -> Result<(Setup, Fit)> {
    let wanted = Wanted { context: args.context, memory: args.memory, args: &args.args };
    let setup = match subject.recipe {
        Some(recipe) => {
            let ask = Ask { gpu, available: args.gpus.unwrap_or(MACHINE), gpus: args.gpus, version };
            choose(recipe, ask, wanted).map_err(|why| miette!("{why}"))?.setup
        }
        None => by_rule(&subject.shape, gpu, version, args),
    };
    let fit = match args.available_kv {
        Some(gib) => fit_pool(&subject.shape, &setup, gib),
        None => fit(&subject.shape, &setup),
    };
    Ok((setup, fit))
}

/// A model without a recipe: tensor parallel over as many GPUs as were asked for, else the fewest on which it fits.
fn by_rule(shape: &Shape, gpu: &Gpu, version: &Version, args: &Args) -> Setup {
    let on = |tp: u32| {
        let setup = Setup::new(&gpu.smi_name, gpu.torch_gib, version).with_args(&args.args);
        let tp = if arguments::value(&args.args, "--tensor-parallel-size").is_some() {
            setup.parallel.tp
        } else {
            tp
        };
        Setup {
            parallel: Parallel { tp, ..setup.parallel },
            context: args.context.or(setup.context),
            memory: args.memory.map_or(setup.memory, crate::units::Percent::fraction),
            ..setup
        }
    };
    if let Some(gpus) = args.gpus {
        return on(gpus);
    }
    let counts = [1, 2, 4, MACHINE];
    let fits = |tp: &&u32| fit(shape, &on(**tp)).verdict == Verdict::Fits;
    on(*counts.iter().find(fits).unwrap_or(&MACHINE))
}

fn find(name: &str) -> Result<&'static Gpu> {
    gpus::find(name).ok_or_else(|| {
        let known: Vec<&str> = gpus::all().iter().map(|gpu| gpu.key.as_str()).collect();
        usage(format!("pi does not know the GPU `{name}`"), format!("it knows {}", known.join(", ")))
    })
}
