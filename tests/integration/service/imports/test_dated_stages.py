"""Rows that count from an instant of their own, with stages: visits are as the file tells, and once."""

from __future__ import annotations

import pytest

from services.opportunities.manifest import MANIFEST
from shared.kernel.config import Settings
from shared.service.imports.spec import EffectiveAt
from shared.service.runtime import Runtime
from tests.integration.service.imports.importing import Import, columns, spec

HEADER = ("name", "stage", "at")


@pytest.fixture(scope="module")
def sales(new_database, redis_url):
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("OPPORTUNITIES_DATABASE_URL", new_database(MANIFEST))
        made = Runtime(MANIFEST, Settings(redis_url=redis_url, pool_size=6, workspace_url="http://127.0.0.1:1"))
    yield made
    made.db.dispose()
    made.redis.close()


@pytest.mark.parametrize("size", [1, 100])
def test_stages_told_with_their_dates_are_visited_once(sales, size):
    live = sales.catalog.type("deal")
    first, second = [one.value for one in live.attribute("stage").options[:2]]
    rows = [(f"Deal {size}", stage, f"2024-0{month}-01") for month, stage in enumerate((first, second, first), 1)]
    asked = spec("deal", HEADER, key="name", columns=columns(HEADER[:2]), effective_at=EffectiveAt(column=2))
    job = Import(sales, asked, rows, size).do("dry").do("run")
    assert (
        job.counts("dry") == job.counts("run") == {"rows": 3, "created": 1, "updated": 2, "unchanged": 0, "rejected": 0}
    )
    for _ in range(2):
        job = job.again().do("dry").do("run")
        assert (job.counts("dry")["unchanged"], job.counts("run")["unchanged"]) == (3, 3)
    with sales.db.connect() as connection:
        ident = connection.row("select entity_id from import_row where outcome = 'created' order by 1 desc limit 1")[0]
        told = connection.rows("select * from stage_visit where entity_id = %(id)s", {"id": ident})
    assert len(told) == 3
