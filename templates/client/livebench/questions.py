"""The questions: from the hub or a folder into LiveBench's own files, and which of them a release asks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import process
import rows
from settings import RELEASES, Refused, Settings

CATEGORIES = ("coding", "data_analysis", "instruction_following", "math", "reasoning", "language")


def place(settings: Settings, env: dict[str, str]) -> None:
    """Puts the questions that are asked into data/live_bench. @raises Refused when there are none"""
    source = fetch(settings, env) if settings.questions == "hub" else Path(settings.questions)
    root = next((root for root in (source / "data" / "live_bench", source / "live_bench") if root.is_dir()), None)
    if root is None:
        raise Refused(f"QUESTIONS: {source} holds neither data/live_bench nor live_bench")
    for file in files(root, settings.names):
        target = data(settings) / file.parent.parent.name / file.parent.name / "question.jsonl"
        add(target, [complete(row, file) for row in rows.rows(file)])
        for cases in sorted(file.parent.glob("test_cases_*.jsonl")):
            if not (target.parent / cases.name).exists():
                shutil.copy(cases, target.parent)
    if not expected(settings):
        raise Refused(f"there is no question of release {settings.release} for {' '.join(settings.names)} in {source}")


def expected(settings: Settings) -> dict[str, Path]:
    """The questions that this release asks: id → folder of its task."""
    found = {}
    for file in files(data(settings), settings.names):
        for row in rows.rows(file):
            if is_live(row, settings.release):
                found[row["question_id"]] = file.parent
    return found


def is_live(row: dict, release: str) -> bool:
    """As LiveBench decides it: released by then, and not yet removed."""
    removed = row.get("livebench_removal_date") or ""
    released = row.get("livebench_release_date")
    return released in RELEASES and released <= release and (removed == "" or removed > release)


def files(root: Path, names: tuple[str, ...]) -> list[Path]:
    found = sorted(root.glob("*/*/question.jsonl"))
    tasks = [(f"live_bench/{file.parent.parent.name}/{file.parent.name}/", file) for file in found]
    return [file for task, file in tasks if any(task.startswith(f"{name}/") for name in names)]


def data(settings: Settings) -> Path:
    return settings.work / "data" / "live_bench"


def complete(row: dict, file: Path) -> dict:
    """LiveBench needs both dates; one that is not there is one that never mattered."""
    row = {**row, "livebench_removal_date": row.get("livebench_removal_date") or ""}
    row.setdefault("livebench_release_date", RELEASES[0])
    if row["livebench_release_date"] not in RELEASES:
        raise Refused(
            f"{file}: the livebench_release_date of question {row['question_id']} is no release of LiveBench, "
            f"which would leave it out: give one of {', '.join(RELEASES)}"
        )
    return row


def add(target: Path, new: list[dict]) -> None:
    """What is there already stays."""
    kept = rows.rows(target)
    known = {row["question_id"] for row in kept}
    both = [complete(row, target) for row in kept] + [row for row in new if row["question_id"] not in known]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in both)
    if not target.is_file() or target.read_text(encoding="utf-8") != text:
        rows.write(target, text)


def fetch(settings: Settings, env: dict[str, str]) -> Path:
    """Once for the machine: answers, grades and scores are then of the same questions, and grading needs no network."""
    folder = settings.home / "questions"
    named = {name.split("/")[1] for name in settings.names if "/" in name}
    wanted = [one for one in sorted(named or CATEGORIES) if not (folder / "live_bench" / one).is_dir()]
    if wanted:
        print(f"fetching the questions of {', '.join(wanted)}", flush=True)
        program = [settings.home / "answers/bin/python", Path(__file__).parent / "hub.py", folder, *wanted]
        log = settings.work / "data" / "runs" / "questions.stdout"
        checkout = {**env, "PYTHONPATH": str(settings.home / "checkout")}
        code = process.run(program, cwd=settings.work, env=checkout, log=log)
        if any(not (folder / "live_bench" / one).is_dir() for one in wanted):
            process.show_end(log)
            raise Refused(f"the questions could not be fetched from the hub (exit code {code})")
    return folder
