"""Real requests to a real process."""

import gc
import json
import os
import signal
import socket
import threading
import time
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI

from common.errors import OptionError
from serving import server
from serving.options import ServingOptions
from serving.server import _listen
from training.prediction import Predictor


def connection(running):
    address = urlsplit(running[0])
    return socket.create_connection((address.hostname, address.port), timeout=30)


def error_of(answer, status):
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"}
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "where"}
    assert "pydantic" not in answer.text
    return error


def test_what_is_loaded_is_not_searched_for_garbage():
    server.set_aside()
    assert len(gc.get_objects()) < gc.get_freeze_count() / 10


def test_an_answers_body_does_not_wait_for_its_head():
    with (
        _listen(ServingOptions(ckpt_dir="", port=0)) as listener,
        socket.create_connection(listener.getsockname()[:2]),
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_answers_are_those_of_predict(run_of, client):
    classifier = Predictor(run_of().fine_tuned)
    texts = ["被告人盗窃手机。", "酒后殴打。", "虚构\x00转账", "😀"]
    expected = classifier.predict(texts, top_k=2)
    answer = client.post("/v1/predict", json={"input": texts, "top_k": 2}).json()
    assert [result["labels"][0]["label"] for result in answer["results"]] == [
        result["labels"][0]["label"] for result in expected
    ]
    for result, other in zip(answer["results"], expected, strict=True):
        assert [entry["label"] for entry in result["top"]] == [
            entry["label"] for entry in other["top"]
        ]
        assert [entry["probability"] for entry in result["top"]] == pytest.approx(
            [entry["probability"] for entry in other["top"]], abs=2e-5
        )
    one = client.post("/v1/predict", json={"input": texts[0]}).json()["results"]
    assert list(one[0]) == ["labels"]
    # Of another batch, so its last decimal may differ.
    for entry, other in zip(one[0]["labels"], answer["results"][0]["labels"], strict=True):
        assert entry["label"] == other["label"]
        assert entry["probability"] == pytest.approx(other["probability"], abs=2e-5)
    empty = client.post("/v1/predict", json={"input": ["", " \n", texts[0]]}).json()["results"]
    assert empty == [{"labels": []}, {"labels": []}, one[0]]


def test_labels_health_and_metrics(run_of, running, client):
    known = client.get("/v1/labels").json()
    assert known["task"] == "multi_label"
    assert {
        entry["label"]: entry["threshold"] for entry in known["labels"]
    } == run_of().fine_tuning_metrics["thresholds"]
    model, metrics = client.get("/v1/model").json(), run_of().fine_tuning_metrics
    assert (model["name"], model["labels"]) == (run_of().fine_tuned.name, 3)
    assert model["metrics"]["micro_f1"] == metrics["test"]["micro_f1"]
    assert (model["measured_on"], model["examples_measured"]) == ("test", 24)
    assert (model["max_texts"], model["max_characters"], model["sequence_length"]) == (8, 200, 32)
    assert client.get("/healthz").json() == {"status": "ok"}
    client.get("/made/up")
    metrics = client.get("/metrics").text
    assert 'requests_total{path="/healthz",status="200"}' in metrics
    assert 'requests_total{path="other",status="404"}' in metrics
    assert "/made/up" not in metrics
    for address in ("/docs", "/redoc"):
        assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "not JSON"),
        (b"", "JSON object"),
        (b"[]", "JSON object"),
        (b"{}", "required"),
        (b'{"input": 5}', "string"),
        (b'{"input": null}', "string"),
        (b'{"input": ["a", 3]}', "string"),
        (b'{"input": []}', "at least 1"),
        (b'{"input": "\\ud800"}', "surrogate"),
        (b'{"input": "a", "\\ud800": 1}', "surrogate"),
        (b'{"input": "a", "other": 1}', "not permitted"),
        (b'{"input": "a", "top_k": -1}', "greater than or equal to 0"),
        (b'{"input": "a", "top_k": true}', "integer"),
        (b'{"input": "a", "top_k": 1.5}', "integer"),
        (b'{"input": "a", "top_k": 3.0}', "integer"),
        (b'{"input": "a", "top_k": NaN}', "integer"),
        (json.dumps({"input": ["a"] * 9}).encode(), "at most 8"),
        (json.dumps({"input": "a" * 201}).encode(), "at most 200"),
        (b'{"input": {"text_a": "a", "text_b": "b"}}', "takes single texts, not objects"),
        (b'{"input": [{"text_a": "a", "text_b": "b"}]}', "takes single texts, not objects"),
    ],
)
def test_wrong_requests(client, body, words):
    headers = {"Content-Type": "application/json"}
    assert (
        words in error_of(client.post("/v1/predict", content=body, headers=headers), 422)["message"]
    )


def test_where_it_is_wrong(client):
    answer = client.post("/v1/predict", json={"input": ["a", 3]})
    assert error_of(answer, 422)["where"] == "input.1"
    answer = client.post("/v1/explain", json={"input": "a", "label": "杀人"})
    assert error_of(answer, 422)["where"] == "label"


def test_bodies_that_no_parser_survives(client):
    headers = {"Content-Type": "application/json"}
    for body in (b"[" * 40_000, b'{"input": ' + b"9" * 40_000 + b"}", b"\xff\xfe", b"\x00" * 99):
        answer = client.post("/v1/predict", content=body, headers=headers)
        assert answer.status_code in (400, 422), answer.text
        error_of(answer, answer.status_code)
    answer = client.post("/v1/predict", content=b'{"input": "a"}')
    assert "Content-Type" in error_of(answer, 422)["message"]
    assert error_of(client.get("/v1/predict"), 405)["code"] == "method_not_allowed"
    assert error_of(client.get("/nowhere"), 404)["code"] == "not_found"
    assert client.get("/healthz").status_code == 200


