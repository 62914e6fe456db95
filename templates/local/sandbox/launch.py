"""Starts one role of the sandbox: locks this process down, then serves requests on file descriptor 3.

usage: python3 -I -B launch.py ROLE LIMITS
  ROLE    model (code that a model wrote) or check (a question's own tests)
  LIMITS  JSON: {"folder": the only writable folder, "memoryMiB": …, "cpuSeconds": …, "fileMiB": …}

The first line sent on the channel is {"layers": [what holds]}; nothing that is not trusted runs before it.
"""
import json
import os
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))


class Channel:
    """JSON lines over one socket. Its descriptors are not 0, 1 or 2, so that prints cannot mix with it."""

    def __init__(self, fd):
        self._reader = os.fdopen(os.dup(fd), "rb")
        self._writer = os.fdopen(os.dup(fd), "wb")
        os.close(fd)

    def receive(self):
        line = self._reader.readline()
        if not line:
            os._exit(0)
        return json.loads(line)

    def send(self, message):
        self._writer.write(json.dumps(message).encode() + b"\n")
        self._writer.flush()


def main():
    role, limits = sys.argv[1], json.loads(sys.argv[2])
    sys.path.insert(0, FOLDER)
    import lockdown

    module = __import__({"model": "model", "check": "check"}[role])
    sys.path.remove(FOLDER)
    channel = Channel(3)
    channel.send({"layers": lockdown.apply(limits)})
    module.serve(channel)


main()
