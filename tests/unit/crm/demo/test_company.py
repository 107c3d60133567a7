"""The invented company: the same for the same seed, unique where it must be, believable, and flat in memory."""

from __future__ import annotations

import csv
import tracemalloc
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice

import phonenumbers
import pytest
from email_validator import EmailNotValidError, validate_email

from crm.demo import SIZES, Company, Size, deals, tickets
from crm.demo.company import SPAN, STAGES
from crm.demo.files import write_files
from crm.demo.names import CULTURES
from services.contacts.rules import e164
from services.contacts.schema import COMPANY, CONTACT
from services.opportunities.schema import DEAL

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def small():
    company = Company(7, "small", NOW)
    return (
        list(company.owners()),
        list(company.companies()),
        list(company.contacts()),
        list(company.deals()),
        list(company.tickets()),
    )


def test_same_seed_same_stories_other_seed_other_stories(small):
    again = Company(7, "small", NOW)
    kinds = again.owners(), again.companies(), again.contacts(), again.deals(), again.tickets()
    assert tuple(map(list, kinds)) == small
    assert list(Company(8, "small", NOW).contacts()) != small[2]


def test_a_story_depends_on_its_index_alone():
    few, many = Company(3, Size(5, 50, 10), NOW), Company(3, Size(5, 50, 500), NOW)
    assert list(few.contacts()) == list(islice(many.contacts(), 10))


def test_the_sizes_are_kept(small):
    assert tuple(map(len, small)) == SIZES["small"]


def test_keys_are_unique_and_valid(small):
    for stories in small:
        assert max(Counter(story.key.casefold() for story in stories).values()) == 1
    for story in (*small[0], *small[2]):
        assert validate_email(story.key, check_deliverability=False).normalized == story.key


def test_domains_stay_unique_when_words_run_out():
    company = Company(1, Size(1, 20_000, 0), NOW)
    stories = list(company.companies())
    assert len({story.key for story in stories}) == len({story.values["name"] for story in stories}) == 20_000


def test_phone_numbers_are_valid_in_their_country_and_in_the_form_they_are_kept_in(small):
    regions = {one.country: one.code.upper() for one in CULTURES}
    numbers = [
        (story.values["phone"], story.values["country"]) for story in small[1] + small[2] if "phone" in story.values
    ]
    assert len(numbers) > 1500
    for number, country in numbers:
        parsed = phonenumbers.parse(number)
        assert phonenumbers.is_valid_number_for_region(parsed, regions[country]), number
        assert e164(number, None) == number


def test_cities_belong_to_their_countries(small):
    cities = {one.country: set(one.cities) for one in CULTURES}
    for story in small[1] + small[2]:
        assert story.values["city"] in cities[story.values["country"]]


@pytest.mark.parametrize(("place", "declared"), [(1, COMPANY), (2, CONTACT), (3, DEAL)])
def test_values_fit_what_the_services_declare(small, place, declared):
    attributes = {one.name: one for one in declared.attributes}
    for story in small[place]:
        for name, value in story.final().items():
            if name == "score":
                assert 0 <= float(value) <= 100
                continue
            assert not attributes[name].read_only
            if attributes[name].options:
                assert value in {option.value for option in attributes[name].options}


def test_history_lies_in_two_years_goes_forward_and_raises_the_stage(small):
    for story in small[1] + small[2]:
        moments = [story.created, *(step.at for step in story.steps)]
        assert moments == sorted(moments)
        assert moments[0] >= NOW - SPAN
        assert moments[-1] <= NOW
        rungs = [STAGES.index(story.values["lifecycle_stage"])]
        rungs += [STAGES.index(step.values["lifecycle_stage"]) for step in story.steps]
        assert rungs == sorted(set(rungs))


