//! The bytes of a tunnel: from a guest on this machine to the server, and back.
//!
//! When the connection to the pod is lost, the next guest makes a new one.

use crate::name::{PodName, Port};
use crate::remote::{Doors, Reach, Remote, RemoteError, Way};
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

/// The way to the server, replaced when it breaks.
pub(super) struct Line {
    remote: Arc<Doors>,
    pod: PodName,
    port: Port,
    reach: Mutex<Reach>,
    /// It was said that the server does not answer.
    silent: AtomicBool,
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
    pub(super) fn new(remote: Arc<Doors>, pod: PodName, port: Port, reach: Reach) -> Arc<Self> {
        Arc::new(Self { remote, pod, port, reach: Mutex::new(reach), silent: AtomicBool::new(false) })
    }

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
