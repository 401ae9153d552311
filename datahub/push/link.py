"""One subscription at work: a thread that reads, keeps, and only then acknowledges.

Messages are gathered for at most FLUSH_S, or until the broker waits for us, and written as one batch. The
database may go away: the messages stay here and with the broker, which sends no more than it may have
unacknowledged. The broker may go away: we come back, slower each time. We may be killed: what was not
acknowledged comes again, and repeats.py knows what of it is safe already.
"""

import logging
import random
import threading
import time
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.utils.translation import gettext as _

from commandcenter.core import clock
from commandcenter.core.errors import DomainError
from datahub.faults import reach
from datahub.outbound import Unreachable
from datahub.quality.services import clear_incident, raise_incident

from .client import Broker
from .models import Subscription
from .repeats import Arrived, forget_packets
from .services.messages import Kept, NotOpen, keep_messages, keep_unusable
from .states import LinkState

log = logging.getLogger(__name__)
LOCK_CLASS = 7_031  # advisory locks (class, subscription): one process reads a subscription
BATCH = 500
BATCH_BYTES = 8 * 1024 * 1024
FLUSH_S = 0.2
IDLE_S = 0.005
WINDOW = 10  # so many unacknowledged messages and then silence: the broker waits for us
MOST_HELD = 5_000
ALIVE_S = 2.0
BACKOFF_S = (0.5, 1, 2, 4, 8, 15, 30)
REPORT_EVERY_S = 60.0


