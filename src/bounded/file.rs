//! Files, and whatever else has a path: pipes, devices, what lies on a server that does not answer.

use super::{Limit, Over};
use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};

/// What a file holds.
///
/// # Errors
/// It cannot be read, is a directory, or goes over the limit.
pub fn bytes(path: &Path, limit: Limit) -> Result<Vec<u8>> {
    let (done, wait) = channel();
    let path = path.to_owned();
    // opening a pipe waits for its writer, and a dead server for ever: on a thread that nobody has to wait for
    std::thread::Builder::new().spawn(move || drop(done.send(read(&path, limit))))?;
    match wait.recv_timeout(limit.time) {
        Ok(read) => read,
        Err(RecvTimeoutError::Timeout) => Err(Over::Time(limit).into()),
        Err(RecvTimeoutError::Disconnected) => Err(Error::other("its reader ended")),
    }
}

/// What a file of text holds; one that is no UTF-8 is [`ErrorKind::InvalidData`].
///
/// # Errors
/// As [`bytes`].
pub fn text(path: &Path, limit: Limit) -> Result<String> {
    let text = String::from_utf8(bytes(path, limit)?);
    text.map_err(|_| Error::new(ErrorKind::InvalidData, "it is no UTF-8 text"))
}

/// At most so many bytes of what is open already; it is waited for as long as it takes.
///
/// # Errors
/// It cannot be read.
pub fn at_most(from: impl Read, most: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn read(path: &Path, limit: Limit) -> Result<Vec<u8>> {
    let file = File::open(path)?;
    // of a regular file the size is known: nothing of a huge one is read
    let found = file.metadata()?;
    if found.is_file() && found.len() > limit.bytes {
        return Err(Over::Bytes(limit).into());
    }
    let bytes = at_most(file, limit.bytes + 1)?;
    if bytes.len() as u64 > limit.bytes { Err(Over::Bytes(limit).into()) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    const LIMIT: Limit = Limit { of: "a test", bytes: 2 << 10, time: Duration::from_millis(300) };

    #[test]
    fn whatever_has_a_path_is_read_within_the_limits() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        std::fs::write(path("small"), "a").unwrap();
        std::fs::write(path("exact"), vec![b'x'; 2 << 10]).unwrap();
        std::fs::write(path("long"), vec![b'x'; (2 << 10) + 1]).unwrap();
        std::fs::write(path("binary"), [0xff]).unwrap();
        File::create(path("sparse")).unwrap().set_len(1 << 40).unwrap();
        std::fs::create_dir(path("directory")).unwrap();
        let made = std::process::Command::new("mkfifo").arg(path("pipe")).status().unwrap();
        assert!(made.success());
        std::os::unix::fs::symlink("/dev/zero", path("link")).unwrap();
        let longer = Err("it is longer than 2 KiB, the limit for a test".to_owned());
        let table = [
            (path("small"), Ok(1)),
            (path("exact"), Ok(2 << 10)),
            (path("long"), longer.clone()),
            (path("sparse"), longer.clone()),
            ("/dev/zero".into(), longer.clone()),
            (path("link"), longer),
            ("/dev/null".into(), Ok(0)),
            (path("binary"), Err("it is no UTF-8 text".to_owned())),
            (path("directory"), Err("Is a directory (os error 21)".to_owned())),
            (path("nothing"), Err("No such file or directory (os error 2)".to_owned())),
            (path("pipe"), Err("it did not end within 0 s, the limit for a test".to_owned())),
        ];
        for (path, expected) in table {
            let begun = Instant::now();
            let read = text(&path, LIMIT).map(|text| text.len()).map_err(|error| error.to_string());
            assert_eq!(read, expected, "{}", path.display());
            assert!(begun.elapsed() < Duration::from_secs(5), "{}", path.display());
        }
    }
}
