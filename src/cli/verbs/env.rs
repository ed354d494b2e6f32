//! `pi env`: what clients of a server need, for `eval`.

use crate::cli::context::complete_names;
use crate::cli::context::endpoint::{Access, Endpoint, Key, endpoint};
use crate::cli::context::flags::{Global, Scope};
use crate::cli::context::full::Context;
use crate::cli::terminal::exit::Exit;
use crate::cli::verbs::tunnel::{Note, Opened, open_behind};
use crate::ui::{self, ClientEnv, Shell};
use clap::Args as Arguments;
use clap_complete::engine::ArgValueCandidates;
use miette::{Report, Result, miette};

#[derive(Debug, Arguments)]
#[command(
    after_help = "Examples:\n  eval \"$(pi env qwen)\"               for bash and zsh\n  pi env qwen --shell fish | source    for fish"
)]
pub(in crate::cli) struct Args {
    /// Model in pi.toml, or a server that was seen on a pod
    #[arg(add = ArgValueCandidates::new(complete_names::models))]
    pub(in crate::cli) name: String,
    /// Shell syntax to print
    #[arg(long, value_name = "SHELL", default_value = "sh")]
    pub(in crate::cli) shell: Shell,
    /// Print the variables as JSON
    #[arg(long, conflicts_with = "shell")]
    pub(in crate::cli) json: bool,
}

pub(in crate::cli) async fn run(global: &Global, args: &Args) -> Result<Exit> {
    let context = Context::open(global, &Scope::default())?;
    let exit = tell(&context, global, args).await;
    context.remote.close().await;
    exit
}

async fn tell(context: &Context, global: &Global, args: &Args) -> Result<Exit> {
    let endpoint = endpoint(context, &args.name).await?;
    let key = match endpoint.key(context) {
        Key::Open => None,
        Key::Known(key) => Some(key),
        Key::Unknown => return Err(no_key(&endpoint)),
    };
    let base_url = match base_url(context, global, &endpoint).await? {
        Ok(url) => url,
        Err(exit) => return Ok(exit),
    };
    let model = endpoint.model(context).await;
    let env = ClientEnv { base_url: &base_url, key, model: &model };
    ui::data(&if args.json { ui::env_json(&env) } else { ui::env_text(&env, args.shell) })?;
    Ok(Exit::Done)
}

/// Where this machine's clients reach it. Where only SSH gets there, through a tunnel, which is opened if none is;
/// or how that one ended.
async fn base_url(context: &Context, global: &Global, endpoint: &Endpoint) -> Result<Result<String, Exit>> {
    let Endpoint { pod, spec, address, access } = endpoint;
    match access {
        Access::Direct => Ok(Ok(address.base_url())),
        Access::Silent => {
            ui::note(&format!("`{}` does not answer yet: `pi list` shows how far it is.", spec.name));
            Ok(Ok(address.base_url()))
        }
        Access::Tunnel => {
            if let Some(port) = Note::new(&context.store, pod, &spec.name).open() {
                ui::note(&format!("Through the tunnel to {pod} that is open on this machine."));
                return Ok(Ok(ui::tunnel_url(port.get())));
            }
            Ok(match open_behind(global, pod, &spec.name, &context.manifest, None).await? {
                Opened::At { port, pid: _, until } => {
                    let why = why_not_direct(endpoint);
                    ui::note(&format!("Only ssh gets to `{}`: {why}.\nOpened a tunnel, {until}.", spec.name));
                    Ok(ui::tunnel_url(port))
                }
                Opened::Not(exit) => Err(exit),
            })
        }
    }
}

fn why_not_direct(endpoint: &Endpoint) -> String {
    let Endpoint { pod, spec, address, .. } = endpoint;
    if spec.listen.is_loopback() {
        return format!("it listens on {} of {pod} alone", spec.listen);
    }
    format!(
        "nothing answers at {address}, though it runs (a firewall, or a port that the provider does not map)"
    )
}

fn no_key(endpoint: &Endpoint) -> Report {
    miette!(
        help = "export PI_API_KEY=…, or set `api_key` in [secrets] of pi.toml",
        "`{}` on {} needs the API key, and this machine has none",
        endpoint.spec.name,
        endpoint.pod
    )
}
