//! Forms of lines, as libraries write them.

use super::*;

const FORMS: &[(&str, Level, &str)] = &[
    // vLLM, of all ages
    ("(EngineCore_DP0 pid=60) ERROR 01-12 01:09:14 [core.py:708] x", Level::Error, "x"),
    (
        "(EngineCore_DP0 pid=60) (Worker_TP0 pid=61) ERROR 11-12 16:25:35 [multiproc_executor.py:711] x",
        Level::Error,
        "x",
    ),
    ("ERROR 04-22 21:41:28 worker_base.py:598]   File", Level::Error, "  File"),
    (
        "ERROR 02-04 23:21:45 core.py:210] EngineCore hit an exception: x",
        Level::Error,
        "EngineCore hit an exception: x",
    ),
    ("ERROR [core.py:1330] EngineCore failed to start.", Level::Error, "EngineCore failed to start."),
    (
        "(EngineCore pid=84) ERROR ... EngineCore failed to start.",
        Level::Error,
        "EngineCore failed to start.",
    ),
    ("INFO 06-05 10:45:02 [v1/executor/multiproc_executor.py:558] x", Level::Info, "x"),
    ("vllm-1  | ERROR 11-18 18:07:28 engine.py:366] x", Level::Error, "x"),
    (
        "Aug 19 18:34:27 host vllm[8727]: (EngineCore pid=8727) ERROR 08-19 18:34:27 [core.py:1349] x",
        Level::Error,
        "x",
    ),
    ("[2026-02-24T20:21:58Z] (EngineCore_DP0 pid=6940) ValueError: x", Level::Unsaid, "ValueError: x"),
    // torch, NCCL, gloo
    (
        "(RayWorkerWrapper pid=1978, ip=10.0.0.8) [rank9]:[W ProcessGroupGloo.cpp:721] Warning: x",
        Level::Warning,
        "Warning: x",
    ),
    ("[rank1]:[E528 08:52:46.164295950 ProcessGroupGloo.cpp:145] x", Level::Error, "x"),
    ("[W909 12:00:00.123 socket.cpp:12] Warning: x", Level::Warning, "Warning: x"),
    ("gpu2:2143:2561 [1] include/shm.h:28 NCCL WARN Call failed", Level::Warning, "Call failed"),
    ("gpu2:2143:2561 [1] NCCL INFO include/shm.h:41 -> 2", Level::Info, "include/shm.h:41 -> 2"),
    ("[2025-06-05 10:45:19] node01:25:25 [1] ras/client_support.cc:160 NCCL WARN x", Level::Warning, "x"),
    ("(pid=909608) z-pc:909608:910337 [0] transport/p2p.cc:238 NCCL WARN x", Level::Warning, "x"),
    ("[3] include/shm.h:28 NCCL WARN x", Level::Warning, "x"),
    // glog, TensorFlow, Ray, UCX, Triton's server
    ("I0321 14:08:23.693707 1 python_be.cc:2362] x", Level::Info, "x"),
    ("W0909 12:00:00.123456 4242 torch/_inductor/utils.py:1137] x", Level::Warning, "x"),
    ("2026-01-01 12:00:00.123456: E external/xla/cuda_dnn.cc:9261] x", Level::Error, "x"),
    ("[2026-11-22 08:30:03,123 E 1234 1234] (raylet) node.cc:12: x", Level::Error, "(raylet) node.cc:12: x"),
    ("2023-07-08 23:11:34,236 INFO worker.py:1610 -- x", Level::Info, "worker.py:1610 -- x"),
    ("[1700000000.123456] [host:1234 :0]          parser.c:2036 UCX  WARN  x", Level::Warning, "x"),
    // Python
    ("/x/torch/cuda/__init__.py:371: UserWarning: Found GPU1", Level::Warning, "Found GPU1"),
    ("/x/hub.py:1132: FutureWarning: x", Level::Warning, "x"),
    ("WARNING:root:x", Level::Warning, "x"),
    ("ERROR:    [Errno 98] in use", Level::Error, "[Errno 98] in use"),
    ("2026-11-22 08:30:03,123 - ERROR - x", Level::Error, "x"),
    (
        "2026-11-22 08:30:03,123 - INFO - flashinfer.jit: Loading JIT ops",
        Level::Info,
        "flashinfer.jit: Loading JIT ops",
    ),
    ("2026-11-22 08:30:03,123 - my.server - WARNING - x", Level::Warning, "x"),
    ("2025-06-17T00:26:38.269335-0400 | test_vllm | INFO - x", Level::Info, "x"),
    ("2026-02-09 14:22:25.762 | WARNING  | a.b:c:12 - x", Level::Warning, "a.b:c:12 - x"),
    (
        "[2024-04-10 20:18:11,995] [INFO] [accelerator.py:161:get] x",
        Level::Info,
        "[accelerator.py:161:get] x",
    ),
    ("[ERROR|vllm_server.py:211:16433] 2024-10-23 01:48:56,680 >> x", Level::Error, "x"),
    ("[TensorRT-LLM][ERROR] Assertion failed", Level::Error, "Assertion failed"),
    ("[15:58:29] WARNING  Sending process", Level::Warning, "Sending process"),
    ("[2026-11-22 08:30:03 TP0] Scheduler", Level::Unsaid, "Scheduler"),
    // others
    ("2026-02-09T14:22:25.762110Z  WARN vllm_rs::utils: x", Level::Warning, "vllm_rs::utils: x"),
    (
        "time=2024-05-20T10:06:07.832+08:00 level=INFO source=s.go:320 msg=x",
        Level::Info,
        "source=s.go:320 msg=x",
    ),
    (
        "{\"timestamp\":\"2025-06-12\",\"level\":\"WARN\",\"a\":1}",
        Level::Warning,
        "{\"timestamp\":\"2025-06-12\",\"level\":\"WARN\",\"a\":1}",
    ),
    ("0.00.003.270 E srv  start: no", Level::Error, "srv  start: no"),
    ("/x/y.h:53:10: warning: unused", Level::Warning, "/x/y.h:53:10: warning: unused"),
    (
        "/x/y.h:53:10: fatal error: z.h: No such file",
        Level::Unsaid,
        "/x/y.h:53:10: fatal error: z.h: No such file",
    ),
    ("x.cu(12): warning #177-D: unused", Level::Warning, "x.cu(12): warning #177-D: unused"),
    ("FAILED: [code=127] x.cuda.o", Level::Unsaid, "FAILED: [code=127] x.cuda.o"),
    ("[Errno 28] No space left on device", Level::Unsaid, "[Errno 28] No space left on device"),
    ("llama_model_load: error loading model: x", Level::Unsaid, "llama_model_load: error loading model: x"),
];

