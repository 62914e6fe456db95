"""Brings one model's judgments back: merge.py FROM TO MODEL. Rows of other models in FROM are not believed."""

import json
import os
import sys
from pathlib import Path


def rows(file: Path):
    for line in file.read_text().splitlines() if file.exists() else []:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            yield row


def main(source: Path, target: Path, model: str) -> None:
    for task in (source / "data" / "live_bench").glob("*/*"):
        new = task / "model_judgment" / "ground_truth_judgment.jsonl"
        # What model-written code left there may point anywhere.
        if any(path.is_symlink() for path in (task.parent, task, new.parent, new)) or not new.is_file():
            continue
        old = target / new.relative_to(source)
        kept = [row for row in rows(old) if row.get("model") != model]
        mine = [row for row in rows(new) if row.get("model") == model]
        old.parent.mkdir(parents=True, exist_ok=True)
        part = old.with_suffix(".new")
        part.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept + mine))
        os.replace(part, old)


main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3].lower())
