"""The metrics, and what `docs/monitoring` makes of them, in the hands of a real Prometheus."""

import json
import re
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import monitoring
import pytest
from processes import PATIENCE_SECONDS, ROOT, Running, add_proxy, closed_port, running_gateway

Found = TypeVar("Found")

BREAKER = '{"enabled": true, "failure_threshold": 3, "recovery_timeout": 300}'
DOWN = "the one that is down"


@pytest.fixture(scope="module")
def token() -> str:
    return secrets.token_hex(16)


@pytest.fixture(scope="module")
def observed(
    binary: Path, sidecar: Running, token: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """A gateway with an upstream that answers, one that does not, and a header without a value."""
    folder = tmp_path_factory.mktemp("observed")
    data, public = folder / "data", ("--access-rule", "true")
    add_proxy(binary, data, "/-/up", sidecar.url, *public, "--name", "up")
    down = f"http://127.0.0.1:{closed_port()}"
    add_proxy(binary, data, "/-/down", down, *public, "--name", DOWN, "--circuit-breaker", BREAKER)
    add_proxy(
        binary, data, "/-/no-key", sidecar.url, *public, "--header", "Authorization: {env.SIDECAR_UNSET}"
    )
    environment = {"POCKETGATE_METRICS_TOKEN": token}
    with running_gateway(binary, data, folder / "stderr.log", environment=environment) as gateway:
        for path in ["/-/up/health", "/-/no-key/", "/nowhere"] + 4 * ["/-/down/"]:
            httpx.get(gateway.url + path)
        yield gateway


@contextmanager
def running_prometheus(folder: Path, gateway: Running, token: str) -> Iterator[str]:
    """Prometheus as the documentation sets it up, but in a hurry: every second, and no alert waits."""
    config = (ROOT / "docs/monitoring/prometheus.yml").read_text()
    config = config.replace("127.0.0.1:8090", gateway.url.removeprefix("http://")).replace("15s", "1s")
    rules = re.sub(r"for: \w+", "for: 0s", monitoring.alerts_file().read_text())
    (folder / "prometheus.yml").write_text(config)
    (folder / "alerts.yml").write_text(rules)
    (folder / "pocketgate.token").write_text(token + "\n")
    log = folder / "stderr.log"
    listen = "--web.listen-address=127.0.0.1:0"
    command = [
        "prometheus",
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        listen,
    ]
    with log.open("wb") as errors:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)
    try:
        yield f"http://{address(process, log)}"
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if found := re.search(r'msg="Listening on" address=(\S+)', log.read_text()):
            return found[1]
        time.sleep(0.05)
    raise AssertionError(f"prometheus did not start: {log.read_text()}")


