"""A minute of hostile calls: none may be a fault of the server, none may be left unanswered or cost memory for good."""

import pytest

from tests.fuzz.answers import faults_of, faults_of_log
from tests.fuzz.campaign import Campaign, cheap_gallery

SEED = 11
SECONDS = 50.0


@pytest.mark.timeout(600)
def test_hostile_calls_end_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    with cheap_gallery() as gallery:
        report = Campaign(gallery, SEED).run(SECONDS)
    with capsys.disabled():
        print(f"\n{report}")
    assert report.inputs > 300
    assert report.refused > report.inputs / 3, "most of what is sent is worth refusing"
    assert not report.faults, str(report)
    assert report.honest_seconds is not None
    assert not report.grown, str(report)


@pytest.mark.parametrize(
    ("status", "text", "fault"),
    [
        (500, "{}", "HTTP 500"),
        (200, 'data: {"msg":"process_completed","output":{"error":null},"success":false}', "null error"),
        (200, "event: error\ndata: null\n", "null error"),
        (200, '{"data":["Something broke on our side (id 1234)"]}', "a bug is told"),
        (200, '{"error":"root:x:0:0:root"}', "a file of the server is told"),
        (200, '{"detail":"<function f at 0x7f71fabeb740>"}', "insides of the program are told"),
        (
            200,
            '{"error":"/tmp/served-gallery-1/served/x is damaged"}',
            "a folder of the server is told: served-gallery-",
        ),
        (200, "Traceback (most recent call last):", "insides of the program are told"),
    ],
)
def test_a_fault_in_an_answer_is_seen(status: int, text: str, fault: str) -> None:
    assert faults_of(status, text) == [fault]


def test_an_ordinary_answer_has_no_fault() -> None:
    served = '{"data":[{"path":"/tmp/served/1.png","url":"http://127.0.0.1/gradio_api/file=/tmp/served/1.png"}],"error":null}'
    assert faults_of(200, served) == []
    assert faults_of(422, '{"detail":"The seed must be a whole number; please correct it."}') == []
    assert faults_of(503, '{"detail":"Too many wait already; please come back in a minute."}') == []


def test_each_traceback_of_a_log_is_seen() -> None:
    trace = 'Traceback (most recent call last):\n  File "x.py", line 1, in f\n    f()\nKeyError: 1\n'
    assert faults_of_log(f"started\n{trace}bug 1\n{trace}") == ["KeyError: 1", "KeyError: 1"]
    assert faults_of_log("Could not create share link.\n") == []
