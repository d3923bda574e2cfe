"""The container is built from the lock, runs without rights, and is open to nobody by default."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINES = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text()).splitlines()
STEPS = [tuple(line.split(maxsplit=1)) for line in LINES if line and not line.startswith(("#", " "))]
LAST_STAGE = STEPS[max(at for at, (word, _) in enumerate(STEPS) if word == "FROM") :]


def steps(word: str, within: list[tuple[str, ...]] = STEPS) -> list[str]:
    return [rest for name, rest in within if name == word]


def test_every_base_image_is_pinned_to_a_python_and_a_release() -> None:
    assert len(steps("FROM")) == 2
    (base,) = steps("ARG")
    assert re.fullmatch(r"BASE=python:3\.11-slim-[a-z]+", base), base
    for image in steps("FROM"):
        assert re.fullmatch(r"\$\{BASE\}( AS \w+)?", image), image


def test_packages_come_from_the_lock_with_their_hashes_and_the_project_brings_none() -> None:
    installs = re.findall(r"pip install ([^&|]+)", " ".join(steps("RUN")))
    assert installs
    for install in installs:
        assert "--require-hashes -r requirements" in install or "--no-deps --no-build-isolation ." in install, install


def test_it_runs_as_nobody_in_particular() -> None:
    (user,) = steps("USER", LAST_STAGE)
    assert user.isdigit() and int(user) > 0
    assert f"--uid {user}" in " ".join(steps("RUN", LAST_STAGE))


def test_no_compiler_reaches_the_image_that_runs() -> None:
    assert "gcc" not in " ".join(steps("RUN", LAST_STAGE))


def test_its_health_is_checked_and_its_port_told() -> None:
    (check,) = steps("HEALTHCHECK", LAST_STAGE)
    (port,) = steps("EXPOSE", LAST_STAGE)
    (command,) = steps("CMD", LAST_STAGE)
    assert f":{port}/health" in check
    assert f'"{port}"' in command and '"0.0.0.0"' in command


def test_it_is_not_open_by_default() -> None:
    assert not [step for step in steps("ENV") if "CDS_ALLOW_UNAUTHENTICATED" in step]


def test_what_it_copies_is_let_through_and_exists() -> None:
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for copy in steps("COPY"):
        if copy.startswith("--from="):
            continue
        for name in copy.split()[:-1]:
            assert name in let_through and (ROOT / name).exists(), name
