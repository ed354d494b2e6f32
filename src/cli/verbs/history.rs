//! `pi history`: what was done to the pods, by whom and why.

use crate::cli::context::flags::{Global, Scope};
use crate::cli::context::full::Context;
use crate::cli::context::which_pod::named;
use crate::cli::terminal::exit::Exit;
use crate::name::PodName;
use crate::observe::{NoJournal, journals};
use crate::ui;
use clap::Args;
use miette::Result;
use std::num::NonZeroUsize;

/// The arguments of `pi history`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pi history dc1 -n 5    the last five changes of one pod")]
pub(in crate::cli) struct History {
    /// Pod [default: all of them]
    #[arg(value_name = "POD", conflicts_with = "pod")]
    pub(in crate::cli) name: Option<String>,
    /// Number of changes to show, newest last
    #[arg(short = 'n', long, value_name = "COUNT", default_value = "20")]
    pub(in crate::cli) lines: NonZeroUsize,
    /// Print the changes as JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

pub(in crate::cli) async fn run(global: &Global, args: &History) -> Result<Exit> {
    let context = Context::open_without_secrets(global, &Scope::default())?;
    let pods: Vec<PodName> = match args.name.as_ref().or(global.pod.as_ref()) {
        Some(name) => vec![named(&context.manifest, name)?],
        None => context.manifest.pods.keys().cloned().collect(),
    };
    let count = args.lines.get();
    let found = journals(context.remote.as_ref(), &context.manifest, &pods, count).await;
    context.remote.close().await;
    let shown = if args.json { ui::history_json(&found, count) } else { ui::history_text(&found, count) };
    ui::data(&shown)?;
    let mut exit = Exit::Done;
    for (pod, journal) in &found {
        match journal {
            Ok(journal) if journal.unreadable == 0 => {}
            Ok(journal) => ui::note(&ui::unread(pod, journal)),
            Err(why) => {
                ui::note(&ui::no_journal(pod, why));
                let lost = matches!(why, NoJournal::Remote(_)) || exit == Exit::Unreachable;
                exit = if lost { Exit::Unreachable } else { Exit::Failed };
            }
        }
    }
    Ok(exit)
}
