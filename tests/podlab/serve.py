"""The smallest model server there is, for tests of `engine = "command"`: python3 alone, no model.

Usage: serve.py --port PORT --model FILE [--broken]. It wants the key in PI_API_KEY on every path but
/health. With --broken it is healthy, and can't answer questions.
"""

import argparse
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--model", required=True)
parser.add_argument("--broken", action="store_true")
given = parser.parse_args()
wanted = "Bearer " + os.environ["PI_API_KEY"]
os.stat(given.model)


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        answers = {"/health": {}, "/v1/models": {"data": [{"id": "echo", "object": "model"}]}}
        self.answer(answers.get(self.path))

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or "{}")
        message = {"role": "assistant", "content": asked.get("messages", [{}])[-1].get("content")}
        chat = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
        self.answer(chat if self.path == "/v1/chat/completions" else None, 500 if given.broken else 200)

    def answer(self, body, status=200):
        status = 404 if body is None else status
        if self.path != "/health" and self.headers.get("authorization") != wanted:
            status, body = 401, {"error": {"message": "Unauthorized"}}
        text = json.dumps(body or {}).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


ThreadingHTTPServer(("0.0.0.0", given.port), Server).serve_forever()
