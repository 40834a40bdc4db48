"""Which addresses a host has, and whether they are the open Internet's."""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from trimtab.errors import ConfigError, HostError

_NAT64 = ip_network("64:ff9b::/96")


def find_addresses(host: str, where: str, *, allow_private: bool) -> list[str]:
    """Return the addresses of a host. Raises ConfigError where one is not public and only such are allowed."""
    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise HostError(f"{where}: the name {host} cannot be resolved.", hint="check url and network") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not allow_private and not all(is_public(address) for address in addresses):
        hint = "if you mean it: allow_private = true"
        raise ConfigError(f"{where} url: {host} is a private, local or special address: refused.", hint=hint)
    return addresses


def is_public(text: str) -> bool:
    """Whether an address belongs to the open Internet, also where an IPv4 address hides in an IPv6 one.

    >>> is_public("93.184.216.34"), is_public("::ffff:127.0.0.1"), is_public("169.254.169.254")
    (True, False, False)
    """
    address: IPv4Address | IPv6Address | None = ip_address(text.partition("%")[0])
    while isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is None:
            break
        address = inner
    return address is not None and address.is_global and not address.is_multicast
