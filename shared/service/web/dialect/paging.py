"""Where the next page of a list is, in the wire dialect: clients follow the address as it is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from flask import request

if TYPE_CHECKING:
    from shared.service.runtime import Runtime


def page_link(service: Runtime, after: object) -> dict[str, Any]:
    """The `paging` of a list: the next page's `after` and absolute address, every query parameter repeated."""
    kept = [(name, value) for name, value in request.args.items(multi=True) if name != "after"]
    query = urlencode([*kept, ("after", str(after))])
    return {"next": {"after": str(after), "link": f"{service.settings.base_url}{quote(request.path)}?{query}"}}
