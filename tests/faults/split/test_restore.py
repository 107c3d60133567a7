"""A service's database is lost and comes back from a backup: what docs/operations.md says, done."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import psycopg

from deploy.local.programs import PROJECT
from deploy.local.waiting import wait_until
from shared.kernel import json
from tests.faults.split.stopping import CONTACTS, reported, stopped, values
from tests.faults.system import START_SECONDS, System, clean_environment
from tests.faults.test_other_engines import DEBIAN_POSTGRES
from tests.journeys.asking import count

PROCESSES = (sys.executable, "-m", "deploy.processes")
AS_IT_WAS = ("--no-owner", "--no-privileges")


def test_one_service_comes_back_from_a_backup_without_those_who_were_erased(
    split: System, http: httpx.Client, tmp_path: Path
) -> None:
    url = psutil.Process(split.pids()["contacts-web"]).environ()["CONTACTS_DATABASE_URL"]
    kept, erased = (made(http) for _ in range(2))
    before, file, ledger = count(http, "contacts"), tmp_path / "contacts.dump", tmp_path / "erasures"
    postgres_tool("pg_dump", *AS_IT_WAS, "--format=custom", f"--file={file}", url)
    late = made(http)
    gone = http.post("/crm/v3/objects/contacts/gdpr-delete", json={"objectId": erased})
    assert gone.status_code == 204, gone.text
    crm(split, "erasures", "export", str(ledger))
    with stopped(split, "contacts"):
        administrator = administrator_of(split)
        with psycopg.connect(administrator, autocommit=True) as connection:
            connection.execute("drop database crm_contacts with (force)")
        surroundings = clean_environment(DATABASE_URL=administrator, CONTACTS_DATABASE_URL=url)
        run([*PROCESSES, "databases", "contacts"], surroundings)
        postgres_tool("pg_restore", *AS_IT_WAS, "--no-comments", "--exit-on-error", f"--dbname={url}", str(file))
        run([*PROCESSES, "migrate", "contacts"], surroundings)  # a backup may be of an older version
    assert [status(http, one) for one in (kept, erased, late)] == [200, 200, 404]
    crm(split, "erasures", "import", str(ledger))
    crm(split, "erasures", "reapply")
    assert [status(http, one) for one in (kept, erased, late)] == [200, 404, 404]
    assert count(http, "contacts") == before - 1
    made(http)
    assert wait_until(lambda: reported(http) == before, START_SECONDS), (reported(http), before)


def made(http: httpx.Client) -> str:
    """A new contact's id."""
    answer = http.post(CONTACTS, json=values())
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def status(http: httpx.Client, ident: str) -> int:
    return http.get(f"{CONTACTS}/{ident}").status_code


def postgres_tool(name: str, *words: str) -> None:
    run([str(DEBIAN_POSTGRES / name), *words], clean_environment())


def crm(split: System, *words: str) -> None:
    token = split.home.admin_token.read_text().strip()
    run(
        [sys.executable, "-m", "crm.cli", *words],
        clean_environment(CRM_URL=split.url, CRM_TOKEN=token, CRM_HOME=str(split.root)),
    )


def run(words: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(
        words, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=START_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def administrator_of(split: System) -> str:
    """The administrator's URL of its PostgreSQL."""
    port = json.loads(split.home.ports.read_bytes())["postgres"]
    return f"postgresql://postgres:{(split.home.secrets / 'postgres').read_text().strip()}@127.0.0.1:{port}/postgres"
