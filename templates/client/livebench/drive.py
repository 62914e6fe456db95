"""drive.py [STEP]: prepare, answer, grade or show; all of them without one. What it does is told by variables."""

import os
import sys

import process
import settings
import steps

STEPS = {"prepare": steps.prepare, "answer": steps.answer, "grade": steps.grade, "show": steps.show}


def main() -> int:
    env = dict(os.environ)
    step = sys.argv[1] if len(sys.argv) > 1 else ""
    try:
        if step and step not in STEPS:
            raise settings.Refused(f'STEP is "{step}": give {", ".join(STEPS)}, or nothing for all')
        asked = settings.read(env)
        if step != "prepare" and not asked.server:
            raise settings.Refused("SERVER is empty: give the name of the service to ask")
        for name in [step] if step else STEPS:
            STEPS[name](asked, env)
    except settings.Refused as error:
        print(error, file=sys.stderr, flush=True)
        return 1
    return 0


process.end_on_signals()
sys.exit(main())
