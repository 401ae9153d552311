"""Pushes answered before Django: the same service, without the way through a site made for people.

The body is read only as far as the limit; threads of its own keep their database connections; when too
much is on its way in at once, the sender is asked to come again. Everything else goes on to Django,
which serves the same address for tests and servers without this door.
"""

import asyncio
import os
import re
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection

from . import reading
from .services.taking import LATER_S, Call, Refused, answer_to, as_json

PATH = re.compile(r"/api/push/v1/([^/]+)/rows")
THREADS = 6
MOST_BYTES = 256 * 1024 * 1024  # of bodies held at once
MOST_CALLS = 400
Scope = dict[str, Any]
App = Callable[[Scope, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]


class PushDoor:
    """ASGI: pushes here, the rest to `inner`."""

    def __init__(self, inner: App) -> None:
        self._inner = inner
        self._pool: ThreadPoolExecutor | None = None
        self._calls = self._held = 0

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        found = PATH.fullmatch(scope["path"]) if scope["method"] == "POST" else None
        if found is None:
            await self._inner(scope, receive, send)
            return
        self._calls += 1
        held = 0
        try:
            if self._calls > MOST_CALLS:
                raise _busy()
            body = bytearray()
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return
                chunk = message.get("body", b"")
                held += len(chunk)
                self._held += len(chunk)
                if held > reading.MAX_BYTES:
                    raise Refused(413, "too_large", f"More than {reading.MAX_BYTES} bytes; send parts.")
                if self._held > MOST_BYTES:
                    raise _busy()
                body += chunk
                if not message.get("more_body"):
                    break
            call = call_of(found[1], scope["headers"], bytes(body))
            del body
            loop = asyncio.get_running_loop()
            status, answer, headers = await loop.run_in_executor(self._threads(), _work, call)
        except Refused as refused:
            status, answer = refused.status, refused.body()
            headers = {**refused.headers(), "Connection": "close"}  # the rest of the body is not read
        finally:
            self._calls -= 1
            self._held -= held
        content = as_json(answer)
        lines = {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(name.lower().encode(), value.encode()) for name, value in lines.items()],
            }
        )
        await send({"type": "http.response.body", "body": content})

    def _threads(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix=f"push-{os.getpid()}")
        return self._pool


def _busy() -> Refused:
    return Refused(503, "busy", "Too many pushes at once; send it again.", retry_after=LATER_S)


def call_of(code: str, headers: list[tuple[bytes, bytes]], body: bytes) -> Call:
    said = {name: value.decode("latin-1") for name, value in headers}
    kind, _blank, token = said.get(b"authorization", "").partition(" ")
    return Call(
        code=code,
        token=token.strip() if kind.lower() == "bearer" else "",
        number=said.get(b"idempotency-key", ""),
        content_type=said.get(b"content-type", ""),
        encoding=said.get(b"content-encoding", ""),
        body=body,
    )


def _work(call: Call) -> tuple[int, dict[str, Any], dict[str, str]]:
    """In a thread of ours, whose connection stays open."""
    try:
        return answer_to(call)
    except Exception:
        connection.close()
        raise
