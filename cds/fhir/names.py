"""Names of servers looked up, in threads of their own: the system's look-up can't be ended, and a slow one holds up no other."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from concurrent.futures import Future, ThreadPoolExecutor

MOST_LOOKUPS = 32
"""How many names are looked up at a time, by one process."""
Found = tuple[str, ...]


class Names:
    """Looks names up, each once at a time: whoever asks meanwhile waits for the same answer, so that one name takes one thread.

    A look-up that nobody waits for any more goes on until the system gives up.
    """

    def __init__(self, most: int = MOST_LOOKUPS) -> None:
        self._most = most
        self._threads = ThreadPoolExecutor(most, thread_name_prefix="names")
        self._under_way: dict[tuple[str, int], Future[Found]] = {}

    async def addresses(self, name: str, port: int) -> Found:
        """The addresses that a name stands for. Refuses with OSError: one that stands for none, and one too many at a time."""
        if is_number(name):
            return (name,)
        key = name, port
        asked = self._under_way.get(key)
        if asked is None:
            if len(self._under_way) >= self._most:
                raise OSError("too many names are being looked up")
            asked = self._under_way[key] = self._threads.submit(_looked_up, name, port)
            asked.add_done_callback(lambda _: self._under_way.pop(key, None))
        return await asyncio.shield(asyncio.wrap_future(asked))


def _looked_up(name: str, port: int) -> Found:
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_number(host: str) -> bool:
    """Whether a host is an address already."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
