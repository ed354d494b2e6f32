//! In: a row of nvidia-smi's CSV. Out: one GPU. Any cell may say nothing (`[N/A]`, `[Not Supported]`), or tell of trouble.

use crate::observe::facts::{Gpu, Host};
use std::collections::BTreeMap;

/// The cells of a row: `index, uuid, name, total, used, driver[, compute_cap, mig, ecc]`, the last three unknown to old
/// drivers.
pub(super) struct Row<'a> {
    cells: Vec<&'a str>,
    /// The number of cells of its name, which may have commas in it.
    name: usize,
    /// Empty where there is none.
    pub(super) uuid: &'a str,
    /// Empty where it is not told.
    pub(super) driver: &'a str,
}

/// Takes a row apart; none for a line that is a message.
pub(super) fn row(line: &str) -> Option<Row<'_>> {
    let cells: Vec<&str> = line.split(", ").map(str::trim).collect();
    let [index, uuid, rest @ ..] = cells.as_slice() else { return None };
    if told(index).is_some_and(|index| index.parse::<u32>().is_err()) {
        return None;
    }
    let name = [6, 3].into_iter().find_map(|behind| {
        let name = rest.len().checked_sub(behind).filter(|name| *name > 0)?;
        is_tail(rest.get(name..)?).then_some(name)
    })?;
    let (uuid, driver) = (told(uuid).unwrap_or_default(), rest.get(name + 2).and_then(|cell| told(cell)));
    Some(Row { name, uuid, driver: driver.unwrap_or_default(), cells })
}

/// Whether these cells can be what follows the name.
fn is_tail(cells: &[&str]) -> bool {
    let [total, used, _, rest @ ..] = cells else { return false };
    let number = |cell: &str| told(cell).is_none_or(|cell| cell.parse::<u64>().is_ok());
    let version = |cell: &str| told(cell).is_none_or(|cell| cell.parse::<f32>().is_ok());
    let mode = |cell: &str| told(cell).is_none_or(|cell| matches!(cell, "Enabled" | "Disabled"));
    let known = match rest {
        [] => true,
        [compute, mig, ecc] => version(compute) && mode(mig) && number(ecc),
        _ => false,
    };
    number(total) && number(used) && known
}

impl Row<'_> {
    /// The GPU; `next` is its index where it has none, `held` what processes are known to hold of it, in MiB.
    ///
    /// A GPU that tells no size of its memory (Thor, Orin, GB10) shares the machine's: it has all of that, and of it is
    /// used what is not available.
    pub(super) fn gpu(&self, next: u32, host: &Host, held: u64) -> Gpu {
        let behind = |at: usize| self.cells.get(2 + self.name + at).copied();
        let number = |at| behind(at).and_then(|cell| cell.parse::<u64>().ok());
        let fault = self.cells.iter().find_map(|cell| fault(cell));
        let (memory_mib, used_mib) = match (number(0), number(1), &fault) {
            (Some(total), used, _) => (total, used.unwrap_or(held)),
            (None, _, Some(_)) => (0, 0),
            (None, used, None) => {
                let taken = host.memory.0.saturating_sub(host.memory_available.0) >> 20;
                (host.memory.0 >> 20, used.unwrap_or(taken).max(held))
            }
        };
        Gpu {
            uuid: self.uuid.to_owned(),
            name: self.cells.get(2..2 + self.name).unwrap_or_default().join(", "),
            memory_mib,
            used_mib,
            compute: behind(3).and_then(told).unwrap_or_default().to_owned(),
            mig: behind(4) == Some("Enabled"),
            ecc_errors: number(5),
            fault,
            ..nameless(self.cells.first().and_then(|index| index.parse().ok()).unwrap_or(next))
        }
    }
}

/// A cell that says something: `[N/A]`, `[Not Supported]` and `ERR!` do not.
pub(super) fn told(cell: &str) -> Option<&str> {
    (!cell.starts_with('[') && !matches!(cell, "N/A" | "ERR!" | "")).then_some(cell)
}

/// The trouble a cell tells of: `[GPU is lost]`, `[Unknown Error]`, `[GPU requires reset]`, `ERR!`.
fn fault(cell: &str) -> Option<String> {
    let word = cell.trim_matches(['[', ']']);
    let known = ["gpu is lost", "unknown error", "gpu requires reset", "err!"];
    known.contains(&word.to_lowercase().as_str()).then(|| word.to_owned())
}

