"""The certificates that this process trusts, read once: a client that reads them for itself takes 20 ms for it.

For `verify` of clients that are made for one question. Certificates that are renewed meanwhile need a new process.
"""

from __future__ import annotations

import ssl
from functools import lru_cache

import httpx


@lru_cache(maxsize=1)
def trusted() -> ssl.SSLContext:
    """What `verify=True` would make anew."""
    return httpx.create_ssl_context()
