"""Which network addresses an alert may be sent to."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from jupyter_etl.errors import EtlError, PermissionDenied

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, kw_only=True)
class AllowList:
    """What may be reached besides public addresses.

    Args:
        hosts: Names of hosts, lower case, whatever address they have.
        networks: Networks whose addresses may be reached.
    """

    hosts: frozenset[str] = frozenset()
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()

    @classmethod
    def of(cls, entries: Sequence[str]) -> AllowList:
        """Read entries such as ``10.0.0.0/8``, ``127.0.0.1`` or ``chat.example``."""
        hosts, networks = set(), []
        for entry in entries:
            try:
                networks.append(ipaddress.ip_network(entry, strict=False))
            except ValueError:
                hosts.add(entry.lower().rstrip("."))
        return cls(hosts=frozenset(hosts), networks=tuple(networks))

    def allows(self, host: str, address: Address) -> bool:
        """Whether that host may be reached at that address."""
        plain = _unmapped(address)
        if host.lower().rstrip(".") in self.hosts:
            return True
        if any(plain.version == net.version and plain in net for net in self.networks):
            return True
        return plain.is_global and not plain.is_multicast


def connect(host: str, port: int, allowed: AllowList, *, timeout_s: float) -> socket.socket:
    """Connect to a host, at an address that was checked.

    The name is resolved once and the connection goes to the very address that was looked at, so
    that a name server cannot give another one in between. All ways to write an address
    (decimal, octal, mapped into IPv6) have become plain ones by then.

    Args:
        host, port: Where to.
        allowed: What may be reached besides public addresses.
        timeout_s: Seconds for the connection and for each answer.

    Raises:
        PermissionDenied: The host has an address inside, and it is not allowed.
        EtlError: The host cannot be found or does not answer.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as problem:
        raise _unreachable(host, problem) from problem
    last: OSError | None = None
    for family, kind, protocol, _, place in found:
        address = ipaddress.ip_address(str(place[0]).partition("%")[0])
        if not allowed.allows(host, address):
            raise PermissionDenied(
                f"Alerts are not sent to {host}: its address {address} is not a public one.",
                hint="If it is meant, name the host or its network in JUPYTER_ETL_ALERT_HOSTS.",
            )
        connection = socket.socket(family, kind, protocol)
        connection.settimeout(timeout_s)
        try:
            connection.connect(place)
        except OSError as problem:
            connection.close()
            last = problem
        else:
            return connection
    raise _unreachable(host, last)


def _unmapped(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return inner or address
    return address


def _unreachable(host: str, problem: Exception | None) -> EtlError:
    return EtlError(f"{host} cannot be reached: {problem}.", retryable=True)
