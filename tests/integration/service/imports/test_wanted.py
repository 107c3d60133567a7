"""Attributes that an import brings along are made once, however many workers begin with it at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.factories.racing import until
from tests.integration.service.imports.importing import Import, spec

COUNT = 40  # more than have an index ready


def test_workers_that_begin_together_do_not_wait_for_each_other_for_ever(runtime):
    header = ("email", *(f"brought_{n}" for n in range(COUNT)))
    made = [{"name": name, "label": name, "type": "number"} for name in header[1:]]
    rows = [(f"brought{n}@example.com", *map(str, range(COUNT))) for n in range(8)]
    job = Import(runtime, spec("contact", header, key="email"), rows, size=2, attributes=made).begin()
    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(job.work) for _ in range(4)]
        assert sum(one.result(timeout=60) for one in done) >= 4  # one that has to wait is given back

    def done_at_last() -> bool:
        job.work()
        return job.counts()["created"] == len(rows)

    until(done_at_last)  # what was given back rests for a moment
    assert job.errors() == {}
    live = runtime.catalog.type("contact")
    assert all(live.attributes[name].column is not None for name in header[1:])