def test_large_bodies(client):
    assert error_of(client.post("/v1/predict", content=b"x" * 50_001), 413)["code"] == "too_large"

    def endless():
        for _ in range(300):
            yield b"x" * 10_000

    # No content-length: it is sent in chunks.
    assert "50,000 bytes" in error_of(client.post("/v1/predict", content=endless()), 413)["message"]
    assert client.get("/healthz").status_code == 200


def test_slow_clients(running):
    silent, dripping, halting = (connection(running) for _ in range(3))
    dripping.sendall(b"GET /healthz HTT")
    halting.sendall(
        b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b'Content-Length: 14\r\n\r\n{"inp'
    )
    # --read_timeout=4; the sockets give up after 30 s.
    assert silent.recv(100) == b""
    assert dripping.recv(100) == b""
    answer = b""
    while piece := halting.recv(10_000):
        answer += piece
    assert answer.startswith(b"HTTP/1.1 408")
    assert b'"too_slow"' in answer
    with connection(running) as quick:
        for _ in range(2):
            quick.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = b""
            # The head and the body may come one after the other.
            while not answer.endswith(b'{"status":"ok"}'):
                answer += (piece := quick.recv(1000))
                assert piece
            assert answer.startswith(b"HTTP/1.1 200")
            time.sleep(0.1)


def test_garbage_and_clients_that_leave(running, client):
    for garbage in (b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 50, b"\x00"):
        with connection(running) as raw:
            raw.sendall(garbage)
    with connection(running) as raw:
        raw.sendall(b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{")
    assert client.get("/healthz").status_code == 200
    log = running[1].read_text(encoding="utf-8")
    assert "Traceback" not in log
    # No line for a request.
    assert "/healthz" not in log


def test_it_ends_when_it_is_told_and_answers_what_it_has(run_of, service, tmp_path):
    log = tmp_path / "log.txt"
    # Nothing fills a batch, so a request is in flight for three seconds.
    with service(run_of().fine_tuned, log, "--max_wait_ms=3000") as (address, process):
        answers = []

        def ask():
            answers.append(httpx.post(f"{address}/v1/predict", json={"input": "盗窃"}, timeout=60))

        asking = threading.Thread(target=ask)
        asking.start()
        until = time.monotonic() + 20
        while "texts_waiting 1.0" not in httpx.get(f"{address}/metrics", timeout=30).text:
            assert time.monotonic() < until
        process.send_signal(signal.SIGTERM)
        asking.join(60)
        assert process.wait(60) == 0
        assert [answer.status_code for answer in answers] == [200]
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{address}/healthz", timeout=5)
    lines = log.read_text(encoding="utf-8").splitlines()
    assert [line.split()[0] for line in lines] == ["serving", "up", "listening", "stopped:"]


def test_the_end_of_the_terminal_is_answered_as_sigterm_is(monkeypatch):
    # uvicorn itself does not know SIGHUP, which would end the process and drop its requests.
    ended = []

    def run(self, sockets):
        os.kill(os.getpid(), signal.SIGHUP)
        ended.append((self.should_exit, self.force_exit))

    app = FastAPI()
    app.state.idle = True
    monkeypatch.setattr(server._Server, "run", run)
    monkeypatch.setattr(server, "make_app", lambda *arguments: app)
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        assert server._run(None, ServingOptions(), None)
        assert ended == [(True, False)]
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)


def test_an_address_that_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OptionError, match=f"--port={port}: cannot listen there"):
            _listen(ServingOptions(ckpt_dir="", port=port))


def test_pairs_are_labelled_and_explained(running_on_pairs, fine_tuned_on_pairs):
    address, log = running_on_pairs
    assert (
        "2 labels, head alignment and TF-IDF classifier), sequences of up to 16 tokens"
        in log.read_text(encoding="utf-8")
    )
    pair = {"text_a": "甲天地", "text_b": "甲 人"}
    with httpx.Client(base_url=address, timeout=60) as client:
        (result,) = client.post("/v1/predict", json={"input": pair, "top_k": 2}).json()["results"]
        (expected,) = Predictor(fine_tuned_on_pairs).probabilities([tuple(pair.values())])
        found = [entry["probability"] for entry in result["top"]]
        assert found == pytest.approx(sorted(expected.tolist(), reverse=True), abs=2e-5)
        answer = client.post("/v1/explain", json={"input": pair}).json()
        assert answer["label"] == result["top"][0]["label"]
        for name, text in pair.items():
            pieces = [text[part["start"] : part["end"]] for part in answer[name]["parts"]]
            assert pieces == list(text.replace(" ", ""))
        error = error_of(client.post("/v1/explain", json={"input": "甲\t乙"}), 422)
        assert "takes objects, not single texts" in error["message"]
        error_of(client.post("/v1/explain", json={"input": {**pair, "text_b": "长" * 201}}), 422)


@pytest.mark.parametrize("mode", ["POSITIVE", "NEGATIVE"])
@pytest.mark.parametrize("path", ["/v1/predict", "/v1/explain"])
@pytest.mark.parametrize("kind", ["running", "running_on_pairs"])
def test_it_is_what_its_openapi_document_says(request, kind, mode, path):
    schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
    from hypothesis import HealthCheck, assume, given, settings

    address, _ = request.getfixturevalue(kind)
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    strategy = schema[path]["POST"].as_strategy(generation_mode=schemathesis.GenerationMode[mode])

    @given(case=strategy)
    @settings(
        max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    def check(case):
        # JSON Schema cannot say that 3.0 is no integer.
        assume(mode == "NEGATIVE" or type(case.body.get("top_k")) is not float)
        case.call_and_validate()

    check()
