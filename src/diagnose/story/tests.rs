//! Which lines of a log its processes have survived.

use super::super::exceptions::Part;
use super::*;

/// The lines that are left as possible causes.
fn last(kind: EngineKind, log: &str) -> Vec<String> {
    let log: Vec<_> = log.lines().map(str::to_owned).collect();
    let story = Story::of(kind, &log);
    let last = story.telling().filter(|told| !told.survived && told.part != Part::Header);
    last.map(|told| told.line.text.clone()).collect()
}

#[test]
fn what_a_process_goes_on_after_did_not_end_it() {
    let table = [
        // the process says more, then dies of something else
        ("(A pid=1) ERROR 01-01 00:00:00 [a.py:1] odd\n(A pid=1) INFO 01-01 00:00:01 [a.py:1] next", &[][..]),
        (
            "(A pid=1) ERROR 01-01 00:00:00 [a.py:1] odd\n(B pid=2) INFO 01-01 00:00:01 [a.py:1] next",
            &["odd"],
        ),
        // it only takes its leave, or a library goes on by itself
        ("ERROR 01-01 00:00:00 [a.py:1] odd\nINFO 01-01 00:00:01 [a.py:1] Shutting down", &["odd"]),
        ("ERROR 01-01 00:00:00 [a.py:1] odd\nh:1:1 [0] NCCL INFO x -> 1", &["odd"]),
        // it says that it tries again
        ("ERROR 01-01 00:00:00 [a.py:1] odd, retrying 1 of 2", &[]),
        // a program's own words are survived when the start comes to its next phase
        ("sh: 1: lspci: not found\nINFO 01-01 00:00:01 [a.py:1] hello", &["sh: 1: lspci: not found"]),
        ("sh: 1: lspci: not found\n(A pid=1) INFO 01-01 00:00:01 [a.py:1] Starting to load model x", &[]),
    ];
    for (log, left) in table {
        assert_eq!(last(EngineKind::Vllm, log), left, "{log}");
    }
}

#[test]
fn an_exception_of_which_the_engine_says_that_it_ended_it_is_final() {
    let raised = "Traceback (most recent call last):\n  File \"x\", line 1, in y\n    z()\nOddError: x";
    let goes_on = "\nINFO 01-01 00:00:01 [a.py:1] next";
    assert_eq!(last(EngineKind::Vllm, &format!("{raised}{goes_on}")), [""; 0]);
    assert_eq!(
        last(EngineKind::Vllm, &format!("Process EngineCore_0:\n{raised}{goes_on}")),
        ["Process EngineCore_0:", "OddError: x"]
    );
    let failed = "ERROR 01-01 00:00:00 [core.py:1] EngineCore failed to start.\nERROR 01-01 00:00:00 [core.py:1] Traceback (most recent call last):\nERROR 01-01 00:00:00 [core.py:1] OddError: x";
    assert!(last(EngineKind::Vllm, &format!("{failed}{goes_on}")).contains(&"OddError: x".to_owned()));
}

#[test]
fn what_ends_only_a_thread_ends_no_process() {
    let log = "Exception in thread Thread-1 (_report_usage_worker):\nTraceback (most recent call last):\n  File \"x\"\nOddError: x";
    assert_eq!(last(EngineKind::Vllm, log), ["Exception in thread Thread-1 (_report_usage_worker):"]);
}

#[test]
fn source_that_a_traceback_quotes_tells_nothing_and_a_long_message_does() {
    let log = "Traceback (most recent call last):\n  File \"x\", line 1, in y\n    raise OddError('quoted')\nOddError: \n        told\n        more";
    assert_eq!(last(EngineKind::Vllm, log), ["OddError:", "        told", "        more"]);
    // a log whose first part was rotated away
    let cut = "    raise OddError('quoted')\nOddError: \n        told";
    assert_eq!(last(EngineKind::Vllm, cut), ["OddError:", "        told"]);
}

#[test]
fn chains_are_one_exception_and_processes_are_held_apart() {
    let log = "\
(A pid=1) Traceback (most recent call last):
(B pid=2) Traceback (most recent call last):
(A pid=1) OneError: a
(B pid=2)   File \"x\"
(A pid=1) 
(A pid=1) During handling of the above exception, another exception occurred:
(B pid=2) OtherError: b
(A pid=1) 
(A pid=1) Traceback (most recent call last):
(A pid=1) TwoError: c";
    let log: Vec<_> = log.lines().map(str::to_owned).collect();
    let story = Story::of(EngineKind::Vllm, &log);
    let raised = story.telling().filter(|told| told.part == Part::Raised);
    let raised: Vec<_> = raised.map(|told| (told.line.text.as_str(), told.exception, told.link)).collect();
    let expected = [("OneError: a", Some(0), 0), ("OtherError: b", Some(1), 0), ("TwoError: c", Some(0), 1)];
    assert_eq!(raised, expected);
}

#[test]
fn a_warning_of_several_lines_is_a_warning() {
    let log = "/x/torch/cuda/__init__.py:287: UserWarning: \nGPU with CUDA capability sm_120 is not compatible\n  warnings.warn(\nsaid";
    assert_eq!(last(EngineKind::Vllm, log), ["  warnings.warn(", "said"]);
}
