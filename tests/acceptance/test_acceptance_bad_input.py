"""Bad input at the real command line: one message that says what, where and what next, the right code, nothing lost."""

import json
import os
import random
import shutil
import socket
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

import pytest

from trimtab.cli import main
from trimtab.loop.state import open_wheel
from trimtab.store.locks import hold

Capture = pytest.CaptureFixture[str]
ODD_FILE = "Übung 1;final.csv"
ODD_HEADER = '"Größe (cm)";"plan/type";"Name; ""x""";ja?'
NO_PREDICTION = "01a209c7-0000-7000-8000-000000000000"


@dataclass(frozen=True)
class Bad:
    """A command that must be refused: its words, its exit code, and what its message must say."""

    name: str
    words: tuple[str, ...]
    code: int
    says: tuple[str, ...]


def bad(name: str, command: str, code: int, *says: str) -> Bad:
    return Bad(name, tuple(command.split()), code, says)


def init(
    name: str, data: str, code: int, *says: str, flags: str = "--target y --order file", folder: str = "new"
) -> Bad:
    return Bad(name, ("init", folder, "--data", data, *flags.split()), code, says)


INIT = (
    init("missing file", "rows.cvs", 2, "There is no rows.cvs", "'rows.csv'", "--data"),
    init("wrong target", "rows.csv", 2, "no column 'yy'", "'y'", "size, colour, y", flags="--target yy"),
    init("wrong time", "rows.csv", 2, "no column 'sise'", "'size'", flags="--target y --time sise"),
    init("time is no time", "rows.csv", 1, "'colour' is no time in row 1", "--time", flags="--target y --time colour"),
    init("time is target", "rows.csv", 2, "target cannot be the event time", flags="--target y --time y"),
    init("unknown order", "rows.csv", 2, "'backwards'", "file", flags="--target y --order backwards"),
    init("unknown task", "rows.csv", 2, "'guess'", "regression", flags="--target y --task guess"),
    init("words as numbers", "rows.csv", 2, "no finite number", "multiclass", flags="--target y --task regression"),
    init("one class", "one_class.csv", 1, "'y' has the same value", "--target"),
    init("too few labels", "few.csv", 1, "150 of 150", "200"),
    init("labels mostly missing", "unlabelled.csv", 1, "150 of 300", "200"),
    init("empty file", "empty.csv", 1, "empty.csv is empty", "column names"),
    init("header only", "header.csv", 1, "header.csv", "no rows", "Next: "),
    init("folder as file", "folder", 2, "folder", "not a file", "name one file"),
    init("no text", "bytes.csv", 1, "bytes.csv", "NUL", "CSV"),
    init("false Parquet", "false.parquet", 1, "false.parquet", "content is not", "rename"),
    init("packed", "packed.csv", 1, "packed.csv is packed and damaged", "pack it again"),
    init("column twice", "twice.csv", 1, "'size'", "2 times", "rename"),
    init(
        "project is a file", "rows.csv", 2, "rows.csv is a file", "name a folder", flags="--target y", folder="rows.csv"
    ),
    init("folder in a file", "rows.csv", 2, "rows.csv is a file", flags="--target y", folder="rows.csv/new"),
    init("uncommon delimiter", "colons.csv", 1, "Guess: ':'", "try again with --delimiter :"),
    init("unclear encoding", "cyrillic.csv", 1, "not utf-8", "try again with --encoding cp1252"),
    init("no delimiter", "rows.csv", 2, "--delimiter: ';;'", "';'", flags="--target y --delimiter ;;"),
    init("no encoding", "rows.csv", 2, "'utf-9' cannot be read", flags="--target y --encoding utf-9"),
    init("order near a word", "rows.csv", 2, "did you mean 'file'?", "guessed", flags="--target y --order fiel"),
    init("reserved column", "reserved.csv", 1, "'_row'", "rename"),
    Bad(
        "second init", ("init", "p", "--data", "rows.csv", "--target", "y"), 2, ("p holds a project already", "Next: ")
    ),
)

