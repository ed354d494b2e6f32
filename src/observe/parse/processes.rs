//! In: `listener` records. Out: who listens on which TCP port, sorted by port.

use super::records::{Records, odd};
use crate::name::Port;
use crate::observe::facts::Section;
use crate::observe::facts::{Listener, ProbeFailure};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Who listens on which TCP port.
pub(super) fn listeners(records: &Records, gaps: &mut Vec<ProbeFailure>) -> Vec<Listener> {
    let mut listeners = Vec::new();
    for row in records.rows("listener") {
        match listener(row) {
            Some(listener) => listeners.push(listener),
            None => gaps.push(odd(Section::Listeners, row)),
        }
    }
    listeners.sort_by(|a, b| (a.port, &a.address, a.pid).cmp(&(b.port, &b.address, b.pid)));
    listeners.dedup(); // SO_REUSEPORT
    listeners
}

fn listener(row: &[String]) -> Option<Listener> {
    let [socket, pid, session, command, ..] = row else { return None };
    let (address, port) = socket.split_once(':')?;
    let known = |text: &str| text.parse::<u32>().ok().filter(|id| *id != 0);
    Some(Listener {
        port: Port::new(u16::from_str_radix(port, 16).ok()?)?,
        address: address_of(address)?.to_string(),
        pid: known(pid),
        session: known(session),
        command: until_flags(command),
    })
}

/// A command line up to its first flag: enough to know the program, and no key that stands behind `--api-key`.
fn until_flags(command: &str) -> String {
    command.split(' ').take_while(|word| !word.starts_with('-')).collect::<Vec<_>>().join(" ")
}

/// An address as /proc/net/tcp writes it: hex, each 32-bit word as a little-endian machine stores it.
fn address_of(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| u32::from_str_radix(hex.get(at..at + 8)?, 16).ok().map(u32::to_le_bytes);
    match hex.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?].concat();
            Some(Ipv6Addr::from(<[u8; 16]>::try_from(words).ok()?).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_the_kernel_writes_them() {
        let table = [
            ("0100007F", Some("127.0.0.1")),
            ("00000000", Some("0.0.0.0")),
            ("0B004D0A", Some("10.77.0.11")),
            ("00000000000000000000000000000000", Some("::")),
            ("00000000000000000000000001000000", Some("::1")),
            ("0000000000000000FFFF00000100007F", Some("::ffff:127.0.0.1")),
            ("0100007", None),
            ("0100007é", None),
            ("", None),
        ];
        for (hex, address) in table {
            assert_eq!(address_of(hex).map(|a| a.to_string()).as_deref(), address, "{hex}");
        }
    }
}
