"""What services mirror exists at its home, and has a place in the mirror."""

from __future__ import annotations

import pytest

from deploy.services import ALL
from shared.eav.types import kind_of
from shared.service.known_types import known_type
from shared.service.manifest import Manifest
from shared.service.mirrors.declare import Mirror, mirror_type

HOMES = {(service.name, one.name): one for service in ALL for one in service.types}
CASES = [pytest.param(service, one, id=f"{service.name}-{one.type}") for service in ALL for one in service.mirrors]


@pytest.mark.parametrize(("service", "mirror"), CASES)
def test_what_is_mirrored_is_there(service: Manifest, mirror: Mirror):
    home = HOMES[mirror.source, mirror.type]
    by_name = {one.name: one for one in home.attributes}
    assert not set(mirror.attributes) - by_name.keys()
    assert len(set(mirror.attributes)) == len(mirror.attributes)
    assert all(kind_of(by_name[name]).family is not None for name in mirror.attributes), "only values in slots"
    assert not any(by_name[name].system for name in mirror.attributes), "id and instants are there anyway"
    assert mirror.source != service.name


@pytest.mark.parametrize(("service", "mirror"), CASES)
def test_it_has_the_same_names_as_at_home(service: Manifest, mirror: Mirror):
    home, here = HOMES[mirror.source, mirror.type], mirror_type(mirror)
    assert (here.name, here.plural, here.wire_id) == (home.name, home.plural, home.wire_id)
    assert known_type(mirror.type) is not None


def test_who_mirrors_a_service_is_mirrored_by_it():
    """Else links written on the one side are never heard of on the other."""
    pairs = {(service.name, one.source) for service in ALL for one in service.mirrors}
    assert pairs == {(there, here) for here, there in pairs}
