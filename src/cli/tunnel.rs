//! `pi tunnel`: a port of this machine that leads to a server, over the pod's SSH connection, until Ctrl-C.
//!
//! When that connection is lost, the next request makes a new one.

use crate::cli::args::{Global, Scope};
use crate::cli::completions;
use crate::cli::endpoint::{Endpoint, endpoint};
use crate::cli::exit::{Exit, away, usage};
use crate::cli::interrupt;
use crate::cli::tunnels::Note;
use crate::cli::world::World;
use crate::name::{PodName, Port};
use crate::remote::{Doors, Reach, Remote, RemoteError, Way};
use crate::ui;
use clap_complete::engine::ArgValueCandidates;
use miette::{IntoDiagnostic, Result, miette};
use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::sleep;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  pi tunnel qwen                 in one terminal, until Ctrl-C\n  eval \"$(pi env qwen)\"          in another: it leads through the tunnel"
)]
pub(super) struct Args {
    /// A model of pi.toml, or a server that was seen on a pod
    #[arg(add = ArgValueCandidates::new(completions::models))]
    name: String,
    /// The port on this machine; else the one of last time, else the server's own, else a free one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
}

/// The longest pause between two tries.
const LONGEST: Duration = Duration::from_secs(15);

pub(super) async fn run(global: &Global, args: &Args) -> Result<Exit> {
    let world = World::open(global, &Scope::default())?;
    let exit = open(&world, args).await;
    world.remote.close().await;
    exit
}

async fn open(world: &World, args: &Args) -> Result<Exit> {
    let endpoint = endpoint(world, &args.name).await?;
    let Endpoint { pod, spec, .. } = &endpoint;
    let note = Note::new(&world.store, pod, &spec.name);
    if let (Some(port), None) = (note.open(), args.port) {
        let help = "--port opens another one";
        return Err(miette!(help = help, "a tunnel to `{}` is open: http://127.0.0.1:{port}/v1", spec.name));
    }
    let reach = world.remote.reach(pod, spec.port).await;
    let reach = reach.map_err(|error| away(pod, &error.to_string(), error.help()))?;
    let (listener, port) = listen(args.port, &[note.last(), Some(spec.port)]).await?;
    let _noted = note.take(port)?;
    let stop = interrupt::quiet();
    ui::data(&format!("http://127.0.0.1:{port}/v1\n"))?;
    ui::note(&format!(
        "leads to `{0}` on {pod}, until Ctrl-C. For clients: eval \"$(pi env {0})\"",
        spec.name
    ));
    let line = Arc::new(Line {
        remote: world.remote.clone(),
        pod: pod.clone(),
        port: spec.port,
        reach: Mutex::new(reach),
        silent: AtomicBool::new(false),
    });
    let mut guests = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
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

/// The way to the server, replaced when it breaks.
struct Line {
    remote: Arc<Doors>,
    pod: PodName,
    port: Port,
    reach: Mutex<Reach>,
    /// It was said that the server does not answer.
    silent: AtomicBool,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

async fn serve(line: Arc<Line>, mut guest: TcpStream) {
    let server = line.connect().await;
    let ((mut from_guest, mut to_guest), (mut from_server, mut to_server)) = (guest.split(), split(server));
    let left = AtomicBool::new(false);
    let up = async {
        let sent = carry(&mut from_guest, &mut to_server).await;
        left.store(true, Ordering::Relaxed);
        sent
    };
    let down = async {
        let answered = carry(&mut from_server, &mut to_guest).await;
        answered == 0 && !left.load(Ordering::Relaxed)
    };
    // a guest that has asked and still waits, and is hung up on
    let (_, hung_up) = tokio::join!(up, down);
    if hung_up && !line.silent.swap(true, Ordering::Relaxed) {
        ui::note(&format!(
            "Nothing answers on port {} of {}: `pi list` shows how it is.",
            line.port, line.pod
        ));
    }
}

/// Carries bytes until one end closes; how many. The other end hears of it.
async fn carry(from: &mut (impl AsyncRead + Unpin), to: &mut (impl AsyncWrite + Unpin)) -> u64 {
    let (mut buffer, mut carried) = (vec![0; 16 * 1024], 0);
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        carried += count as u64;
        if to.write_all(&buffer[..count]).await.is_err() {
            break;
        }
    }
    drop(to.shutdown().await);
    carried
}

impl Line {
    /// A connection to the server's port. A lost way there is made anew, as long as that takes; whoever comes
    /// meanwhile waits.
    async fn connect(&self) -> Box<dyn Stream> {
        let mut reach = self.reach.lock().await;
        let mut pause = Duration::from_millis(250);
        loop {
            let why = match knock(reach.way()).await {
                Ok(stream) => return stream,
                Err(error) => error,
            };
            if pause == Duration::from_millis(250) {
                ui::note(&format!("The connection to {} is lost ({why}). Trying again…", self.pod));
            }
            match self.remote.reach(&self.pod, self.port).await {
                Ok(new) => {
                    *reach = new;
                    ui::note(&format!("{} is there again.", self.pod));
                }
                Err(error) if is_final(&error) => ui::note(&format!("{}: {error}", self.pod)),
                Err(_) => {}
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST);
        }
    }
}

/// Whether trying again alone will not help: the person has to do something.
fn is_final(error: &RemoteError) -> bool {
    matches!(error, RemoteError::HostKeyChanged { .. } | RemoteError::NoLogin { .. })
}

async fn knock(way: &Way) -> std::io::Result<Box<dyn Stream>> {
    Ok(match way {
        Way::Socket(path) => Box::new(UnixStream::connect(path).await?),
        Way::Address(address) => Box::new(TcpStream::connect(address).await?),
    })
}
