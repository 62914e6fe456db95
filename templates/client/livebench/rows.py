"""LiveBench's files: what is read of them, and what is dropped. Exit codes say nothing of what is in them."""

from __future__ import annotations

import json
import os
from pathlib import Path

ERROR = "$ERROR$"
FINE = (None, False, "", "ok", "success")


def write(file: Path, text: str) -> None:
    """Whole or not at all: others read while it is written."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.{os.getpid()}")
    part.write_text(text, encoding="utf-8")
    os.replace(part, file)


def lines(file: Path) -> list[str]:
    if not file.is_file():
        return []
    # Not splitlines: text may hold other ends of lines than \n.
    return [line for line in file.read_text(encoding="utf-8", errors="replace").split("\n") if line.strip()]


def parse(line: str) -> dict | None:
    """None for what is no row, such as a line that was cut off."""
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and isinstance(row.get("question_id"), str) else None


def rows(file: Path) -> list[dict]:
    return [row for row in map(parse, lines(file)) if row is not None]


def keep(file: Path, wanted) -> int:
    """Drops the lines of a file that are no wanted rows: LiveBench stops at the first one that it cannot read."""
    before = lines(file)
    kept = [line for line in before if (row := parse(line)) is not None and wanted(row)]
    if len(kept) < len(before):
        write(file, "".join(f"{line}\n" for line in kept))
    return len(before) - len(kept)


def is_answer(row: dict) -> bool:
    """What LiveBench looks at when it resumes."""
    try:
        row["choices"][0]["turns"][0]
    except (KeyError, IndexError, TypeError):
        return False
    return True


def failed(row: dict) -> bool:
    """Whether a row says of itself that something went wrong."""
    return any(row.get(key) not in FINE for key in ("error_msg", "error", "eval_status"))


def is_error(row: dict) -> bool:
    """Whether an answer is none: LiveBench scores it 0."""
    choices = row.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    turns = choice.get("turns") if isinstance(choice, dict) else None
    texts = [turn for turn in (turns if isinstance(turns, list) else [turns]) if isinstance(turn, str)]
    return failed(row) or not texts or any(text.strip() in ("", ERROR) for text in texts)


def is_score(score: object) -> bool:
    return isinstance(score, (int, float)) and not isinstance(score, bool) and (0 <= score <= 1 or score == -1)


def bucket(answer: dict | None, judgment: dict | None) -> str:
    """What became of a question. Disjoint; the first that applies, in this order."""
    error = answer is not None and is_error(answer)
    if judgment is None:
        return "missing"
    if judgment.get("eval_status") == "eval_error" or not is_score(judgment.get("score")):
        return "graderErrors"
    # A status that is not certainly the grader's own may have been copied from an answer that is an error.
    if failed(judgment) and not error:
        return "graderErrors"
    if error:
        return "errors"
    return "excluded" if judgment["score"] == -1 else "scored"


def write_rows(file: Path, found: list[dict]) -> None:
    write(file, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found))