VERBS = (
    bad("no such verb", "stauts p", 2, "no verb 'stauts'", "'status'"),
    bad("verb of a later release", "keys p", 2, "not built yet", "Next: "),
    bad("unknown option", "status p --jsno", 2, "--jsno", "--json"),
    bad("no project", "status nowhere", 2, "nowhere is no trimtab project", "trimtab init nowhere"),
    bad("check a missing file", "check no.csv --project p", 2, "no.csv", "Next: "),
    bad("check an empty file", "check empty.csv --project p", 1, "empty.csv is empty", "Next: "),
    bad("check without a column", "check narrow.csv --project p", 1, "colour: is required", "header"),
    bad("score a missing file", "score p --input rows.cvs --output out.csv", 2, "no file rows.cvs", "'rows.csv'"),
    bad("score an empty file", "score p --input empty.csv --output out.csv", 1, "empty.csv is empty", "Next: "),
    bad("score a header", "score p --input header.csv --output out.csv", 1, "header.csv has no rows", "Next: "),
    bad(
        "score without a column",
        "score p --input narrow.csv --output out.csv",
        1,
        "narrow.csv cannot be",
        "colour: is required",
    ),
    bad(
        "score near a column", "score p --input near.csv --output out.csv", 1, "near.csv cannot be", "'sise'", "header"
    ),
    bad("score onto a file", "score p --input rows.csv --output few.csv", 2, "few.csv exists already", "--overwrite"),
    bad(
        "score onto a source", "score p --input few.csv --output rows.csv --overwrite", 2, "[sources.rows]", "--output"
    ),
    bad("score into the record", "score p --input few.csv --output p/.trimtab/out.csv", 2, "record of the project"),
    bad("an extra word", "status p extra", 2, "no use for 'extra'", "trimtab status --help"),
    bad("an option without its value", "init new --data", 2, "--data needs a value", "trimtab init --help"),
    bad("an option that is missing", "init new --data rows.csv", 2, "--target is missing", "trimtab init --help"),
    bad("score onto its input", "score p --input rows.csv --output rows.csv", 2, "same file", "--output"),
    bad("score to a spreadsheet", "score p --input rows.csv --output out.xlsx", 2, "out.xlsx", ".parquet"),
    bad("score into no folder", "score p --input rows.csv --output no/out.csv", 2, "no/out.csv cannot be written"),
    bad(
        "score without a model", "score fresh --input rows.csv --output out.csv", 1, "No Version", "trimtab train fresh"
    ),
    bad("outcomes from a missing file", "outcomes p --input no.csv", 2, "no.csv", "Next: "),
    bad("outcomes of a header", "outcomes p --input asked.csv", 1, "asked.csv has no rows", "Next: "),
    bad("check a header", "check header.csv --project p", 1, "header.csv has no rows", "Next: "),
    bad("check near a file", "check rows.cvs --project p", 2, "no file rows.cvs", "'rows.csv'"),
    bad("outcomes without ids", "outcomes p --input rows.csv", 2, "no column 'prediction_id'", "Next: "),
    bad("outcomes without values", "outcomes p --input valueless.csv", 2, "no column 'value'", "'y'"),
    bad("tick at a word", "tick p --as-of yesterday", 2, "'yesterday' is not a time", "2026-01-31T12:00:00Z"),
    bad("tick without a zone", "tick p --as-of 2026-01-01T00:00:00", 2, "no time zone", "Z for UTC"),
    bad("tick at a position", "tick timed --as-of 5", 2, 'order = "file"', "a time instead"),
    bad("promote an unknown Version", "promote v99 --project p", 2, "no Version 'v99'", "trimtab versions"),
    bad("promote the champion", "promote v1 --project p", 2, "v1 is the champion already", "Next: "),
    bad("promote before training", "promote v1 --project fresh", 2, "nothing is trained yet", "Next: "),
    bad("roll back the first", "rollback p", 2, "no previous", "Next: "),
    bad("roll back before training", "rollback fresh", 2, "Nothing was promoted yet", "trimtab train"),
    bad("explain nonsense", "explain nonsense --project p", 2, "'nonsense'", "prediction_id"),
    bad("explain an unknown id", f"explain {NO_PREDICTION} --project p", 2, NO_PREDICTION, "Next: "),
    bad("explain an unknown Decision", "explain 99 --project p", 2, "'99'", "Decision's number"),
    bad("serve on every address", "serve p --host 0.0.0.0", 2, "needs keys", "127.0.0.1"),
    bad("serve on a word", "serve p --port http", 2, "--port", "http", "Next: "),
)

