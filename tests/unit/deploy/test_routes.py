"""The route table, and that nginx is told the same."""

from __future__ import annotations

import re
from itertools import chain

import pytest

from deploy.gateway.nginx import UPLOADS, map_rules, nginx_config
from deploy.routes import FALLBACK, RouteTable, route_table
from deploy.services import ALL
from tests.unit.deploy.samples import MANIFESTS, PATHS, Path, Service, kind

TABLE = route_table(MANIFESTS)


@pytest.mark.parametrize(("path", "service"), PATHS.items())
def test_every_path_has_its_service(path: str, service: str) -> None:
    assert TABLE.service(path) == service


@pytest.mark.parametrize("path", PATHS)
def test_nginx_decides_alike(path: str) -> None:
    assert _as_nginx(TABLE, path) == TABLE.service(path)


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


def test_nginx_gets_every_service() -> None:
    text = nginx_config(TABLE, {name: f"{name}:8000" for name in TABLE.services}, "127.0.0.1:9999")
    assert "upstream crm_service_desk { server service_desk:8000;" in text
    assert "listen 127.0.0.1:9999;" in text


def test_nginx_lets_files_through_wherever_an_operation_takes_them() -> None:
    taking = [one.path for manifest in ALL for one in manifest.operations if one.upload]
    assert taking
    assert all(re.search(UPLOADS, path) and re.search(UPLOADS, f"{path}/") for path in taking)
    assert not re.search(UPLOADS, "/api/v1/imports/7/chunks/1")
    text = nginx_config(TABLE, {name: f"{name}:8000" for name in TABLE.services})
    assert text.count("proxy_request_buffering off") == 1
