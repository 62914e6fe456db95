"""What the template's variables ask for, checked before anything is done."""

from __future__ import annotations

import argparse
import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

# As LiveBench's LIVE_BENCH_RELEASES has them, oldest first.
RELEASES = (
    "2024-06-24",
    "2024-07-26",
    "2024-08-31",
    "2024-11-25",
    "2025-04-02",
    "2025-04-25",
    "2025-05-30",
    "2025-11-25",
    "2025-12-23",
    "2026-01-08",
)
BENCH_NAME = re.compile(r"live_bench(/[A-Za-z0-9_-]+){0,2}")


class Refused(Exception):
    """Something that the user can mend; its text says what and how."""


@dataclass(frozen=True)
class Settings:
    # The name that the model is served by, and the name of its service.
    server: str
    # Its name in LiveBench's files is this one in lower case.
    model: str
    api_base: str
    names: tuple[str, ...]
    release: str
    # hub, or a folder with live_bench/ or data/live_bench/.
    questions: str
    parallel: int
    max_tokens: int
    # For gen_api_answer.py, as they were given.
    more: tuple[str, ...]
    wait_minutes: float
    # Where install.sh puts things.
    home: Path
    # The working folder: LiveBench's data/ is in it.
    work: Path

    @property
    def file_name(self) -> str:
        return self.model.lower()

    @property
    def results(self) -> Path:
        return self.work / "data" / "runs" / self.file_name

    @property
    def which(self) -> list[str]:
        """What all three programs of LiveBench are told. Questions are files by then, wherever they came from."""
        return ["--bench-name", *self.names, "--question-source", "jsonl", "--livebench-release-option", self.release]


class Parser(argparse.ArgumentParser):
    def error(self, message: str):
        known = ", ".join(action.option_strings[0] for action in self._actions)
        raise Refused(f"BENCH_OPTS: {message}. It takes {known}")


def read(env: dict[str, str]) -> Settings:
    """Whoever gives BENCHMARK says all by variables; BENCH_OPTS is for launches by hand. @raises Refused"""
    options = bench_options("" if env.get("BENCHMARK", "").strip() else env.get("BENCH_OPTS", ""))
    given = {name: env.get(name, "").strip() for name in ("SERVER", "MODEL", "API_BASE", "QUESTIONS", "RELEASE")}
    questions = given["QUESTIONS"] or ("hub" if options.question_source == "huggingface" else ".")
    if questions == "smoke":
        questions = str(Path.home() / ".lmrun" / "smoke")
    more = ["--stream"] if options.stream else []
    if options.force_temperature is not None:
        more += ["--force-temperature", str(options.force_temperature)]
    server = given["SERVER"]
    settings = Settings(
        server=server,
        model=given["MODEL"] or server,
        api_base=(given["API_BASE"] or f"http://{server}.default.svc.cluster.local:8000/v1").rstrip("/"),
        names=widest(env.get("BENCHMARK", "").split() or options.bench_name),
        release=given["RELEASE"] or options.livebench_release_option or RELEASES[-1],
        questions=questions,
        parallel=whole("PARALLEL", env.get("PARALLEL") or options.parallel),
        max_tokens=whole("MAX_TOKENS", env.get("MAX_TOKENS") or options.max_tokens),
        more=tuple(more),
        wait_minutes=float(env.get("WAIT_MINUTES") or 60),
        home=Path(env.get("LMRUN_LIVEBENCH") or Path.home() / ".lmrun" / "livebench").resolve(),
        work=Path.cwd(),
    )
    check(settings)
    return settings


def bench_options(text: str) -> argparse.Namespace:
    parser = Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("--bench-name", nargs="+", default=["live_bench"])
    parser.add_argument("--livebench-release-option")
    parser.add_argument("--question-source", choices=["huggingface", "jsonl"], default="huggingface")
    parser.add_argument("--parallel", default="32")
    parser.add_argument("--max-tokens", default="4096")
    parser.add_argument("--force-temperature", type=float)
    parser.add_argument("--stream", action="store_true")
    try:
        return parser.parse_args(shlex.split(text))
    except ValueError as error:
        raise Refused(f"BENCH_OPTS: {error}") from error


def widest(names: list[str]) -> tuple[str, ...]:
    """LiveBench would ask twice what two names cover."""
    clean = list(dict.fromkeys(name.rstrip("/") for name in names))
    return tuple(name for name in clean if not any(name.startswith(f"{other}/") for other in clean))


def whole(name: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,7}", text.strip()) or int(text) < 1:
        raise Refused(f'{name} is "{text}": give a whole number from 1')
    return int(text)


def check(settings: Settings) -> None:
    for name in settings.names:
        if not BENCH_NAME.fullmatch(name):
            raise Refused(f'"{name}" is no benchmark: give live_bench, live_bench/<category> or live_bench/<category>/<task>')
    if settings.release not in RELEASES:
        raise Refused(f'"{settings.release}" is no release of LiveBench: give one of {", ".join(RELEASES)}')
    if re.search(r"[/\\\x00-\x1f\x7f]", settings.model) or settings.model.startswith("."):
        raise Refused(f'MODEL "{settings.model}" cannot be a file name: give one without slashes and a leading dot')
    if settings.questions != "hub" and not os.path.isdir(settings.questions):
        raise Refused(f"QUESTIONS: there is no folder {settings.questions}: give hub, or a folder with live_bench/")
