"""The one way out: every request that the hub itself sends (webhooks, pulls, peers) goes through here.

An address is checked after its name was resolved, and the connection goes to the very address that
was checked, so that a name cannot answer differently the second time. Redirects are checked the same
way, each of them.

The allow-list is settings.OUTBOUND_ALLOW, words of three kinds:
    data.example.gov.cn        this host, at public addresses
    *.example.gov.cn           hosts under it, at public addresses
    10.20.0.0/16  127.0.0.1    whatever resolves into this network, private or not
A port may follow a host (`data.example.gov.cn:8443`); without one any port will do.
An empty list lets nothing out.
"""

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from commandcenter.core.errors import DomainError

TIMEOUT_S = 20.0
TOTAL_S = 600.0  # one answer from its first byte to its last; a trickle does not hold a worker for ever
CHUNK = 256 * 1024
MAX_BYTES = 64 * 1024 * 1024
MAX_REDIRECTS = 3
_PORTS = {"http": 80, "https": 443}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SECRET_HEADERS = frozenset({"authorization", "cookie", "x-token"})
IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class OutboundRefused(DomainError):
    """The address is not on the allow-list, or the request would go somewhere else than it says."""

    code = "outbound_refused"


class Unreachable(DomainError):
    """Nobody answers there, or not in time."""

    code = "unreachable"


class TooLong(Unreachable):
    """The answer is longer than it may be; asking again will not help."""

    code = "answer_too_long"


@dataclass(frozen=True)
class Target:
    """A checked address. ip: where the connection goes."""

    scheme: str
    host: str
    port: int
    path: str
    ip: str


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    url: str = ""


def allow_list() -> list[str]:
    return [
        str(word).strip().lower() for word in getattr(settings, "OUTBOUND_ALLOW", ()) if str(word).strip()
    ]


