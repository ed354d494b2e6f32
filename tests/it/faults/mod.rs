//! Faults: what is broken, at which moment, and what becomes of it. `tests/run --faults` runs them and prints the table.
//!
//! Every row begins on a pod without servers and ends as the manifest wants it after at most one more apply: with the
//! processes, ports and files that it asks for, and no others.

mod bench;
mod beside;
mod disk;
mod downloads;
mod hub;
mod killed;
mod lost;
mod machine;
mod network;
mod others;
mod servers;
mod table;

use crate::docs::is_current;
use bench::Bench;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use table::Row;

#[test]
#[ignore = "it takes half an hour: tests/run --faults"]
fn faults_leave_nothing_that_one_more_apply_does_not_mend() {
    let Some(bench) = Bench::new() else { return };
    let wanted = std::env::var("PI_FAULTS").unwrap_or_default();
    let rows: Vec<Row> = rows().into_iter().filter(|row| row.is_called(&wanted)).collect();
    let ran: Vec<_> = rows.into_iter().map(|row| row.run(&bench)).collect();
    let (text, failed) = table::table(&ran);
    eprintln!("\n{text}");
    assert_eq!(failed, 0, "{failed} of {} rows", ran.len());
    if wanted.is_empty() {
        is_current(PAGE, &format!("\n{text}"));
    }
}

/// The page that has the table.
const PAGE: &str = "promises.md";

fn rows() -> Vec<Row> {
    let all = [
        killed::rows(),
        beside::rows(),
        downloads::rows(),
        network::rows(),
        machine::rows(),
        servers::rows(),
        others::rows(),
        lost::rows(),
        disk::rows(),
    ];
    all.into_iter().flatten().collect()
}

/// The whole table is compared by the run that makes it.
#[test]
fn the_manual_tells_of_no_fault_that_is_not_tried() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/src").join(PAGE);
    let page = fs::read_to_string(page).unwrap();
    let told = page.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let told: BTreeSet<&str> = told.filter(|fault| *fault != "fault").collect();
    let tried: BTreeSet<&str> = rows().iter().map(Row::fault).collect();
    let gone: Vec<_> = told.difference(&tried).collect();
    assert!(!told.is_empty() && gone.is_empty(), "{gone:?}: PI_ACCEPT=1 tests/run --faults writes the table");
}
