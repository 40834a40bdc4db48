"""The model that the services in other frameworks share; it needs nothing but Python."""

import math
from collections.abc import Mapping
from typing import Any

CITIES = ("Lisbon", "Oslo", "Quito")
VERSION, TRAINED = "v3", "2026-10-01"
VALID = {"age": 41, "income": 52_000.0, "city": "Oslo", "member": True}

_WEIGHTS = {"Lisbon": 0.2, "Oslo": -0.1, "Quito": 0.4}


def answer(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer to a valid row: whether this customer renews, and how surely."""
    z = 0.03 * (row["age"] - 45) + row["income"] / 80_000 - 1 + _WEIGHTS[row["city"]] + 0.6 * row["member"]
    probability = 1 / (1 + math.exp(-z))
    return {"prediction": "yes" if probability >= 0.5 else "no", "probability": probability, "model_version": VERSION}


def about() -> dict[str, str]:
    """Return which model answers."""
    return {"model_version": VERSION, "trained_at": TRAINED}
