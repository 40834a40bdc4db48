"""A client's own id: the first answer again, byte for byte, after a crash and at any worker; another row is 409."""

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from trimtab import clock
from trimtab.loop.outcomes import keep_outcomes
from trimtab.loop.state import open_wheel
from trimtab.nouns import Outcome
from trimtab.serve import repeats
from trimtab.serve.app import build_app
from trimtab.serve.desk import Desk
from trimtab.store import open_claims, open_index, spool_folder
from trimtab.store.claims import Claim, Claims
from trimtab.store.spool import Spool, count_spooled

ID = {"idempotency-key": "order 17"}


def claim(name: str, holder: str = "w9:1", prediction_id: str = "") -> Claim:
    return Claim(name, b"q", prediction_id or clock.uuid7(), b"{}", holder)


def test_the_same_bytes_after_a_crash_and_another_row_is_409(
    world: Any, serving: Any, tmp_path: Path, good: dict[str, Any]
) -> None:
    world.make_project(tmp_path / "p")
    server = serving(tmp_path / "p")
    first = server.ask(good, headers=ID)
    many = server.ask({"rows": [good, good], "ids": ["a", "b"]})
    server.stop(signal.SIGKILL)
    server = serving(tmp_path / "p")
    assert server.ask(good, headers=ID).content == first.content
    assert server.ask({"rows": [good, good], "ids": ["a", "b"]}).content == many.content
    other = server.ask({**good, "size": 7}, headers=ID)
    assert (other.status_code, other.json()["code"]) == (409, "id_reused")
    assert count_spooled(tmp_path / "p/.trimtab/spool") == 3


def test_the_same_bytes_after_a_promotion(world: Any, local: Any, tmp_path: Path, good: dict[str, Any]) -> None:
    """One row and many; a new row beside old ones is the new Version's, and each says whose it is."""
    project = world.make_project(tmp_path / "p")
    worker = local(project)
    body = {"rows": [good, good], "ids": ["a", "b"]}
    first = worker.ask(body)
    world.promote(project, "second")
    worker.desk.show(worker.shelf.open_trim(worker.shelf.catalog.trim(), worker.desk.live))
    assert worker.ask(body).content == first.content
    mixed = worker.ask({"rows": [good, good], "ids": ["a", "c"]}).json()
    assert [one["version"] for one in mixed["results"]] == ["v1", "v2"]
    assert (mixed["version"], mixed["epoch"]) == ("v2", 2)


@pytest.fixture
def pair(world: Any, local: Any, tmp_path: Path) -> Iterator[list[Desk]]:
    """Two workers of one project in one process."""
    project = world.make_project(tmp_path / "p")
    first = local(project).desk
    second = Desk(project, Spool(spool_folder(project), "w1"), open_index(project), "w1")
    second.show(first.live)
    yield [first, second]
    second.spool.close()
    second.claims.close()
    second.index.close()


async def ask_at_once(desks: list[Desk], bodies: list[Any]) -> list[httpx.Response]:
    clients = [
        httpx.AsyncClient(transport=httpx.ASGITransport(app=build_app(desk)), base_url="http://x") for desk in desks
    ]
    sent = [client.post("/predict", json=body, headers=ID) for client, body in zip(clients, bodies, strict=True)]
    return await asyncio.gather(*sent)


def test_two_workers_at_once_give_one_answer_and_log_it_once(pair: list[Desk], good: dict[str, Any]) -> None:
    replies = asyncio.run(ask_at_once(pair * 4, [good] * 8))
    assert {reply.status_code for reply in replies} == {200}
    assert len({reply.content for reply in replies}) == 1
    assert count_spooled(pair[0].spool.folder.parent) == 1


def test_a_correction_by_another_way_is_what_the_workers_know(pair: list[Desk], good: dict[str, Any]) -> None:
    """A file or a source corrects what a client told; and what the client tells then is no repeat of the older."""
    (reply,) = asyncio.run(ask_at_once(pair[:1], [good]))
    identifier, wheel = reply.json()["prediction_id"], open_wheel(pair[0].project.folder)

    async def tell(value: str) -> Any:
        transport = httpx.ASGITransport(app=build_app(pair[0]))
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            told = await client.post("/outcomes", json={"prediction_id": identifier, "value": value})
            return told.json()["state"]

    assert asyncio.run(tell("yes")) == "accepted"
    now = clock.now()
    keep_outcomes(wheel, [Outcome(clock.uuid7(), "no", now, now, prediction_id=identifier)])
    assert asyncio.run(tell("yes")) == "corrected"


