"""Every problem has one row in one table, and says nothing that a client should not read."""

import asyncio
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import ClientDisconnect

from trimtab.errors import HostError, SpoolFull, StoreError
from trimtab.nouns import Column
from trimtab.nouns.project import Limits
from trimtab.serve.ladder import KINDS, SENTENCES, Problem, field_error, problem_for, shown
from trimtab.serve.limits import Headers, Lane, read_body

ROOT = Path(__file__).parents[2]


def test_every_row_of_the_ladder_names_tests_that_exist() -> None:
    """docs/ladder.md has no row without a test, and names none that is gone."""
    rows = [line for line in (ROOT / "docs" / "ladder.md").read_text().splitlines() if line.startswith("| ")][1:]
    known = {
        name for file in Path(__file__).parent.glob("*.py") for name in re.findall(r"def (test_\w+)", file.read_text())
    }
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row)
        assert named, row
        assert set(named) <= known, row


def test_codes_are_stable_and_statuses_are_errors() -> None:
    assert all(400 <= kind.status < 600 and kind.title for kind in KINDS.values())
    assert {KINDS[code].status for code in ("invalid_row", "too_slow", "cannot_log", "busy")} == {422, 408, 507, 429}


def test_every_status_that_may_pass_says_when_to_try_again() -> None:
    """429, 503 and 507 are states of the server, not mistakes of the client."""
    assert all(kind.retry_after > 0 for kind in KINDS.values() if kind.status in {429, 503, 507})


def test_a_problem_is_the_document_of_rfc_9457() -> None:
    response = Problem("invalid_row", "d", errors=[field_error("size", "missing", Column("size", "number"))]).response()
    assert response.headers["content-type"] == "application/problem+json"
    assert json.loads(bytes(response.body)) == {
        "type": "urn:trimtab:problem:invalid_row",
        "title": KINDS["invalid_row"].title,
        "status": 422,
        "code": "invalid_row",
        "detail": "d",
        "errors": [{"field": "size", "code": "missing", "detail": SENTENCES["missing"]}],
    }


@pytest.mark.parametrize(("error", "status"), [(SpoolFull("x"), 507), (StoreError("x"), 503), (HostError("x"), 500)])
def test_our_own_errors_have_a_status_and_keep_their_message(error: HostError, status: int) -> None:
    problem = problem_for(error)
    assert problem.kind.status == status
    assert "x" not in problem.detail


@pytest.mark.parametrize("name", ["<script>", "a\nb", "\x1b[31m", "\u202eabc", "\ud800", "a'b\"c`d&"])
def test_a_clients_name_is_shown_escaped(name: str) -> None:
    assert shown(name).isprintable()
    assert not set(shown(name)) & set("<>&\"'`")


def test_a_clients_name_is_cut_at_64_characters() -> None:
    assert len(shown("x" * 1000)) == len(shown("<" * 1000)) == 64
    assert shown("Größe (cm)") == "Größe (cm)"


def test_a_column_of_the_contract_keeps_its_name_and_its_range() -> None:
    found = field_error("Größe <cm>", "hard_range", Column("Größe <cm>", "number", hard=(0, 250)))
    assert (found.field, found.detail) == ("Größe <cm>", "lies outside 0 to 250")


@pytest.mark.parametrize("parts", [[b"abc"], [b"", b"ab", b"c"], [None, b"abc"], [b"a", None, b"bc"]])
def test_a_body_is_whole_in_how_many_pieces_it_may_come(parts: list[bytes | None]) -> None:
    """None stands for a pause."""
    left = list(parts)

    async def receive() -> dict[str, Any]:
        while left[0] is None:
            left.pop(0)
            await asyncio.sleep(0.001)
        body = left.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(left)}

    assert asyncio.run(read_body(receive, Headers(), Limits())) == b"abc"


def test_a_body_that_does_not_come_is_waited_for_so_long() -> None:
    """Also where it was not there with its head; and what waited for it is over."""
    over = []

    async def receive() -> dict[str, Any]:
        try:
            await asyncio.sleep(5)
        finally:
            over.append(True)
        return {}

    with pytest.raises(Problem) as raised:
        asyncio.run(read_body(receive, Headers(), replace(Limits(), seconds=0.05)))
    assert (raised.value.code, over) == ("too_slow", [True])


def test_a_client_that_is_gone_is_not_waited_for() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    with pytest.raises(ClientDisconnect):
        asyncio.run(read_body(receive, Headers(), Limits()))


def test_a_full_lane_says_busy_and_gives_its_places_back() -> None:
    lane = Lane(1)
    with lane, pytest.raises(Problem, match="busy"), lane:
        pass
    with lane:
        assert lane.taken == 1
    assert lane.taken == 0
