from datetime import timedelta
from pathlib import Path

import pytest

from trimtab.config import load, project_text
from trimtab.errors import ConfigError, NotBuiltYet
from trimtab.nouns.project import CsvForm, Project

HEAD = 'format = 1\n[project]\nname = "flights"\n[sources.rows]\nkind = "files"\npath = "rows.csv"\n'


def read(folder: Path, text: str = "", **environ: str) -> Project:
    (folder / "trimtab.toml").write_text(HEAD + text, encoding="utf-8")
    return load(folder, environ)


def test_defaults_are_those_of_this_release(tmp_path: Path) -> None:
    project = read(tmp_path)
    assert (project.triggers.use, project.retrain.every) == (("risk", "every", "growth"), 14.0)
    assert project.gates.use == ("parity", "golden", "latency", "floor", "slices", "not_worse")
    assert (project.gates.latency, project.gates.size) == (timedelta(milliseconds=5), 200_000_000)
    assert (project.trim.versions, project.trim.recalibrate, project.promote.style) == (3, True, "blend")
    assert project.monitor.window == timedelta(days=1)
    assert project.retrain.cooldown == timedelta(days=1)
    assert project.train.gap is None
    assert project.state == tmp_path.resolve() / ".trimtab"
    assert project.sources[0].path == tmp_path.resolve() / "rows.csv"


def test_what_init_writes_reads_back(tmp_path: Path) -> None:
    text = project_text("x", "rows", "/data/Übung 1;final.csv", CsvForm(delimiter=";"), file_order=True)
    (tmp_path / "trimtab.toml").write_text(text, encoding="utf-8")
    project = load(tmp_path, {})
    assert project.monitor.window == 500
    assert (project.retrain.cooldown, project.retrain.cooldown_windows) == (None, 1)
    assert project.sources[0].csv.delimiter == ";"
    assert str(project.sources[0].path) == "/data/Übung 1;final.csv"


def test_all_mistakes_come_at_once_with_the_nearest_key(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, '[serv]\nport = 1\n[train]\nseed = "x"\nmin_row = 300\n[monitor]\nwindow = "1 day"\n')
    text = str(caught.value)
    assert "serv: unknown key; did you mean 'serve'?" in text
    assert "train.min_row: unknown key; did you mean 'min_rows'?" in text
    assert "train.seed: " in text
    assert 'monitor.window: write a duration as "90s"' in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[trim]\nversions = 3\n[promote]\nstyle = "switch"\n', "trim.versions: asks for several Versions"),
        (
            '[trim]\nversions = 1\n[promote]\nstyle = "blend"\n',
            r"promote.style: blends Versions, and \[trim\] versions = 1",
        ),
        ('[trim]\nversions = 2\nshare = 0.3\n[promote]\nstyle = "blend"\n', "promote.retire_below: must exceed"),
        ('[triggers]\nuse = ["every"]\n[retrain]\nevery = ""\n', 'retrain.every: is required by the trigger "every"'),
        ('[triggers]\nuse = ["labels"]\n', 'triggers.labels: is required by the trigger "labels"'),
        ('[triggers]\nschedule = "61 * * * *"\n', "triggers.schedule: .*lies outside 0-59"),
        ('[retrain]\nevery = "12"\n', 'retrain.every: write it as "12 windows"'),
    ],
)
def test_a_setting_of_the_trim_that_would_have_no_effect_is_a_mistake(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read(tmp_path, text)


@pytest.mark.parametrize("text", ['[promote]\nstyle = "switch"\n', "[trim]\nversions = 1\n"])
def test_one_version_and_the_switch_follow_from_each_other(tmp_path: Path, text: str) -> None:
    project = read(tmp_path, text)
    assert (project.trim.versions, project.promote.style) == (1, "switch")


def test_no_period_is_no_trigger(tmp_path: Path) -> None:
    assert read(tmp_path, '[retrain]\nevery = ""\n').triggers.use == ("risk", "growth")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[alerts]\nto = ["mailto:x"]\n', "alerts.to"),
        ('[store]\ncatalog = "x"\n', "store.catalog"),
        ('[store]\nlake = "s3://x"\n', "store.lake"),
    ],
)
def test_a_feature_of_a_later_release_is_refused_not_ignored(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(NotBuiltYet, match=f"{key}: not built yet"):
        read(tmp_path, text)


def test_neutral_values_of_later_features_are_accepted(tmp_path: Path) -> None:
    read(tmp_path, '[trim]\nversions = 1\nrecalibrate = false\n[promote]\nstyle = "switch"\n')


def test_the_environment_stands_above_the_file(tmp_path: Path) -> None:
    project = read(
        tmp_path, "[serve]\nport = 1\n", TRIMTAB_SERVE__PORT="9000", PORT="7000", TRIMTAB_SERVE__LIMITS__ROWS="5"
    )
    assert project.serve.port == 9000
    assert project.serve.limits.rows == 5
    assert read(tmp_path, "[serve]\nport = 1\n", PORT="7000").serve.port == 7000


def test_an_unknown_variable_of_ours_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"TRIMTAB_SERV__PORT: there is no section \[serv\]; did you mean 'serve'"):
        read(tmp_path, TRIMTAB_SERV__PORT="1")
    with pytest.raises(ConfigError, match="did you mean 'TRIMTAB_KEYS'"):
        read(tmp_path, TRIMTAB_KEY="1")