TOML = (
    ("unknown table", "trimtab.toml", "[cost]", "[csot]", ("csot", "'cost'")),
    ("unknown key", "trimtab.toml", "false_positive", "false_positiv", ("cost.false_positiv", "'false_positive'")),
    ("no number", "trimtab.toml", "false_positive = 1.0", 'false_positive = "a"', ("cost.false_positive", "number")),
    ("negative cost", "trimtab.toml", "false_positive = 1.0", "false_positive = -1", ("cost.false_positive", "0")),
    ("no TOML", "trimtab.toml", "[cost]", "[cost", ("is not TOML", "mend that line")),
    ("later feature", "trimtab.toml", "[cost]", "[alerts]\nper_day = 5\n[cost]", ("alerts.per_day", "not built")),
    ("unknown type", "contract.toml", 'type = "number"', 'type = "nubmer"', ("columns.size.type", "'number'")),
    ("unknown contract key", "contract.toml", 'type = "number"', 'typ = "number"', ("columns.size.typ", "'type'")),
    ("positive of no class", "contract.toml", 'positive = "yes"', 'positive = "maybe"', ("target.positive", "classes")),
    ("target as column", "contract.toml", 'column = "y"', 'column = "colour"', ("columns.colour", "target")),
    ("near type", "contract.toml", 'type = "number"', 'type = "nubmer"', ("did you mean 'number'?",)),
    ("time that is none", "contract.toml", "[row]", '[row]\nevent_time = "size"', ("'size' is not", "type time")),
    ("unknown key column", "contract.toml", "[row]", '[row]\nkey = ["sise"]', ("row.key", "'sise'")),
)

ENVIRONMENT = (
    ("TRIMTAB_SEVRE__PORT", "1", ("TRIMTAB_SEVRE__PORT", "'serve'")),
    ("TRIMTAB_SERVE__PROT", "1", ("The environment has a mistake", "TRIMTAB_SERVE__PROT", "'port'")),
    ("TRIMTAB_SERVE__PORT", "http", ("TRIMTAB_SERVE__PORT", "integer")),
    ("TRIMTAB_SERVE__PORT", "99999", ("TRIMTAB_SERVE__PORT", "65535")),
    ("TRIMTAB_NONSENSE", "1", ("TRIMTAB_NONSENSE", "unknown environment variable")),
)


def draw_rows(rows: int, seed: int = 5) -> list[str]:
    chance = random.Random(seed)
    drawn = [(chance.random(), chance.choice(["red", "green"])) for _ in range(rows)]
    return [f"{size:.3f},{colour},{'yes' if size + chance.gauss(0, 0.1) > 0.5 else 'no'}" for size, colour in drawn]