class Link(threading.Thread):
    """stop() ends it: what is gathered is kept and acknowledged first."""

    def __init__(self, subscription_id: int, revision: int) -> None:
        super().__init__(name=f"mqtt-{subscription_id}", daemon=True)
        self.subscription_id, self.revision = subscription_id, revision
        self._stopped = threading.Event()
        self._held: list[Arrived] = []
        self._since = self._newest = 0.0
        self._away_since: datetime | None = None
        self._reported = self._complained = self._alive = float("-inf")
        self._state: tuple[str, str] | None = None
        self._failures = 0

    def stop(self) -> None:
        self._stopped.set()

    def run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._work()
            except (OperationalError, InterfaceError) as error:
                log.warning("%s: the database is away: %s", self.name, error)
                connection.close()
                self._stopped.wait(1.0)
            except Exception:
                log.exception("%s", self.name)
                self._wait()
        self._leave()

    def _leave(self) -> None:
        try:
            mine = Subscription.objects.filter(pk=self.subscription_id, paused=False)
            if self._state is not None:
                mine.update(state=LinkState.IDLE, state_at=clock.now(), last_error="")
        except DatabaseError:
            log.warning("%s: the state at the end is not written", self.name)
        finally:
            connection.close()

    # ------------------------------------------------------------ connect, and again

    def _work(self) -> None:
        """One connection from its beginning to its end."""
        sub = Subscription.objects.select_related("dataset").get(pk=self.subscription_id)
        if self._state is None and sub.state in (LinkState.AWAY, LinkState.REFUSED):
            self._state = (sub.state, sub.last_error)  # since when it is away another process knew
        if not self._alone():
            self._stopped.wait(2.0)
            return
        broker = Broker(sub, self._arrived)
        self._held.clear()
        try:
            broker.connect()
            if not broker.session_present:
                forget_packets(sub.pk)
            self._subscribe(sub, broker)
            self._connected(sub)
            while not self._stopped.is_set():
                self._turn(sub, broker)
            self._flush(sub, broker)
        except NotOpen:
            self._away(sub, LinkState.REFUSED, _("The dataset is not published."), "not_open")
        except Unreachable as error:
            self._away(sub, LinkState.AWAY, str(error), "broker_away")
        except DomainError as error:  # not on the allow-list; the broker says no
            self._away(sub, LinkState.REFUSED, str(error), "broker_refused")
        finally:
            with suppress(OSError, ValueError):
                broker.close()

    def _alone(self) -> bool:
        """The lock goes with the database connection, and with us."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK_CLASS, self.subscription_id])
            return bool(cursor.fetchone()[0])

    def _subscribe(self, sub: Subscription, broker: Broker) -> None:
        if broker.session_present and sub.subscribed and sub.subscribed != sub.topic:
            broker.unsubscribe(sub.subscribed)
        if not broker.session_present or sub.subscribed != sub.topic:
            broker.subscribe()
            Subscription.objects.filter(pk=sub.pk).update(subscribed=sub.topic)
            sub.subscribed = sub.topic

    def _connected(self, sub: Subscription) -> None:
        self._failures = 0
        self._say(LinkState.CONNECTED)
        clear_incident(kind="source_failing", key=sub.sender, dataset=sub.dataset)
        self._away_since = None

    def _away(self, sub: Subscription, state: LinkState, error: str, reason: str) -> None:
        """Say so, report it once it has lasted, and come back later."""
        at = clock.now()
        if self._away_since is None:
            known = sub.state in (LinkState.AWAY, LinkState.REFUSED) and sub.state_at
            self._away_since = sub.state_at if known else at
        self._say(state, error)
        late = at - (self._away_since or at) >= timedelta(seconds=sub.away_after_s)
        if late and time.monotonic() - self._reported > REPORT_EVERY_S:
            self._reported = time.monotonic()
            raise_incident(
                kind="source_failing",
                key=sub.sender,
                dataset=sub.dataset,
                reason=reason,
                detail=f"{sub.name}: {error}"[:300],
                ref=sub.ref,
                at=at,
            )
        self._wait()

    def _wait(self) -> None:
        pause = BACKOFF_S[min(self._failures, len(BACKOFF_S) - 1)]
        self._failures += 1
        self._stopped.wait(pause * random.uniform(0.7, 1.3))

    def _say(self, state: LinkState, error: str = "") -> None:
        """Write where it stands, when that is new or long ago."""
        said, now = (str(state), error[:300]), time.monotonic()
        if said == self._state and now - self._alive < ALIVE_S:
            return
        at = clock.now()
        more = {} if self._state and self._state[0] == said[0] else {"state_at": at}
        Subscription.objects.filter(pk=self.subscription_id, paused=False).update(
            state=said[0], last_error=said[1], alive_at=at, **more
        )
        self._state, self._alive = said, now

    # ------------------------------------------------------------ messages

    def _arrived(self, message: Arrived) -> None:
        now = time.monotonic()
        if not self._held:
            self._since = now
        self._newest = now
        self._held.append(message)

    def _turn(self, sub: Subscription, broker: Broker) -> None:
        if len(self._held) < MOST_HELD:
            broker.step(IDLE_S if self._held else 0.5)
        if self._is_due():
            self._flush(sub, broker)
        self._say(LinkState.CONNECTED)

    def _is_due(self) -> bool:
        if not self._held:
            return False
        now = time.monotonic()
        return (
            len(self._held) >= BATCH
            or now - self._since >= FLUSH_S
            or (len(self._held) >= WINDOW and now - self._newest >= IDLE_S)
            or sum(len(message.body) for message in self._held) >= BATCH_BYTES
        )

    def _flush(self, sub: Subscription, broker: Broker) -> None:
        """Keep what is gathered, then acknowledge it. While the database is away nothing is acknowledged."""
        batch, self._held = self._held[:BATCH], self._held[BATCH:]
        if not batch:
            return
        at = clock.now()
        try:
            kept = [keep_messages(sub, batch, at=at)]
        except (NotOpen, OperationalError, InterfaceError):
            raise
        except Exception:
            log.exception("%s: a batch that cannot be kept as a whole", self.name)
            kept = [self._one(sub, message, at) for message in batch]
        reach("messages_kept")
        for message in batch:
            broker.acknowledge(message)
        if fault := next((one.first_fault for one in kept if one.rejected), ""):
            self._complain(sub, fault, at)

    def _one(self, sub: Subscription, message: Arrived, at: datetime) -> Kept:
        try:
            return keep_messages(sub, [message], at=at)
        except (NotOpen, OperationalError, InterfaceError):
            raise
        except Exception:
            log.exception("%s: a message that cannot be kept", self.name)
            return keep_unusable(sub, message, at=at)

    def _complain(self, sub: Subscription, fault: str, at: datetime) -> None:
        if time.monotonic() - self._complained > REPORT_EVERY_S:
            self._complained = time.monotonic()
            raise_incident(
                kind="rule_failed",
                key=sub.sender,
                dataset=sub.dataset,
                reason="unusable_messages",
                detail=f"{sub.name}: {fault}"[:300],
                ref=sub.ref,
                at=at,
            )
