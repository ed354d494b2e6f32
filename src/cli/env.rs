//! `pi env`: what clients of a server need, for `eval`.

use crate::cli::args::{Global, Scope};
use crate::cli::completions;
use crate::cli::endpoint::{Access, Endpoint, Key, endpoint};
use crate::cli::exit::Exit;
use crate::cli::tunnels::Note;
use crate::cli::world::World;
use crate::name::PodName;
use crate::ui::{self, ClientEnv, Shell};
use clap::Args as Arguments;
use clap_complete::engine::ArgValueCandidates;
use miette::{Report, Result, miette};

#[derive(Debug, Arguments)]
#[command(
    after_help = "Examples:\n  eval \"$(pi env qwen)\"               for bash and zsh\n  pi env qwen --shell fish | source    for fish"
)]
pub(super) struct Args {
    /// A model of pi.toml, or a server that was seen on a pod
    #[arg(add = ArgValueCandidates::new(completions::models))]
    pub(super) name: String,
    /// Whose syntax
    #[arg(long, value_name = "SHELL", default_value = "sh")]
    pub(super) shell: Shell,
    /// Print the same as JSON
    #[arg(long, conflicts_with = "shell")]
    pub(super) json: bool,
}

pub(super) async fn run(global: &Global, args: &Args) -> Result<Exit> {
    let world = World::open(global, &Scope::default())?;
    let exit = tell(&world, args).await;
    world.remote.close().await;
    exit
}

async fn tell(world: &World, args: &Args) -> Result<Exit> {
    let endpoint = endpoint(world, &args.name).await?;
    let key = match endpoint.key(world) {
        Key::Open => None,
        Key::Known(key) => Some(key),
        Key::Unknown => return Err(no_key(&endpoint)),
    };
    let base_url = base_url(world, &endpoint)?;
    let model = endpoint.model(world).await;
    let env = ClientEnv { base_url: &base_url, key, model: &model };
    ui::data(&if args.json { ui::env_json(&env) } else { ui::env_text(&env, args.shell) })?;
    Ok(Exit::Done)
}

/// Where this machine's clients reach it.
fn base_url(world: &World, endpoint: &Endpoint) -> Result<String> {
    let Endpoint { pod, spec, address, access } = endpoint;
    match access {
        Access::Direct => Ok(address.base_url()),
        Access::Silent => {
            ui::note(&format!("`{}` does not answer yet: `pi list` shows how far it is.", spec.name));
            Ok(address.base_url())
        }
        Access::Tunnel => match Note::new(&world.store, pod, &spec.name).open() {
            Some(port) => {
                ui::note(&format!("Through the tunnel to {pod} that is open on this machine."));
                Ok(format!("http://127.0.0.1:{port}/v1"))
            }
            None => Err(no_way(endpoint, pod)),
        },
    }
}

fn no_way(endpoint: &Endpoint, pod: &PodName) -> Report {
    let Endpoint { spec, address, .. } = endpoint;
    let why = if spec.listen.is_loopback() {
        format!("it listens on {} of {pod} alone", spec.listen)
    } else {
        format!(
            "nothing answers at {address}, though it runs: a firewall, or a port that the provider does not map"
        )
    };
    miette!(
        help = format!("keep `pi tunnel {}` running in another terminal, then ask again", spec.name),
        "this machine gets to `{}` only through ssh: {why}",
        spec.name
    )
}

fn no_key(endpoint: &Endpoint) -> Report {
    miette!(
        help = "set it as `api_key` in [secrets] of pi.toml says: PI_API_KEY, unless it says otherwise",
        "`{}` on {} wants the API key, and this machine has none",
        endpoint.spec.name,
        endpoint.pod
    )
}
