//! `pi fit`: will it fit, without any pod.

use crate::catalog::gpus::{self, Gpu};
use crate::catalog::models::{self, Recipe};
use crate::catalog::recipe::{Ask, Parallel};
use crate::catalog::version::Version;
use crate::catalog::{args as arguments, engines};
use crate::cli::args::Fit as Args;
use crate::cli::exit::{Exit, usage};
use crate::fit::{
    Case, Fit, Setup, Shape, Verdict, Wanted, choose, config, fit, fit_pool, from_recipe, tries,
};
use crate::manifest::{EngineVersion, near};
use crate::ui::{self, FitHeading};
use crate::units::Bytes;
use miette::{IntoDiagnostic, Result, WrapErr, miette};
use std::path::Path;

/// GPUs of one machine, when nobody says how many.
const MACHINE: u32 = 8;

/// A model whose numbers are known.
struct Subject {
    name: String,
    recipe: Option<&'static Recipe>,
    shape: Shape,
}

pub(super) fn run(args: &Args) -> Result<Exit> {
    let subject = subject(&args.model)?;
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

fn subject(model: &str) -> Result<Subject> {
    if Path::new(model).join("config.json").is_file() {
        return on_disk(Path::new(model));
    }
    let known = || models::all().iter().map(|recipe| recipe.id.as_str());
    let Some(recipe) = models::find(model) else {
        let nearest = near(model, known()).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
        let help = format!(
            "{nearest}A directory with the model's config.json and safetensors files will do as well"
        );
        return Err(usage(format!("pi has no numbers of `{model}`"), help));
    };
    let shape = from_recipe::shape(recipe).ok_or_else(|| {
        let help = "give a directory with its config.json and safetensors files instead";
        usage(format!("what the layers of {model} keep is not in pi's catalogue"), help)
    })?;
    Ok(Subject { name: recipe.id.clone(), recipe: Some(recipe), shape })
}

/// A model in a directory: its `config.json` and the sizes of its safetensors files.
fn on_disk(directory: &Path) -> Result<Subject> {
    let failed = || format!("cannot read {}", directory.display());
    let text =
        std::fs::read_to_string(directory.join("config.json")).into_diagnostic().wrap_err_with(failed)?;
    let mut bytes = 0;
    for entry in std::fs::read_dir(directory).into_diagnostic().wrap_err_with(failed)? {
        let entry = entry.into_diagnostic().wrap_err_with(failed)?;
        if entry.path().extension().is_some_and(|end| end == "safetensors") {
            // through the link: the hub's cache links to its blobs
            bytes += std::fs::metadata(entry.path()).into_diagnostic().wrap_err_with(failed)?.len();
        }
    }
    if bytes == 0 {
        return Err(usage(
            format!("{} has no safetensors files", directory.display()),
            "pi counts their bytes",
        ));
    }
    let shape =
        config::shape(&text, Bytes(bytes)).map_err(|why| miette!("{}: {why}", directory.display()))?;
    Ok(Subject { name: directory.display().to_string(), recipe: None, shape })
}

fn find(name: &str) -> Result<&'static Gpu> {
    gpus::find(name).ok_or_else(|| {
        let known: Vec<&str> = gpus::all().iter().map(|gpu| gpu.key.as_str()).collect();
        usage(format!("pi does not know the GPU `{name}`"), format!("it knows {}", known.join(", ")))
    })
}