def check(url: str, *, allow: Iterable[str] | None = None) -> Target:
    """The target of a URL. Raises OutboundRefused; Unreachable when the name does not resolve."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise OutboundRefused(_("Only http and https addresses are called: %(url)s") % {"url": _plain(url)})
    if parts.username or parts.password:
        raise OutboundRefused(_("An address must not hold a password."))
    try:
        port = parts.port or _PORTS[parts.scheme]
    except ValueError as error:
        raise OutboundRefused(_("Not an address: %(url)s") % {"url": _plain(url)}) from error
    host = parts.hostname.lower().rstrip(".")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port, path, check_address(host, port, allow=allow))


def check_address(host: str, port: int, *, allow: Iterable[str] | None = None) -> str:
    """The address to connect to for a host, whatever is spoken there.

    Raises OutboundRefused where any address of the name is not allowed; Unreachable.
    """
    words = allow_list() if allow is None else [word.lower() for word in allow]
    named = any(_names(word, host, port) for word in words)
    networks = [network for word in words if (network := _network(word)) is not None]
    found = resolve(host, port)
    for ip in found:
        inside = any(ip in network for network in networks)
        if not inside and not (named and ip.is_global):
            raise OutboundRefused(
                _("%(host)s (%(ip)s) is not on the list of allowed addresses.") % {"host": host, "ip": ip}
            )
    return str(found[0])


def resolve(host: str, port: int) -> list[IpAddress]:
    """Every address of a name; IPv4 in IPv6 is unwrapped, so that it is judged as what it is."""
    try:
        rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(_("The name %(host)s cannot be resolved.") % {"host": host}) from error
    found: list[IpAddress] = []
    for row in rows:
        ip = ipaddress.ip_address(str(row[4][0]).partition("%")[0])
        ip = getattr(ip, "ipv4_mapped", None) or ip
        if ip not in found:
            found.append(ip)
    return found


def request(
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = TIMEOUT_S,
    max_bytes: int = MAX_BYTES,
    max_redirects: int = MAX_REDIRECTS,
    allow: Iterable[str] | None = None,
    secret_headers: Iterable[str] = (),
    into: BinaryIO | None = None,
) -> Answer:
    """One request, redirects followed within the allow-list; credentials never follow to another place.

    secret_headers: names beside the usual ones that hold credentials. into: takes the body of a good
    answer (2xx) instead of memory. Raises OutboundRefused, Unreachable, TooLong.
    """
    words = None if allow is None else list(allow)
    sent = dict(headers or {})
    secret_names = _SECRET_HEADERS | {name.lower() for name in secret_headers}
    for _hop in range(max_redirects + 1):
        target = check(url, allow=words)
        answer = _once(method, target, url, body, sent, timeout_s, max_bytes, into)
        place = answer.headers.get("location")
        if answer.status not in _REDIRECTS or not place:
            return answer
        url = urljoin(url, place)
        if origin_of(url) != (target.scheme, target.host, target.port):
            sent = {name: value for name, value in sent.items() if name.lower() not in secret_names}
        if answer.status == 303 or (answer.status in (301, 302) and method == "POST"):
            method, body = "GET", None
    raise OutboundRefused(_("More than %(n)s redirects.") % {"n": max_redirects})


def origin_of(url: str) -> tuple[str, str, int]:
    """Scheme, host and port: credentials given to one are not given to another."""
    parts = urlsplit(url)
    try:
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        port = 0
    return parts.scheme, (parts.hostname or "").lower().rstrip("."), port


def _once(
    method: str,
    target: Target,
    url: str,
    body: bytes | None,
    headers: Mapping[str, str],
    timeout_s: float,
    max_bytes: int,
    into: BinaryIO | None,
) -> Answer:
    link = _Tls(target, timeout_s) if target.scheme == "https" else _Plain(target, timeout_s)
    try:
        link.request(method, target.path, body=body, headers={"User-Agent": "city-hub", **headers})
        answer = link.getresponse()
        kept = BytesIO()
        _pour(answer, into if into is not None and 200 <= answer.status < 300 else kept, max_bytes)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise Unreachable(f"{target.host}:{target.port}: {type(error).__name__}") from error
    finally:
        link.close()
    found = {name.lower(): value for name, value in answer.getheaders()}
    return Answer(answer.status, kept.getvalue(), found, url)


def _pour(answer: http.client.HTTPResponse, into: BinaryIO, max_bytes: int) -> None:
    """The body, bounded in size and time. Raises TooLong, Unreachable where it ends too early."""
    until = time.monotonic() + TOTAL_S
    size = 0
    while chunk := answer.read1(CHUNK):
        size += len(chunk)
        if size > max_bytes:
            raise TooLong(_("The answer is longer than %(n)s bytes.") % {"n": max_bytes})
        into.write(chunk)
        if time.monotonic() > until:
            raise Unreachable(_("The answer took longer than %(n)s seconds.") % {"n": int(TOTAL_S)})
    if answer.length:  # http.client does not say so by itself
        raise Unreachable(_("The answer broke off: %(n)s bytes are missing.") % {"n": answer.length})


class _Plain(http.client.HTTPConnection):
    def __init__(self, target: Target, timeout_s: float) -> None:
        super().__init__(target.host, target.port, timeout=timeout_s)
        self._ip = target.ip

    def connect(self) -> None:
        self.sock = socket.create_connection((self._ip, self.port), self.timeout)


class _Tls(http.client.HTTPSConnection):
    def __init__(self, target: Target, timeout_s: float) -> None:
        self._tls = ssl.create_default_context()
        super().__init__(target.host, target.port, timeout=timeout_s, context=self._tls)
        self._ip = target.ip

    def connect(self) -> None:
        plain = socket.create_connection((self._ip, self.port), self.timeout)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)


def _names(word: str, host: str, port: int) -> bool:
    name, colon, wanted = word.rpartition(":")
    if colon and wanted.isdecimal():
        if int(wanted) != port:
            return False
        word = name
    return host.endswith(word[1:]) if word.startswith("*.") else host == word


def _network(word: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(word, strict=False)
    except ValueError:
        return None


def _plain(url: str) -> str:
    """A URL as an error may show it: without anything that could be a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}"
