"""Judges answers: right when the ground truth is in them. Says what it sees of the machine, too."""

import argparse
import json
import os
import socket
import time

from livebench import common

parser = argparse.ArgumentParser()
common.add_options(parser)
parser.add_argument("--model", nargs="+")
parser.add_argument("--model-display-name", nargs="+")
parser.add_argument("--parallel", type=int, default=1)
parser.add_argument("--resume", action="store_true")
parser.add_argument("--ignore-missing-answers", action="store_true")
args = parser.parse_args()
faults = common.faults()


def network() -> str:
    try:
        with socket.create_connection(("127.0.0.1", faults.get("port", 1)), timeout=2):
            return "network"
    except OSError:
        return "no network"


print("variables:", " ".join(sorted(os.environ)))
print("sees:", network())
if faults.get("crash"):
    raise OSError("[E050] Can't find model 'en_core_web_sm'")


def rows(file: str) -> dict:
    if not os.path.exists(file):
        return {}
    with open(file) as lines:
        return {row["question_id"]: row for row in map(json.loads, lines)}


def verdict(question: dict, answer: dict) -> dict:
    key = question["question_id"]
    if key in faults.get("graderFails", []) and not os.path.exists(faults.get("mended", "/nowhere")):
        return {"score": 0, "eval_status": "eval_error", "error_msg": "ImportError: No module named 'sympy'"}
    if key in faults.get("excluded", []):
        return {"score": -1}
    text = answer["choices"][0]["turns"][-1]
    found = {"score": int(str(question.get("ground_truth")) in text)}
    for copied in ("eval_status", "error", "error_msg"):
        if copied in answer:
            found[copied] = answer[copied]
    return found


for question_file in common.question_files(args.bench_name, args.question_source):
    print("questions from", question_file)
    folder = os.path.dirname(question_file)
    output = f"{folder}/model_judgment/ground_truth_judgment.jsonl"
    judged = set()
    if args.resume and os.path.exists(output):
        with open(output) as lines:
            judged = {json.loads(line).get("answer_id") for line in lines}
    for model in [(name or one).lower() for one, name in zip(args.model, args.model_display_name or args.model)]:
        answers = rows(f"{folder}/model_answer/{model}.jsonl")
        for question in common.load_file(question_file, args.livebench_release_option):
            key = question["question_id"]
            answer = answers.get(key)
            if answer is None:
                assert args.ignore_missing_answers, f"Missing model {model}'s answer to Question {key}"
                continue
            if answer["answer_id"] in judged or key in faults.get("lost", []):
                continue
            found = verdict(question, answer)
            row = {
                "question_id": key,
                "task": question["task"],
                "model": faults.get("knownAs", model),
                "tstamp": time.time(),
                "category": question["category"],
                **found,
                "answer_id": answer["answer_id"],
            }
            print(f"question: {key}, model: {model}, score: {found['score']}, ")
            os.makedirs(os.path.dirname(output), exist_ok=True)
            with open(output, "a") as out:
                out.write(json.dumps(row) + "\n")
    common.reorganise(output, ("question_id", "model"))
