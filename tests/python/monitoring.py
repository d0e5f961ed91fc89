"""What `docs/monitoring` says, as far as tests ask: the declared metrics, and the queries made of them."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from processes import ROOT

FOLDER = ROOT / "docs" / "monitoring"

# What Prometheus itself adds to whatever it collects.
COLLECTED = {"job", "instance"}
METRIC = re.compile(r"\b((?:gateway|process)_\w+|up)\b(?:\{([^}]*)\})?")
MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
TEXT = re.compile(r'"[^"]*"')


@dataclass(frozen=True)
class Metric:
    kind: str
    labels: frozenset[str]


def declared() -> dict[str, Metric]:
    """The rows of the tables, which a test of the gateway compares with its own declarations."""
    metrics = {"up": Metric("gauge", frozenset())}
    for line in (FOLDER / "metrics.md").read_text().splitlines():
        if line.startswith("| `"):
            name, kind, labels, _ = (cell.strip() for cell in line.strip("| ").split(" | ", 3))
            metrics[name.strip("`")] = Metric(kind, frozenset(re.findall(r"`(\w+)`", labels)))
    return metrics


def dashboard() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text())
    return loaded


def dashboard_queries() -> Iterator[tuple[str, str]]:
    """Every query of the dashboard with its panel's title, as Grafana sends it when all is selected."""
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], selected(target["expr"])
    for annotation in dashboard()["annotations"]["list"]:
        yield annotation["name"], selected(annotation["expr"])


def guide_queries() -> list[str]:
    """The queries that README.md shows."""
    blocks = re.findall(
        r"^```(\w*)\n(.*?)^```$", (FOLDER / "README.md").read_text(), re.DOTALL | re.MULTILINE
    )
    return [text for language, text in blocks if not language]


def selected(query: str) -> str:
    for variable in ("instance", "proxy"):
        query = query.replace(f"${variable}", ".*")
    query = query.replace("$__rate_interval", "1m")
    assert "$" not in query, f"an unknown variable in {query}"
    return query


def alerts_file() -> Path:
    return FOLDER / "alerts.yml"


def mistakes(query: str, metrics: dict[str, Metric]) -> list[str]:
    """What a query asks for that does not exist: metrics, labels of a metric, labels to group by."""
    found: list[str] = []
    known = {"le"} | COLLECTED
    for name, matchers in METRIC.findall(query):
        metric = metric_of(name, metrics)
        if metric is None:
            found.append(f"no metric {name}")
            continue
        labels = metric.labels | COLLECTED | ({"le"} if metric.kind == "histogram" else set())
        known |= labels
        asked = MATCHER.findall(TEXT.sub('""', matchers))
        found += [f"{name} has no label {label}" for label in asked if label not in labels]
    for group in GROUPING.findall(query):
        asked = [label.strip() for label in group.split(",")]
        found += [f"nothing in it has a label {label}" for label in asked if label and label not in known]
    return found


def metric_of(name: str, metrics: dict[str, Metric]) -> Metric | None:
    """The series of a histogram have names of their own."""
    if name in metrics:
        return None if metrics[name].kind == "histogram" else metrics[name]
    base = re.sub(r"_(bucket|sum|count)$", "", name)
    metric = metrics.get(base)
    return metric if metric is not None and metric.kind == "histogram" else None
