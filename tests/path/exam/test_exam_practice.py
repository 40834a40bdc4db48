"""Practice in SQL and the shell: right answers pass, wrong ones get a hint, hostile ones are stopped."""

import re
import socket
from pathlib import Path

import pytest
from tests.path.exam.conftest import needs_bubblewrap

from trimtab.path.exam import EXERCISES, Graded, shell, sql
from trimtab.path.exam.exercise import differs
from trimtab.path.exam.sandbox import Limits
from trimtab.path.exam.world import PORTS, make_world

SEEDS = (5, 6)


def answer_sql(seed: int) -> list[str]:
    """Return five queries as a person writes them, from the words of the tasks alone."""
    texts = [drill.task.text for drill in sql.drills_of(make_world(seed))]
    sex, border = re.findall(r"each (\w+) passenger aged (\d+)", texts[0])[0]
    least = re.findall(r"more than (\d+) unknown", texts[2])[0]
    return [
        f"select passenger from passengers where sex = '{sex}' and age >= {border} order by passenger",
        "select class, sex, count(*), 100 * avg(survived) from passengers group by class, sex;",
        f"select class, count(*) - count(age) n from passengers group by class having n > {least}",
        "select name, count(*) from passengers join fares using (class) where fare > list_price group by name",
        """with different as (select distinct class, fare from passengers where fare is not null)
        select class, fare from different
        qualify dense_rank() over (partition by class order by fare desc) <= 3""",
    ]


def answer_shell(seed: int) -> list[str]:
    texts = [drill.task.text for drill in shell.drills_of(make_world(seed))]
    port = next(one for one in PORTS if one in texts[0])
    level, sex = re.findall(r"of class (\d)", texts[2])[0], re.findall(r"ages of (\w+)", texts[3])[0]
    return [
        f"grep -c {port} passengers.tsv",
        "tail -n +2 passengers.tsv | cut -f7 | grep . | sort | uniq -c | sort -rn",
        f"awk -F'\\t' '$3 == {level} && $6 != \"\" {{print $6}}' passengers.tsv | sort -rn | head -n 5",
        f'awk -F\'\\t\' \'$4 == "{sex}" && $5 != "" {{s += $5; n++}} END {{printf "%.2f\\n", s / n}}\' passengers.tsv',
        "sort boats.txt | uniq -d | sort -n",
    ]


ANSWERS = {"sql": answer_sql, "shell": answer_shell}


def answer(what: str, folder: Path, *texts: str, seed: int = 5) -> Graded:
    """Write a paper, put answers into its files, and return how they are."""
    paper = EXERCISES[what].write(folder, seed)
    for task, text in zip(paper.tasks, texts, strict=False):
        (folder / f"{task.name}.{'sql' if what == 'sql' else 'sh'}").write_text(text, encoding="utf-8")
    return EXERCISES[what].grade(folder, seed)


def messages(graded: Graded) -> list[str]:
    return [result.message for result in graded.results]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("what", ANSWERS)
def test_right_answers_pass(what: str, seed: int, tmp_path: Path) -> None:
    graded = answer(what, tmp_path, *ANSWERS[what](seed), seed=seed)
    assert messages(graded) == ["Right."] * 5
    assert graded.passed


def test_right_answers_pass_without_a_sandbox_too(tmp_path: Path, without_bubblewrap: None) -> None:
    graded = answer("shell", tmp_path / "p", *answer_shell(5))
    assert (graded.passed, graded.sandboxed) == (True, False)


@pytest.mark.parametrize("what", ANSWERS)
def test_empty_paper_has_nothing_yet_and_answers_are_kept(what: str, tmp_path: Path) -> None:
    graded = answer(what, tmp_path)
    assert all("There is nothing in task" in message for message in messages(graded))
    answer(what, tmp_path, "mine")
    EXERCISES[what].write(tmp_path, 5)
    assert "mine" in "".join(file.read_text(encoding="utf-8") for file in tmp_path.glob("task1.*"))


def test_wrong_queries_get_a_hint(tmp_path: Path) -> None:
    right = answer_sql(5)
    told = messages(
        answer(
            "sql",
            tmp_path,
            right[0].replace("order by passenger", "order by passenger desc"),
            right[1].replace("100 *", "1 *"),
            "select 1; select 2",
            "selekt",
            right[4].replace("<= 3", "<= 4"),
        )
    )
    assert told[0].startswith("It runs, but the rows are right, but their order is not. A way: ")
    assert told[1].startswith("It runs, but the number of rows is right, but not every value. A way: ")
    assert told[2].startswith("Write exactly one query, a SELECT. A way: ")
    assert told[3].startswith("DuckDB says: Parser Error")
    assert told[4].startswith("It runs, but there are too many rows. A way: ")


