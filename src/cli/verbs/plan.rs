//! `pi plan`: look, compare, show.

use crate::cli::changing::saved;
use crate::cli::context::flags::{Global, Scope};
use crate::cli::context::full::Context;
use crate::cli::terminal::exit::Exit;
use crate::observe::{Observed, ProbeResult};
use crate::plan::{Action, Plan, Replaces, Severity, Start, plan_ahead, shown_scripts};
use crate::ui;
use miette::{IntoDiagnostic, Result};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  pi plan --target qwen --verbose    one model, with the scripts it would run"
)]
pub(in crate::cli) struct Args {
    /// Print the plan as JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
    /// Also write the plan to a file, for `pi apply FILE`
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) out: Option<PathBuf>,
    /// Exit with 2 if there are changes and 0 if there are none
    #[arg(long)]
    pub(in crate::cli) detailed_exitcode: bool,
    /// Plan from what was seen last time, without contacting the pods
    #[arg(long)]
    pub(in crate::cli) offline: bool,
    #[command(flatten)]
    pub(in crate::cli) scope: Scope,
}

pub(in crate::cli) async fn run(global: &Global, args: &Args) -> Result<Exit> {
    let place = args.out.as_deref().map(saved::place).transpose()?;
    let context = Context::open(global, &args.scope)?;
    let (observed, hub) = if args.offline { context.recall().await } else { context.look().await };
    let plan = plan_ahead(&context.inputs(&observed, &hub));
    context.remote.close().await;
    context.check_taking(&observed)?;
    let json = ui::plan_json(&plan);
    if let Some(place) = &place {
        saved::write(place, &json, &args.scope)?;
    }
    if args.json {
        ui::data(&ui::json_page(&json))?;
    } else {
        ui::data(&ui::plan_text(&plan, &context.manifest.lines))?;
        if global.verbose {
            ui::data(&verbose(&context, &observed, &plan)?)?;
        }
    }
    if let Some(path) = &args.out {
        ui::note(&ui::plan_written(path));
    }
    Ok(exit(&plan, args))
}

fn exit(plan: &Plan, args: &Args) -> Exit {
    if plan.pods.values().any(|pod| !pod.reachable) {
        return Exit::Unreachable;
    }
    if plan.findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Exit::Failed;
    }
    if args.detailed_exitcode && !plan.is_empty() { Exit::Changes } else { Exit::Done }
}

/// The scripts of every step; for a restart, the difference from the script that started what runs now.
fn verbose(context: &Context, observed: &Observed, plan: &Plan) -> Result<String> {
    let mut text = String::new();
    for step in &plan.steps {
        let Some(pod) = context.manifest.pods.get(&step.pod) else { continue };
        let title = format!("{} {} on {}", step.action.name(), step.action.target(), step.pod);
        let former =
            former(observed, step).map(|action| shown_scripts(&action, pod)).transpose().into_diagnostic()?;
        for (at, script) in shown_scripts(&step.action, pod).into_diagnostic()?.iter().enumerate() {
            let old = former.as_ref().and_then(|former| former.get(at));
            text.push('\n');
            text.push_str(&ui::script_diffs(&title, script, old));
        }
    }
    Ok(text)
}

/// The action that would have started the server as it runs now.
fn former(observed: &Observed, step: &crate::plan::Step) -> Option<Action> {
    let start = step.action.start().filter(|start| start.replaces != Replaces::Nothing)?;
    let Some(ProbeResult::Seen(facts)) = observed.pods.get(&step.pod) else { return None };
    let spec = facts.servers.get(&start.spec.name)?.spec.as_ref().ok()?;
    let former = Start { spec: spec.clone(), run: start.run, replaces: Replaces::Nothing, launch: None };
    Some(Action::StartServer(Box::new(former)))
}
