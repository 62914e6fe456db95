"""manifest.json beside a model's results: what was asked of whom, with what, and what became of it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import rows
from settings import Settings

SCHEMA = "lmrun.livebench/v1"


def write(settings: Settings, expected: dict[str, Path]) -> dict[str, int]:
    """@returns the counts"""
    count = counts(settings, expected)
    checkout = settings.home / "checkout"
    document = {
        "schema": SCHEMA,
        "livebench": {"repository": git(checkout, "remote", "get-url", "origin"), "commit": git(checkout, "rev-parse", "HEAD")},
        "model": settings.model,
        "server": settings.server,
        "benchmark": list(settings.names),
        "release": settings.release,
        "questions": {"source": settings.questions, "count": len(expected), "sha256": sha256(expected)},
        "parallel": settings.parallel,
        "maxTokens": settings.max_tokens,
        "counts": count,
        "phases": phases(settings),
    }
    rows.write(settings.results / "manifest.json", json.dumps(document, indent=2) + "\n")
    return count


def counts(settings: Settings, expected: dict[str, Path]) -> dict[str, int]:
    """Disjoint, and their sum is `expected`."""
    found = {"expected": len(expected), "scored": 0, "errors": 0, "graderErrors": 0, "excluded": 0, "missing": 0}
    for folder in sorted(set(expected.values())):
        answers = {row["question_id"]: row for row in rows.rows(answer_file(folder, settings))}
        judgments = {row["question_id"]: row for row in own(rows.rows(judgment_file(folder)), settings)}
        for question in (one for one, its in expected.items() if its == folder):
            found[rows.bucket(answers.get(question), judgments.get(question))] += 1
    return found


def answer_file(folder: Path, settings: Settings) -> Path:
    return folder / "model_answer" / f"{settings.file_name}.jsonl"


def judgment_file(folder: Path) -> Path:
    return folder / "model_judgment" / "ground_truth_judgment.jsonl"


def own(judgments: list[dict], settings: Settings) -> list[dict]:
    return [row for row in judgments if str(row.get("model")).lower() == settings.file_name]


def sha256(expected: dict[str, Path]) -> str:
    """Over the sorted ids, one a line, as results.json has it."""
    return hashlib.sha256("\n".join(sorted(expected)).encode()).hexdigest()


@contextmanager
def phase(settings: Settings, name: str):
    """Unix times in milliseconds. A phase that is gone through again is there again."""
    started = time.time()
    try:
        yield
    finally:
        span = {"name": name, "startedAt": round(started * 1000), "endedAt": round(time.time() * 1000)}
        rows.write(settings.results / "phases.json", json.dumps([*phases(settings), span]) + "\n")


def phases(settings: Settings) -> list[dict]:
    file = settings.results / "phases.json"
    try:
        return json.loads(file.read_text())
    except (OSError, ValueError):
        return []


def git(checkout: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(checkout), *arguments], stdout=subprocess.PIPE, text=True, check=True
    ).stdout.strip()
