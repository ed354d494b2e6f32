//! `pi tunnel`: a port of this machine that leads to a server, over the pod's SSH connection, until Ctrl-C; or in
//! the background, until the session that asked for it ends.

mod background;
mod line;
mod note;

use crate::cli::context::complete_names;
use crate::cli::context::endpoint::{Endpoint, endpoint};
use crate::cli::context::flags::{Global, Scope};
use crate::cli::context::full::Context;
use crate::cli::context::place::Places;
use crate::cli::terminal::exit::{Exit, away, usage};
use crate::cli::terminal::interrupt;
use crate::name::{ModelName, PodName, Port};
use crate::remote::Remote;
use crate::ui::{self, Closed};
use background::{Keeper, leave_the_terminal};
pub(in crate::cli) use background::{Opened, open_behind};
use clap_complete::engine::ArgValueCandidates;
use line::{Goal, Line, serve};
use miette::{IntoDiagnostic, Result, miette};
pub(in crate::cli) use note::Note;
use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::sleep;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  pi tunnel qwen                 until Ctrl-C\n  pi tunnel qwen --background    until this shell exits\n  pi tunnel qwen --close         close it earlier"
)]
pub(in crate::cli) struct Args {
    /// Model in pi.toml, or a server that was seen on a pod
    #[arg(add = ArgValueCandidates::new(complete_names::models))]
    name: String,
    /// Local port [default: that of last time, else the server's own, else a free one]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// Return once the tunnel is open; it closes with the shell session
    #[arg(long, conflicts_with = "close")]
    background: bool,
    /// Close the open tunnel
    #[arg(long, conflicts_with = "port")]
    close: bool,
    /// Print the local address as JSON
    #[arg(long)]
    json: bool,
    /// This is the one in the background, which ends with that session
    #[arg(long, value_name = "SESSION", hide = true, conflicts_with_all = ["background", "close"])]
    kept_by: Option<Keeper>,
}

pub(in crate::cli) async fn run(global: &Global, args: &Args) -> Result<Exit> {
    let context = Context::open(global, &Scope::default())?;
    let exit = match args {
        Args { close: true, .. } => close(&context, args).await,
        Args { background: true, .. } => behind(&context, global, args).await,
        Args { kept_by: Some(_), .. } => {
            leave_the_terminal();
            open(&context, args).await
        }
        Args { .. } => open(&context, args).await,
    };
    context.remote.close().await;
    exit
}

/// Opens one and carries what comes, until it is asked to end.
async fn open(context: &Context, args: &Args) -> Result<Exit> {
    let endpoint = endpoint(context, &args.name).await?;
    let Endpoint { pod, spec, .. } = &endpoint;
    let note = Note::new(&context.store, pod, &spec.name);
    if let (Some(port), None) = (note.open(), args.port) {
        let help = "--port opens another one, --close ends it";
        return Err(miette!(
            help = help,
            "a tunnel to `{}` is open: {}",
            spec.name,
            ui::tunnel_url(port.get())
        ));
    }
    let reach = context.remote.reach(pod, spec.port).await;
    let reach = reach.map_err(|error| away(pod, &error.to_string(), error.help()))?;
    let (listener, port) = listen(args.port, &[note.last(), Some(spec.port)]).await?;
    let _noted = note.take(port)?;
    let until = args.kept_by.map_or_else(interrupt::quiet, Keeper::end);
    tell((pod, &spec.name), port.get(), std::process::id(), args)?;
    ui::note(&format!(
        "leads to `{0}` on {pod}, until Ctrl-C. For clients: eval \"$(pi env {0})\"",
        spec.name
    ));
    let (store, name) = (context.store.clone(), spec.name.clone());
    let goal = Goal { store, pod: pod.clone(), name, port: spec.port };
    let line = Line::new(context.remote.clone(), goal, reach);
    let mut guests = JoinSet::new();
    loop {
        tokio::select! {
            () = until.cancelled() => break,
            guest = listener.accept() => {
                // too many open files: those that are open will close
                let Ok((guest, _)) = guest else { sleep(Duration::from_millis(100)).await; continue };
                guests.spawn(serve(line.clone(), guest));
            }
            Some(_) = guests.join_next() => {}
        }
    }
    guests.shutdown().await;
    Ok(Exit::Done)
}

/// Opens one in the background.
async fn behind(context: &Context, global: &Global, args: &Args) -> Result<Exit> {
    let places = Places { manifest: &context.manifest, memory: &context.memory, scope: &context.scope };
    let (pod, name) = places.find(&args.name)?;
    match open_behind(global, &pod, &name, &context.manifest, args.port).await? {
        Opened::At { port, pid, until } => {
            tell((&pod, &name), port, pid, args)?;
            ui::note(&format!("leads to `{name}` on {pod}, {until}."));
            Ok(Exit::Done)
        }
        Opened::Not(exit) => Ok(exit),
    }
}

/// Where one is open: its port on this machine, and the process that holds it.
fn tell(server: (&PodName, &ModelName), port: u16, pid: u32, args: &Args) -> Result<()> {
    ui::data(&if args.json {
        ui::json_line(&ui::tunnel_json(server, port, pid))
    } else {
        format!("{}\n", ui::tunnel_url(port))
    })
}

/// Ends the one that is open.
async fn close(context: &Context, args: &Args) -> Result<Exit> {
    let places = Places { manifest: &context.manifest, memory: &context.memory, scope: &context.scope };
    let (pod, name) = places.find(&args.name)?;
    let note = Note::new(&context.store, &pod, &name);
    let told = |closed| {
        let shown = ui::json_line(&ui::closed_json(&pod, &name, closed));
        if args.json { ui::data(&shown) } else { Ok(()) }
    };
    if !note.end() {
        told(Closed::Already)?;
        ui::note(&format!("No tunnel to `{name}` is open on this machine."));
        return Ok(Exit::Done);
    }
    for _ in 0..50 {
        if note.open().is_none() {
            told(Closed::Now)?;
            ui::note(&format!("The tunnel to `{name}` is closed."));
            return Ok(Exit::Done);
        }
        sleep(Duration::from_millis(100)).await;
    }
    Err(miette!(help = "end its process by hand", "the tunnel to `{name}` does not end"))
}

/// The first of these ports that is free, else any; the wanted one or none.
async fn listen(wanted: Option<u16>, liked: &[Option<Port>]) -> Result<(TcpListener, Port)> {
    let ports = match wanted {
        Some(port) => vec![port],
        None => liked.iter().flatten().map(|port| port.get()).chain([0]).collect(),
    };
    let mut last = ErrorKind::AddrInUse.into();
    for port in ports {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(listener) => {
                let port = listener.local_addr().into_diagnostic()?.port();
                let port = Port::new(port).ok_or_else(|| miette!("the system gave no port"))?;
                return Ok((listener, port));
            }
            Err(error) => last = error,
        }
    }
    let message = format!("cannot listen on port {} of this machine: {last}", wanted.unwrap_or_default());
    Err(usage(message, "choose another with --port, or leave it out"))
}
