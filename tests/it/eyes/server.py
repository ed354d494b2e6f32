"""A server for tests: /health, /v1/models, /metrics, and a log line for every POST /log. All but /health want the key."""

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

address, port, served = sys.argv[1], int(sys.argv[2]), sys.argv[3]
KEY = os.environ.get("PI_API_KEY")
METRICS = """# HELP llamacpp:requests_processing Number of requests processing.
# TYPE llamacpp:requests_processing gauge
llamacpp:requests_processing 3
llamacpp:requests_deferred 1
"""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/health":
            # a file of this name makes it ill
            return self.answer(503 if os.path.exists(sys.argv[0] + ".ill") else 200, "{}")
        if KEY and self.headers.get("Authorization") != "Bearer " + KEY:
            return self.answer(401, "{}")
        if self.path == "/v1/models":
            return self.answer(200, '{"object": "list", "data": [{"id": "%s", "object": "model"}]}' % served)
        if self.path == "/metrics":
            return self.answer(200, METRICS)
        return self.answer(404, "{}")

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length).decode()
        if self.path == "/log":
            print(body, flush=True)
            return self.answer(200, "{}")
        return self.answer(404, "{}")

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *args):
        pass


print("serving", served, flush=True)
ThreadingHTTPServer((address, port), Handler).serve_forever()