def write(path: Path, *lines: str) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_bad_files(folder: Path, rows: list[str]) -> None:
    header = "size,colour,y"
    write(folder / "rows.csv", header, *rows)
    write(folder / "one_class.csv", header, *(f"{row.rpartition(',')[0]},yes" for row in rows))
    write(folder / "few.csv", header, *rows[:150])
    write(folder / "unlabelled.csv", header, *rows[:150], *(f"{row.rpartition(',')[0]}," for row in rows[150:]))
    write(folder / "header.csv", header)
    write(folder / "asked.csv", "prediction_id,value")
    write(folder / "colons.csv", *(line.replace(",", ":") for line in (header, *rows)))
    (folder / "cyrillic.csv").write_bytes("size,colour,y\n0.5,красный,yes\n".encode("cp1251") * 2)
    write(folder / "narrow.csv", "size,y", "0.5,yes")
    write(folder / "near.csv", "sise,colour,y", "0.5,red,yes")
    write(folder / "valueless.csv", "prediction_id,valeu", f"{NO_PREDICTION},yes")
    write(folder / "twice.csv", "size,size,y", *rows)
    write(folder / "reserved.csv", "_row,colour,y", *rows)
    write(folder / "timed.csv", "at,size,colour,y", *(f"2026-01-01T00:00:00Z,{row}" for row in rows))
    shutil.copy(folder / "rows.csv", folder / "false.parquet")
    (folder / "empty.csv").touch()
    (folder / "bytes.csv").write_bytes(b"size,colour,y\n" + b"\x00\x01\x02\xff\x00" * 500)
    (folder / "packed.csv").write_bytes(b"\x1f\x8b\x08\x00" + bytes(20))
    (folder / "folder").mkdir()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where a person stands: files of every bad kind, a project with its champion, one without, one with times."""
    folder = tmp_path_factory.mktemp("bad input")
    write_bad_files(folder, draw_rows(300))
    with chdir(folder):
        assert main(["init", "p", "--data", "rows.csv", "--target", "y", "--order", "file"]) == 0
        assert main(["train", "p"]) == 0
        assert main(["init", "fresh", "--data", "rows.csv", "--target", "y", "--order", "file"]) == 0
        assert main(["init", "timed", "--data", "timed.csv", "--target", "y", "--time", "at"]) == 0
        assert main(["ingest", "timed"]) == 0
        yield folder


@pytest.fixture
def broken(place: Path, tmp_path: Path) -> Iterator[Path]:
    """The trained project, to be damaged; it is whole again afterwards. A copy beside it would be refused as a copy."""
    whole = shutil.copytree(place / "p", tmp_path / "whole")
    yield place / "p"
    shutil.rmtree(place / "p")
    shutil.copytree(whole, place / "p")


def list_kept(folder: Path) -> dict[str, int]:
    """Everything that a person or a model could miss, with its size; locks and catalog pages may change."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    kept = [path for path in found if path.suffix in {".toml", ".csv", ".parquet"} or "blobs" in path.parts]
    return {str(path.relative_to(folder)): path.stat().st_size for path in kept}


def assert_refused(words: tuple[str, ...], code: int, says: tuple[str, ...], capsys: Capture) -> None:
    """The person reads what, where and next on standard error; a program reads the same as one object."""
    capsys.readouterr()
    assert main(words) == code
    told = capsys.readouterr()
    assert [phrase for phrase in says if phrase not in told.err] == [], told.err
    assert "Traceback" not in told.err
    assert "nobody foresaw" not in told.err
    assert told.out == ""
    code = 2 if words[0] == "serve" else code  # which knows no --json and says so as an object too
    assert main([*words, "--json"]) == code
    shown = capsys.readouterr().out
    assert shown.count("\n") == 1
    error = json.loads(shown)["error"]
    assert set(error) == {"kind", "message", "mistakes", "hint", "exit_code"}
    assert error["exit_code"] == code


@pytest.mark.parametrize("case", [*INIT, *VERBS], ids=lambda case: case.name)
def test_bad_command_is_refused_and_changes_nothing(case: Bad, place: Path, capsys: Capture) -> None:
    before = list_kept(place)
    assert_refused(case.words, case.code, case.says, capsys)
    assert list_kept(place) == before
    assert not (place / "new" / "trimtab.toml").exists()


