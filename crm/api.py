"""The public HTTP API as this command line uses it: requests out, parsed JSON or a clear error back.

Numbers keep their exact digits: a JSON number with a fraction becomes a Decimal. Use it for every call; nothing in
`crm` opens a connection of its own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from shared.kernel import json as kernel_json

PATIENCE = 8  # attempts when the system says that it has been asked too much
_TOO_MANY = 429
_PATIENT = httpx.Timeout(300, connect=5)
_HERE = frozenset({"127.0.0.1", "localhost", "::1"})
_VALUES_REFUSED = "Property values were not valid: ["


class ApiError(Exception):
    """The system refused a request. `lines` are single errors, each a sentence; `body` is the whole answer."""

    def __init__(self, status: int, body: Mapping[str, Any], correlation: str = "") -> None:
        self.status = status
        self.body = body
        self.category = str(body.get("category", ""))
        self.correlation = str(body.get("correlationId") or correlation)
        message = str(body.get("message") or f"HTTP {status} without an explanation: is this the right address?")
        self.message = "values were refused" if message.startswith(_VALUES_REFUSED) else message
        found = (_line(one) for one in body.get("errors") or () if isinstance(one, Mapping))
        self.lines = tuple(line for line in found if line != self.message)
        super().__init__(self.message)

    def __str__(self) -> str:
        correlation = (f"correlation id {self.correlation}",) if self.correlation else ()
        return "\n  ".join((self.message, *self.lines, *correlation))


class Unreachable(Exception):
    """Nothing answered at the address."""

    def __init__(self, url: str, reason: str = "") -> None:
        text = (
            f"no answer from {url}: {reason}"
            if reason
            else f"nothing answers at {url}: `make up` starts it; PORT or CRM_URL name another address"
        )
        super().__init__(text)


class Api:
    """One running system. `transport` replaces the network in tests. Close it, or use it in a `with`."""

    def __init__(self, url: str, token: str | None, transport: httpx.BaseTransport | None = None) -> None:
        self.url = url.rstrip("/")
        headers = {"User-Agent": "crm-command-line", "Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._client = httpx.Client(
            base_url=self.url,
            headers=headers,
            transport=transport,
            limits=httpx.Limits(max_connections=16),
            timeout=httpx.Timeout(60, connect=5),
            trust_env=urlsplit(self.url).hostname not in _HERE,  # no proxy stands between this machine and itself
        )

    def __enter__(self) -> Api:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give back the connections."""
        self._client.close()

    def get(self, path: str, **params: object) -> Any:
        """The body of a GET; parameters that are None are left out."""
        return self.call("GET", path, params={name: value for name, value in params.items() if value is not None})

    def post(self, path: str, body: object) -> Any:
        """The body of a POST."""
        return self.call("POST", path, body=body)

    def put(self, path: str, body: object) -> Any:
        """The body of a PUT."""
        return self.call("PUT", path, body=body)

    def patch(self, path: str, body: object) -> Any:
        """The body of a PATCH."""
        return self.call("PATCH", path, body=body)

    def delete(self, path: str) -> Any:
        """What a DELETE answers, mostly nothing."""
        return self.call("DELETE", path)

    def call(self, method: str, path: str, *, params: Mapping[str, Any] | None = None, body: object = None) -> Any:
        """The parsed body of a successful answer; a refusal for being too many (429) is waited out and repeated.

        Raises ApiError and Unreachable.
        """
        content = None if body is None else kernel_json.dumps(exact(body))
        headers = {} if content is None else {"Content-Type": "application/json"}
        request = self._client.build_request(method, path, params=params or None, content=content, headers=headers)
        with self._told_why():
            return _body(self._sent(request))

    def upload(self, path: str, file: Path, request: object) -> Any:
        """The body of a POST of a file, which is read as it is sent, and a JSON part about it."""
        part = (None, kernel_json.dumps(exact(request)), "application/json")
        with file.open("rb") as content, self._told_why():
            files: dict[str, Any] = {"request": part, "file": (file.name, content)}
            return _body(self._client.send(self._client.build_request("POST", path, files=files, timeout=_PATIENT)))

    def download(self, path: str, body: object) -> Iterator[bytes]:
        """What a POST answers, piece by piece. Raises ApiError, and Unreachable when it ends before its end, too."""
        headers = {"Content-Type": "application/json", "Accept": "*/*"}
        content = kernel_json.dumps(exact(body))
        return self._pieces(self._client.build_request("POST", path, content=content, headers=headers))

    def fetch(self, path: str, **params: Any) -> Iterator[bytes]:
        """What a GET answers, like `download`."""
        return self._pieces(self._client.build_request("GET", path, params=params, headers={"Accept": "*/*"}))

    def _pieces(self, request: httpx.Request) -> Iterator[bytes]:
        request.extensions["timeout"] = _PATIENT.as_dict()
        with self._told_why(), closing(self._sent(request, stream=True)) as answer:
            if not answer.is_success:
                answer.read()
                _body(answer)
            yield from answer.iter_bytes()

    def _sent(self, request: httpx.Request, *, stream: bool = False) -> httpx.Response:
        for attempt in range(PATIENCE):
            answer = self._client.send(request, stream=stream)
            if answer.status_code != _TOO_MANY or attempt == PATIENCE - 1:
                break
            answer.close()
            time.sleep(_pause(answer, attempt))
        return answer

    @contextmanager
    def _told_why(self) -> Iterator[None]:
        try:
            yield
        except httpx.ConnectError:
            raise Unreachable(self.url) from None
        except httpx.TransportError as error:
            raise Unreachable(self.url, f"{type(error).__name__} {error}".strip()) from None


def path_of(*parts: object) -> str:
    """`/api/v1/` and the parts, each escaped."""
    return "/api/v1/" + "/".join(quote(str(part), safe="") for part in parts)


def exact(tree: Any) -> Any:
    """The same JSON with Decimals as number literals of all their digits, for `shared.kernel.json.dumps`."""
    if isinstance(tree, Decimal):
        return kernel_json.Raw(kernel_json.decimal_text(tree))
    if isinstance(tree, Mapping):
        return {name: exact(value) for name, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [exact(value) for value in tree]
    return tree


def results(body: Any) -> list[dict[str, Any]]:
    """The list in an answer."""
    return list(body["results"])


def _pause(answer: httpx.Response, attempt: int) -> float:
    told = answer.headers.get("Retry-After", "")
    return min(float(told) if told.isdigit() else 0.2 * 2**attempt, 15.0)


def _body(answer: httpx.Response) -> Any:
    try:
        body = json.loads(answer.content, parse_float=Decimal) if answer.content else None
    except ValueError:
        body = None
    if answer.is_success and (body is not None or not answer.content):
        return body
    found = body if isinstance(body, dict) else {}
    raise ApiError(answer.status_code, found, answer.headers.get("X-Correlation-Id", ""))


def _line(one: Mapping[str, Any]) -> str:
    context = one.get("context") or {}
    names = ", ".join(context.get("propertyName", ()))
    near = ", ".join(context.get("nearest", ()))
    text = str(one.get("message", "")).rstrip(".")
    head = f"{names}: " if names and names not in text else ""
    return f"{head}{text}{f' (did you mean {near}?)' if near and near not in text else ''}"
