"""Any contract, any row: the frame and the row compilation give the same values, reasons and warnings."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.contract.row import CleanRow
from trimtab.nouns.contract import Column, Contract

Agree = Callable[..., list[CleanRow]]
Build = Callable[..., Contract]

ODD_NAMES = (
    "count",
    "raw",
    "value",
    "code",
    "rest",
    "^.*$",
    "*",
    "Größe (cm)",
    'plan/"type"',
    "a:b",
    "",
    " ",
    "reasons",
)
ODD_TEXTS = (
    "", " ", "NA", "nan", "NaN", "inf", "-Infinity", "1", "-0", "+0.0", "1_000", "0x1f", "1e999", "-1e999", "1e-400",
    ".5", "5.", ".", "-", "+", "3.0", "3.5", "1e3", "1e-3", "007", "1,5", "1.234,5", "1,2,3", " 12 ", "12\x00", "\x00",
    "9007199254740993", "9223372036854775807", "9223372036854775808", "\u0661\u0662", "\u00a012\u2009", "\ufeff7",
    "true", "TRUE", "Yes", "no", "T", "f", "\u0130", "\u1e9e", "stra\u00dfe", "\ufb01n", "\u03a3\u03c2", "\u212a",
    "a", "A", "b ", " a", "unseen", "null", "1372914367", "1372914367000", "99999999999999",
    "2013-01-31", "2013-02-30", "2013-07-04T05:06:07Z", "2013-07-04 05:06:07", "2013-07-04t05:06:07.123456789+01:30",
    "2013-07-04T05:06:60Z", "2013-07-04T24:00:00Z", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59", "2013-07-04T05:06:07+24:00", "2013-07-04T05:06:07.+01:00", "2013-07-04T05:06:07Z\n",
    "2013-03-10 02:30:00", "2013-11-03 01:30:00", "1900-01-01 00:00:00", "04.07.2013 5:06", "4.7.2013 05:06",
    "x" * 10_000, "x" * 10_001, "1" * 400, "0" * 400 + "5",
)  # fmt: skip
NULLS = st.lists(st.sampled_from(["", "NA", "-999", "nan", "1", "a", "true", " - "]), max_size=3).map(tuple)
TEXT_STEPS = st.lists(st.sampled_from(["trim", "lower", "upper", "map"]), max_size=3, unique=True)
NUMBER_STEPS = st.lists(
    st.sampled_from(["trim", "decimal_comma", "lower", "map", "unit:0.1", "unit:1e300", "clip:-5:100"]),
    max_size=3,
    unique=True,
)
RANGES = st.none() | st.tuples(st.floats(-1e3, 5), st.floats(5, 1e20)) | st.just((float("-inf"), 0.0))
FORMATS = st.lists(
    st.sampled_from(["rfc3339", "%d.%m.%Y %H:%M", "%Y%m%d", "%Y-%m-%d", "epoch_s", "epoch_ms", "%m/%d/%y %I:%M %p"]),
    min_size=1, max_size=3, unique=True,
).map(tuple)  # fmt: skip
TYPES = ("number", "integer", "boolean", "category", "text", "time", "date")


@st.composite
def columns(draw: st.DrawFn, name: str) -> Column:
    kind: Any = draw(st.sampled_from(TYPES))
    steps = tuple(draw(NUMBER_STEPS if kind in {"number", "integer"} else TEXT_STEPS))
    defaults: dict[str, Any] = {"number": 0.5, "integer": 7, "boolean": True, "category": "a", "text": "a"}
    return Column(
        name,
        kind,
        role=draw(st.sampled_from(["feature", "feature", "key", "ignore"])),
        required=draw(st.booleans()),
        clean=steps,
        nulls=draw(NULLS),
        map={"a": "b", "1": "2", "no": ""} if "map" in steps else {},
        values=draw(st.sampled_from([(), ("a", "b", "STRASSE", "1", "true")])) if kind == "category" else (),
        unseen=draw(st.sampled_from(["bucket", "reject"])),
        hard=draw(RANGES),
        soft=draw(RANGES),
        missing="default" if kind in defaults and draw(st.booleans()) else "native",
        default=defaults.get(kind),
        numeric_text=draw(st.sampled_from(["reject", "repair"])),
        bool_as_number=draw(st.sampled_from(["reject", "repair"])),
        formats=draw(FORMATS),
    )


@st.composite
def contracts(draw: st.DrawFn) -> list[Column]:
    names = draw(st.lists(st.sampled_from(ODD_NAMES) | st.text(max_size=4), min_size=1, max_size=3, unique=True))
    plain = [name for name in names if not name.startswith("_") and _encodes(name)] or ["x"]
    return [draw(columns(name)) for name in plain]


def _encodes(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


ANY_TEXT = st.none() | st.sampled_from(ODD_TEXTS) | st.text(max_size=8).filter(_encodes)
ANY_NUMBER_TEXT = st.floats().map(repr) | st.integers(-(2**70), 2**70).map(str) | st.decimals(allow_nan=False).map(str)
MOMENTS = st.datetimes()
TYPED: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "float": (pl.Float64(), st.floats() | st.sampled_from([-999.0, 1.0, -0.0, 3.0, 2.0**53, 2.0**63, 1e20])),
    "float32": (pl.Float32(), st.floats(width=32)),
    "int": (pl.Int64(), st.integers(-(2**63), 2**63 - 1) | st.sampled_from([0, 1, -999, 2**53 + 1])),
    "uint": (pl.UInt64(), st.integers(0, 2**64 - 1)),
    "int8": (pl.Int8(), st.integers(-128, 127)),
    "bool": (pl.Boolean(), st.booleans()),
    "string": (pl.String(), ANY_TEXT | ANY_NUMBER_TEXT),
    "category": (pl.Categorical(), st.sampled_from(["a", "A", "1", "NA", "2013-01-31"])),
    "naive": (pl.Datetime("us"), MOMENTS),
    "nano": (pl.Datetime("ns"), st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1))),  # noqa: DTZ001 - naive on purpose
    "aware": (pl.Datetime("us", "UTC"), MOMENTS.map(lambda moment: moment.replace(tzinfo=UTC))),
    "date": (pl.Date(), st.dates()),
    "decimal": (pl.Decimal(20, 4), st.decimals(-(10**12), 10**12, places=4)),
    "list": (pl.List(pl.Int64()), st.lists(st.integers(0, 5), max_size=2)),
}
ZONES = st.sampled_from(["UTC", "America/New_York", "Europe/Berlin"])


@given(st.data(), ZONES)
@settings(deadline=None, max_examples=100)
def test_text_rows_are_read_alike(agree: Agree, contract_of: Build, data: st.DataObject, zone: str) -> None:
    chosen = data.draw(contracts())
    frame = {
        column.name: pl.Series(
            data.draw(st.lists(ANY_TEXT | ANY_NUMBER_TEXT, min_size=6, max_size=6)), dtype=pl.String()
        )
        for column in chosen
    }
    agree(contract_of(*chosen, zone=zone), pl.DataFrame(frame), text=True)


@given(st.data(), ZONES)
@settings(deadline=None, max_examples=100)
def test_typed_rows_are_read_alike(agree: Agree, contract_of: Build, data: st.DataObject, zone: str) -> None:
    chosen = data.draw(contracts())
    frame = {}
    for column in chosen:
        dtype, values = TYPED[data.draw(st.sampled_from(sorted(TYPED)))]
        frame[column.name] = pl.Series(data.draw(st.lists(st.none() | values, min_size=6, max_size=6)), dtype=dtype)
    agree(contract_of(*chosen, zone=zone), pl.DataFrame(frame), text=False)


def test_every_odd_text_is_read_alike_by_every_type(agree: Agree, contract_of: Build) -> None:
    """The hand-picked texts meet every type, so that nothing depends on what was drawn."""
    plain = [Column(kind, kind) for kind in TYPES]  # type: ignore[arg-type]
    forgiving = [Column(f"{kind}, repaired", kind, numeric_text="repair") for kind in ("number", "integer")]
    swapped = Column("comma", "number", clean=("trim", "decimal_comma"))
    every = [*plain, *forgiving, swapped, Column("late", "time", formats=("%d.%m.%Y %H:%M", "epoch_ms"))]
    frame = pl.DataFrame({column.name: pl.Series(ODD_TEXTS, dtype=pl.String()) for column in every})
    for zone in ("UTC", "America/New_York", "Europe/Amsterdam"):
        for text in (True, False):
            assert len(agree(contract_of(*every, zone=zone), frame, text=text)) == len(ODD_TEXTS)


@given(st.lists(st.datetimes(datetime(1880, 1, 1), datetime(2100, 1, 1)), min_size=30, max_size=30))  # noqa: DTZ001 - naive on purpose
@settings(deadline=None, max_examples=15)
def test_local_times_agree_over_two_centuries(agree: Agree, contract_of: Build, moments: list[datetime]) -> None:
    column = Column("at", "time")
    for zone in ("America/New_York", "Europe/Amsterdam", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Monrovia"):
        frame = pl.DataFrame({"at": pl.Series(moments, dtype=pl.Datetime("us"))})
        agree(contract_of(column, zone=zone), frame, text=False)
        texts = [moment.isoformat(" ", "seconds") for moment in moments]
        agree(contract_of(column, zone=zone), pl.DataFrame({"at": texts}), text=True)


def test_the_hours_around_each_change_of_clocks_agree(agree: Agree, contract_of: Build) -> None:
    """Every minute of the four days around both changes, in zones that change at midnight or by half an hour."""
    column = Column("at", "time")
    for zone, day in (
        ("America/New_York", date(2013, 3, 10)), ("America/New_York", date(2013, 11, 3)),
        ("America/Sao_Paulo", date(2013, 10, 20)), ("America/Sao_Paulo", date(2013, 2, 17)),
        ("Australia/Lord_Howe", date(2013, 4, 7)), ("America/St_Johns", date(2010, 11, 7)),
    ):  # fmt: skip
        start = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - naive on purpose
        minutes = pl.datetime_range(
            pl.lit(start).dt.offset_by("-1d"), pl.lit(start).dt.offset_by("2d"), "1m", eager=True
        )
        agree(contract_of(column, zone=zone), pl.DataFrame({"at": minutes}), text=False)


def test_every_code_point_cleans_alike(agree: Agree, contract_of: Build) -> None:
    """Python and Polars disagree on the case of some letters and on what is blank; the contract does not."""
    points = [chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]
    texts = ["".join(points[start : start + 64]) for start in range(0, len(points), 64)]
    texts += points[:0x3100] + [f"{point}a{point}" for point in points[:0x3100]]
    every = [Column("low", "text", clean=("trim", "lower")), Column("high", "text", clean=("upper", "trim"))]
    agree(contract_of(*every), pl.DataFrame({"low": texts, "high": texts}), text=True)


def test_decimals_become_the_nearest_float(agree: Agree, contract_of: Build) -> None:
    values = [Decimal("0.1"), Decimal("123456789012345678.90"), Decimal("-0.00"), None]
    frame = pl.DataFrame({"x": pl.Series(values, dtype=pl.Decimal(30, 2))})
    rows = agree(contract_of(Column("x", "number")), frame, text=False)
    assert [row.values[0] for row in rows] == [0.1, 123456789012345678.90, 0.0, None]


def test_minus_zero_is_zero_in_a_column_without_any_odd_value(agree: Agree, contract_of: Build) -> None:
    """The shortcut for plain columns must look for it: every other value could stay as it is."""
    for values in ([-0.0], [1.0, -0.0], [-0.0, None, 2.0]):
        agree(contract_of(Column("x", "number")), pl.DataFrame({"x": values}), text=False)
