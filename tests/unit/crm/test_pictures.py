"""Pictures for the README: what the command showed, as an SVG that fetches nothing."""

from __future__ import annotations

from xml.etree import ElementTree

from crm import pictures
from crm.session import Session
from tests.unit.crm.fake import FakeSystem


def test_a_picture_shows_the_command_and_its_answer_and_fetches_nothing():
    system = FakeSystem()
    system.write(
        system.entities.setdefault("contact", {}), "contact", {"values": {"email": "a@x.example", "city": "北京"}}
    )
    command = "crm find contact 'city = 北京' --columns email,city"
    code, svg = pictures.picture(command, Session(transport=system.transport()))
    assert code == 0
    text = "".join(ElementTree.fromstring(svg).itertext()).replace("\xa0", " ")
    assert command in text
    assert "a@x.example" in text
    assert "url(http" not in svg
    assert "@import" not in svg
    assert svg == pictures.picture(command, Session(transport=system.transport()))[1]


def test_a_failing_command_gives_no_picture(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(pictures, "PICTURES", (("one", "crm find"),))
    assert pictures.main([str(tmp_path / "new")]) == 1
    assert "exit code 2: crm find" in capsys.readouterr().err
    assert not list((tmp_path / "new").iterdir())
