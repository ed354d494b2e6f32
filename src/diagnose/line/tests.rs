//! Lines, taken apart.

use super::*;

#[test]
fn lines_are_taken_apart() {
    let table = [
        (
            "(Worker_TP0 pid=7) ERROR 11-22 08:40:20 [core.py:15]   File",
            "Worker_TP0 pid=7",
            Level::Error,
            "  File",
        ),
        ("(APIServer pid=7) INFO 11-22 08:40:20 [a.py:1] hello", "APIServer pid=7", Level::Info, "hello"),
        (
            "\u{1b}[36m(EngineCore pid=7, ip=10.0.0.2)\u{1b}[0m Killed",
            "EngineCore pid=7, ip=10.0.0.2",
            Level::Unsaid,
            "Killed",
        ),
        ("ERROR:    [Errno 98] in use", "", Level::Error, "[Errno 98] in use"),
        ("0.00.003.270 E srv  start: no", "", Level::Error, "srv  start: no"),
        ("0.00.003.270 W srv  start: no", "", Level::Warning, "srv  start: no"),
        ("[rank1]:[E1122 08:30:03.8 ProcessGroupNCCL.cpp:607] [Rank 1] x", "", Level::Error, "[Rank 1] x"),
        ("[rank0]: ValueError: x", "", Level::Unsaid, "ValueError: x"),
        ("[2026-11-22 08:30:03 TP0] Scheduler", "", Level::Unsaid, "Scheduler"),
        ("2026-11-22 08:30:03,123 - ERROR - x", "", Level::Error, "x"),
        ("shards: 10%\rshards: 50%\r", "", Level::Unsaid, "shards: 50%"),
        ("a\u{1b}]0;title\u{7}b\u{1b}[2Jc\u{202e}d\te", "", Level::Unsaid, "abcd e"),
        ("\u{1b}", "", Level::Unsaid, ""),
    ];
    for (raw, process, level, text) in table {
        let line = Line::parse(1, raw);
        assert_eq!((&*line.process, line.level, &*line.text), (process, level, text), "{raw}");
    }
}

#[test]
fn long_lines_are_cut_between_characters() {
    assert!(Line::parse(1, &"é".repeat(10_000)).text.len() <= LIMIT);
    assert_eq!(Line::parse(1, &"é".repeat(10_000)).shown().chars().count(), SHOWN + 1);
}
