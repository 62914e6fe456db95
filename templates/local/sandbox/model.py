"""Runs code that a model wrote. It gets inputs and sends outputs, as data; what is right is decided elsewhere.

Nothing here has to withstand that code: whatever it does to this process, it can only change its own outputs.
"""
import ast
import builtins
import contextlib
import io
import json
import sys
import types

#: What LiveCodeBench has imported before an answer runs; answers lean on it (List, deque, inf, …). Later ones win.
STARRED = (
    *("string", "re", "datetime", "collections", "heapq", "bisect", "copy", "math", "random", "statistics"),
    *("itertools", "functools", "operator", "io", "sys", "json", "builtins", "typing"),
)
NAMED = STARRED[:-2]
RECURSION_LIMIT = 600_000
MAX_TEXT = 2_000_000


def prelude():
    names = {}
    for module in STARRED:
        exec(f"from {module} import *", names)
    for module in NAMED:
        exec(f"import {module}", names)
    names.pop("__builtins__", None)
    return names


PRELUDE = prelude()


def serve(channel):
    """Requests: load {code, starred}, then define {}, call {name, inputs}, literal {name, args, kwargs} or run {stdin}."""
    sys.setrecursionlimit(RECURSION_LIMIT)
    answer = Answer()
    requests = {name: getattr(answer, name) for name in ("load", "define", "call", "literal", "run")}
    while True:
        request = channel.receive()
        handle = requests[request.pop("do")]
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                reply = handle(**request)
        except BaseException as error:  # SystemExit too: an answer that leaves gives no output
            reply = {"raised": type(error).__name__, "message": message_of(error)}
        reply.setdefault("printed", printed.getvalue()[:MAX_TEXT])
        channel.send(reply)


class Answer:
    def load(self, code, starred):
        """`starred`: with LiveCodeBench's imports."""
        self.code = compile(code, "answer.py", "exec")
        self.starred = starred
        self.module = None
        return {}

    def define(self):
        """Runs the code as a module, once. Replies with the names of what it defines."""
        if self.module is None:
            self.module = self.fresh("answer")
            exec(self.code, self.module.__dict__)
        own = [name for name, value in vars(self.module).items() if getattr(value, "__module__", None) == "answer"]
        return {"names": own}

    def call(self, name, inputs):
        """One argument a line, as JSON; the output as JSON, in which a tuple is a list."""
        self.define()
        names = vars(self.module)
        target = names["Solution"]() if "Solution" in names else self.module
        output = getattr(target, name)(*arguments(inputs))
        return {"output": json.dumps(output)}

    def literal(self, name, args, kwargs):
        """Arguments and value as Python literals. Arguments come back too: a function may work on them in place."""
        args, kwargs = ast.literal_eval(args), ast.literal_eval(kwargs)
        value = getattr(self.module, name)(*args, **kwargs)
        return {"value": repr(value), "args": repr(args)}

    def run(self, stdin):
        """A whole program, from standard input to standard output."""
        stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        saved = sys.stdin
        sys.stdin = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
        try:
            with contextlib.redirect_stdout(stdout), contextlib.suppress(SystemExit):
                exec(self.code, self.fresh("__main__").__dict__)
        finally:
            sys.stdin = saved
        return {"output": stdout.buffer.getvalue().decode("utf-8", "replace")[:MAX_TEXT]}

    def fresh(self, name):
        module = types.ModuleType(name)
        sys.modules[name] = module
        module.__dict__.update(PRELUDE if self.starred else {})
        module.__dict__["__builtins__"] = builtins
        return module


def arguments(inputs):
    values = [json.loads(line) for line in inputs.split("\n")]
    # JSON has text keys only; as in LiveCodeBench, a first argument whose keys are all numbers gets numbers.
    if values and isinstance(values[0], dict):
        with contextlib.suppress(ValueError):
            values[0] = {int(key): value for key, value in values[0].items()}
    return values


def message_of(error):
    try:
        return str(error)[:500]
    except BaseException:
        return ""
