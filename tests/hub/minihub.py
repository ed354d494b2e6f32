#!/usr/bin/env python3
"""A Hugging Face hub on loopback, for tests: the real `hf` client and pi accept it through HF_ENDPOINT.

usage: minihub.py ROOT LOG [HOST [PORT]]      prints `http://127.0.0.1:PORT` as soon as it answers; logs a line a request

ROOT/org/name/… are the files of a repository, whose one commit follows from their contents; ROOT/org/name.json may say
{"gated": true, "private": true, "slow": BYTES_A_SECOND, "page": FILES_A_PAGE, "break": BYTES}. Tokens: `hf_good` may
have everything, `hf_noaccess` was let in nowhere, others are refused. "break" ends a download after so many bytes.
"""
import hashlib
import json
import os
import re
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlparse

ROOT, LOG = sys.argv[1], open(sys.argv[2], "a", buffering=1)


def git_oid(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def listing(root):
    entries = []
    for directory, _, names in os.walk(root):
        for name in sorted(names):
            path = os.path.join(directory, name)
            data = open(path, "rb").read()
            entry = {"type": "file", "path": os.path.relpath(path, root), "size": len(data), "oid": git_oid(data)}
            if name.endswith((".safetensors", ".bin", ".gguf")) or len(data) > 1 << 20:
                sha = hashlib.sha256(data).hexdigest()
                pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha}\nsize {len(data)}\n".encode()
                entry["oid"] = git_oid(pointer)
                entry["lfs"] = {"oid": sha, "size": len(data), "pointerSize": len(pointer)}
            entries.append(entry)
    return hashlib.sha1(json.dumps(entries).encode()).hexdigest(), entries


class Hub(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def note(self, code):
        who = "with" if self.headers.get("Authorization") else "without"
        LOG.write(f"{self.command} {self.path} {who} token -> {code}\n")

    def answer(self, code, value, **headers):
        body = json.dumps(value).encode()
        self.note(code)
        self.send_response(code)
        for name, text in headers.items():
            self.send_header(name.replace("_", "-"), text)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, code, kind, message):
        headers = {"X_Error_Message": message}
        if kind:
            headers["X_Error_Code"] = kind
        self.answer(code, {"error": message}, **headers)

    def repository(self, name):
        """The repository's directory, what it is like, and the token; nothing if it was refused."""
        root, meta = os.path.join(ROOT, name), {}
        if os.path.exists(root + ".json"):
            meta = json.load(open(root + ".json"))
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if token and token not in ("hf_good", "hf_noaccess"):
            return self.refuse(401, None, "Invalid credentials in Authorization header")
        if not os.path.isdir(root) or meta.get("private") and token != "hf_good":
            # without a token the real hub does not say what exists
            return self.refuse(404 if token else 401, "RepoNotFound", "Repository not found")
        return root, meta, token

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        url = urlparse(self.path)
        path = unquote(url.path)
        api = re.fullmatch(r"/api/models/([^/]+/[^/]+?)(?:/(revision|tree)/([^/]+))?/?", path)
        file = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        found = api or file
        if not found:
            return self.refuse(404, None, "not found")
        repository = self.repository(found[1])
        if not repository:
            return None
        root, meta, token = repository
        commit, files = listing(root)
        revision = (api[3] if api else file[2]) or "main"
        if file and meta.get("gated") and token != "hf_good":
            message = f"Access to model {found[1]} is restricted."
            return self.refuse(403 if token else 401, "GatedRepo", message)
        if revision not in ("main", commit):
            return self.refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        if file:
            return self.file(root, meta, commit, next((f for f in files if f["path"] == file[3]), None))
        if api[2] == "tree":
            return self.tree(url, meta, files)
        about = {"id": found[1], "modelId": found[1], "sha": commit, "private": bool(meta.get("private"))}
        siblings = [{"rfilename": f["path"]} for f in files]
        return self.answer(200, about | {"gated": meta.get("gated", False), "tags": [], "siblings": siblings})

    def tree(self, url, meta, files):
        page = meta.get("page", 1000)
        start = int(parse_qs(url.query).get("cursor", ["0"])[0])
        headers = {}
        if start + page < len(files):
            here = f"http://{self.headers['Host']}{url.path}"
            headers["Link"] = f'<{here}?recursive=true&cursor={start + page}>; rel="next"'
        return self.answer(200, files[start : start + page], **headers)

    def file(self, root, meta, commit, entry):
        if not entry:
            headers = {"X_Error_Code": "EntryNotFound", "X_Error_Message": "Entry not found", "X_Repo_Commit": commit}
            return self.answer(404, {"error": "Entry not found"}, **headers)
        data = open(os.path.join(root, entry["path"]), "rb").read()
        etag = entry.get("lfs", entry)["oid"]
        start, end, code = 0, len(data) - 1, 200
        if wanted := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or ""):
            start, end, code = int(wanted[1]), min(end, int(wanted[2] or end)), 206
        self.note(code)
        self.send_response(code)
        self.send_header("X-Repo-Commit", commit)
        self.send_header("ETag", f'"{etag}"')
        self.send_header("Accept-Ranges", "bytes")
        if "lfs" in entry:
            self.send_header("X-Linked-Etag", f'"{etag}"')
            self.send_header("X-Linked-Size", str(len(data)))
        if code == 206:
            self.send_header("Content-Range", f"bytes {start}-{end}/{len(data)}")
        self.send_header("Content-Length", str(end + 1 - start))
        self.end_headers()
        if self.command == "HEAD":
            return
        self.body(meta, data[start : end + 1])

    def body(self, meta, data):
        speed, limit = meta.get("slow", 0), meta.get("break", 0)
        step = max(1, speed // 20) if speed else len(data) or 1
        for at in range(0, len(data), step):
            if limit and at + step > limit:
                self.close_connection = True
                return
            self.wfile.write(data[at : at + step])
            self.wfile.flush()
            if speed:
                time.sleep(step / speed)


HOST, PORT = (sys.argv[3:] + ["127.0.0.1", "0"][len(sys.argv) - 3 :])[:2]
server = ThreadingHTTPServer((HOST, int(PORT)), Hub)
print(f"http://{HOST}:{server.server_port}", flush=True)
server.serve_forever()
