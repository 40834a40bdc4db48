"""Where the rows went: counts beside each part of the text, equal to what plain queries say."""

import polars as pl
import pytest

from trimtab.pipeline import run_sql, step
from trimtab.pipeline.lineage import count_steps
from trimtab.pipeline.steps import Step, note_steps

FLIGHTS = pl.DataFrame({"id": [1, 2, 3, 4], "k": ["a", "b", "c", None], "at": [1, 2, 3, 4], "day": [1, 1, 2, 9]})
WEATHER = pl.DataFrame({"day": [1, 2, 2], "rain": [1.0, 2.0, 3.0], "ok": [True, True, False]})
PLANES = pl.DataFrame({"k": ["a", "b"], "at": [0, 3]})
TABLES = {"flights": FLIGHTS, "weather": WEATHER, "planes": PLANES}
TEXT = """-- été, éééééééééééééééééééééééééééééééééé: places are counted in bytes
with dry(day, rain) as (
  select day, rain from weather where ok
),
joined as (
  select f.id, dry.rain, $since as since
  from flights f
  left join dry on dry.day = f.day
  asof join planes p on p.k = f.k and p.at <= f.at
  join weather on weather.day = f.day
)
select id, count(*) as n from joined
group by id limit 5
"""


def count(text: str, seconds: float = 60.0) -> dict[str, Step]:
    steps = count_steps(text, TABLES, where="pipeline.sql", seconds=seconds)
    return {one.name: one for one in steps}


def stages(one: Step) -> list[tuple[object, ...]]:
    return [(at.name, at.line, at.rows_in, at.rows_out, at.unmatched) for at in one.stages]


def test_every_step_join_and_filter_has_its_rows_and_its_line() -> None:
    steps = count(TEXT)
    assert [(one.name, one.line, one.rows_in, one.rows_out) for one in steps.values()] == [
        ("dry", 2, 3, 2),
        ("joined", 5, 4, 1),
        ("result", 12, 1, 1),
    ]
    assert stages(steps["dry"]) == [("weather", 3, None, 3, None), ("where", 3, 3, 2, None)]
    assert stages(steps["joined"]) == [
        ("flights", 7, None, 4, None),
        ("left join dry", 8, 4, 4, 1),
        ("asof join planes", 9, 4, 1, 3),
        ("join weather", 10, 1, 1, 0),
    ]
    assert stages(steps["result"])[-1] == ("group by, limit", None, 1, 1, None)


def test_a_join_that_multiplies_is_seen() -> None:
    (result,) = count("select f.id from flights f join weather w using (day)").values()
    assert stages(result)[1] == ("join weather", 1, 4, 4, 1)
    (result,) = count("select 1 as x from flights, weather").values()
    assert stages(result)[1] == ("cross join weather", 1, 4, 12, None)


def test_branches_of_a_union_are_counted() -> None:
    (result,) = count("select id from flights union all\nselect day from weather limit 6").values()
    assert stages(result) == [
        ("union all of flights", 1, None, 4, None),
        ("union all of weather", 2, None, 3, None),
        ("limit", None, 7, 6, None),
    ]
    assert (result.rows_in, result.rows_out) == (7, 6)


def test_a_step_may_have_the_name_of_its_source() -> None:
    steps = count("with flights as (select * from flights where id > 1) select * from flights where id > 2")
    assert [(one.rows_in, one.rows_out) for one in steps.values()] == [(4, 3), (3, 2)]


@pytest.mark.parametrize(
    "text",
    [
        "with recursive r(x) as (select 1 union all select x + 1 from r where x < 3) select * from r",
        "with a as materialized (select id from flights), b as (select * from a, a as c where a.id = c.id) from b",
        "select * from (select day, rain from weather) pivot (sum(rain) for day in (1, 2))",
        "select l.n from flights f, lateral (select f.id + 1 as n) l where l.n > 2",
        "select id from flights where exists (select 1 from weather where weather.day = flights.day)",
        "values (1), (2)",
    ],
)
def test_what_cannot_be_taken_apart_still_has_its_result(text: str) -> None:
    result = list(count(text).values())[-1]
    assert result.rows_out == run_sql(text, TABLES, since=None, where="w").height


def test_a_count_that_takes_too_long_is_not_known() -> None:
    steps = count("with a as (select sum(i) as n from range(4000000000) t(i)) select * from a", seconds=0.3)
    assert [one.rows_out for one in steps.values()] == [None, None]


def test_a_function_names_its_own_steps() -> None:
    step("unheard", FLIGHTS)
    with note_steps() as noted:
        assert step("far", FLIGHTS.lazy().filter(pl.col("id") > 1), of=FLIGHTS).collect().height == 3
    assert [(one.name, one.rows_in, one.rows_out) for one in noted] == [("far", 4, 3)]
