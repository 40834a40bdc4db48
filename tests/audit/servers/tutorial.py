"""The service that every tutorial ends with: a model, a pydantic class, one route. An audit tells what it lacks.

uvicorn tests.audit.servers.tutorial:app
"""

from fastapi import FastAPI
from pydantic import BaseModel
from sklearn.linear_model import LogisticRegression

PORTS = {"S": 0, "C": 1, "Q": 2}
ROWS = [[3, 22, 7.3, 0], [1, 38, 71.3, 1], [3, 26, 7.9, 0], [1, 35, 53.1, 0], [3, 35, 8.1, 0], [2, 14, 30.1, 1]]
model = LogisticRegression(max_iter=1000).fit(ROWS, [0, 1, 1, 1, 0, 1])
app = FastAPI()


class Passenger(BaseModel):
    pclass: int
    age: float
    fare: float
    embarked: str = "S"


@app.post("/predict")
def predict(passenger: Passenger):  # type: ignore[no-untyped-def]
    row = [passenger.pclass, passenger.age, passenger.fare, PORTS[passenger.embarked]]
    return {"survived": int(model.predict([row])[0]), "probability": float(model.predict_proba([row])[0][1])}
