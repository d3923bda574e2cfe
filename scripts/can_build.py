"""Says in one line what is missing on this machine to make the environment; says nothing when nothing is.

durable-rules comes as C source only, so a compiler and Python's header files are needed, not Python alone.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig


def missing() -> str | None:
    """What is missing and what to install, or None."""
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if importlib.util.find_spec("ensurepip") is None:
        return f"{python} has no venv module. Install it (Debian, Ubuntu: apt install {python}-venv)."
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    if shutil.which(compiler[0]) is None:
        return (
            f"No C compiler: {compiler[0]} was not found, and durable-rules has to be compiled. "
            "Install gcc (Debian, Ubuntu: apt install gcc libc6-dev; Fedora: dnf install gcc; macOS: xcode-select --install)."
        )
    if not compiles(compiler):
        return (
            f"{compiler[0]} cannot compile against {python}: Python.h or the C library's headers were not found. "
            f"Install them (Debian, Ubuntu: apt install {python}-dev libc6-dev; Fedora: dnf install {python}-devel)."
        )
    return None


def compiles(compiler: list[str]) -> bool:
    """Whether the compiler finds Python's headers and the C library's."""
    return (
        subprocess.run(
            [*compiler, f"-I{sysconfig.get_path('include')}", "-fsyntax-only", "-x", "c", "-"],
            input=b"#include <Python.h>\n",
            capture_output=True,
        ).returncode
        == 0
    )


if __name__ == "__main__":
    sys.exit(missing())
