"""What is no JSON."""

from trimtab.audit.client import Reply
from trimtab.audit.probe import About, judge_refusal, worst
from trimtab.audit.questions import some
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service, encode


class MalformedBody:
    """A truncated body, single quotes, a trailing comma.

    PASS for 400 and 422, WARN for another 4xx or a comma that is read leniently, FAIL for 5xx or an answer.
    """

    about = About(
        id="parsing.malformed",
        number=15,
        category=Category.PARSING,
        severity=Severity.MUST,
        weight=3,
        title="Malformed JSON is refused with 400 or 422",
        why="A cut connection or a client written by hand must hear that its text is wrong, not that the server is.",
        mend="Let FastAPI read the body through a pydantic model; where you read it yourself, catch JSONDecodeError.",
    )

    def run(self, service: Service) -> Result:
        """Send bodies that are no JSON."""
        valid = encode(service.seed)
        cases = (
            ("truncated", valid[: len(valid) // 2]),
            ("single quotes", b"{'a': 1}"),
            ("a trailing comma", valid[:-1] + b"," + valid[-1:]),
        )
        return worst(self._judge(service, what, service.post_raw(body)) for what, body in some(service, cases))

    def _judge(self, service: Service, what: str, reply: Reply) -> Result:
        if reply.accepted and "comma" in what:
            return Result(State.WARN, f"{what}: read leniently", reply.exchange)
        if reply.rejected and reply.status not in {400, 422}:
            return Result(State.WARN, f"{what}: refused with {reply.told}", reply.exchange)
        result = judge_refusal(service, reply)
        return Result(result.state, result.said.replace("the request", what), reply.exchange)