def test_an_outcome_that_one_worker_took_is_known_to_the_other(pair: list[Desk], good: dict[str, Any]) -> None:
    """Which shows it with its Prediction, and tells a repeat from a correction."""
    (reply,) = asyncio.run(ask_at_once(pair[:1], [good]))
    identifier = reply.json()["prediction_id"]

    async def tell(desk: Desk, value: str) -> Any:
        transport = httpx.ASGITransport(app=build_app(desk))
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            told = await client.post("/outcomes", json={"prediction_id": identifier, "value": value})
            shown = await client.get(f"/predictions/{identifier}")
            return told.json()["state"], shown.json()["outcome"]

    assert asyncio.run(tell(pair[0], "yes")) == ("accepted", "yes")
    assert asyncio.run(tell(pair[1], "yes")) == ("repeated", "yes")
    assert asyncio.run(tell(pair[1], "no")) == ("corrected", "no")
    assert asyncio.run(tell(pair[0], "no")) == ("repeated", "no")


def test_two_rows_at_once_under_one_id_get_one_answer_and_one_409(pair: list[Desk], good: dict[str, Any]) -> None:
    replies = asyncio.run(ask_at_once(pair, [good, {**good, "size": 3}]))
    assert sorted(reply.status_code for reply in replies) == [200, 409]


def test_an_id_whose_worker_died_before_it_replied_is_free(
    world: Any, local: Any, tmp_path: Path, good: dict[str, Any]
) -> None:
    """Nobody saw that answer, and it is in no log: the next one takes its place, also where the process id is taken."""
    worker = local(world.make_project(tmp_path / "p"))
    worker.desk.claims.put([claim("order 17", holder=f"{worker.desk.spool.folder.name}:1")]).result()
    ours = worker.desk.repeats._claim  # the question is hashed as the worker does
    worker.desk.repeats._claim = lambda one, lay_out: replace_question(ours(one, lay_out))
    (reply,) = asyncio.run(ask_at_once([worker.desk], [good]))
    (again,) = asyncio.run(ask_at_once([worker.desk], [good]))
    assert reply.status_code == 200
    assert again.content == reply.content


def replace_question(one: Claim) -> Claim:
    return Claim(one.client_id, b"q", one.prediction_id, one.reply, one.holder)


def test_an_id_that_another_worker_answers_just_now_waits_and_then_is_409(
    pair: list[Desk], good: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeats, "PATIENCE_NS", 50_000_000)
    pair[0].claims.put([claim("order 17", pair[0].spool.holder)]).result()
    ours = pair[1].repeats._claim
    pair[1].repeats._claim = lambda one, lay_out: replace_question(ours(one, lay_out))  # type: ignore[method-assign]
    (reply,) = asyncio.run(ask_at_once(pair[1:], [good]))
    assert (reply.status_code, reply.json()["code"], reply.headers["retry-after"]) == (409, "id_in_use", "1")


def test_an_answer_that_is_not_kept_leaves_its_id_free(
    world: Any, local: Any, tmp_path: Path, good: dict[str, Any]
) -> None:
    worker = local(world.make_project(tmp_path / "p", serve='log = "best_effort"'))
    worker.desk.spool.close()
    first, again = (asyncio.run(ask_at_once([worker.desk], [good]))[0].json() for _ in range(2))
    assert first["logged"] == again["logged"] == "none"
    assert first["prediction_id"] != again["prediction_id"]


def test_atomic_refuses_all_for_an_id_that_is_taken(
    world: Any, local: Any, tmp_path: Path, good: dict[str, Any]
) -> None:
    worker = local(world.make_project(tmp_path / "p"))
    worker.ask({"rows": [good], "ids": ["a"]})
    mixed = {"rows": [good, {**good, "size": 9}], "ids": ["free", "a"]}
    assert worker.ask(mixed, "/predict?atomic=true").status_code == 409
    assert "error" not in worker.ask({"rows": [{**good, "size": 8}], "ids": ["free"]}).json()["results"][0]


def test_a_claim_is_forgotten_after_its_day(tmp_path: Path) -> None:
    first, second = claim("a"), claim("a")
    claims, later = Claims(tmp_path / "claims.db"), Claims(tmp_path / "claims.db", keep_seconds=0.0)
    assert claims.put([first, claim("b")]).result()[0] == first
    assert claims.put([second]).result() == [first]
    assert later.put([second]).result() == [second]
    claims.close()
    later.close()


def test_what_is_erased_is_in_no_page(tmp_path: Path) -> None:
    claims = Claims(tmp_path / "claims.db")
    claims.put([claim("canary-id", prediction_id="p1"), claim("other")]).result()
    claims.note_outcomes([("key:canary-key", "yes"), ("key:other", "no")]).result()
    assert claims.subjects() == ["key:canary-key", "key:other"]
    claims.remove(["p1"], ["key:canary-key"])
    claims.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"canary-" not in kept
    assert b"other" in kept


def test_a_disk_that_takes_no_claim_gives_no_answer(
    world: Any, local: Any, tmp_path: Path, good: dict[str, Any]
) -> None:
    project = world.make_project(tmp_path / "p")
    open_claims(project).path.write_bytes(b"no database at all" * 1000)
    worker = local(project)
    (reply,) = asyncio.run(ask_at_once([worker.desk], [good]))
    assert (reply.status_code, reply.json()["code"]) == (507, "cannot_log")
    assert worker.ask(good).status_code == 200  # without an id nothing is claimed
