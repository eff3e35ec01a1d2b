"""The network addresses that an alert may be sent to."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from jupyter_etl.errors import EtlError, PermissionDenied

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# IANA's special-purpose registries, and addresses of cloud metadata services outside them. The list
# is explicit because `is_global` differs between versions of Python. 192.0.0.0/24 and 2001::/23 are
# rejected completely: their public parts are of no use to a webhook.
_SPECIAL: tuple[Network, ...] = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's host
        "169.254.0.0/16",  # link local, metadata services
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
        "2001::/23",  # protocol assignments, Teredo
        "2001:db8::/32",  # documentation
        "3fff::/20",  # documentation
    )
)
# All other IPv6 addresses are loopback, translated, local, multicast, or not assigned.
_GLOBAL_IPV6 = ipaddress.ip_network("2000::/3")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, kw_only=True)
class AllowList:
    """Hosts that may be reached in addition to public addresses.

    Args:
        hosts: Host names in lower case, with any address.
        networks: Networks whose addresses may be reached.
    """

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def of(cls, entries: Sequence[str]) -> AllowList:
        """Parse entries such as ``10.0.0.0/8``, ``127.0.0.1`` or ``chat.example``."""
        hosts, networks = set(), []
        for entry in entries:
            try:
                networks.append(ipaddress.ip_network(entry, strict=False))
            except ValueError:
                hosts.add(entry.lower().rstrip("."))
        return cls(hosts=frozenset(hosts), networks=tuple(networks))

    def allows(self, host: str, address: Address) -> bool:
        """Return whether a host may be reached at an address."""
        plain = _unmapped(address)
        if host.lower().rstrip(".") in self.hosts:
            return True
        return any(plain in network for network in self.networks) or _is_public(plain)


def connect(host: str, port: int, allowed: AllowList, *, timeout_s: float) -> socket.socket:
    """Connect to a host, at an address that was checked.

    The name is resolved once, and the connection uses exactly the address that was checked, so that
    a name server cannot return another one in between. All notations of an address (decimal, octal,
    mapped into IPv6) are normalized before the check.

    Args:
        allowed: Hosts that may be reached in addition to public addresses.
        timeout_s: Seconds for the connection and for each response.

    Raises:
        PermissionDenied: The host has an internal address that is not allowed.
        EtlError: The host cannot be found or does not respond.
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
                f"Alerts are not sent to {host}: its address {address} is not public.",
                hint="To allow it, add the host or its network to JUPYTER_ETL_ALERT_HOSTS.",
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


def _is_public(address: Address) -> bool:
    if address.version == 6 and address not in _GLOBAL_IPV6:
        return False
    return not any(address in network for network in _SPECIAL)


def _unmapped(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address maps, or the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _unreachable(host: str, problem: Exception | None) -> EtlError:
    return EtlError(f"{host} cannot be reached: {problem}.", retryable=True)
