//! In: `host` records. Out: [`Host`]; what was not told stays empty.

use super::records::Records;
use crate::observe::facts::{Host, RootBy};
use crate::units::Bytes;

/// The machine itself, with the limits that its container has.
pub(super) fn host(records: &Records) -> Host {
    let text = |name: &str| records.value("host", name);
    let number = |name: &str| text(name).parse().unwrap_or(0);
    let (memory, memory_available) =
        memory(records, number("memory_kib") << 10, number("available_kib") << 10);
    Host {
        os: text("os").trim_matches(['"', '\'']).to_owned(),
        kernel: text("kernel"),
        arch: text("arch"),
        hostname: text("hostname"),
        boot_id: text("boot_id"),
        machine_id: text("machine_id"),
        clock: number("clock"),
        uptime: number("uptime"),
        cpus: cpus(records),
        memory: Bytes(memory),
        memory_available: Bytes(memory_available),
        user: text("user"),
        home: text("home"),
        root: match text("root").as_str() {
            "login" => RootBy::Login,
            "sudo" => RootBy::Sudo,
            _ => RootBy::No,
        },
        init: text("init"),
        libc: text("libc"),
    }
}

/// All memory and what is left of it, under every control group's limit (`memory_limit` of limit and usage).
fn memory(records: &Records, total: u64, available: u64) -> (u64, u64) {
    let limits = records.named("host", "memory_limit").filter_map(|rest| pair(rest.first()?));
    limits.fold((total, available), |(total, available), (limit, used)| {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let used = u64::try_from(used).unwrap_or(0);
        if limit < total { (limit, available.min(limit.saturating_sub(used))) } else { (total, available) }
    })
}

/// CPUs that may be used: those of the list, under every quota (`cpu_quota` of quota and period, µs).
fn cpus(records: &Records) -> u32 {
    let listed = listed(&records.value("host", "cpus_allowed"));
    let quotas = records.named("host", "cpu_quota").filter_map(|rest| pair(rest.first()?));
    let wholes = quotas.filter(|(quota, period)| *quota > 0 && *period > 0).map(|(quota, period)| {
        let whole = u64::try_from(quota).unwrap_or(0).div_ceil(u64::try_from(period).unwrap_or(1));
        u32::try_from(whole).unwrap_or(u32::MAX)
    });
    wholes.fold(listed, u32::min)
}

/// How many numbers a list like `0-3,8` has.
fn listed(list: &str) -> u32 {
    let count = |part: &str| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (from, to) = (from.trim().parse::<u32>().ok()?, to.trim().parse::<u32>().ok()?);
        Some(to.checked_sub(from)?.saturating_add(1))
    };
    list.split(',').filter_map(count).fold(0, u32::saturating_add)
}

/// Two numbers with a blank between; `max` and other words are no number, and so no limit.
fn pair(text: &str) -> Option<(i64, i64)> {
    let (left, right) = text.split_once(' ')?;
    Some((left.parse().ok()?, right.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &str) -> Host {
        host(&Records::of(&format!("pi-probe\t1\n{lines}\nend")))
    }

    #[test]
    fn cpus_are_those_of_the_list_under_the_quota() {
        let table = [
            ("host\tcpus_allowed\t0-3,8", 5),
            ("host\tcpus_allowed\t0-127\nhost\tcpu_quota\t1600000 100000", 16),
            ("host\tcpus_allowed\t0-127\nhost\tcpu_quota\t250000 100000\nhost\tcpu_quota\tmax 100000", 3),
            ("host\tcpus_allowed\t0-3\nhost\tcpu_quota\t-1 100000", 4),
            ("host\tcpus_allowed\t0-3\nhost\tcpu_quota\t1600000 100000", 4),
            ("host\tcpus_allowed\tx", 0),
        ];
        for (lines, cpus) in table {
            assert_eq!(of(lines).cpus, cpus, "{lines}");
        }
    }

    #[test]
    fn memory_is_the_containers() {
        let machine = "host\tmemory_kib\t1000\nhost\tavailable_kib\t900";
        let table = [
            ("", 1000 << 10, 900 << 10),
            ("host\tmemory_limit\t102400 2400", 102_400, 100_000),
            ("host\tmemory_limit\t102400 999999", 102_400, 0),
            ("host\tmemory_limit\t9999999 5", 1000 << 10, 900 << 10),
        ];
        for (limit, memory, available) in table {
            let host = of(&format!("{machine}\n{limit}"));
            assert_eq!((host.memory.0, host.memory_available.0), (memory, available), "{limit}");
        }
    }
}
