"""The steps of the client, each of which goes on where its files end."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import manifest
import process
import questions
import rows
import served
from settings import Refused, Settings

HERE = Path(__file__).resolve().parent
# Of our variables: whoever shares our user could read the rest.
HARMLESS = ("PATH", "HOME", "LANG", "LMRUN_GRADE_DIR")
# What show_livebench_result.py leaves.
TABLES = ("all_groups.csv", "all_tasks.csv", "df_raw.csv", "group_usage.csv", "task_usage.csv", "latex_table.csv")


def prepare(settings: Settings, env: dict[str, str]) -> None:
    for name in ("answers", "grading"):
        if not (settings.home / name / "whole").exists():
            raise Refused(f"{settings.home / name} is not there: the template's setup makes it")
    questions.place(settings, env)
    commit = manifest.git(settings.home / "checkout", "rev-parse", "HEAD")
    print(f"LiveBench {commit}, release {settings.release}, {len(questions.expected(settings))} questions", flush=True)


def answer(settings: Settings, env: dict[str, str]) -> None:
    """@raises Refused when questions have no answer after a second try, or all answers are errors"""
    expected = asked(settings)
    served.wait(settings, env.get("LIVEBENCH_API_KEY", ""))
    log = settings.results / "gen_api_answer.stdout"
    with manifest.phase(settings, "answer"):
        for _attempt in ("first", "again"):
            ask(settings, env, expected, log)
            missing, errors = state(settings, expected)
            if not missing and not errors:
                break
    manifest.write(settings, expected)
    if missing:
        process.show_end(log)
        raise Refused(f"{missing} of {len(expected)} questions have no answer of {settings.model} after a second try")
    if errors == len(expected):
        process.show_end(log)
        raise Refused(f"none of the {errors} questions could be answered by {settings.server} at {settings.api_base}")


def asked(settings: Settings) -> dict[str, Path]:
    expected = questions.expected(settings)
    if not expected:
        raise Refused("there are no questions in data/live_bench: the step prepare puts them there")
    return expected


def ask(settings: Settings, env: dict[str, str], expected: dict[str, Path], log: Path) -> None:
    """Whatever is missing or an error. The program's exit code is 0 when all went wrong, and 1 when little did."""
    for folder in set(expected.values()):
        dropped = rows.keep(manifest.answer_file(folder, settings), rows.is_answer)
        if dropped:
            print(f"{folder.name}: {dropped} broken lines dropped", flush=True)
    name = ["--model", settings.server, "--model-display-name", settings.model, "--model-provider-override", "local"]
    how = ["--api-base", settings.api_base, "--parallel", settings.parallel, "--max-tokens", settings.max_tokens]
    again = ["--resume", "--retry-failures"]
    program = [settings.home / "answers/bin/python", settings.home / "checkout/livebench/gen_api_answer.py"]
    started = time.monotonic()
    before = len(expected) - state(settings, expected)[0]

    def progress() -> None:
        missing, errors = state(settings, expected)
        done = len(expected) - missing
        speed = (done - before) / max(0.001, time.monotonic() - started)
        said = [f"{speed:.1f}/s"] if speed >= 0.05 else []
        said += [f"{errors} errors"] if errors else []
        print(f"answered {done} of {len(expected)}{' (' + ', '.join(said) + ')' if said else ''}", flush=True)

    process.run(
        [*program, *settings.which, *name, *how, *again, *settings.more],
        cwd=settings.work,
        env={**env, "PYTHONPATH": str(settings.home / "checkout"), "PYTHONUNBUFFERED": "1"},
        log=log,
        progress=progress,
    )


def state(settings: Settings, expected: dict[str, Path]) -> tuple[int, int]:
    """How many questions have no answer, and how many have an error for one."""
    answers = {}
    for folder in set(expected.values()):
        answers.update((row["question_id"], row) for row in rows.rows(manifest.answer_file(folder, settings)))
    found = [answers[one] for one in expected if one in answers]
    return len(expected) - len(found), sum(map(rows.is_error, found))


