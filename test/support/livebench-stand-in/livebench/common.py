"""What the stand-in's three programs share: LiveBench's files and its ways, without its graders."""

import glob
import json
import os
from pathlib import Path

LIVE_BENCH_RELEASES = {
    "2024-06-24", "2024-07-26", "2024-08-31", "2024-11-25", "2025-04-02", "2025-04-25", "2025-05-30", "2025-11-25",
    "2025-12-23", "2026-01-08",
}  # fmt: skip
ERROR = "$ERROR$"
ROOT = Path(__file__).parent.parent


def faults() -> dict:
    """What goes wrong, committed with the checkout: programs that grade get no variables."""
    file = ROOT / "faults.json"
    return json.loads(file.read_text()) if file.exists() else {}


def get_hf_dataset(name: str) -> list:
    """The hub is a folder; without one it cannot be reached."""
    hub = faults().get("hub")
    if not hub:
        raise ConnectionError("Couldn't reach the Hugging Face Hub")
    files = sorted(Path(hub, "live_bench", name).glob("*/question.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def load_questions(category: list, releases=LIVE_BENCH_RELEASES, release=None) -> list:
    return live([dict(row) for row in category], releases, release)


def live(questions: list, releases: set, release) -> list:
    found = [row for row in questions if row["livebench_release_date"] in releases]
    if release is None:
        return found
    return [row for row in found if row["livebench_removal_date"] == "" or row["livebench_removal_date"] > release]


def question_files(names, source: str):
    """Iterates over what --bench-name was given: without it that is a text, and its letters name nothing."""
    for name in names:
        one = f"data/{name}/question.jsonl"
        yield from [one] if os.path.exists(one) else sorted(glob.glob(f"data/{name}/**/question.jsonl", recursive=True))
        if source == "huggingface":
            get_hf_dataset(name)


def load_file(file: str, release: str) -> list:
    with open(file) as lines:
        questions = [json.loads(line) for line in lines]
    return live(questions, {one for one in LIVE_BENCH_RELEASES if one <= release}, release)


def add_options(parser) -> None:
    parser.add_argument("--bench-name", nargs="+", default="live_bench")
    parser.add_argument("--question-source", default="huggingface")
    parser.add_argument("--livebench-release-option", default=max(LIVE_BENCH_RELEASES), choices=sorted(LIVE_BENCH_RELEASES))


def reorganise(file: str, keys: tuple) -> None:
    """Sorted, the last of each; stops at a line that is cut off."""
    if not os.path.exists(file):
        return
    with open(file) as lines:
        kept = {tuple(json.loads(line)[key] for key in keys): line for line in lines}
    with open(file, "w") as out:
        out.writelines(kept[key] for key in sorted(kept))
