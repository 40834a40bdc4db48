"""Services that are none, or odd ones: a clear word in time, no traceback, and no verdict that is not true."""

import json
import time
from dataclasses import replace

import pytest
from tests.audit.servers import odd

from trimtab.audit.discover import Asked
from trimtab.audit.result import State
from trimtab.audit.run import Options, audit, with_quick
from trimtab.cli.app import main
from trimtab.errors import HostError, Refused, TrimtabError, UsageError

IMPATIENT = Options(asked=with_quick(Asked()), patience=1)


def quiet(line: str) -> None:
    """Tell nobody."""


def fails(url: str, options: Options = IMPATIENT) -> TrimtabError:
    """Return the error of an audit that cannot be made, which must come within seconds."""
    begin = time.monotonic()
    with pytest.raises(TrimtabError) as caught:
        audit(url, options, quiet)
    assert time.monotonic() - begin < 10
    return caught.value


@pytest.mark.parametrize(
    "url", ["", "no url", "http://", "ftp://127.0.0.1", "http://127.0.0.1:99999", "http://[::1", "localhot", "\x00"]
)
def test_what_is_no_url_is_said_to_be_none(url: str) -> None:
    assert isinstance(fails(url), UsageError)


def test_a_name_and_password_in_the_url_are_refused_and_not_repeated() -> None:
    error = fails("http://me:secret@127.0.0.1")
    assert isinstance(error, UsageError)
    assert "secret" not in str(error)


def test_a_name_of_a_network_of_containers_is_a_host_where_its_scheme_is_written() -> None:
    assert isinstance(fails("http://api:8000"), Refused)
    assert isinstance(fails("api:8000"), UsageError)


def test_a_path_without_its_slash_is_not_glued_to_the_path_of_the_url() -> None:
    with odd.serve(odd.plain) as url:
        error = fails(f"{url}/v1", replace(IMPATIENT, asked=Asked(openapi="openapi.json")))
    assert isinstance(error, UsageError)
    assert "neither URL nor path" in str(error)


def test_a_host_that_is_not_this_machine_is_refused_before_anything_is_sent() -> None:
    assert isinstance(fails("https://example.org"), Refused)
    assert isinstance(fails("http://192.0.2.1:8000"), Refused)


def test_nothing_at_the_port() -> None:
    with odd.serve(odd.plain) as url:
        pass
    assert isinstance(fails(url), HostError)


@pytest.mark.parametrize(
    ("talk", "kind", "said"),
    [
        (odd.web_page, UsageError, "web page"),
        (odd.mute, HostError, "does not answer in time"),
        (odd.dripping, HostError, "does not answer in time"),
        (odd.hanging_up, HostError, "hangs up"),
        (odd.no_http, HostError, "hangs up"),
        (odd.circling, UsageError, "only redirects"),
        (odd.leading_away, UsageError, "only redirects"),
        (odd.locked, UsageError, "needs a key"),
        (odd.locked_up, UsageError, "needs a key"),
        (odd.endless, HostError, "too large"),
        (odd.zip_bomb, HostError, "too large"),
        (odd.promising_more, HostError, "dropped"),
        (odd.document_of(b'{"openapi": "3.1.0", "paths": '), UsageError, "no JSON"),
        (odd.document_of(b'{"openapi": "3.1.0", "paths": {"/a": 7}}'), UsageError, "no POST route"),
        (odd.document_of(b'{"openapi": 3, "paths": []}'), UsageError, "no POST route"),
        (odd.document_of(b'{"paths": {"/predict": {"post": {"$ref": "#/paths/~1predict/post"}}}}'), UsageError, "POST"),
        (odd.document_of(b"[" * 100_000), UsageError, "no JSON"),
        (odd.document_of(json.dumps({**odd.GOOD, "x": "x" * (20 << 20)}).encode()), UsageError, "larger than 5 MB"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_service_that_cannot_be_audited_is_told_apart(talk: odd.Talk, kind: type[TrimtabError], said: str) -> None:
    with odd.serve(talk) as url:
        error = fails(url)
    assert isinstance(error, kind)
    assert said in str(error)
    assert error.hint


def test_a_line_that_is_not_encrypted_is_told_apart_from_a_dead_one() -> None:
    with odd.serve(odd.plain) as url:
        error = fails(url.replace("http:", "https:"))
    assert isinstance(error, HostError)
    assert "no TLS" in str(error)


def test_more_bytes_than_promised_are_only_cut_off() -> None:
    with odd.serve(odd.sending_more) as url:
        assert audit(url, IMPATIENT, quiet).service.first.json() == {"prediction": 1}


def test_a_service_that_dies_half_way_stops_the_audit_and_gets_no_verdict_on_what_was_not_asked() -> None:
    with odd.serve(odd.dying_after(12)) as url:
        report = audit(url, IMPATIENT, quiet)
    assert report.stopped
    assert not report.passed
    not_asked = [one for one in report.judged if one.result.said.startswith("not asked")]
    assert not_asked
    assert {one.result.state for one in not_asked} == {State.ERROR}
    assert not replace(report, judged=()).passed
    assert replace(report, judged=(), stopped="").passed


def test_no_more_is_sent_than_is_told_where_the_route_redirects() -> None:
    talk, sent = odd.counting(odd.moved)
    with odd.serve(talk) as url:
        report = audit(url, IMPATIENT, quiet)
    assert report.requests == len(sent) <= 120
    assert sent.count("POST /predict") == 1


def test_a_probe_that_is_throttled_gives_no_verdict() -> None:
    talk, throttled = odd.throttling_after(60)
    before, verdicts = 0, []

    def tell(line: str) -> None:
        nonlocal before
        if len(throttled) > before:
            verdicts.append(line)
        before = len(throttled)

    with odd.serve(talk) as url:
        report = audit(url, IMPATIENT, tell)
    assert len(verdicts) > 10
    assert [line for line in verdicts if not line.startswith("ERROR") or "the probe itself" in line] == []
    limit = report.find("security.rate_limit")
    assert limit is not None
    assert limit.result.state == State.PASS


@pytest.mark.parametrize("seconds", ["0", "-1", "soon"])
def test_an_answer_needs_some_time(seconds: str) -> None:
    assert main(["audit", "http://127.0.0.1:1", "--timeout", seconds]) == 2


def test_the_command_line_says_it_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with odd.serve(odd.web_page) as url:
        assert main(["audit", url, "--json"]) == 2
    told = capsys.readouterr()
    assert json.loads(told.out)["error"]["kind"] == "UsageError"
    assert "Traceback" not in told.err
