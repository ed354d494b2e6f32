//! The bytes of a tunnel: from a guest on this machine to the server, and back.
//!
//! When the connection to the pod is lost, or the server has moved to another port, the next guest makes a new one.

use crate::memory::Store;
use crate::name::{ModelName, PodName, Port};
use crate::remote::{PodConnections, Reach, Remote, RemoteError, Way};
use crate::ui;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Mutex;
use tokio::time::sleep;

/// The longest pause between two tries.
const LONGEST: Duration = Duration::from_secs(15);

/// Which server a tunnel leads to, and where its port is looked up when that changes.
pub(super) struct Goal {
    pub(super) store: Store,
    pub(super) pod: PodName,
    pub(super) name: ModelName,
    pub(super) port: Port,
}

/// The way to the server, replaced when it breaks and when the server moves to another port.
pub(super) struct Line {
    remote: Arc<PodConnections>,
    goal: Goal,
    way: Mutex<ToPort>,
    /// It was said that the server does not answer.
    silent: AtomicBool,
}

/// The way to one port of the pod.
struct ToPort {
    reach: Reach,
    port: Port,
    /// What `pods.json` said last of the server's port.
    noted: Option<Port>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Carries what one guest asks and is answered.
pub(super) async fn serve(line: Arc<Line>, mut guest: TcpStream) {
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
        let port = line.way.lock().await.port;
        ui::note(&format!("Nothing answers on port {port} of {}: `pi list` shows how it is.", line.goal.pod));
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
    pub(super) fn new(remote: Arc<PodConnections>, goal: Goal, reach: Reach) -> Arc<Self> {
        let way = ToPort { reach, port: goal.port, noted: goal.noted() };
        Arc::new(Self { remote, goal, way: Mutex::new(way), silent: AtomicBool::new(false) })
    }

    /// A connection to the server's port. A lost way there is made anew, as long as that takes; whoever comes
    /// meanwhile waits.
    async fn connect(&self) -> Box<dyn Stream> {
        let mut way = self.way.lock().await;
        self.follow(&mut way).await;
        let mut pause = Duration::from_millis(250);
        loop {
            let why = match knock(way.reach.way()).await {
                Ok(stream) => return stream,
                Err(error) => error,
            };
            if pause == Duration::from_millis(250) {
                ui::note(&format!("The connection to {} is lost ({why}). Trying again…", self.goal.pod));
            }
            match self.remote.reach(&self.goal.pod, way.port).await {
                Ok(new) => {
                    way.reach = new;
                    ui::note(&format!("{} is there again.", self.goal.pod));
                }
                Err(error) if is_final(&error) => ui::note(&format!("{}: {error}", self.goal.pod)),
                Err(_) => {}
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST);
        }
    }

    /// Turns to the port that `pods.json` names now, if it names another one than before.
    async fn follow(&self, way: &mut ToPort) {
        let noted = self.goal.noted();
        let Some(port) = noted.filter(|_| noted != way.noted) else { return };
        if port != way.port {
            let Ok(reach) = self.remote.reach(&self.goal.pod, port).await else { return };
            (way.reach, way.port) = (reach, port);
            ui::note(&format!("`{}` has moved to port {port}: the tunnel follows.", self.goal.name));
        }
        way.noted = noted;
    }
}

impl Goal {
    fn noted(&self) -> Option<Port> {
        self.store.read().ok()?.port(&self.pod, &self.name)
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
