"""Who calls, as far as the server can know it: the address, for the session's name is made up by the caller."""

import ipaddress
from typing import Any


def address_of(request: Any, *, hosted: bool) -> str:
    """The address that `request` (of Starlette or Gradio) comes from, an IPv6 one as its network of 64 bits, since a
    single line has all of those; empty if the server was not told.

    With `hosted` the proxy of a Space stands before the server, and the last entry of X-Forwarded-For is what that
    proxy saw; entries before it are the caller's own words. Whoever runs the gallery behind another proxy and does not
    say so makes all visitors one address. A hall behind one router is one address either way.
    """
    forwarded = request.headers.get("x-forwarded-for", "") if hosted else ""
    host = forwarded.rpartition(",")[2].strip() or (request.client.host if request.client else "")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return ""
    if address.version == 4:
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address.packed[:8] + bytes(8), 64)))
