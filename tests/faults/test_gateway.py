"""nginx itself, with the generated configuration, sends every path where the route table says."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest

from deploy.gateway.nginx import nginx_config
from deploy.local.ports import free_port
from deploy.local.waiting import wait_until
from deploy.routes import route_table
from tests.faults.system import open_directory
from tests.unit.deploy.samples import MANIFESTS, PATHS

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin:/bin:/sbin")

_MAIN = """
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    include {directory}/gateway.conf;
{backends}
}}
"""
_BACKEND = """
    server {{
        listen 127.0.0.1:{port};
        merge_slashes off;
        large_client_header_buffers 4 72k;
        default_type text/plain;
        location / {{ return 200 "{name} $request_uri"; }}
    }}
"""


@pytest.fixture(scope="module")
def gateway() -> Iterator[str]:
    """nginx in front of backends (itself, on other ports) that say who they are; its address."""
    table = route_table(MANIFESTS)
    ports = {name: free_port() for name in table.services}
    address = f"127.0.0.1:{free_port(frozenset(ports.values()))}"
    assert NGINX is not None
    with open_directory("crm-nginx-") as directory:
        config = nginx_config(table, {name: f"127.0.0.1:{port}" for name, port in ports.items()}, address)
        (directory / "gateway.conf").write_text(config)
        backends = "".join(_BACKEND.format(port=port, name=name) for name, port in ports.items())
        (directory / "nginx.conf").write_text(_MAIN.format(directory=directory, backends=backends))
        errors = directory / "error.log"
        command = [NGINX, "-c", str(directory / "nginx.conf"), "-p", str(directory), "-e", str(errors)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            try:
                assert wait_until(lambda: process.poll() is not None or _answers(address), 30)
                assert process.poll() is None, process.stderr.read() if process.stderr else ""
                yield f"http://{address}"
            finally:
                process.terminate()


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"http://{address}/healthz").status_code == 200
    except httpx.HTTPError:
        return False


@pytest.mark.skipif(NGINX is None, reason="needs nginx")
@pytest.mark.parametrize(("path", "service"), PATHS.items())
def test_nginx_sends_every_path_where_the_table_says(gateway: str, path: str, service: str) -> None:
    sent = quote(path, safe="/%")
    answer = httpx.get(f"{gateway}{sent}")
    assert answer.text == f"{service} {sent}"


@pytest.mark.skipif(NGINX is None, reason="needs nginx")
def test_errors_of_nginx_are_json(gateway: str) -> None:
    answer = httpx.post(f"{gateway}/crm/v3/objects/contacts", content=b"x" * (11 * 1024 * 1024))
    assert answer.status_code == 413
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["category"] == "PAYLOAD_TOO_LARGE"
    assert answer.json()["correlationId"]


@pytest.mark.skipif(NGINX is None, reason="needs nginx")
def test_the_configuration_takes_large_requests(gateway: str) -> None:
    names = "&".join(f"properties=a_rather_long_name_{number}" for number in range(1500))
    assert httpx.get(f"{gateway}/crm/v3/objects/contacts?{names}").status_code == 200
