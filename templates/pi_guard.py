"""Closes what vLLM leaves open: with a key set, every path but /health wants it.

vLLM 0.32 guards only /v1, /v2, /inference and /cohere by itself; `POST /invocations` answers a whole completion
to anybody. Used as `vllm serve … --middleware pi_guard.guard`, with the server's directory on PYTHONPATH.
"""

import hmac
import os

from starlette.responses import JSONResponse

_WANTED = ("Bearer " + os.environ["VLLM_API_KEY"]).encode()


class guard:  # vLLM adds a class as ASGI middleware: unlike a function it passes streams through untouched
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] in ("http", "websocket") and scope.get("path") != "/health":
            headers = dict(scope.get("headers") or [])
            if not hmac.compare_digest(headers.get(b"authorization", b""), _WANTED):
                if scope["type"] == "websocket":
                    await send({"type": "websocket.close", "code": 1008})
                    return
                await JSONResponse({"error": "Unauthorized"}, 401)(scope, receive, send)
                return
        await self.app(scope, receive, send)
