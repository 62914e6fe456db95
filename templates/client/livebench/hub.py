"""hub.py FOLDER CATEGORY…: the questions of all releases, by LiveBench's own loader, as the files that it reads.

Runs in LiveBench's own environment. A category is there whole or not at all.
"""

import json
import os
import sys
from itertools import groupby
from pathlib import Path

from livebench import common

folder, categories = Path(sys.argv[1]) / "live_bench", sys.argv[2:]
for category in categories:
    questions = common.load_questions(common.get_hf_dataset(category), set(common.LIVE_BENCH_RELEASES))
    part = folder / f".{category}.{os.getpid()}"
    for task, rows in groupby(sorted(questions, key=lambda row: row["task"]), lambda row: row["task"]):
        file = part / task / "question.jsonl"
        file.parent.mkdir(parents=True)
        with file.open("w", encoding="utf-8") as out:
            for row in rows:
                out.write(json.dumps(row, default=str) + "\n")
    os.replace(part, folder / category)
    print(f"{category}: {len(questions)} questions")
