"""One address, asked politely: checked, retried, bounded; the token goes to its own place only."""

import random
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import BinaryIO
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.utils.translation import gettext as _

from commandcenter.core import clock
from datahub import outbound

from .errors import SourceFailed
from .settings import HttpSettings

TRIES = 5
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
LONGEST_WAIT_S = 60.0  # a longer Retry-After ends the run; the next one begins when it is over
AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
MIB = 1024 * 1024
PAGE_BYTES = 64 * MIB
sleep = time.sleep  # tests do not wait


@dataclass
class Caller:
    """The requests of one run, and what they have cost so far."""

    settings: HttpSettings
    secret: str
    calls: int = 0
    size: int = 0
    retried: int = 0
    _origin: tuple[str, str, int] = field(init=False)

    def __post_init__(self) -> None:
        self._origin = outbound.origin_of(self.settings.url)

    def get(
        self, url: str, *, extra: Mapping[str, str] | None = None, into: BinaryIO | None = None
    ) -> outbound.Answer:
        """A good answer (200) or 304. Raises SourceFailed, OutboundRefused."""
        left = self.settings.max_mib * MIB - self.size
        most = left if into is not None else min(left, PAGE_BYTES)
        for turn in range(1, TRIES + 1):
            start = into.tell() if into is not None else 0
            why, wait = "", None
            try:
                answer = self._once(url, extra or {}, max(most, 1), into)
            except outbound.TooLong as error:
                raise SourceFailed(str(error), code="too_large") from error
            except outbound.Unreachable as error:
                why = str(error)
            else:
                if answer.status in (200, 304):
                    return self._counted(answer, into, start)
                why, wait = f"HTTP {answer.status}", retry_after(answer)
                if answer.status not in AGAIN:
                    raise SourceFailed(_refused(answer.status), code=f"http_{answer.status}")
            if into is not None:
                into.seek(start)
                into.truncate()
            if wait is not None and wait > LONGEST_WAIT_S:
                raise SourceFailed(
                    _("The source asks us to wait %(n)s seconds (%(why)s).") % {"n": int(wait), "why": why},
                    code="asked_to_wait",
                    wait=timedelta(seconds=min(wait, 86_400)),
                )
            if turn == TRIES:
                raise SourceFailed(
                    _("No answer after %(n)s tries: %(why)s.") % {"n": TRIES, "why": why}, code="unreachable"
                )
            self.retried += 1
            sleep(max(wait or 0.0, pause(turn)))
        raise AssertionError

    def _once(self, url: str, extra: Mapping[str, str], most: int, into: BinaryIO | None) -> outbound.Answer:
        self.calls += 1
        headers = {"Accept": "application/json, */*;q=0.5" if self.settings.form == "json" else "*/*"}
        headers |= {**self.settings.headers, **extra}
        name = self.settings.secret_name
        # Only to the very place that the steward named; a link to elsewhere gets no token.
        if self.secret and outbound.origin_of(url) == self._origin:
            if self.settings.secret_in == "header":
                headers[name] = f"{self.settings.secret_prefix} {self.secret}".strip()
            elif self.settings.secret_in == "query":
                url = with_query(url, {name: self.secret})
        return outbound.request("GET", url, headers=headers, max_bytes=most, secret_headers=[name], into=into)

    def _counted(self, answer: outbound.Answer, into: BinaryIO | None, start: int) -> outbound.Answer:
        self.size += into.tell() - start if into is not None else len(answer.body)
        if answer.headers.get("content-encoding", "").lower() != "gzip" or into is not None:
            return answer
        body = unzipped(answer.body)
        return outbound.Answer(answer.status, body, answer.headers, answer.url)


def pause(turn: int) -> float:
    """Twice as long each time, and never two callers in step."""
    return min(FIRST_PAUSE_S * 2 ** (turn - 1), LONGEST_PAUSE_S) * random.uniform(0.5, 1.5)


def retry_after(answer: outbound.Answer) -> float | None:
    """Seconds, from a number or a date; None where nothing sensible is said."""
    said = answer.headers.get("retry-after", "").strip()
    if not said:
        return None
    if said.isdecimal() and len(said) < 10:
        return float(said)
    try:
        until: datetime = parsedate_to_datetime(said)
        return max((until - clock.now()).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None


def unzipped(body: bytes) -> bytes:
    """A body that was sent packed though nobody asked; bounded, for it may be a bomb."""
    reader = zlib.decompressobj(wbits=31)
    try:
        plain = reader.decompress(body, PAGE_BYTES + 1)
    except zlib.error as error:
        raise SourceFailed(_("The answer is packed and damaged."), code="bad_answer") from error
    if len(plain) > PAGE_BYTES:
        raise SourceFailed(
            _("The answer unpacks to more than %(n)s MiB.") % {"n": PAGE_BYTES // MIB}, code="too_large"
        )
    return plain


def _refused(status: int) -> str:
    known = {
        401: _("The source does not accept the token (HTTP 401)."),
        403: _("The source refuses access (HTTP 403)."),
        404: _("There is nothing at this address (HTTP 404)."),
        410: _("The source is gone for good (HTTP 410)."),
    }
    return known.get(status, _("The source answers HTTP %(status)s.") % {"status": status})


def with_query(url: str, values: Mapping[str, str]) -> str:
    """The address with these parameters, those of the same name replaced."""
    parts = urlsplit(url)
    kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in values]
    return urlunsplit(parts._replace(query=urlencode([*kept, *values.items()]), fragment=""))


def charset_of(answer: outbound.Answer) -> str:
    for part in answer.headers.get("content-type", "").split(";")[1:]:
        name, _sign, value = part.strip().partition("=")
        if name.lower() == "charset":
            return value.strip("\"' ")[:40]
    return ""