@pytest.fixture(scope="module")
def prometheus(
    observed: Running, token: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    with (
        running_prometheus(tmp_path_factory.mktemp("prometheus"), observed, token) as url,
        httpx.Client(base_url=f"{url}/api/v1", timeout=PATIENCE_SECONDS) as client,
    ):
        yield client


def ask(prometheus: httpx.Client, path: str, **parameters: str) -> Any:
    """What Prometheus answers; an error of its own fails the test."""
    answer = prometheus.get(path, params=parameters).json()
    assert answer["status"] == "success", answer
    return answer["data"]


def eventually(look: Callable[[], Found], what: str) -> Found:
    """What `look` finds, once it finds something."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.2)
    raise AssertionError(f"it never came to {what}")


def promtool(*arguments: str | Path, given: str = "") -> str:
    done = subprocess.run(["promtool", *arguments], input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def metrics_of(gateway: Running, token: str, **fields: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} | fields
    return httpx.get(f"{gateway.url}/api/gateway/metrics", headers=headers)


def test_r020_us6_ac1_promtool_finds_nothing_wrong_with_the_metrics(observed: Running, token: str) -> None:
    answer = metrics_of(observed, token)
    assert (answer.status_code, answer.headers["content-type"]) == (
        200,
        "text/plain; version=0.0.4; charset=utf-8",
    )
    assert promtool("check", "metrics", given=answer.text) == ""


def test_promtool_finds_nothing_wrong_with_the_rules() -> None:
    assert "SUCCESS" in promtool("check", "rules", monitoring.alerts_file())
    promtool("test", "rules", Path(__file__).parent / "alerts_test.yml")


def test_the_guide_says_which_record_it_is_where_two_gateways_are_asked(tmp_path: Path) -> None:
    query = next(query for query in monitoring.guide_queries() if "group_left" in query)
    labels = 'job="pocketgate", instance="{}", proxy="up"'
    gateways = [labels.format(instance) for instance in ("a", "b")]
    counted = [f'gateway_requests_total{{{of}, status="5xx"}}' for of in gateways]
    named = [f'gateway_proxy_info{{{of}, id="r1", upstream_host="u"}}' for of in gateways]
    series = [{"series": name, "values": "0+60x20"} for name in counted]
    series += [{"series": name, "values": "1x20"} for name in named]
    samples = [{"labels": f'{{{of}, id="r1", upstream_host="u"}}', "value": 1} for of in gateways]
    asked = {"expr": query, "eval_time": "10m", "exp_samples": samples}
    tests = [{"interval": "1m", "input_series": series, "promql_expr_test": [asked]}]
    # JSON is YAML as well.
    (tmp_path / "test.yml").write_text(json.dumps({"evaluation_interval": "1m", "tests": tests}))
    promtool("test", "rules", tmp_path / "test.yml")


def test_every_alert_is_tested() -> None:
    rules, tests = (
        monitoring.alerts_file().read_text(),
        (Path(__file__).parent / "alerts_test.yml").read_text(),
    )
    declared = set(re.findall(r"alert: (\w+)", rules))
    assert declared == set(re.findall(r"alertname: (\w+)", tests))


def test_the_dashboard_asks_for_what_there_is() -> None:
    metrics = monitoring.declared()
    assert len(metrics) > 40
    queries = list(monitoring.dashboard_queries())
    assert len(queries) > 40
    for title, query in queries:
        assert monitoring.mistakes(query, metrics) == [], title


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('sum by (proxy) (rate(gateway_requests_total{status=~"5xx"}[5m]))', []),
        ("gateway_request_total", ["no metric gateway_request_total"]),
        ('gateway_requests_total{code="200"}', ["gateway_requests_total has no label code"]),
        ("sum by (code) (gateway_requests_total)", ["nothing in it has a label code"]),
        ("gateway_overhead_seconds", ["no metric gateway_overhead_seconds"]),
        ("gateway_active_connections_count", ["no metric gateway_active_connections_count"]),
    ],
)
def test_a_query_for_what_does_not_exist_is_found(query: str, expected: list[str]) -> None:
    assert monitoring.mistakes(query, monitoring.declared()) == expected


def test_prometheus_collects_what_the_gateway_shows(prometheus: httpx.Client) -> None:
    def collected() -> dict[str, float]:
        found = ask(prometheus, "query", query="sum by (proxy) (gateway_requests_total)")["result"]
        return {series["metric"]["proxy"]: float(series["value"][1]) for series in found}

    counts = eventually(collected, "samples")
    assert (counts["up"], counts[DOWN], counts["/-/no-key"], counts["_unmatched"]) == (1, 4, 1, 1)


def test_the_alerts_ask_for_what_there_is(prometheus: httpx.Client) -> None:
    groups = ask(prometheus, "rules")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) > 10
    for rule in rules:
        assert monitoring.mistakes(rule["query"], monitoring.declared()) == [], rule["name"]


def test_an_alert_fires_when_a_breaker_opens_and_when_a_secret_is_missing(prometheus: httpx.Client) -> None:
    def firing() -> dict[str, str]:
        alerts = ask(prometheus, "alerts")["alerts"]
        proxies = {alert["labels"]["alertname"]: alert["labels"].get("proxy", "") for alert in alerts}
        return proxies if {"CircuitBreakerOpen", "SecretUnresolved"} <= proxies.keys() else {}

    alerts = eventually(firing, "alerts")
    assert (alerts["CircuitBreakerOpen"], alerts["SecretUnresolved"]) == (DOWN, "/-/no-key")
    assert "GatewayDown" not in alerts
    health = ask(prometheus, "rules")["groups"][0]["rules"]
    assert [rule["name"] for rule in health if rule["health"] != "ok"] == []


def test_prometheus_answers_every_query_of_the_dashboard(prometheus: httpx.Client) -> None:
    def silent() -> set[str]:
        queries = monitoring.dashboard_queries()
        return {title for title, query in queries if not ask(prometheus, "query", query=query)["result"]}

    in_use = {"Requests by proxy", "Upstream latency, p95", "Breakers", "Processor"}
    eventually(lambda: in_use.isdisjoint(silent()), "samples for each")
