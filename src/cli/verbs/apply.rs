//! `pi apply`: show the plan, ask for confirmation, apply it.

use crate::cli::changing::carry_out::{AGAIN, ApplyOptions, Approval, SAME_AGAIN, Sources, converge};
use crate::cli::changing::saved;
use crate::cli::context::flags::{Doing, Global, Scope, Taking};
use crate::cli::context::full::Context;
use crate::cli::terminal::exit::Exit;
use crate::plan::plan;
use miette::Result;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pi apply --yes --json | jq    in CI")]
pub(in crate::cli) struct Args {
    /// A plan written by `pi plan --out`; applied without confirmation if nothing has changed since
    #[arg(value_name = "PLANFILE", conflicts_with_all = ["target", "allow_protected", "take_over", "pod"])]
    pub(in crate::cli) plan_file: Option<PathBuf>,
    /// Print events as JSON, one per line
    #[arg(long)]
    pub(in crate::cli) json: bool,
    #[command(flatten)]
    pub(in crate::cli) scope: Scope,
    #[command(flatten)]
    pub(in crate::cli) doing: Doing,
}

pub(in crate::cli) async fn run(global: &Global, args: &Args) -> Result<Exit> {
    let saved = args.plan_file.as_deref().map(saved::read).transpose()?;
    let scope = saved.as_ref().map_or(&args.scope, |saved| &saved.scope);
    let again = match (is_plain(scope) && global.pod.is_none(), &saved) {
        (true, _) => AGAIN,
        (false, None) => SAME_AGAIN,
        (false, Some(_)) => PLAN_AGAIN,
    };
    let context = Context::open(global, scope)?;
    let approval = match saved {
        Some(saved) => Approval::Saved(saved),
        None => Approval::of(&args.doing),
    };
    let options = ApplyOptions::of(&args.doing, approval, Sources::PodsAndHub);
    let options = ApplyOptions { json: args.json, again, ..options };
    let exit = converge(&context, &options, plan).await;
    context.remote.close().await;
    exit
}

/// Whether `pi apply` alone would plan the same.
fn is_plain(Scope { target, allow_protected, taking: Taking { take_over } }: &Scope) -> bool {
    target.is_empty() && !allow_protected && take_over.is_empty()
}

/// The same, for a plan in a file that `pi apply` alone would not make: what was done in part is another plan.
const PLAN_AGAIN: &str = "`pi plan --out FILE`, as before, plans what is left.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pi_apply_takes_up_only_what_it_would_plan_itself() {
        let plain = Scope::default();
        assert!(is_plain(&plain));
        let narrowed = [
            Scope { target: vec!["qwen".to_owned()], ..plain.clone() },
            Scope { allow_protected: true, ..plain.clone() },
            Scope { taking: Taking { take_over: vec!["qwen".parse().unwrap()] }, ..plain },
        ];
        assert!(!narrowed.iter().any(is_plain));
    }
}
