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

use bench::Bench;
use table::Row;

#[test]
#[ignore = "it takes a quarter of an hour: tests/run --faults"]
fn faults_leave_nothing_that_one_more_apply_does_not_mend() {
    let Some(bench) = Bench::new() else { return };
    let wanted = std::env::var("PI_FAULTS").unwrap_or_default();
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
    let rows: Vec<Row> = all.into_iter().flatten().filter(|row| row.is_called(&wanted)).collect();
    let ran: Vec<_> = rows.into_iter().map(|row| row.run(&bench)).collect();
    let (text, failed) = table::table(&ran);
    eprintln!("\n{text}");
    assert_eq!(failed, 0, "{failed} of {} rows", ran.len());
}
