"""What several requests want kept at the same moment is one job for the spool, and each of them hears how it went."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from trimtab.errors import SpoolFull
from trimtab.serve.keeper import Keeper
from trimtab.store.spool import Record, Spool, find_spooled


class Counted(Spool):
    """A spool that remembers the sizes of its jobs."""

    jobs: list[int]

    def put(self, records: Any) -> "Future[None]":
        self.jobs.append(len(records))
        return super().put(records)


@pytest.fixture
def spool(tmp_path: Path) -> Any:
    spool = Counted(tmp_path, "w0")
    spool.jobs = []
    yield spool
    spool.close()


def record(name: str) -> Record:
    return ("prediction", name, b"{}")


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, 5))


def test_one_turn_of_the_event_loop_is_one_job(spool: Any, tmp_path: Path) -> None:
    async def work() -> list[Any]:
        keeper = Keeper(spool)
        await asyncio.gather(*(keeper.keep([record(f"a{n}"), record(f"b{n}")]) for n in range(10)))
        assert all(find_spooled(tmp_path, "prediction", f"{letter}{n}") for letter in "ab" for n in range(10))
        return [await keeper.keep([record("c")])]

    assert run(work()) == [None]
    assert spool.jobs == [20, 1]


def test_every_one_of_them_hears_of_a_refusal(spool: Any) -> None:
    async def work() -> list[Any]:
        keeper = Keeper(spool)
        return await asyncio.gather(*(keeper.keep([record(str(n))]) for n in range(3)))

    spool.close()
    assert [type(error) for error in run(work())] == [SpoolFull] * 3


def test_one_that_waits_no_longer_takes_nothing_from_the_others(spool: Any, tmp_path: Path) -> None:
    async def work() -> Any:
        keeper = Keeper(spool)
        gone, other = keeper.keep([record("gone")]), keeper.keep([record("other")])
        gone.cancel()
        return await other

    assert run(work()) is None
    assert find_spooled(tmp_path, "prediction", "gone") is not None