def test_a_mistake_of_the_environment_is_not_blamed_on_the_file(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"The environment has a mistake.\n  TRIMTAB_SERVE__PORTT: unknown key; did you"
    ):
        read(tmp_path, TRIMTAB_SERVE__PORTT="1")
    with pytest.raises(ConfigError, match=r"The environment has a mistake.\n  PORT: "):
        read(tmp_path, PORT="abc")
    with pytest.raises(ConfigError, match=r"trimtab.toml has 2 mistakes"):
        read(tmp_path, "[serve]\nhots = 1\n", PORT="abc")


def test_a_reference_to_a_missing_variable_is_named_without_a_value(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"serve.host: the environment has no variable HOST_NAME"):
        read(tmp_path, '[serve]\nhost = "env:HOST_NAME"\n')
    assert read(tmp_path, '[serve]\nhost = "env:HOST_NAME"\n', HOST_NAME="::1").serve.host == "::1"


def test_a_folder_without_a_project_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="trimtab init"):
        load(tmp_path, {})


def test_broken_toml_names_the_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="line 7"):
        read(tmp_path, "[serve\n")


def test_a_source_names_what_its_kind_needs(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, '[sources.db]\nkind = "database"\nrole = "outcomes"\n[sources.planes]\nkind = "api"\n')
    wheres = {mistake.where for mistake in caught.value.mistakes}
    needed = {f"sources.db.{key}" for key in ("url", "table", "key", "value")}
    assert wheres == {*needed, "sources.planes.url", "sources.planes.key", "sources"}


def test_several_sources_are_read_with_their_pipeline(tmp_path: Path) -> None:
    text = """
[sources.flights]
kind = "database"
url = "env:FLIGHTS_DB"
table = "flights"
cursor = "updated_at"
key = ["flight_id"]
[sources.planes]
kind = "api"
url = "http://127.0.0.1:1/planes"
key = ["tailnum"]
page = { style = "page", size_param = "size", size = 100 }
[pipeline]
sql = "pipeline.sql"
watermark = "asked_at"
"""
    project = read(tmp_path, text, FLIGHTS_DB="sqlite:///secret.db")
    assert [source.kind for source in project.sources] == ["files", "database", "api"]
    assert project.sources[1].key == ("flight_id",)
    assert "secret" not in repr(project)
    assert project.sources[1].url == f"sqlite:///{tmp_path.resolve() / 'secret.db'}"
    assert project.sources[2].page.size == 100
    assert project.pipeline.sql == tmp_path.resolve() / "pipeline.sql"
