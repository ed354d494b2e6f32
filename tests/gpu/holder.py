"""A model server without a model that holds real GPU memory: what `tests/gpu/run` serves with `engine = "command"`.

Usage: holder.py --mib MIB [--port PORT] [--hide]. Takes MIB on each GPU of CUDA_VISIBLE_DEVICES through torch where that
is installed, else through the driver's own library (libcuda), which is on every machine with an NVIDIA driver. With
--hide it hides the GPUs from itself first, so that the driver says that there are none. Without --port it only holds.
In a pod of tests/podlab, which has no GPU, it tells the lab's nvidia-smi what it would hold.
"""

import argparse
import ctypes
import importlib.util
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LAB = "/run/podlab/claims"
MIB = 1 << 20


def by_torch(mib):
    import torch

    count = torch.cuda.device_count() or 1  # with no GPU the first allocation has the driver's words
    return [torch.zeros(mib * MIB, dtype=torch.uint8, device=f"cuda:{gpu}") for gpu in range(count)]


def by_driver(mib):
    cuda = ctypes.CDLL("libcuda.so.1")

    def call(name, *args):
        code = getattr(cuda, name)(*args)
        if code:
            said = ctypes.c_char_p()
            cuda.cuGetErrorString(code, ctypes.byref(said))
            raise RuntimeError(f"CUDA error: {(said.value or b'unknown').decode()} ({name}: {code})")

    call("cuInit", 0)
    count = ctypes.c_int()
    call("cuDeviceGetCount", ctypes.byref(count))
    held = []
    for gpu in range(count.value):
        device, context, address = ctypes.c_int(), ctypes.c_void_p(), ctypes.c_uint64()
        call("cuDeviceGet", ctypes.byref(device), gpu)
        call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
        call("cuCtxSetCurrent", context)
        call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(mib * MIB))
        held.append(address)
    return held


def in_the_lab(mib):
    gpus = [gpu for gpu in os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",") if gpu]
    total = int(os.popen("nvidia-smi --query-gpu=memory.total --format=csv,noheader,nounits").readline())
    # what torch 2.9 prints
    if gpus == ["-1"]:
        raise RuntimeError("No CUDA GPUs are available")
    if mib > total:
        raise RuntimeError(f"CUDA out of memory. Tried to allocate {mib / 1024:.2f} GiB. GPU 0 has a total "
                           f"capacity of {total / 1024:.2f} GiB of which {total / 1024:.2f} GiB is free.")
    with open(f"{LAB}/{os.getpid()}", "w") as claims:
        claims.writelines(f"{gpu} {mib} 0\n" for gpu in gpus)
    return gpus


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer({"/health": {}, "/v1/models": {"data": [{"id": "holder", "object": "model"}]}}.get(self.path))

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        message = {"role": "assistant", "content": "held"}
        self.answer({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})

    def answer(self, body):
        status = 404 if body is None else 200
        if self.path != "/health" and self.headers.get("authorization") != "Bearer " + os.environ["PI_API_KEY"]:
            status, body = 401, {"error": {"message": "Unauthorized"}}
        text = json.dumps(body or {}).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int)
    parser.add_argument("--mib", type=int, required=True)
    parser.add_argument("--hide", action="store_true")
    given = parser.parse_args()
    if given.hide:
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    if os.path.isdir(LAB):
        how, hold = "podlab", in_the_lab
    elif importlib.util.find_spec("torch"):
        how, hold = "torch", by_torch
    else:
        how, hold = "libcuda", by_driver
    held = hold(given.mib)
    print(f"holds {given.mib} MiB on {len(held)} GPU(s) by {how}", file=sys.stderr, flush=True)
    if given.port:
        ThreadingHTTPServer(("0.0.0.0", given.port), Server).serve_forever()
    while True:
        time.sleep(3600)


main()
