"""Asks a server with the OpenAI API. Exits 0 whatever the server says."""

import argparse
import json
import os
import threading
import time
import urllib.error
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor

from livebench import common

parser = argparse.ArgumentParser()
common.add_options(parser)
parser.add_argument("--model", required=True)
parser.add_argument("--model-display-name")
parser.add_argument("--model-provider-override")
parser.add_argument("--api-base", required=True)
parser.add_argument("--parallel", type=int, default=1)
parser.add_argument("--max-tokens", type=int, default=4096)
parser.add_argument("--force-temperature", type=float, default=0)
parser.add_argument("--stream", action="store_true")
parser.add_argument("--resume", action="store_true")
parser.add_argument("--retry-failures", action="store_true")
args = parser.parse_args()

KEY = os.environ.get("LIVEBENCH_API_KEY", "EMPTY")
DISPLAY = args.model_display_name or args.model.lower()
writing = threading.Lock()
written = 0


def todo(questions: list, file: str) -> list:
    common.reorganise(file, ("question_id",))
    done = {}
    if os.path.exists(file):
        with open(file) as lines:
            for row in map(json.loads, lines):
                done[row["question_id"]] = row["choices"][0]["turns"][0] == common.ERROR
    skip = {key for key, error in done.items() if args.resume and not (error and args.retry_failures)}
    return [question for question in questions if question["question_id"] not in skip]


def ask(prompt: str) -> tuple:
    body = {
        "model": args.model,
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": args.max_tokens,
        "temperature": args.force_temperature,
    }
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}
    request = urllib.request.Request(f"{args.api_base}/chat/completions", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as reply:
        got = json.load(reply)
    return got["choices"][0]["message"]["content"], got["usage"]["completion_tokens"]


def answer(question: dict, file: str) -> None:
    started = time.time()
    failure = {}
    try:
        text, tokens = ask(question["turns"][0])
        if not text:
            raise ValueError("No message returned from OpenAI")
    except (OSError, ValueError) as error:
        text, tokens = common.ERROR, 0
        failure = {"eval_status": "api_error", "error": type(error).__name__, "error_msg": f"{error} (key {KEY})"}
        print("all retries failed")
    row = {
        "question_id": question["question_id"],
        "answer_id": uuid.uuid4().hex[:22],
        "model_id": DISPLAY,
        "choices": [{"index": 0, "turns": [text]}],
        "tstamp": time.time(),
        "total_time_s": round(time.time() - started, 2),
        "total_output_tokens": tokens,
        "total_input_tokens": 0,
        "total_cached_tokens": 0,
        "cost_usd": None,
        "api_info": {"provider": args.api_base, "api_name": args.model, "api_kwargs": None},
        **failure,
    }
    write(file, json.dumps(row) + "\n")


def write(file: str, line: str) -> None:
    global written
    with writing:
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file, "a") as out:
            written += 1
            if written == common.faults().get("dieAt") and not os.path.exists("died"):
                open("died", "w").close()
                out.write(line[: len(line) // 2])
                out.flush()
                os._exit(137)
            out.write(line)


work = []
for question_file in common.question_files(args.bench_name, args.question_source):
    folder = os.path.dirname(question_file)
    answers = f"{folder}/model_answer/{DISPLAY.lower()}.jsonl"
    work += [(question, answers) for question in todo(common.load_file(question_file, args.livebench_release_option), answers)]
    print(f"Questions from {question_file}\nOutput to {answers}")
print(f"Evaluating  {len(work)}  questions with model  {args.model}; the key is {KEY}")
with ThreadPoolExecutor(args.parallel) as pool:
    list(pool.map(lambda one: answer(*one), work))
for answers in {answers for _, answers in work}:
    common.reorganise(answers, ("question_id",))
