"""Which addresses a webhook may be sent to: those of the public internet, and no others."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address

# What is not public (IANA IPv4 and IPv6 Special-Purpose Address Registries; multicast: RFC 5771), and one address that
# is public and answers inside a cloud (Azure's 168.63.129.16). Python's own `is_global` differs between 3.11 and 3.13.
_NOT_PUBLIC_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24",
        "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",
        "240.0.0.0/4",
    )
)  # fmt: skip
# Everything outside is loopback, local, multicast, or carries an IPv4 address (::ffff:0:0/96, NAT64's 64:ff9b::/96).
_UNICAST_V6 = IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32", "2002::/16",  # documentation; 6to4, which carries an IPv4 address
        "2620:4f:8000::/48", "3fff::/20",  # AS112; documentation
    )
)  # fmt: skip


def is_public(address: str) -> bool:
    """Return whether an address, as a resolver gives it, is one of the public internet; text that is none is not."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if found.version == 4:
        return not any(found in network for network in _NOT_PUBLIC_V4)
    return found.scope_id is None and found in _UNICAST_V6 and not any(found in network for network in _NOT_PUBLIC_V6)
