"""The table. A model that misses a judgment is not in it, and nothing says so."""

import argparse
import csv
import glob
import json
from collections import defaultdict
from statistics import mean

from livebench import common

parser = argparse.ArgumentParser()
common.add_options(parser)
args = parser.parse_args()
print(f"Using release {args.livebench_release_option}")
asked = set()
for question_file in common.question_files(args.bench_name, args.question_source):
    print(question_file)
    asked |= {row["question_id"] for row in common.load_file(question_file, args.livebench_release_option)}
print("loaded ", len(asked), " questions")

found = defaultdict(dict)
for file in sorted(glob.glob("data/live_bench/**/ground_truth_judgment.jsonl", recursive=True)):
    with open(file) as lines:
        for row in map(json.loads, lines):
            if row["score"] != -1 and row["question_id"] in asked:
                found[row["model"].lower()][row["question_id"]] = row
whole = {model: rows for model, rows in found.items() if set(rows) == asked}

raw = [(model, 100 * row["score"], row["task"], row["category"], key) for model, rows in whole.items() for key, row in rows.items()]
tasks = {model: defaultdict(list) for model in whole}
for model, score, task, category, _ in raw:
    tasks[model][category, task].append(score)
groups = {model: defaultdict(list) for model in whole}
for model, its in tasks.items():
    for (category, _), scores in its.items():
        groups[model][category].append(mean(scores))


def table(name: str, header: list, lines: list) -> None:
    with open(name, "w", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows([header, *lines])


table("df_raw.csv", ["", "model", "score", "task", "category", "question_id"], [[n, *one] for n, one in enumerate(raw)])
names = sorted({task for its in tasks.values() for _, task in its})
by_task = {model: {task: float(mean(scores)) for (_, task), scores in its.items()} for model, its in tasks.items()}
table("all_tasks.csv", ["model", *names], [[model, *(round(its[name], 3) for name in names)] for model, its in by_task.items()])
kinds = sorted({category for its in groups.values() for category in its})
lines = []
for model, its in groups.items():
    scores = [float(mean(its[kind])) for kind in kinds]
    lines.append([model, round(mean(scores), 1), *(round(score, 1) for score in scores)])
table("all_groups.csv", ["model", "average", *kinds], lines)
print("\n########## All Groups ##########")
for line in [["category", "average", *kinds], *lines]:
    print("  ".join(map(str, line)))
