"""Waits until a model is served."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request

from settings import Refused, Settings

# Seconds.
BETWEEN_LOOKS = 2.0
BETWEEN_LINES = 30.0


def wait(settings: Settings, key: str) -> None:
    """Until <api base>/models lists the model. @raises Refused when it does not in time, or never will"""
    deadline = time.monotonic() + settings.wait_minutes * 60
    told = -BETWEEN_LINES
    while True:
        why = look(settings, key)
        if why is None:
            return
        now = time.monotonic()
        if now >= deadline:
            raise Refused(
                f"{settings.server} was not served at {settings.api_base} within {settings.wait_minutes:g} minutes: "
                f"{why}. Is it up, and in the same mesh? See: sky status; sky logs {settings.server}"
            )
        if now - told >= BETWEEN_LINES:
            print(f"waiting for {settings.server} at {settings.api_base}: {why}", flush=True)
            told = now
        time.sleep(min(BETWEEN_LOOKS, max(0.0, deadline - now)))


def look(settings: Settings, key: str) -> str | None:
    """Why it is not served; None when it is."""
    url = f"{settings.api_base}/models"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key or 'EMPTY'}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            listed = [one["id"] for one in json.load(reply)["data"]]
    except urllib.error.HTTPError as error:
        if error.code in (401, 403):
            raise Refused(f"{url} does not accept the key ({error.code}): give LIVEBENCH_API_KEY as a secret") from error
        return f"it says {error.code}"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return str(getattr(error, "reason", None) or error)
    return None if settings.server in listed else f"it serves {', '.join(map(str, listed)) or 'nothing'}"
