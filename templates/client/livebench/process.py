"""LiveBench's programs, one at a time: their output goes to a file, how far they are to ours."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

# Seconds between two looks at how far it is.
EVERY = 5.0
GRACE = 5.0


def run(argv, *, cwd: Path, env: dict[str, str], log: Path, progress=lambda: None) -> int:
    """Appends what it prints to the log, without the key. What its exit code says is not to be believed."""
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [str(part) for part in argv]
    with log.open("ab") as out:
        child = subprocess.Popen(
            command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        copy = threading.Thread(target=masked, args=(child.stdout, out, env.get("LIVEBENCH_API_KEY", "")), daemon=True)
        copy.start()
        try:
            wait(child, progress)
        finally:
            end(child)
            # Not for what it may have left behind with our pipe.
            copy.join(GRACE)
    progress()
    return child.returncode


def wait(child: subprocess.Popen, progress) -> None:
    while True:
        try:
            child.wait(EVERY)
            return
        except subprocess.TimeoutExpired:
            progress()


def end(child: subprocess.Popen) -> None:
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(GRACE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def masked(stream, out, key: str) -> None:
    secret = key.encode() if key not in ("", "EMPTY") else None
    for line in stream:
        out.write(line.replace(secret, b"***") if secret else line)
        out.flush()


def show_end(log: Path, count: int = 20) -> None:
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    for line in text.replace("\r", "\n").rstrip().split("\n")[-count:]:
        print(f"  {line}")
    sys.stdout.flush()


def end_on_signals() -> None:
    """So that `finally` ends the child."""

    def stop(number, _frame):
        raise SystemExit(128 + number)

    for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(one, stop)