def test_hostile_queries_are_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files, other statements, endless recursion: none gets anywhere, and the right one still passes."""
    monkeypatch.setattr(sql, "LIMITS", Limits(seconds=1.0))
    endless = "with recursive t(n) as (select 1 union all select n + 1 from t) select count(*) from t"
    told = messages(
        answer(
            "sql",
            tmp_path,
            answer_sql(5)[0],
            "select * from read_csv('/etc/passwd')",
            "copy passengers to '/tmp/stolen.csv'",
            endless,
            "install httpfs",
        )
    )
    assert told[0] == "Right."
    assert told[1].startswith("DuckDB says: Permission Error")
    assert told[2].startswith("Write exactly one query")
    assert told[3].startswith("The query took more than 1 s, or too much memory")
    assert told[4].startswith("Write exactly one query")


def test_wrong_pipelines_get_a_hint(tmp_path: Path) -> None:
    told = messages(answer("shell", tmp_path, "echo 3", "cat passengers.tsv", "ehco", "echo x", "sort boats.txt"))
    assert told[0].startswith("It runs, but the number of rows is right, but not every value. A way: ")
    assert told[1].startswith("It runs, but there are too many rows.")
    assert all(" A way: " in message for message in told)


@needs_bubblewrap
def test_hostile_pipelines_are_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deleting, forking, printing without end, calling out: each ends alone, and the right one still passes."""
    monkeypatch.setattr(shell, "LIMITS", Limits(seconds=1.0))
    canary = tmp_path / "canary"
    canary.write_text("alive", encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        call = f"python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", {server.getsockname()[1]}))'"
        told = messages(
            answer(
                "shell",
                tmp_path / "p",
                f"rm -rf {canary} /exam /tmp 2>/dev/null; echo > {canary}; {call}",
                "f() { f | f & }; f; sleep 20",
                "yes | head -c 1G",
                "sleep 60 & yes > /dev/null",
                answer_shell(5)[4],
            )
        )
        with pytest.raises(TimeoutError):
            server.accept()
    assert canary.read_text(encoding="utf-8") == "alive"
    assert "It was stopped" in told[1]
    assert told[2].startswith("It printed more than 2 MB.")
    assert "It was stopped" in told[3]
    assert told[4] == "Right."


@pytest.mark.parametrize("what", ANSWERS)
@pytest.mark.parametrize("seed", SEEDS)
def test_no_hint_holds_a_right_value_or_a_whole_answer(what: str, seed: int) -> None:
    drills = (sql if what == "sql" else shell).drills_of(make_world(seed))
    assert [drill.task.name for drill in drills] == [f"task{n}" for n in range(1, 6)]
    for drill, text in zip(drills, ANSWERS[what](seed), strict=True):
        assert not set(re.findall(r"\d{2,}", drill.hint)) - {"100"}
        assert text not in drill.hint
        assert "|" not in drill.hint


def test_rows_are_compared_by_value() -> None:
    right = [(1, 2.5, "a"), (2, None, "b")]
    assert differs([(1.0, 2.509, "a"), (2, None, "b")], right, ordered=True) == ""
    assert differs(list(reversed(right)), right, ordered=False) == ""
    assert "order" in differs(list(reversed(right)), right, ordered=True)
    assert differs([(1, float("nan"), "a"), (2, None, "b")], right, ordered=True)
    assert "few rows" in differs(right[:1], right, ordered=True)
    assert "values" in differs([(1, 2), (2, 3)], right, ordered=True)


def test_answer_that_is_no_text_is_nothing(tmp_path: Path) -> None:
    answer("shell", tmp_path)
    (tmp_path / "task1.sh").write_bytes(b"\xff\xfe")
    (tmp_path / "task2.sh").write_text("x" * 200_000, encoding="utf-8")
    (tmp_path / "task3.sh").unlink()
    (tmp_path / "task3.sh").mkdir()
    assert all("nothing in" in message for message in messages(shell.grade(tmp_path, 5)))
