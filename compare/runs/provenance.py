"""Where numbers come from: the versions, the machine and the code that made them. No host name."""

import importlib.metadata
import os
import platform
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from compare import __version__

PACKAGES = ("numpy", "scipy", "pandas", "tensorflow", "keras", "matplotlib")


def environment() -> dict[str, Any]:
    """Return what the numbers may depend on: versions, platform, processor, threads. No host name."""
    return {
        **versions(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu(),
        "threads": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
    }


def versions() -> dict[str, str]:
    """Return the version of Python and of every package that the numbers may depend on."""
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in PACKAGES}}


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def command_line(words: Sequence[str], options: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    """Return the command that repeats a run: `keras-parity` and `words`, and every option that is not the default."""
    line = ["keras-parity", *words]
    for name, value in options.items():
        option = name.replace("_", "-")
        if value == defaults[name]:
            continue
        if isinstance(value, bool):
            line.append(f"--{option}" if value else f"--no-{option}")
        else:
            line += [f"--{option}", *map(str, value if isinstance(value, tuple) else (value,))]
    return shlex.join(line)


def code() -> dict[str, Any]:
    """Return which code ran: the version, and the commit where it runs from a checkout."""
    version = __version__
    root = Path(__file__).parents[2]  # the checkout; installed, the package itself, whatever repository that lies in
    if not (root / ".git").exists():
        return {"version": version, "commit": None, "dirty": None}
    commit = _git(root, "rev-parse", "HEAD")
    return {
        "version": version,
        "commit": commit,
        "dirty": bool(_git(root, "status", "--porcelain")) if commit else None,
    }


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