def test_deals_go_forward_within_the_time_of_their_contacts(small):
    met = {story.key: story for story in small[2]}
    rungs = [*deals.STAGES, deals.WON, deals.LOST]
    ended = 0
    for story in small[3]:
        moments = [story.created, *(step.at for step in story.steps)]
        assert met[story.contact].created <= moments[0]
        assert moments == sorted(moments)
        assert moments[-1] <= NOW
        assert story.owner == met[story.contact].owner
        passed = [rungs.index(one["stage"]) for one in (story.values, *(step.values for step in story.steps))]
        assert passed == sorted(set(passed))
        ended += story.final()["stage"] in (deals.WON, deals.LOST)
    assert len(small[3]) / 2 < ended < len(small[3])


def test_tickets_are_answered_and_closed_in_the_time_of_their_contacts(small):
    met = {story.key: story for story in small[2]}
    stages, said = Counter(), Counter()
    for story in small[4]:
        moments = [story.created, *(step.at for step in story.steps)]
        assert met[story.contact].created <= moments[0]
        assert moments == sorted(moments)
        assert moments[-1] <= NOW
        stages[story.final()["stage"]] += 1
        entries = list(tickets.sayings_of(story))
        assert entries == list(tickets.sayings_of(story))
        said.update(one.values["visibility"] for one in entries)
        assert all(story.created <= one.at <= NOW for one in entries)
    assert stages[tickets.CLOSED] > 1_600
    assert len(stages) == 4
    assert said["INTERNAL"] > 300 < said["PUBLIC"]
    assert len({story.created.year for story in small[4]}) == 3
    theirs = {story.contact for story in small[3]} & {story.contact for story in small[4]}
    assert len(theirs) > 200


def test_many_scripts_and_odd_foldings_are_there(small):
    names = " ".join(story.values["first_name"] + story.values["last_name"] for story in small[2])
    for sample in "伟翔ケОحα":
        assert sample in names
    for odd in "ßİış":
        assert odd in names


def test_sizes_of_companies_are_skewed(small):
    employees = sorted(int(story.values["number_of_employees"]) for story in small[1])
    assert employees[-1] > 50 * employees[len(employees) // 2]
    per_company = Counter(story.values["company"] for story in small[2])
    assert per_company.most_common(1)[0][1] > 4 * len(small[2]) / len(small[1])


def test_the_default_end_is_today_at_midnight():
    now = Company().now
    assert (now.hour, now.minute, now.second, now.microsecond) == (0, 0, 0, 0)
    assert timedelta(0) <= datetime.now(UTC) - now < timedelta(days=1, minutes=1)


def test_memory_stays_flat():
    company = Company(1, "1m", NOW)
    stories = company.contacts()
    for _story in islice(stories, 10_000):
        pass
    tracemalloc.start()
    for _story in islice(stories, 10_000):
        pass
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3_000_000


def test_files_hold_today_and_the_past(tmp_path):
    company = Company(7, Size(3, 5, 40), NOW)
    counted = Counter()
    paths = write_files(company, tmp_path, lambda name: counted.update([name]))
    assert counted == {"owners": 3, "companies": 5, "contacts": 40}
    rows = {path.stem: list(csv.DictReader(path.read_text(encoding="utf-8").splitlines())) for path in paths}
    for story, row in zip(company.contacts(), rows["contacts"], strict=False):
        assert {name: row[name] for name in story.final()} == story.final()
    first, (again, undecided, wrong) = rows["contacts"][0], rows["contacts"][40:]
    assert again["email"] == first["email"].upper()
    assert [name for name in first if first[name] != again[name] and name != "owner"] == ["email", "job_title"]
    assert (undecided["job_title"], undecided["phone"]) == ("Select", "")
    with pytest.raises(EmailNotValidError):
        validate_email(wrong["email"])
    domains = {row["domain"] for row in rows["companies"]}
    assert [row["email"] for row in rows["employers"]] == [story.key for story in company.contacts()]
    assert {row["domain"] for row in rows["employers"]} <= domains
    assert {row["owner"] for row in rows["contacts"]} <= {"", *(story.key for story in company.owners())}
    latest = {(row["key"], row["attribute"]): row["value"] for row in rows["history"] if row["file"] == "contacts"}
    for story in company.contacts():
        for step in story.steps:
            for name in step.values:
                assert latest[story.key, name] == story.final()[name]
