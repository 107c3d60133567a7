"""nginx itself, with the generated configuration, sends every path where the route table says."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from deploy.compose.__main__ import PROJECT
from deploy.gateway.nginx import FRONT, nginx_config
from deploy.local import nginx
from deploy.local.account import dropped_account
from deploy.local.ports import free_port
from deploy.local.trouble import Trouble
from deploy.local.waiting import wait_until
from deploy.routes import is_own, route_table
from tests.faults.name_server import name_server
from tests.faults.system import open_directory
from tests.unit.deploy.samples import MANIFESTS, PATHS

_BACKEND = """
    server {{
        listen {address};
        merge_slashes off;
        large_client_header_buffers 4 72k;
        default_type text/plain;
        location / {{ return 200 "{name} $request_uri"; }}
    }}
"""


def _found() -> str:
    try:
        return nginx.find_nginx()
    except Trouble:
        return ""


pytestmark = pytest.mark.skipif(not _found(), reason="needs nginx")


@contextmanager
def running(config: str, address: str, backends: Mapping[str, str]) -> Iterator[httpx.Client]:
    """nginx in front of backends (itself, at the addresses) that say their names; a client of it."""
    with open_directory("crm-nginx-") as made:
        directory = made / "nginx"
        more = "".join(_BACKEND.format(address=at, name=name) for at, name in backends.items())
        nginx.prepare(directory, config, "", dropped_account(), more)
        with subprocess.Popen(
            nginx.command(nginx.find_nginx(), directory), stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                assert wait_until(lambda: process.poll() is not None or _answers(address), 30)
                assert process.poll() is None, process.stderr.read() if process.stderr else ""
                with httpx.Client(base_url=f"http://{address}", trust_env=False) as client:
                    yield client
            finally:
                process.terminate()


@pytest.fixture(scope="module")
def gateway() -> Iterator[httpx.Client]:
    table = route_table(MANIFESTS)
    ports = {name: free_port() for name in (*table.services, FRONT)}
    address = f"127.0.0.1:{free_port(frozenset(ports.values()))}"
    addresses = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
    config = nginx_config(table, addresses, address)
    with running(config, address, {at: name for name, at in addresses.items()}) as client:
        yield client


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"http://{address}/healthz", trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.mark.parametrize(("path", "service"), PATHS.items())
def test_nginx_sends_every_path_where_the_table_says(gateway: httpx.Client, path: str, service: str) -> None:
    sent = quote(path, safe="/%")
    answer = gateway.get(sent)
    assert answer.text == f"{FRONT if is_own(path) else service} {sent}"


def test_errors_of_nginx_are_json(gateway: httpx.Client) -> None:
    path = "/crm/v3/objects/contacts"
    for answer, status, category in (
        (gateway.post(path, content=b"x" * (11 * 1024 * 1024)), 413, "PAYLOAD_TOO_LARGE"),
        (gateway.get(f"{path}/a%00b"), 400, "VALIDATION_ERROR"),
        (gateway.get(path, headers={"X-Long": "x" * 100_000}), 431, "HEADERS_TOO_LARGE"),
    ):
        assert answer.status_code == status
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.json()["category"] == category
        assert answer.json()["correlationId"] == answer.headers["X-Correlation-Id"]


def test_the_configuration_takes_large_requests(gateway: httpx.Client) -> None:
    names = "&".join(f"properties=a_rather_long_name_{number}" for number in range(1500))
    assert gateway.get(f"/crm/v3/objects/contacts?{names}").status_code == 200


def test_the_checked_in_file_looks_names_up_while_it_runs() -> None:
    """Containers that come (`--scale contacts-web=2`) and go are noticed; a service that is gone is a 503."""
    port, places = free_port(), ("127.8.7.1", "127.8.7.2")
    known: dict[str, Sequence[str]] = {"contacts-web": places[:1], "front": places[1:]}
    with name_server(known) as resolver:
        listen = f"127.0.0.1:{free_port(frozenset({port}))}"
        text = Path(PROJECT / "deploy" / "gateway" / "nginx.conf").read_text()
        text = re.sub(r"listen 8080;", f"listen {listen};", text).replace(":8000;", f":{port};")
        text = text.replace("resolver 127.0.0.11 ", f"resolver {resolver} ")
        with running(text, listen, {f"{place}:{port}": place for place in places}) as client:

            def who() -> set[str]:
                return {client.get("/contacts/readyz").text.partition(" ")[0] for _ in range(40)}

            assert who() == {places[0]}
            known["contacts-web"] = places
            assert wait_until(lambda: who() == set(places), 60, every=0.5)
            known["contacts-web"] = places[1:]
            assert wait_until(lambda: who() == {places[1]}, 60, every=0.5)
            gone = client.get("/crm/v3/owners")  # workspace-web is no name at all
            assert (gone.status_code, gone.json()["category"]) == (503, "SERVICE_UNAVAILABLE")
            assert client.get("/").text.startswith(places[1])