#[test]
fn every_form_says_how_loud_it_is() {
    for &(line, level, text) in FORMS {
        let parts = take_apart(line);
        assert_eq!((parts.level, parts.text), (level, text), "{line}");
    }
}

#[test]
fn the_innermost_process_is_named() {
    let table = [
        ("(EngineCore_DP0 pid=60) (Worker_TP0 pid=61) ERROR 11-12 16:25:35 [a.py:1] x", "Worker_TP0 pid=61"),
        ("(vllm-test, pid=2150) (EngineCore_0 pid=3966) x", "EngineCore_0 pid=3966"),
        (
            "(RayWorkerWrapper rank=0 pid=5, ip=10.0.0.8) [rank0]: x",
            "RayWorkerWrapper rank=0 pid=5, ip=10.0.0.8",
        ),
        ("(VllmWorker rank=0 pid=63590) x", "VllmWorker rank=0 pid=63590"),
        ("x (pid=7)", ""),
    ];
    for (line, process) in table {
        assert_eq!(take_apart(line).process, process, "{line}");
    }
}

#[test]
fn what_libraries_say_is_told_apart_from_what_programs_say() {
    assert!(take_apart("gpu2:2143:2561 [1] NCCL INFO x").library);
    assert!(take_apart("I0321 14:08:23.693707 1 python_be.cc:2362] x").library);
    assert!(!take_apart("INFO 06-05 10:45:02 [core.py:558] x").library);
    assert!(!take_apart("0.00.003.270 I srv x").library);
}
