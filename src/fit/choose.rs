//! A catalog entry's command line for a pod, chosen by what fits.

use super::estimate::{Fit, Verdict, fit};
use super::from_recipe;
use super::setup::Setup;
use super::shape::Shape;
use crate::catalog::args;
use crate::catalog::models::{self, Recipe};
use crate::catalog::recipe::{self, Ask, Choice, NoChoice};
use crate::units::{Percent, Tokens};

/// What the user said besides the GPUs; all of it wins over the recipe.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Wanted<'a> {
    /// Tokens of context.
    pub context: Option<Tokens>,
    /// Share of each GPU's memory.
    pub memory: Option<Percent>,
    /// Arguments of the engine.
    pub args: &'a [String],
}

/// A command line, and how it fits.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// The command line.
    pub choice: Choice,
    /// The context to name on the command line: the wanted one, else the recipe's, else the longest that fits. None
    /// where that is the model's own, and where the user's arguments name one.
    pub context: Option<Tokens>,
    /// How the server will be run, as far as memory cares.
    pub setup: Setup,
    /// How it fits; `None` where the catalog does not know what the model's layers keep.
    pub fit: Option<Fit>,
}

/// Context that a way must hold to be chosen when nobody asked for one: the size most work is done in.
const USEFUL: u32 = 32_768;

/// The fewest GPUs on which the model surely fits; else the fewest on which it may; else as many as there are.
///
/// It counts as fitting with the context that was asked for, else the recipe's, else 32k or the model's own if less.
/// What others have seen run may be tight.
pub fn choose(recipe: &Recipe, ask: Ask<'_>, wanted: Wanted<'_>) -> Result<Chosen, NoChoice> {
    let shape = from_recipe::shape(recipe);
    let reaches = |choice: &Choice, worst: Verdict| {
        let worst = if choice.is_proven() { worst.max(Verdict::Tight) } else { worst };
        let setup = setup(choice, ask, wanted);
        let Some(shape) = &shape else { return weights_have_room(recipe, choice, &setup) };
        let goal = setup.context.unwrap_or(Tokens(USEFUL.min(recipe.max_context)));
        fit(shape, &Setup { context: Some(goal), ..setup }).verdict <= worst
    };
    let surely = recipe::choose(recipe, ask, &|choice| reaches(choice, Verdict::Fits))?;
    let choice = if reaches(&surely, Verdict::Fits) {
        surely
    } else {
        recipe::choose(recipe, ask, &|choice| reaches(choice, Verdict::Tight))?
    };
    let setup = setup(&choice, ask, wanted);
    let named = args::value(wanted.args, "--max-model-len").is_some();
    let Some(shape) = shape else {
        let context = if named { None } else { setup.context };
        return Ok(Chosen { choice, context, setup, fit: None });
    };
    let asked = wanted.context.filter(|_| !named);
    let context = if named { None } else { asked.or_else(|| context(&shape, &setup, &choice)) };
    let setup = Setup { context: context.or(setup.context.filter(|_| named)), ..setup };
    let fit = fit(&shape, &setup);
    Ok(Chosen { choice, context, setup, fit: Some(fit) })
}

/// The recipe's context where it fits, else the longest that does; none where that is the model's own.
fn context(shape: &Shape, setup: &Setup, choice: &Choice) -> Option<Tokens> {
    let worst = if choice.is_proven() { Verdict::Tight } else { Verdict::Fits };
    let holds = |context| fit(shape, &Setup { context: Some(context), ..*setup }).verdict <= worst;
    let longest = || Some(fit(shape, &Setup { context: None, ..*setup }).context);
    choice
        .context
        .filter(|context| holds(*context))
        .or_else(|| longest().filter(|it| *it < shape.max_context))
}

/// GiB besides the weights of a model whose layers are not known: the most overhead ever seen (8.2, point 22), and two
/// for the cache.
const ROOM_GIB: f64 = 10.0;

/// For a model whose layers are not known: whether the weights leave room for what vLLM ever needed besides.
fn weights_have_room(recipe: &Recipe, choice: &Choice, setup: &Setup) -> bool {
    let gpus = f64::from(choice.parallel.tp * choice.parallel.pp);
    recipe.resident().gib() / gpus + ROOM_GIB <= setup.total_gib * setup.memory
}

/// Every model of the catalog that can be run there, as it would be, in the catalog's order.
pub fn all(ask: Ask<'_>) -> impl Iterator<Item = (&'static Recipe, Chosen)> {
    models::all()
        .iter()
        .filter_map(move |recipe| Some((recipe, choose(recipe, ask, Wanted::default()).ok()?)))
}

/// How a choice would be run with what the user wants.
fn setup(choice: &Choice, ask: Ask<'_>, wanted: Wanted<'_>) -> Setup {
    let (merged, _) = args::merge(&choice.beside(wanted.args), wanted.args);
    let base = Setup::new(&ask.gpu.smi_name, ask.gpu.torch_gib, ask.version);
    let memory = choice.memory.map_or(base.memory, Percent::fraction);
    let setup = Setup { memory, context: choice.context, ..base }.with_args(&merged);
    Setup {
        memory: wanted.memory.map_or(setup.memory, Percent::fraction),
        context: wanted.context.or(setup.context),
        ..setup
    }
}