/// A GPU of which nothing is known but its index.
pub(super) fn nameless(index: u32) -> Gpu {
    Gpu {
        index,
        uuid: String::new(),
        name: String::new(),
        memory_mib: 0,
        used_mib: 0,
        compute: String::new(),
        mig: false,
        ecc_errors: None,
        fault: None,
        links: BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Bytes;

    /// A machine of 122 GiB of which 100 are left.
    fn gpu(line: &str, held: u64) -> Option<Gpu> {
        let host = Host { memory: Bytes(122 << 30), memory_available: Bytes(100 << 30), ..Host::default() };
        row(line).map(|row| row.gpu(7, &host, held))
    }

    #[test]
    fn no_cell_that_says_nothing_loses_a_gpu() {
        let whole = ["0", "GPU-1", "NVIDIA H100", "81559", "500", "580.95", "9.0", "Disabled", "0"];
        for length in [6, 9] {
            for at in 0..length {
                for word in
                    ["[N/A]", "N/A", "[Not Supported]", "[Unknown Error]", "[GPU requires reset]", "ERR!"]
                {
                    let mut cells = whole;
                    cells[at] = word;
                    let line = cells[..length].join(", ");
                    let gpu = gpu(&line, 0).unwrap_or_else(|| panic!("lost: {line}"));
                    assert_eq!(gpu.index, if at == 0 { 7 } else { 0 }, "{line}");
                    assert_eq!(
                        gpu.fault.is_some(),
                        matches!(word, "[Unknown Error]" | "[GPU requires reset]" | "ERR!")
                    );
                    let memory = if at != 3 {
                        81_559
                    } else if gpu.fault.is_some() {
                        0
                    } else {
                        122 << 10
                    };
                    assert_eq!(gpu.memory_mib, memory, "{line}");
                }
            }
            let nothing = ["[N/A]"; 9][..length].join(", ");
            assert_eq!(gpu(&nothing, 0).map(|gpu| gpu.index), Some(7), "{nothing}");
        }
    }

    #[test]
    fn unified_memory_is_the_machines_and_what_processes_hold_of_it_counts() {
        let table = [
            (
                "0, GPU-aa, NVIDIA Thor, [N/A], [N/A], 580.00, 11.0, [N/A], [N/A]",
                0,
                ("GPU-aa", "NVIDIA Thor", 22 << 10),
            ),
            (
                "0, [N/A], Orin (nvgpu), [N/A], [N/A], N/A, 8.7, [N/A], [N/A]",
                140,
                ("", "Orin (nvgpu)", 22 << 10),
            ),
            (
                "0, GPU-aa, NVIDIA GB10, [N/A], [N/A], 580.126.09, 12.1, [N/A], [N/A]",
                92_160,
                ("GPU-aa", "NVIDIA GB10", 92_160),
            ),
        ];
        for (line, held, (uuid, name, used)) in table {
            let gpu = gpu(line, held).unwrap();
            assert_eq!((gpu.uuid.as_str(), gpu.name.as_str(), gpu.used_mib), (uuid, name, used), "{line}");
            assert_eq!(
                (gpu.memory_mib, gpu.fault, gpu.mig, gpu.ecc_errors),
                (122 << 10, None, false, None),
                "{line}"
            );
        }
    }

    #[test]
    fn a_name_may_have_commas_and_a_message_is_no_row() {
        let names = [
            ("0, GPU-1, NVIDIA A, B, C, 100, 5, 535", "NVIDIA A, B, C"),
            ("0, GPU-1, NVIDIA A, 40GB, rev 2, 100, 5, 580, 9.0, Enabled, 0", "NVIDIA A, 40GB, rev 2"),
        ];
        for (line, name) in names {
            let gpu = gpu(line, 0).unwrap();
            assert_eq!((gpu.name.as_str(), gpu.memory_mib, gpu.used_mib), (name, 100, 5), "{line}");
        }
        for line in
            ["No devices were found", "", "a, b, c, d, e, f, g", "Failed, x, y, 1, 2, 3", "0, GPU-1, 5, 6, 7"]
        {
            assert!(row(line).is_none(), "{line}");
        }
    }
}
