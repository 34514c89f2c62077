"""What the watch counts, as Prometheus text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from serving.probes.verdict import ALIVE, OUTCOMES
from serving.probes.watcher import ModelWatcher

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def prometheus_text(watchers: Iterable[ModelWatcher]) -> str:
    """Write all metrics of all models; every label value is there from the start, at 0."""
    up, seconds, probes, failures, last_answers = [], [], [], [], []
    for watcher in watchers:
        model = f'model="{_escape(watcher.watch.model)}"'
        verdict = watcher.verdict
        count_by_outcome, last_answer_time = watcher.counts()
        up.append(f"genod_probe_up{{{model}}} {int(verdict.is_alive)}")
        seconds.append(f"genod_probe_seconds{{{model}}} {verdict.duration_s:.6f}")
        for outcome in OUTCOMES:
            if outcome != "pending":
                probes.append(f'genod_probe_total{{{model},outcome="{outcome}"}} {count_by_outcome[outcome]}')
        failed = sum(count for outcome, count in count_by_outcome.items() if outcome not in ALIVE)
        failures.append(f"genod_probe_failures_total{{{model}}} {failed}")
        if last_answer_time is not None:
            last_answers.append(f"genod_probe_last_answer_timestamp_seconds{{{model}}} {last_answer_time:.3f}")
    lines = [
        *_family("genod_probe_up", "gauge", "1 while the model does its work, however slowly", up),
        *_family("genod_probe_seconds", "gauge", "duration of the last probe", seconds),
        *_family("genod_probe_failures_total", "counter", "probes that found the model not alive", failures),
        *_family("genod_probe_total", "counter", "probes by outcome", probes),
        *_family("genod_probe_last_answer_timestamp_seconds", "gauge", "when a probe was last answered", last_answers),
    ]
    return "\n".join(lines) + "\n"


def _family(name: str, kind: str, description: str, samples: list[str]) -> Iterator[str]:
    if samples:
        yield f"# HELP {name} {description}"
        yield f"# TYPE {name} {kind}"
        yield from samples


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
