"""The MQTT client of a subscription: paho-mqtt, to the address that was checked, acknowledging by hand."""

import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import paho.mqtt.client as mqtt
from django.utils.translation import gettext as _
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from commandcenter.core import clock
from commandcenter.core.errors import DomainError
from datahub.outbound import Unreachable, check_address

from .mapping import MAX_BYTES
from .models import Subscription
from .repeats import Arrived
from .states import Protocol

CONNECT_S = 8.0
KEEPALIVE_S = 30
SESSION_S = 7 * 86_400  # so long a broker of MQTT 5 keeps our session while we are away
IN_FLIGHT = 1_000  # messages that a broker of MQTT 5 may send before the first is acknowledged


class BrokerRefused(DomainError):
    """The broker answers, and does not let us in, or not into this topic."""

    code = "broker_refused"


class Pinned(mqtt.Client):
    """Connects to the address that was checked, not to whatever the name says the next time."""

    address = ""

    def _create_socket_connection(self) -> socket.socket:
        return socket.create_connection((self.address, self._port), timeout=self._connect_timeout)


class Broker:
    """One connection. on_message: called with each message; it is acknowledged by `acknowledge` alone.

    session_present: whether the broker had kept our session; None until it has answered.
    granted: what it said to the subscription; None until then.
    """

    def __init__(
        self,
        sub: Subscription,
        on_message: Callable[[Arrived], None],
        *,
        client_id: str = "",
        fresh: bool = False,
    ) -> None:
        self._sub, self._on_message = sub, on_message
        self.session_present: bool | None = None
        self.granted: int | None = None
        self.refusal = ""
        self._last = datetime.min.replace(tzinfo=UTC)
        self._v5 = sub.protocol == Protocol.V5
        self._fresh = fresh
        self.client = Pinned(
            CallbackAPIVersion.VERSION2,
            client_id=client_id or sub.client_id,
            protocol=mqtt.MQTTv5 if self._v5 else mqtt.MQTTv311,
            manual_ack=True,
            clean_session=None if self._v5 else fresh,
        )
        self.client.connect_timeout = CONNECT_S
        if sub.username:
            self.client.username_pw_set(sub.username, sub.secret or None)
        if sub.tls:
            self.client.tls_set_context(ssl.create_default_context(cadata=sub.ca_pem or None))
        self.client.on_connect = self._connected
        self.client.on_message = self._arrived
        self.client.on_subscribe = self._subscribed
        self.client.on_disconnect = self._gone

    def connect(self) -> None:
        """To the point where the broker has let us in. Raises OutboundRefused, Unreachable, BrokerRefused."""
        sub = self._sub
        self.client.address = check_address(sub.host, sub.port)
        more: dict[str, Any] = {}
        if self._v5:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 0 if self._fresh else SESSION_S
            properties.ReceiveMaximum = IN_FLIGHT
            properties.MaximumPacketSize = MAX_BYTES + 65_536
            more = {"clean_start": self._fresh, "properties": properties}
        try:
            self.client.connect(sub.host, sub.port, KEEPALIVE_S, **more)
            self._wait(lambda: self.session_present is not None)
        except ssl.SSLError as error:
            raise Unreachable(f"{sub.host}:{sub.port}: TLS: {error.reason or error}") from error
        except (OSError, ValueError) as error:
            raise Unreachable(f"{sub.host}:{sub.port}: {_why(error)}") from error

    def subscribe(self) -> None:
        """Raises BrokerRefused when the topic is not for us."""
        self.granted = None
        if self._v5:
            # Retained messages with a new subscription only, not with each of our connections.
            self.client.subscribe(self._sub.topic, options=SubscribeOptions(qos=1, retainHandling=1))
        else:
            self.client.subscribe(self._sub.topic, qos=1)
        self._wait(lambda: self.granted is not None)
        if (self.granted or 0) >= 128:
            raise BrokerRefused(_("The broker does not give us this topic."))

    def unsubscribe(self, topic: str) -> None:
        self.client.unsubscribe(topic)

    def step(self, timeout: float) -> None:
        """Read and write for at most so long. Raises Unreachable when the connection is gone."""
        code = self.client.loop(timeout)
        if self.refusal:
            raise BrokerRefused(self.refusal)
        if code != mqtt.MQTT_ERR_SUCCESS:
            raise Unreachable(_("The connection to the broker broke."))

    def acknowledge(self, message: Arrived) -> None:
        if message.qos:
            self.client.ack(message.mid, message.qos)

    def close(self) -> None:
        if self.client.socket() is not None:
            self.client.disconnect()
            self.client.loop(0.1)

    def _wait(self, done: Callable[[], bool]) -> None:
        for _turn in range(int(CONNECT_S / 0.1)):
            if done():
                return
            self.step(0.1)
        if not done():
            raise Unreachable(f"{self._sub.host}:{self._sub.port}: " + _("no answer in time"))

    # ------------------------------------------------------------ what paho calls

    def _connected(self, _client: Any, _data: Any, flags: Any, code: Any, _properties: Any) -> None:
        if code.is_failure:
            self.refusal = _("The broker turns us away: %(reason)s") % {"reason": code}
        else:
            self.session_present = bool(flags.session_present)

    def _subscribed(self, _client: Any, _data: Any, _mid: int, codes: list[Any], _properties: Any) -> None:
        self.granted = max(code.value for code in codes)

    def _gone(self, _client: Any, _data: Any, _flags: Any, code: Any, _properties: Any) -> None:
        if getattr(code, "value", 0) == 0x8E:
            self.refusal = _("Another client came with our client id.")

    def _arrived(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = "?"
        if message.retain and not self._sub.take_retained:
            if message.qos:
                self.client.ack(message.mid, message.qos)
            return
        self._last = max(clock.now(), self._last + timedelta(microseconds=1))
        self._on_message(
            Arrived(self._last, message.mid, message.dup, message.qos, topic, bytes(message.payload))
        )


def _why(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return _("nobody listens there")
    if isinstance(error, TimeoutError):
        return _("no answer in time")
    return _("no connection (%(error)s)") % {"error": type(error).__name__}


def try_out(sub: Subscription) -> str:
    """Connect and subscribe once, as somebody else, and leave: what the broker says to these settings."""
    broker = Broker(sub, lambda _message: None, client_id=f"{sub.client_id[:30]}-try", fresh=True)
    try:
        broker.connect()
        broker.subscribe()
        if broker.granted == 0:
            return _("The broker lets us in, and gives us the topic with QoS 0 only: messages may be lost.")
        return _("The broker lets us in and gives us the topic.")
    finally:
        broker.close()
