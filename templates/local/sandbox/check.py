"""Runs a question's own unit tests. The code under test lives in another process and is called by name.

Only literals cross: a value cannot bring methods of its own (an `__eq__` that says yes to everything), and an
exception arrives as the built-in one of its name. Two values that differ only in a class of the answer's own are
therefore the same here; LiveBench, which runs both in one process, would tell them apart.
"""
import ast
import builtins
import io
import keyword
import sys
import types
import unittest


def serve(channel):
    """Request: {tests, names}. Sends calls until the tests are through, then {"verdict": …} or {"broken": why}."""
    request = channel.receive()
    module = types.ModuleType("__test__")
    sys.modules["__test__"] = module
    for name in filter(may_be_called, request["names"]):
        setattr(module, name, remote(channel, name))
    try:
        exec(compile(request["tests"], "tests.py", "exec"), module.__dict__)
        suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    except BaseException as error:
        channel.send({"broken": f"{type(error).__name__}: {error}"})
        return
    result = unittest.TestResult()
    suite.run(result)
    failures = [f"{test.id()}: {text.strip().splitlines()[-1]}" for test, text in result.errors + result.failures]
    failures += [f"{test.id()}: unexpected success" for test in result.unexpectedSuccesses]
    channel.send({"verdict": {"run": result.testsRun, "failures": failures[:20]}})


def may_be_called(name):
    """A function of the answer must not stand in for what the tests or unittest itself use."""
    taken = hasattr(builtins, name) or name in ("load_tests", "setUpModule", "tearDownModule")
    return name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("_") and not taken


def remote(channel, name):
    def call(*args, **kwargs):
        channel.send({"name": name, "args": repr(args), "kwargs": repr(kwargs)})
        reply = channel.receive()
        sys.stdout.write(reply["printed"])
        if "raised" in reply:
            raise exception(reply["raised"])(reply["message"])
        write_back(args, literal(reply["args"]))
        return literal(reply["value"])

    call.__name__ = name
    return call


def exception(name):
    """Never SystemExit or the like, which would end the tests, nor unittest's SkipTest."""
    kind = getattr(builtins, name, None)
    return kind if isinstance(kind, type) and issubclass(kind, Exception) else RuntimeError


def literal(text):
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise TypeError(f"not a value that can be handed over: {text[:100]}") from error


def write_back(args, changed):
    """What the function did to its arguments in place."""
    if not isinstance(changed, tuple) or len(changed) != len(args):
        return
    for mine, theirs in zip(args, changed):
        if type(mine) is not type(theirs):
            continue
        if isinstance(mine, (list, bytearray)):
            mine[:] = theirs
        elif isinstance(mine, (dict, set)):
            mine.clear()
            mine.update(theirs)
