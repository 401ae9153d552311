"""The one door to the screens.

`announce` writes the row beside the change and rings a bell after commit. The row is the
truth: a bell that nobody hears loses nothing, because the journal loop and every hub also
look by themselves. Redis carries three kinds of news between processes: *bell* (something
was announced), *news* (summaries now hold events up to a position) and *close* (a user's
sockets must go). Each web process subscribes once and fans out in memory to its own sockets.
"""

import asyncio
import contextlib
import json
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import close_old_connections, transaction

from commandcenter.core.codes import ancestors

from .events import EventBody
from .models import Event
from .selectors import events_between, folded_position

log = logging.getLogger(__name__)

Group = tuple[str, str]
LOOK_EVERY_S = 2.0  # how long a hub trusts a silent Redis before it looks by itself
QUEUE_LIMIT = 2_000  # events waiting for one socket; past it the socket starts anew from a snapshot


def _channel(name: str) -> str:
    return f"{settings.KEY_PREFIX}:{name}"


@lru_cache(maxsize=4)
def _redis(url: str) -> "redis.Redis":
    return redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)


def _tell(channel: str, message: str) -> None:
    """Publish; a dead Redis is logged and fails nobody."""
    try:
        _redis(settings.REDIS_URL).publish(_channel(channel), message)
    except redis.RedisError as error:
        log.warning("news not carried: %s", error)


def announce(body: EventBody) -> Event:
    """Write what happened beside the change itself, and ring the bell after commit.

    Must run inside the transaction of the change. Raises RuntimeError outside one.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("announce belongs inside the transaction of the change")
    row = Event.objects.create(
        kind=body.kind,
        body=body.model_dump(mode="json", exclude={"audiences"}),
        area_code=body.area_code,
        audiences=body.audiences,
        at=body.at,
    )
    transaction.on_commit(ring, robust=True)
    return row


def ring() -> None:
    """Wake the journal loop."""
    _tell("bell", "1")


def tell_folded(position: int) -> None:
    """Wake every hub: summaries now hold all events up to `position`."""
    _tell("news", str(position))


def close_sockets_of(user_id: int, *, session_key: str | None = None) -> None:
    """After commit, close a user's sockets everywhere; only one session's where a key is given."""
    message = json.dumps({"user_id": user_id, "session_key": session_key})
    transaction.on_commit(lambda: _tell("close", message), robust=True)


class BellRope:
    """The journal loop's end of the bell: `wait` returns at a ring or after `timeout` seconds."""

    def __init__(self) -> None:
        self._heard: Any = None

    def wait(self, timeout: float) -> bool:
        try:
            if self._heard is None:
                # The wait itself is bounded by get_message's timeout, so the socket may block longer.
                client = redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2)
                self._heard = client.pubsub(ignore_subscribe_messages=True)
                self._heard.subscribe(_channel("bell"))
            message = self._heard.get_message(timeout=timeout)
            while message is not None and self._heard.get_message(timeout=0) is not None:
                pass  # many rings, one look
            return message is not None
        except redis.RedisError as error:
            log.warning("the bell cannot be heard: %s", error)
            self._heard = None
            time.sleep(timeout)
            return False


@dataclass(eq=False)
class Member:
    """One socket as its hub knows it. `queue` holds (position, event); None means: start anew."""

    user_id: int
    session_key: str | None
    groups: frozenset[Group]
    close: Callable[[int], Awaitable[None]]
    queue: "asyncio.Queue[Event | None]" = field(default_factory=lambda: asyncio.Queue(QUEUE_LIMIT))


class Hub:
    """The sockets of one process: one subscription, one reader, fan-out in memory."""

    def __init__(self) -> None:
        self._by_group: dict[Group, set[Member]] = defaultdict(set)
        self._members: set[Member] = set()
        self._task: asyncio.Task[None] | None = None
        self._position = 0

    async def join(self, member: Member) -> None:
        """Start delivering; read a snapshot afterwards and drop what it already holds."""
        if self._task is None or self._task.done():
            self._position = await _in_thread(folded_position)
            self._task = asyncio.get_running_loop().create_task(self._run())
        self._members.add(member)
        for group in member.groups:
            self._by_group[group].add(member)

    def leave(self, member: Member) -> None:
        self._members.discard(member)
        for group in member.groups:
            self._by_group[group].discard(member)
            if not self._by_group[group]:
                del self._by_group[group]
        if not self._members and self._task is not None:
            self._task.cancel()
            self._task = None

    def regroup(self, member: Member, groups: frozenset[Group]) -> None:
        """Change what a socket hears, without a gap."""
        for group in member.groups - groups:
            self._by_group[group].discard(member)
        for group in groups - member.groups:
            self._by_group[group].add(member)
        member.groups = groups

    @property
    def size(self) -> int:
        return len(self._members)

    async def _run(self) -> None:
        while True:
            try:
                await self._follow()
            except (redis.RedisError, OSError) as error:
                log.warning("live news without Redis: %s", error)
                await self._look()
                await asyncio.sleep(LOOK_EVERY_S)

    async def _follow(self) -> None:
        client = redis.asyncio.Redis.from_url(settings.REDIS_URL)
        heard = client.pubsub(ignore_subscribe_messages=True)
        try:
            await heard.subscribe(_channel("news"), _channel("close"))
            while True:
                message = await heard.get_message(timeout=LOOK_EVERY_S)
                if message and message["channel"].decode().endswith("close"):
                    await self._close(json.loads(message["data"]))
                else:
                    await self._look()
        finally:
            with contextlib.suppress(redis.RedisError, OSError):
                await heard.aclose()
                await client.aclose()

    async def _look(self) -> None:
        folded = await _in_thread(folded_position)
        if folded < self._position:  # another database was put in place under us: everybody starts anew
            self._position = folded
            for member in self._members:
                _start_anew(member)
        while events := await _in_thread(events_between, self._position, folded):
            for event in events:
                self._deliver(event)
                self._position = event.position
            await asyncio.sleep(0)

    def _deliver(self, event: Event) -> None:
        areas = ancestors(event.area_code) if event.area_code else [""]
        hearers: set[Member] = set()
        for area in areas:
            for audience in event.audiences:
                hearers |= self._by_group.get((area, audience), set())
        for member in hearers:
            if member.queue.full():
                _start_anew(member)
            else:
                member.queue.put_nowait(event)

    async def _close(self, whom: dict[str, Any]) -> None:
        for member in list(self._members):
            wanted = whom["session_key"] is None or whom["session_key"] == member.session_key
            if member.user_id == whom["user_id"] and wanted:
                await member.close(4401)


def _start_anew(member: Member) -> None:
    """Forget what waits for a socket; it will read a snapshot."""
    while not member.queue.empty():
        member.queue.get_nowait()
    member.queue.put_nowait(None)


_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = WeakKeyDictionary()


def hub() -> Hub:
    """The hub of the running event loop."""
    return _hubs.setdefault(asyncio.get_running_loop(), Hub())


async def _in_thread(function: Callable[..., Any], *args: Any) -> Any:
    def call() -> Any:
        close_old_connections()
        return function(*args)

    return await sync_to_async(call, thread_sensitive=True)()
