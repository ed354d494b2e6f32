//! Asking: the command line.

mod terminal;
mod context;
mod changing;
mod verbs;
mod args;
#[cfg(test)]
mod hints;

use crate::ui::{self, Gone};
use args::{Cli, FIRST_DAY, Verb};
use clap::{CommandFactory, Parser};
use std::process::ExitCode;
use terminal::exit::{self, Exit};
use terminal::quiet_end;
use verbs::{
    apply, check, completions, destroy, env, fit, history, import, init, list, logs, man, plan, pods, prompt,
    schema, shell, ssh, start, stop, tunnel, unlock,
};

/// Reads the arguments, does what they say, and turns what came of it into an exit code.
#[must_use]
pub fn main() -> ExitCode {
    quiet_end::prepare();
    quiet_end::guarded(|| ended(begin())).into()
}

fn begin() -> Exit {
    completions::answer(Cli::command);
    if std::env::args_os().len() < 2 {
        ui::note(&format!("pi: {}\n\n{FIRST_DAY}", env!("CARGO_PKG_DESCRIPTION")));
        return Exit::Usage;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // help and version are answers, not mistakes
        Err(error) if !error.use_stderr() => {
            return told(ui::data(&error.render().ansi().to_string()).map(|()| Exit::Done));
        }
        Err(error) => {
            ui::note(error.render().ansi().to_string().trim_end());
            return Exit::Usage;
        }
    };
    ui::use_color(cli.global.color);
    ui::use_terminal_width();
    ui::set_error_style(cli.global.color);
    told(run(cli))
}

fn told(done: miette::Result<Exit>) -> Exit {
    done.unwrap_or_else(|report| {
        ui::error(&report);
        exit::of(&report)
    })
}

/// That nobody reads any more outweighs what came of it, as it would if the signal had killed `pi`.
fn ended(exit: Exit) -> Exit {
    match (exit, ui::gone(), ui::unwritten()) {
        (Exit::Of(_), ..) | (Exit::Failed, None, _) => exit,
        (_, Some(Gone::Reader), _) => Exit::Unread,
        (_, Some(Gone::Terminal), _) => Exit::Interrupted,
        (Exit::Done, None, Some(why)) => {
            ui::note(&format!("error: some of the output could not be written: {why}"));
            Exit::Failed
        }
        (_, None, _) => exit,
    }
}

fn run(cli: Cli) -> miette::Result<Exit> {
    let Cli { global, verb } = cli;
    match verb {
        Verb::Init(args) => init::run(&global, &args),
        Verb::Check(args) => check::run(&global, &args),
        Verb::Fit(args) => threads(fit::run(&global, &args)),
        Verb::Schema => schema::run(),
        Verb::Import(args) => threads(import::run(&global, &args)),
        Verb::Completions(args) => completions::run(&args),
        Verb::Man(args) => man::run(&args, Cli::command()),
        Verb::Plan(args) => threads(plan::run(&global, &args)),
        Verb::Apply(args) => threads(apply::run(&global, &args)),
        Verb::History(args) => threads(history::run(&global, &args)),
        Verb::Unlock(args) => threads(unlock::run(&global, &args)),
        Verb::Destroy(args) => threads(destroy::run(&global, &args)),
        Verb::Start(args) => threads(start::run(&global, &args)),
        Verb::Stop(args) => threads(stop::run(&global, &args)),
        Verb::List(args) => threads(list::run(&global, &args)),
        Verb::Tunnel(args) => threads(tunnel::run(&global, &args)),
        Verb::Logs(args) => threads(logs::run(&global, &args)),
        Verb::Shell(args) => threads(shell::run(&global, &args)),
        Verb::Ssh(args) => threads(ssh::run(&global, &args)),
        Verb::Env(args) => threads(env::run(&global, &args)),
        Verb::Pods(args) => threads(pods::run(&global, &args)),
        Verb::Prompt(args) => threads(prompt::run(&global, &args)),
    }
}

/// Runs what talks to pods.
fn threads(work: impl Future<Output = miette::Result<Exit>>) -> miette::Result<Exit> {
    // reqwest asks for a provider even where it speaks plain HTTP; a second installation is refused, which is fine
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = miette::IntoDiagnostic::into_diagnostic(runtime)?;
    let result = runtime.block_on(work);
    // a pending read of the terminal must not hold the exit up
    runtime.shutdown_background();
    result
}
