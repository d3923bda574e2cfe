"""Two worker processes, as they are served: a token opens one of them, once, and after a restart neither."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.security.tokens import CALL, ISSUER, SIGN, ec_key, shown

LONGEST_START = 120.0
COMMAND = Path(sys.executable).with_name("cds")


@contextmanager
def serving(folder: Path, port: int) -> Iterator[str]:
    """The service with two workers, from its start to its end."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CDS_")}
    environment |= {
        "CDS_CLIENTS": str(folder / "clients.yaml"),
        "CDS_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "CDS_DATABASE_URL": f"sqlite:///{folder}/store/decisions.sqlite",
    }
    process = subprocess.Popen(
        [COMMAND, "serve", "--port", str(port), "--workers", "2"], env=environment, cwd=Path(__file__).parents[2]
    )
    try:
        address = f"http://127.0.0.1:{port}"
        ends = time.monotonic() + LONGEST_START
        while not answers(address):
            assert process.poll() is None and time.monotonic() < ends, "the service did not start"
            time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait(LONGEST_START)


def answers(address: str) -> bool:
    try:
        return httpx.get(address + "/health", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def statuses(address: str, token: str, calls: int) -> list[int]:
    """The statuses of calls that show the same token at once, each over a connection of its own."""

    def one(_: int) -> int:
        return httpx.post(address + SIGN, json=CALL, headers=shown(token), timeout=LONGEST_START).status_code

    with ThreadPoolExecutor(calls) as threads:
        return sorted(threads.map(one, range(calls)))


def test_two_workers_share_what_a_client_may_still_spend(tmp_path: Path) -> None:
    key = ec_key("k")
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [key.public()]}))
    (tmp_path / "clients.yaml").write_text(f"clients:\n  hospital: {{issuer: {ISSUER}, keys: keys.json, calls_a_minute: 30}}\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    aud = f"http://127.0.0.1:{port}{SIGN}"
    found: list[int] = []
    with serving(tmp_path, port) as address, ThreadPoolExecutor(16) as threads:
        began = time.monotonic()
        while 429 not in found:  # a busy machine may take so long for some that the next are allowed again
            called = [threads.submit(statuses, address, key.token(aud=aud), 1) for _ in range(16)]
            found += [status for call in called for status in call.result()]
        took = time.monotonic() - began
    assert set(found) == {200, 429}
    assert 5 <= found.count(200) <= 5 + 1 + took / 2, "five at once, and one more every two seconds that this takes"


def test_sec_13_of_two_workers_one_takes_a_token_and_after_a_restart_none(tmp_path: Path) -> None:
    key = ec_key("k")
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [key.public()]}))
    (tmp_path / "clients.yaml").write_text(f"clients:\n  hospital: {{issuer: {ISSUER}, keys: keys.json}}\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    aud = f"http://127.0.0.1:{port}{SIGN}"
    token = key.token(aud=aud)
    with serving(tmp_path, port) as address:
        assert statuses(address, token, 16) == [200] + [401] * 15
    with serving(tmp_path, port) as address:
        assert statuses(address, token, 4) == [401] * 4
        assert statuses(address, key.token(aud=aud), 1) == [200]
