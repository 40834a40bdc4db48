"""Our own counters tell Prometheus what its library's would."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from trimtab.serve.meters import SECONDS, Counts, Times

SPENT = st.one_of(st.integers(0, 10**10), st.sampled_from([round(bound * 1e9) for bound in SECONDS]))


def lines_of(registry: CollectorRegistry) -> list[str]:
    return [line for line in generate_latest(registry).decode().splitlines() if "_created" not in line]


def lines_from(own: Counts | Times) -> list[str]:
    registry = CollectorRegistry()
    registry.register(own)
    return lines_of(registry)


@given(st.lists(st.tuples(st.sampled_from(["decode", 'a"b']), SPENT), max_size=30))
def test_durations_are_counted_as_by_the_library(spent: list[tuple[str, int]]) -> None:
    registry = CollectorRegistry()
    known = Histogram("a_seconds", "Text.", ("stage",), buckets=SECONDS, registry=registry)
    own = Times("a_seconds", "Text.", "stage")
    for stage, nanoseconds in spent:
        known.labels(stage).observe(nanoseconds / 1e9)
        own.add(stage, nanoseconds)
    for found, expected in zip(lines_from(own), lines_of(registry), strict=True):
        if "_sum" not in found:
            assert found == expected
            continue
        (name, _, value), (other, _, wanted) = found.rpartition(" "), expected.rpartition(" ")
        assert name == other
        assert abs(float(value) - float(wanted)) <= 1e-8


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["200", "422"]))))
def test_counts_are_those_of_the_library(seen: list[tuple[str, str]]) -> None:
    registry = CollectorRegistry()
    known, own = Counter("a", "Text.", ("route", "code"), registry=registry), Counts("a", "Text.", "route", "code")
    for route, code in seen:
        known.labels(route, code).inc()
        own.add(route, code)
    assert lines_from(own) == lines_of(registry)