def grade(settings: Settings, env: dict[str, str]) -> None:
    """@raises Refused when no answer could be judged"""
    expected = asked(settings)
    log = settings.results / "gen_judgment.stdout"
    log.unlink(missing_ok=True)
    clean = {key: env[key] for key in HARMLESS if key in env}
    with manifest.phase(settings, "grade"):
        with tempfile.TemporaryDirectory() as folder:
            stage = Path(folder)
            collect(settings, expected, stage)
            for folder in set(expected.values()):
                rows.keep(manifest.judgment_file(stage / folder.relative_to(settings.work)), is_sound)
            code = process.run(
                [HERE.parent / "apart.sh", "--see", settings.home, stage, settings.model, *judge(settings)],
                cwd=settings.work,
                env=clean,
                log=log,
                progress=lambda: print(f"graded {graded(log, expected)} of {len(expected)}", flush=True),
            )
            # What model-written code left may be anything: only this model's judgments come back.
            merge = [sys.executable, HERE.parent / "merge.py", stage, settings.work, settings.model]
            subprocess.run(merge, check=True)
        tabulate(settings, expected, clean)
    note(settings, log)
    count = manifest.write(settings, expected)
    print(", ".join(f"{value} {name}" for name, value in count.items()), flush=True)
    judged = count["expected"] - count["missing"]
    if judged == 0:
        process.show_end(log)
        hint = f"LiveBench may know {settings.model} by another name: then give the model another key"
        raise Refused(f"no answer of {settings.model} has a judgment (exit code {code}). {hint}")
    if judged == count["graderErrors"]:
        raise Refused(f"every grader failed: {first_error(settings, expected)}")


def judge(settings: Settings) -> list[object]:
    """Questions without an answer would end it; they are counted as missing."""
    return [
        *("/usr/bin/env", f"PYTHONPATH={settings.home / 'checkout'}", "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1"),
        *(settings.home / "grading/bin/python", settings.home / "checkout/livebench/gen_ground_truth_judgment.py"),
        *(*settings.which, "--model", settings.server, "--model-display-name", settings.model),
        *("--parallel", os.cpu_count() or 1, "--resume", "--ignore-missing-answers"),
    ]


def tabulate(settings: Settings, expected: dict[str, Path], env: dict[str, str]) -> None:
    """LiveBench's own table, of this model alone, in its results. It runs no code of the model."""
    log = settings.results / "show.stdout"
    log.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        stage = Path(folder)
        collect(settings, expected, stage)
        program = [settings.home / "grading/bin/python", settings.home / "checkout/livebench/show_livebench_result.py"]
        checkout = {**env, "PYTHONPATH": str(settings.home / "checkout"), "PYTHONDONTWRITEBYTECODE": "1"}
        process.run([*program, *settings.which], cwd=stage, env=checkout, log=log)
        for name in TABLES:
            (settings.results / name).unlink(missing_ok=True)
            if (stage / name).is_file():
                shutil.copyfile(stage / name, settings.results / name)


def collect(settings: Settings, expected: dict[str, Path], stage: Path) -> None:
    """Questions, this model's answers and its judgments: what grading and the table see."""
    for folder in set(expected.values()):
        target = stage / folder.relative_to(settings.work)
        for file in (folder / "question.jsonl", *folder.glob("test_cases_*.jsonl"), manifest.answer_file(folder, settings)):
            if file.is_file():
                to = target / file.relative_to(folder)
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, to)
        own = manifest.own(rows.rows(manifest.judgment_file(folder)), settings)
        if own:
            rows.write_rows(manifest.judgment_file(target), own)


def first_error(settings: Settings, expected: dict[str, Path]) -> str:
    folders = sorted(set(expected.values()))
    found = [row for folder in folders for row in manifest.own(rows.rows(manifest.judgment_file(folder)), settings)]
    return next((str(row["error_msg"]) for row in found if row.get("error_msg")), "they do not say why")


def is_sound(judgment: dict) -> bool:
    """What its grader failed on is judged again."""
    return judgment.get("eval_status") != "eval_error" and isinstance(judgment.get("answer_id"), str)


def note(settings: Settings, log: Path) -> None:
    """For the report: what kept model-written code apart, or did not."""
    said = log.read_text(encoding="utf-8", errors="replace").split("\n") if log.is_file() else []
    warnings = sorted({line for line in said if line.startswith("apart: ")})
    document = {"sandbox": [], "warnings": warnings, "unverified": []}
    rows.write(settings.work / "grade.json", json.dumps(document, indent=2) + "\n")


def graded(log: Path, expected: dict[str, Path]) -> int:
    text = log.read_bytes() if log.is_file() else b""
    return min(len(expected), text.count(b"\nquestion: "))


def show(settings: Settings, _env: dict[str, str]) -> None:
    """LiveBench's table, and what it leaves out without a word."""
    print((settings.results / "show.stdout").read_text(encoding="utf-8", errors="replace").rstrip())
    count = manifest.counts(settings, questions.expected(settings))
    groups = settings.results / "all_groups.csv"
    if not groups.is_file() or f"\n{settings.file_name}," not in groups.read_text(encoding="utf-8"):
        print(f"{settings.model} is not in LiveBench's table: it takes only models that have a score for every question")
    wrong = {key: count[key] for key in ("missing", "errors", "graderErrors") if count[key]}
    if wrong:
        said = ", ".join(f"{value} {key}" for key, value in wrong.items())
        print(f"INVALID: of {count['expected']} questions {said}")
    print(f"files: {settings.results}", flush=True)
