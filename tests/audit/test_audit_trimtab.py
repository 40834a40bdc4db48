"""trimtab's own server passes its own audit: every must, and every should that loopback without TLS and keys allows."""

from collections.abc import Iterator

import pytest
from tests.serve.conftest import CONTRACT, build_world, launch

from trimtab.audit.result import State
from trimtab.audit.run import Options, Report, audit

STRICT = CONTRACT.replace('type = "integer"', 'type = "integer"\nhard = [0, 150]').replace(
    'numeric_text = "repair"', 'numeric_text = "repair"\nhard = [20, 300]'
)
"""What is possible is said of every number: the rest of the audit is about the server."""

SPEED = "performance."
"""A matter of the machine, which tests share: `make bench-schemathesis` measures it."""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Report]:
    folder = tmp_path_factory.mktemp("audited")
    world = build_world(folder, STRICT, "binary", ["first"])
    world.make_project(folder / "project")
    server = launch(folder / "project")
    try:
        yield audit(server.url, Options(), lambda line: None)
    finally:
        server.stop()


def test_every_probe_passes_that_can_be_asked_on_loopback(report: Report) -> None:
    asked = [one for one in report.judged if not one.about.id.startswith(SPEED)]
    out_of_place = {one.about.id for one in asked if one.result.state == State.NOT_APPLICABLE}
    assert out_of_place == {"behaviour.direction", "behaviour.invariance", "security.auth", "security.tls"}
    wrong = [one for one in asked if one.result.state not in {State.PASS, State.NOT_APPLICABLE}]
    assert [f"{one.result.state} {one.about.id}: {one.result.said}" for one in wrong] == []


def test_it_keeps_to_its_cap(report: Report) -> None:
    assert report.requests <= 400
