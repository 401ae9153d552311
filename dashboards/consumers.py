"""The live door: join, read a snapshot, then follow the events, each exactly once and in order.

A page sends {"watch": area code or "", "figures": true|false, "since": position|null}. With figures it
gets a snapshot of that area and follows that area; without, it follows everything its user may hear.
With `since` it resumes instead: the events after that position, then the live ones.

Closed with 4401 when the session ended, 4403 when there is nothing this user may hear.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
from typing import Any
from urllib.parse import parse_qs

from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from commandcenter.core import clock
from commandcenter.core.times import shanghai_day
from commandcenter.journal import live
from commandcenter.journal.models import Event
from commandcenter.journal.selectors import folded_position

from .clocked import clocked_figures
from .hearing import (
    Groups,
    families_in,
    groups_of,
    language_of,
    message_of,
    missed,
    narrowed,
    number,
    user_of_session,
    wish_of,
)
from .selectors import snapshot

log = logging.getLogger(__name__)

LOGGED_OUT = 4401
NO_RIGHTS = 4403
FAULT = 1011
RENEW_EVERY_S = 60.0  # how long a right that was taken away without anyone telling us may live on
TICK_EVERY_S = 15.0  # a screen that hears nothing for three ticks knows that its line is cut

_encoded = database_sync_to_async(message_of)
_groups = database_sync_to_async(groups_of)
_snapshot = database_sync_to_async(snapshot)
_clocked = database_sync_to_async(clocked_figures)
_missed = database_sync_to_async(missed)
_user_of_session = database_sync_to_async(user_of_session)
_language_of = sync_to_async(language_of)


class LiveConsumer(AsyncWebsocketConsumer):
    """One screen."""

    async def connect(self) -> None:
        self.user = self.scope["user"]
        self.member: live.Member | None = None
        self.task: asyncio.Task[None] | None = None
        self.area, self.figures, self.day = "", False, ""
        self.position = 0
        self.language = await _language_of(self.scope)
        # Accepted before any refusal: only then does a browser learn the code and stop asking.
        await self.accept()
        if not self.user.is_authenticated:
            await self.close(code=LOGGED_OUT)
            return
        self.all_groups: Groups = await _groups(self.user)
        if not self.all_groups:
            await self.close(code=NO_RIGHTS)

    async def disconnect(self, code: int) -> None:
        if self.task is not None:
            self.task.cancel()
        if self.member is not None:
            live.hub().leave(self.member)
            self.member = None

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        wish = wish_of(text_data)
        if wish is None:
            return
        area, wants_figures, since = wish
        if since is None:
            since = number(parse_qs(self.scope["query_string"].decode()).get("since", [None])[0])
        await self.watch(area, wants_figures, since)

    async def watch(self, area: str, wants_figures: bool, since: int | None) -> None:
        """Join first, read second: what happens in between waits in the queue."""
        groups = narrowed(self.all_groups, area) if area else self.all_groups
        if not groups or (wants_figures and not families_in(groups, area)):
            await self.send_json({"type": "refused", "area": area})
            await self.close(code=NO_RIGHTS)
            return
        if self.task is not None:
            self.task.cancel()
        moved = self.member is not None and area != self.area
        self.area, self.figures = area, wants_figures
        if self.member is None:
            self.member = live.Member(
                user_id=self.user.pk,
                session_key=self.scope["session"].session_key,
                groups=groups,
                close=self.close_with,
            )
            await live.hub().join(self.member)
        else:
            live.hub().regroup(self.member, groups)
        await self.start(None if moved else since)
        self.task = asyncio.get_running_loop().create_task(self.follow_or_close())

    async def start(self, since: int | None) -> None:
        """Send what the screen begins from: a snapshot, or what it missed."""
        assert self.member is not None
        missed = await _missed(self.member.groups, since) if since is not None else None
        if missed is not None and since is not None:
            await self.send_json({"type": "ready", "position": since})
            self.position, self.day = since, shanghai_day(clock.now()).isoformat()
            for event in missed:
                await self.deliver(event)
        elif self.figures:
            seen = await _snapshot(self.area, families_in(self.member.groups, self.area))
            self.position, self.day = seen.position, seen.day.isoformat()
            await self.send_json(seen.as_message())
        else:
            self.position = await database_sync_to_async(folded_position)()
            await self.send_json({"type": "ready", "position": self.position})
        if self.figures:
            await self.tick()

    async def follow_or_close(self) -> None:
        """A screen that can no longer be told the truth is closed; it comes back and starts anew."""
        try:
            await self.follow()
        except Exception:  # whatever it was: silence would be the one wrong answer
            log.exception("a live socket failed")
            await self.close_with(FAULT)

    async def follow(self) -> None:
        """Hand on events; between them tell that the line is alive and look whether the rights still are."""
        assert self.member is not None
        loop = asyncio.get_running_loop()
        renew_at = loop.time() + RENEW_EVERY_S * random.uniform(0.7, 1.3)  # noqa: S311 - spreads load
        tick_at = loop.time() + TICK_EVERY_S
        while True:
            wait = max(0.0, min(renew_at, tick_at) - loop.time())
            try:
                event = await asyncio.wait_for(self.member.queue.get(), timeout=wait)
            except TimeoutError:
                if loop.time() >= renew_at:
                    renew_at = loop.time() + RENEW_EVERY_S
                    if not await self.renew():
                        return
                if loop.time() >= tick_at:
                    tick_at = loop.time() + TICK_EVERY_S
                    await self.tick()
                continue
            if event is None:  # the queue ran over
                await self.start(None)
            else:
                await self.deliver(event)

    async def deliver(self, event: Event) -> None:
        position: int = event.position  # type: ignore[attr-defined]
        if position <= self.position:
            return
        self.position = position
        await self.send(text_data=await text_of(event, self.language))

    async def tick(self) -> None:
        message: dict[str, Any] = {"type": "tick", "at": clock.now().isoformat(), "position": self.position}
        if self.figures and self.member is not None:
            if self.day != shanghai_day(clock.now()).isoformat():
                await self.start(None)  # midnight: a new day's figures begin
                return
            try:
                message["clocked"] = await _clocked(self.area, families_in(self.member.groups, self.area))
            except Exception:  # the line is alive all the same; the screen keeps its older numbers
                log.exception("clocked figures of %s", self.area)
        await self.send_json(message)

    async def renew(self) -> bool:
        """Look again at session and rights; False when the socket was closed."""
        user = await _user_of_session(self.scope["session"].session_key, self.user.pk)
        if user is None:
            await self.close(code=LOGGED_OUT)
            return False
        groups = await _groups(user)
        if groups != self.all_groups:
            self.all_groups = groups
            wanted = narrowed(groups, self.area) if self.area else groups
            if not wanted or self.member is None:
                await self.close(code=NO_RIGHTS)
                return False
            live.hub().regroup(self.member, wanted)
            if self.figures:
                await self.start(None)
        return True

    async def close_with(self, code: int) -> None:
        with contextlib.suppress(Exception):  # it may be gone already
            await self.close(code=code)

    async def send_json(self, message: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps(message, ensure_ascii=False))


async def text_of(event: Event, language: str) -> str:
    """The message of an event; made once per language and process, however many screens listen."""
    texts: dict[str, str] = event.__dict__.setdefault("_texts", {})
    if language not in texts:
        # Names of areas may have to be read, so a thread makes it; the other screens wait for that one.
        lock: asyncio.Lock = event.__dict__.setdefault("_lock", asyncio.Lock())
        async with lock:
            if language not in texts:
                texts[language] = await _encoded(event, language)
    return texts[language]
