import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.config import contract_text, parse_contract
from trimtab.errors import ConfigError
from trimtab.nouns.contract import Column, ColumnType, Contract, Row, Rule, Target

HEAD = 'format = 1\n[target]\ncolumn = "y"\ntask = "regression"\n'
ID_BEFORE_RULES = "da3e0a08b740"
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(lambda name: name != "y")
RANGES = st.tuples(st.floats(-1e6, 0), st.floats(1, float("inf")))


@st.composite
def columns(draw: st.DrawFn) -> Column:
    kinds: list[ColumnType] = ["number", "category", "text", "boolean"]
    kind = draw(st.sampled_from(kinds))
    values = draw(st.lists(NAMES, max_size=4, unique=True)) if kind == "category" else []
    return Column(
        name=draw(NAMES),
        type=kind,
        required=draw(st.booleans()),
        nulls=tuple(draw(st.lists(st.sampled_from(["", "NA", '"', "\\"]), unique=True))),
        values=tuple(values),
        hard=draw(st.none() | RANGES) if kind == "number" else None,
        map={} if kind != "category" else draw(st.dictionaries(NAMES, NAMES, max_size=2)),
    )


@given(st.lists(columns(), min_size=1, max_size=5, unique_by=lambda column: column.name))
@settings(deadline=None, max_examples=60)
def test_a_contract_written_reads_back_the_same(found: list[Column]) -> None:
    contract = Contract(Row(), Target("y", "regression"), tuple(found))
    again = parse_contract(contract_text(contract, {"": "made up\ntoday", found[0].name: "a note"}), "x")
    assert again == contract
    assert again.id == contract.id


def test_every_edit_is_a_new_contract() -> None:
    one = parse_contract(HEAD + '[columns.a]\ntype = "number"\n', "x")
    other = parse_contract(HEAD + '[columns.a]\ntype = "number"\nsoft = [0, 1]\n', "x")
    assert one.id != other.id


def test_all_mistakes_come_at_once() -> None:
    text = """
format = 1
[row]
key = ["flight"]
event_time = "when"
order = "event_time"
time_zone = "Mars/Olympus"
[target]
column = "y"
task = "binary"
positive = "yes"
classes = ["no", "ja"]
[columns.flight_id]
type = "text"
role = "key"
hard = [0, 1]
[columns.y]
type = "number"
clean = ["trimm", "clip:1"]
soft = [3, 1]
missing = "default"
"""
    with pytest.raises(ConfigError) as caught:
        parse_contract(text, "contract.toml")
    wheres = {mistake.where for mistake in caught.value.mistakes}
    assert wheres == {
        "row.key", "row.event_time", "row.time_zone", "target.positive", "columns.flight_id.hard", "columns.y",
        "columns.y.clean", "columns.y.soft", "columns.y.missing",
    }  # fmt: skip
    assert "did you mean 'trim'" in str(caught.value)


def test_an_unknown_key_of_a_column_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"columns.a b.reqired: unknown key; did you mean 'required'"):
        parse_contract(HEAD + '[columns."a b"]\ntype = "number"\nreqired = true\n', "x")


def test_rules_and_pii_read_back_the_same() -> None:
    rules = '[[rules]]\nname = "low"\nwhere = "a < 1 OR \\"b c\\" IS NULL"\n'
    rules += '[[rules]]\nname = "n"\nwhere = "a > 0"\notherwise = "warn"\n'
    columns = '[columns.a]\ntype = "number"\n[columns."b c"]\ntype = "date"\n[columns.m]\ntype = "text"\nrole = "key"\n'
    contract = parse_contract(HEAD + columns + "pii = true\n" + rules, "x")
    assert contract.rules == (Rule("low", 'a < 1 OR "b c" IS NULL'), Rule("n", "a > 0", "warn"))
    assert contract.by_name["m"].pii
    assert parse_contract(contract_text(contract), "x") == contract


def test_what_a_contract_does_not_use_leaves_its_name_as_it_was() -> None:
    """Tables and Versions of earlier releases are found by this name."""
    contract = parse_contract(HEAD + '[columns.a]\ntype = "number"\n', "x")
    assert contract.id == ID_BEFORE_RULES
    assert contract.id != parse_contract(contract_text(contract) + '[[rules]]\nname = "r"\nwhere = "a < 1"\n', "x").id


def test_mistakes_of_rules_and_of_pii_come_with_their_places() -> None:
    columns = '[columns.a]\ntype = "number"\npii = true\n[columns.b]\ntype = "number"\n'
    with pytest.raises(ConfigError) as caught:
        parse_contract(HEAD + columns, "x")
    assert [mistake.where for mistake in caught.value.mistakes] == ["columns.a.pii", "columns.a.pii"]
    rules = '[[rules]]\nname = "r"\nwhere = "b <"\n[[rules]]\nname = "r"\nwhere = "bb < 1"\n'
    with pytest.raises(ConfigError) as caught:
        parse_contract(HEAD + '[columns.b]\ntype = "number"\n' + rules, "x")
    told = [str(mistake) for mistake in caught.value.mistakes]
    assert [line.split(":")[0] for line in told] == ["rules.r.name", "rules.r.where", "rules.r.where"]
    assert "at character 4" in told[1]
    with pytest.raises(ConfigError, match=r"rules\.0\.wher: unknown key; did you mean 'where'"):
        parse_contract(HEAD + '[columns.b]\ntype = "number"\n[[rules]]\nname = "a"\nwher = "b < 1"\n', "x")
    with pytest.raises(ConfigError, match=r"rules\.0\.name"):
        parse_contract(HEAD + '[columns.b]\ntype = "number"\n[[rules]]\nname = "A b"\nwhere = "b < 1"\n', "x")


def test_rules_for_a_raw_row_read_back_and_are_checked_like_the_others() -> None:
    raw = '[raw.weather.columns."wind speed"]\ntype = "number"\nhard = [0, 120]\n'
    contract = parse_contract(HEAD + '[columns.a]\ntype = "number"\n' + raw, "x")
    assert contract.raw["weather"][0].hard == (0, 120)
    assert parse_contract(contract_text(contract), "x") == contract
    with pytest.raises(ConfigError, match=r"raw.weather.columns.wind speed.hard: the lower end"):
        parse_contract(HEAD + '[columns.a]\ntype = "number"\n' + raw.replace("0, 120", "9, 1"), "x")
