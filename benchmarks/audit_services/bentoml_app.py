"""A service in BentoML, with typed and bounded fields.

bentoml serve bentoml_app:Renewals --port 8080
"""

from typing import Annotated, Any, Literal

import bentoml
from pydantic import Field
from renewals import about, answer


@bentoml.service
class Renewals:
    @bentoml.api
    def predict(
        self,
        age: Annotated[int, Field(ge=18, le=100)],
        income: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)],
        city: Literal["Lisbon", "Oslo", "Quito"],
        member: bool,
    ) -> dict[str, Any]:
        return {**answer({"age": age, "income": income, "city": city, "member": member}), **about()}
