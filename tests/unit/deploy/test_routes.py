"""The route table, and that nginx is told the same."""

from __future__ import annotations

import re
from itertools import chain

import pytest

from deploy.gateway.nginx import FRONT, UPLOADS, map_rules, nginx_config
from deploy.routes import FALLBACK, RouteTable, is_own, route_table
from deploy.services import ALL
from tests.unit.deploy.samples import MANIFESTS, PATHS, Path, Service, kind

TABLE = route_table(MANIFESTS)


@pytest.mark.parametrize(("path", "service"), PATHS.items())
def test_every_path_has_its_service(path: str, service: str) -> None:
    assert TABLE.service(path) == service


@pytest.mark.parametrize("path", PATHS)
def test_nginx_decides_alike(path: str) -> None:
    assert _as_nginx(TABLE, path) == (FRONT if is_own(path) else TABLE.service(path))


@pytest.mark.parametrize("path", ["/", "/readyz", "/readyz/", "/openapi.json", "/docs", "/docs/static/viewer.js"])
def test_what_is_nobodys_is_the_fronts(path: str) -> None:
    assert is_own(path)
    assert _as_nginx(TABLE, path) == FRONT


def _as_nginx(table: RouteTable, path: str) -> str:
    found = (service for pattern, service in map_rules(table) if re.search(pattern, path))
    return next(chain(found, (FALLBACK,)))


def test_a_type_belongs_to_one_service() -> None:
    again = Service("reporting", (kind("deal", "deals"),))
    with pytest.raises(ValueError, match="belongs to opportunities and to reporting"):
        route_table((*MANIFESTS, again))


def test_a_path_belongs_to_one_service() -> None:
    again = Service("reporting", (), (Path("/deals/v1/deal/paged"),))
    with pytest.raises(ValueError, match="/deals/v1/deal/paged belongs to"):
        route_table((*MANIFESTS, again))


@pytest.mark.parametrize("path", ["/crm/v3/objects/contacts/merge", "/{anything}"])
def test_what_cannot_be_claimed_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="cannot belong"):
        route_table((*MANIFESTS, Service("reporting", (), (Path(path),))))


def _addresses(table: RouteTable) -> dict[str, str]:
    return {name: f"{name}:8000" for name in (*table.services, FRONT)}


def test_nginx_gets_every_service() -> None:
    text = nginx_config(TABLE, _addresses(TABLE), "127.0.0.1:9999")
    assert all(f" {name}:8000;" in text for name in (*TABLE.services, FRONT))
    assert "listen 127.0.0.1:9999;" in text
    assert "resolver" not in text
    assert "resolver 10.0.0.1 valid=" in nginx_config(TABLE, _addresses(TABLE), resolver="10.0.0.1")


def test_nginx_lets_files_through_wherever_an_operation_takes_them() -> None:
    taking = [one.path for manifest in ALL for one in manifest.operations if one.upload]
    assert taking
    assert all(re.search(UPLOADS, path) and re.search(UPLOADS, f"{path}/") for path in taking)
    assert not re.search(UPLOADS, "/api/v1/imports/7/chunks/1")
    text = nginx_config(TABLE, _addresses(TABLE))
    assert text.count("proxy_request_buffering off") == 1
