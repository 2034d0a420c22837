"""Who calls, as far as the server can know it: the address, for the session's name is made up by the caller."""

import ipaddress
from functools import lru_cache
from typing import Any

from models.fair_line import Visitor

HOSTED_CLIENT = "gallery.client"
"""Where the door leaves the address that the proxy of a Space saw (see `Door`)."""

LONGEST_ADDRESS = 100
"""Characters."""


def visitor_of(request: Any) -> Visitor:
    """The visitor behind a `gradio.Request`."""
    return Visitor(request.session_hash or "", address_of(request))


def address_of(request: Any) -> str:
    """The address that `request` (of Starlette or Gradio) comes from, an IPv6 one as its network of 64 bits, since a
    single line has all of those; empty if the server was not told. A hall behind one router is one address."""
    starlette = getattr(request, "request", request)
    host = starlette.scope.get(HOSTED_CLIENT) or (starlette.client.host if starlette.client else "")
    return network_of(host) if len(host) < LONGEST_ADDRESS else ""


def forwarded_for(headers: list[tuple[bytes, bytes]]) -> str:
    """What the nearest proxy saw: the last entry of X-Forwarded-For; those before it are the caller's own words."""
    entries = [value for name, value in headers if name == b"x-forwarded-for"]
    return entries[-1].decode("latin-1").rpartition(",")[2].strip() if entries else ""


@lru_cache(maxsize=4096)  # asked for every call that waits, whenever another comes
def network_of(host: str) -> str:
    """An IPv4 address as it is, an IPv6 one as its network; empty for anything else."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address.packed[:8] + bytes(8), 64)))