@pytest.mark.parametrize(("name", "file", "old", "new", "says"), TOML, ids=[case[0] for case in TOML])
def test_mistake_in_a_file_is_named_by_its_key(
    name: str, file: str, old: str, new: str, says: tuple[str, ...], broken: Path, capsys: Capture
) -> None:
    text = (broken / file).read_text(encoding="utf-8")
    assert old in text
    (broken / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    # A Version carries its own contract, so a server is not stopped by a mistake in the next one.
    for verb in ("train", "tick", *(("status", "serve") if file == "trimtab.toml" else ())):
        assert_refused((verb, str(broken)), 2, (*says, file, "Next: "), capsys)


@pytest.mark.parametrize(
    ("variable", "value", "says"), ENVIRONMENT, ids=[f"{case[0]}={case[1]}" for case in ENVIRONMENT]
)
def test_mistake_in_the_environment_is_named(
    variable: str, value: str, says: tuple[str, ...], place: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv(variable, value)
    assert_refused(("status", "p"), 2, (*says, "Next: "), capsys)


def test_all_mistakes_are_told_at_once(broken: Path, capsys: Capture) -> None:
    text = (broken / "trimtab.toml").read_text(encoding="utf-8")
    wrong = text.replace("false_positive = 1.0", "false_positive = -1").replace("false_negative", "flase_negative")
    (broken / "trimtab.toml").write_text(wrong, encoding="utf-8")
    assert_refused(("status", str(broken)), 2, ("2 mistakes", "cost.false_positive", "cost.flase_negative"), capsys)


def test_odd_names_of_folder_file_and_columns_simply_work(tmp_path: Path, capsys: Capture) -> None:
    chance = random.Random(3)
    sizes = [chance.gauss(170, 10) for _ in range(300)]
    rows = [f"{size:.1f};a/b;n {place % 3};{'ja' if size > 170 else 'nein'}" for place, size in enumerate(sizes)]
    write(tmp_path / ODD_FILE, ODD_HEADER, *(row.replace(".", ",", 1) for row in rows))
    folder, scored = str(tmp_path / "Mein Projekt; 2"), tmp_path / "aus gabe.csv"
    assert main(["init", folder, "--data", str(tmp_path / ODD_FILE), "--target", "ja?", "--order", "file"]) == 0
    assert main(["train", folder]) == 0
    assert main(["score", folder, "--input", str(tmp_path / ODD_FILE), "--output", str(scored)]) == 0
    assert main(["status", folder]) == 0
    told = capsys.readouterr().out
    assert "Größe (cm)" in told
    assert f"trimtab train '{folder}'" in told
    assert scored.read_text(encoding="utf-8").count("\n") == 301


def test_port_in_use_is_said_before_anything_is_served(place: Path, capsys: Capture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main(["serve", "p", "--port", str(port)]) == 3
    told = capsys.readouterr()
    assert f"Port {port} on 127.0.0.1 is in use" in told.err
    assert "--port" in told.err
    assert told.out == ""


def test_second_server_of_a_folder_is_told_who_serves_it(place: Path, capsys: Capture) -> None:
    with hold(place / "p" / ".trimtab" / "run" / "serve-w0.lock", "the worker"):
        assert main(["serve", "p", "--port", "0"]) == 3
    told = capsys.readouterr().err
    assert f"process {os.getpid()}" in told
    assert "Next: " in told


@pytest.mark.parametrize("words", [("tick",), ("train",), ("ingest",), ("outcomes", "--input", "rows.csv")])
def test_second_turn_at_once_is_told_who_turns(words: tuple[str, ...], place: Path, capsys: Capture) -> None:
    with open_wheel(place / "p").turn("tick"):
        assert_refused(
            (words[0], "p", *words[1:]), 3, (f"tick (process {os.getpid()})", "wait until it is done"), capsys
        )
    assert main(["tick", "p"]) == 0


def test_training_again_on_the_same_rows_keeps_the_champion(broken: Path, capsys: Capture) -> None:
    assert main(["train", str(broken)]) == 0
    assert "the same model came out" in capsys.readouterr().out
    assert [version.name for version in open_wheel(broken).catalog.versions()] == ["v1"]


def test_turn_without_a_champion_keeps_the_rows_and_says_so(place: Path, tmp_path: Path, capsys: Capture) -> None:
    folder = tmp_path / "p"
    assert main(["init", str(folder), "--data", "rows.csv", "--target", "y", "--order", "file"]) == 0
    assert main(["tick", str(folder)]) == 0
    assert "Nothing answers yet" in capsys.readouterr().out
    assert main(["status", str(folder)]) == 0
    assert "300 clean rows" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["model.onnx", "encoder.json", "threshold.json"])
def test_altered_version_is_found_and_not_used(name: str, broken: Path, place: Path, capsys: Capture) -> None:
    file = next((broken / ".trimtab" / "blobs").glob(f"*/{name}"))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert main(["versions", str(broken), "--verify"]) == 1
    assert f"{name} was altered" in capsys.readouterr().out.replace("\n", "")
    answered = ("score", str(broken), "--input", "rows.csv", "--output", str(broken / "out.csv"))
    assert_refused(answered, 1, (f"{name} was altered", "Next: "), capsys)
    assert not (broken / "out.csv").exists()


@pytest.mark.parametrize("name", ["model.onnx", "encoder.json", "manifest.json"])
def test_altered_version_is_healed_by_training_on_the_same_rows(name: str, broken: Path, capsys: Capture) -> None:
    next((broken / ".trimtab" / "blobs").glob(f"*/{name}")).write_bytes(b"altered")
    assert_refused(("tick", str(broken)), 1, ("trimtab train", "Next: "), capsys)
    assert main(["status", str(broken)]) == 0
    assert "cannot be opened" in capsys.readouterr().out
    assert main(["train", str(broken)]) == 0
    assert main(["versions", str(broken), "--verify"]) == 0
    assert main(["tick", str(broken)]) == 0
    assert "v1 answers (epoch 1)" in capsys.readouterr().out


def test_deleted_version_is_named_and_training_brings_it_back(broken: Path, capsys: Capture) -> None:
    shutil.rmtree(next((broken / ".trimtab" / "blobs").iterdir()))
    assert_refused(("tick", str(broken)), 3, ("files of Version", "trimtab train"), capsys)
    assert main(["train", str(broken)]) == 0
    assert main(["versions", str(broken), "--verify"]) == 0


def grow(place: Path, tmp_path: Path, *lines: str) -> Path:
    """A fresh project on its own copy of the rows, with more lines behind them after a first ingest."""
    data = Path(shutil.copy(place / "rows.csv", tmp_path / "rows.csv"))
    assert main(["init", str(tmp_path / "p"), "--data", str(data), "--target", "y", "--order", "file"]) == 0
    assert main(["ingest", str(tmp_path / "p")]) == 0
    with data.open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
    return tmp_path / "p"


def ingest(folder: Path, capsys: Capture) -> tuple[int, dict[str, int]]:
    capsys.readouterr()
    code = main(["ingest", str(folder), "--json"])
    rows: dict[str, int] = json.loads(capsys.readouterr().out)["rows"]
    return code, rows


def test_grown_file_gives_its_new_rows_once(place: Path, tmp_path: Path, capsys: Capture) -> None:
    folder = grow(place, tmp_path, "0.5,red,yes", "0.6,red,")
    assert ingest(folder, capsys) == (0, {"in": 2, "accepted": 2, "quarantined": 0, "rejected": 0})
    assert ingest(folder, capsys) == (0, {"in": 0, "accepted": 0, "quarantined": 0, "rejected": 0})


def test_changed_file_without_a_key_says_that_rows_count_twice(place: Path, tmp_path: Path, capsys: Capture) -> None:
    folder = grow(place, tmp_path)
    data = tmp_path / "rows.csv"
    data.write_text(data.read_text().replace("size,colour,y\n", "size,colour,y\n0.5,red,yes\n", 1))
    capsys.readouterr()
    assert main(["ingest", str(folder), "--json"]) == 0
    notes = json.loads(capsys.readouterr().out)["notes"]
    assert len(notes) == 1
    assert notes[0].startswith("rows.csv changed: it is read whole, as new content; [row] key is empty, so rows")


def test_half_a_line_waits_for_its_end(place: Path, tmp_path: Path, capsys: Capture) -> None:
    folder = grow(place, tmp_path)
    for part, rows in (("0.5,re", 0), ("d,yes\n", 1), ('0.6,"gre', 0), ('en",no\n', 1)):
        with (tmp_path / "rows.csv").open("a", encoding="utf-8") as file:
            file.write(part)
        assert ingest(folder, capsys) == (0, {"in": rows, "accepted": rows, "quarantined": 0, "rejected": 0})


def test_flags_of_init_are_pinned_and_understood_by_every_verb(place: Path, tmp_path: Path, capsys: Capture) -> None:
    folder = tmp_path / "p"
    flags = ("--target", "y", "--order", "file", "--delimiter", ":")
    assert main(["init", str(folder), "--data", "colons.csv", *flags]) == 0
    assert 'delimiter = ":"' in (folder / "trimtab.toml").read_text(encoding="utf-8")
    assert main(["train", str(folder)]) == 0
    assert main(["check", "colons.csv", "--project", str(folder)]) == 0
    assert main(["score", str(folder), "--input", "colons.csv", "--output", str(tmp_path / "out.csv")]) == 0


@pytest.mark.parametrize("verb", ["check", "score"])
def test_half_a_last_line_is_told_where_nothing_is_waited_for(
    verb: str, place: Path, tmp_path: Path, capsys: Capture
) -> None:
    data = tmp_path / "half.csv"
    data.write_text("size,colour,y\n0.5,red,yes\n0.6", encoding="utf-8")
    if verb == "check":
        assert main(["check", str(data), "--project", "p"]) == 1
        assert "1 line that is no row" in capsys.readouterr().out
    else:
        assert main(["score", "p", "--input", str(data), "--output", str(tmp_path / "out.csv")]) in {0, 1}
        assert "line:1 values" in (tmp_path / "out.csv").read_text(encoding="utf-8")


def test_bad_rows_are_kept_apart_and_none_is_lost(place: Path, tmp_path: Path, capsys: Capture) -> None:
    folder = grow(place, tmp_path, "0.5,red,yes", "much,red,no", ",red,no", "0.5,red,perhaps", "0.5,red", "1,2,3,4")
    assert ingest(folder, capsys) == (1, {"in": 6, "accepted": 1, "quarantined": 3, "rejected": 2})
    assert ingest(folder, capsys) == (0, {"in": 0, "accepted": 0, "quarantined": 0, "rejected": 0})


@pytest.mark.parametrize(("content", "code"), [("", 1), (None, 2)], ids=["emptied", "removed"])
def test_source_that_is_gone_is_named_and_kept_rows_stay(
    content: str | None, code: int, place: Path, tmp_path: Path, capsys: Capture
) -> None:
    folder = grow(place, tmp_path)
    data = tmp_path / "rows.csv"
    data.unlink() if content is None else data.write_text(content)
    assert_refused(("ingest", str(folder)), code, ("rows.csv", "Next: "), capsys)
    assert main(["status", str(folder)]) == 0
    assert "300 clean rows" in capsys.readouterr().out


def test_many_bad_lines_of_outcomes_are_counted_and_named_to_programs(broken: Path, capsys: Capture) -> None:
    write(broken / "outcomes.csv", "prediction_id,value", *[f"{NO_PREDICTION},perhaps"] * 600)
    words = ["outcomes", str(broken), "--input", str(broken / "outcomes.csv")]
    assert main(words) == 1
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 22
    assert told[-1] == "  and 580 more; --json names them all"
    assert main([*words, "--json"]) == 1
    assert len(json.loads(capsys.readouterr().out)["outcomes"]["rejected"]) == 600


def test_bad_lines_of_outcomes_are_named_and_the_good_ones_kept(broken: Path, capsys: Capture) -> None:
    lines = (f"{NO_PREDICTION},yes,", f"{NO_PREDICTION},maybe,", ",no,", f"{NO_PREDICTION},no,soon")
    write(broken / "outcomes.csv", "prediction_id,value,known_at", *lines)
    assert main(["outcomes", str(broken), "--input", str(broken / "outcomes.csv")]) == 1
    told = capsys.readouterr().out
    assert "3 refused" in told
    assert all(
        phrase in told for phrase in ("line 3: the value is none of 'no', 'yes'", "line 4: ", "line 5: known_at")
    )
    assert open_wheel(broken).lake.read("outcomes").collect().height == 1
