"""llama.cpp's HTTP server from the prebuilt PyPI wheel `xllamacpp`, with the flags that `llama-server` has.

The API key comes from the environment (LLAMA_API_KEY), as with llama-server, so that no process list shows it.
"""

import argparse
import os
import signal
import sys
import threading

import xllamacpp


def arguments():
    parser = argparse.ArgumentParser(prog="llama-server", allow_abbrev=False)
    parser.add_argument("-m", "--model", required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("-a", "--alias")
    parser.add_argument("-c", "--ctx-size", type=int, default=0)
    parser.add_argument("-np", "--parallel", type=int, default=4)
    parser.add_argument("-t", "--threads", type=int)
    parser.add_argument("-b", "--batch-size", type=int)
    parser.add_argument("-ub", "--ubatch-size", type=int)
    parser.add_argument("-ngl", "--n-gpu-layers", type=int)
    parser.add_argument("--main-gpu", type=int)
    parser.add_argument("--jinja", action="store_true", default=True)
    parser.add_argument("--no-jinja", dest="jinja", action="store_false")
    parser.add_argument("--chat-template")
    parser.add_argument("--metrics", action="store_true")
    parser.add_argument("--embedding", action="store_true")
    parser.add_argument("--mmproj")
    return parser.parse_args()


def parameters(given):
    params = xllamacpp.CommonParams()
    params.model.path = given.model
    params.hostnames = [given.host]
    params.port = given.port
    params.n_ctx = given.ctx_size
    params.n_parallel = given.parallel
    params.kv_unified = True  # as llama-server does: every request may use the whole context
    params.use_jinja = given.jinja
    params.endpoint_metrics = given.metrics
    params.embedding = given.embedding
    key = os.environ.pop("LLAMA_API_KEY", None)
    if key:
        params.api_keys = [key]
    if given.alias:
        params.model_alias = {given.alias}
    if given.threads:
        params.cpuparams.n_threads = given.threads
    for name, value in (
        ("n_batch", given.batch_size),
        ("n_ubatch", given.ubatch_size),
        ("n_gpu_layers", given.n_gpu_layers),
        ("main_gpu", given.main_gpu),
        ("chat_template", given.chat_template),
    ):
        if value is not None:
            setattr(params, name, value)
    if given.mmproj:
        params.mmproj.path = given.mmproj
    return params


def main():
    given = arguments()
    if not os.path.isfile(given.model):
        sys.exit(f"error: no such model file: {given.model}")
    server = xllamacpp.Server(parameters(given))
    print(f"listening on {server.listening_address}", flush=True)
    end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: end.set())
    while not end.wait(0.5):
        pass


if __name__ == "__main__":
    main()
