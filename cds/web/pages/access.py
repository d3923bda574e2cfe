"""Who may see the pages: a caller on this machine, one whom a trusted proxy names, or one who has signed in by a password."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import Response

from cds.settings import Settings
from cds.trust.passwords import BadPasswords, Passwords, passwords
from cds.web.operators import is_here, is_passed_on

COOKIE = "taper-session"
SESSION_SECONDS = 8 * 60 * 60
MOST_FAILURES, FAILURES_SECONDS = 10, 60.0
"""So many wrong passwords in so many seconds, and nobody may try for a while."""
HERE = ("127.0.0.1", "localhost", "::1")
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class User:
    """Who looks at a page. `session` is what forms are bound to; `signed_in` whether a password was given for it."""

    name: str
    session: str
    signed_in: bool = False


class Access:
    """Tells who asks for a page, and whether what a form sends comes from a page of ours."""

    def __init__(self, settings: Settings, key: bytes | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._secret = key or secrets.token_bytes(32)
        self._sessions = URLSafeTimedSerializer(self._secret, salt="taper-cds session")
        self._clock = clock
        self._failures: deque[float] = deque(maxlen=MOST_FAILURES)
        self._secure = (settings.public_url or "").startswith("https:")

    @property
    def by_password(self) -> bool:
        return self._settings.passwords is not None

    def user(self, request: Request) -> User | None:
        """Who asks; None for one who may see no page but the open ones."""
        settings = self._settings
        if settings.user_header is not None:
            name = request.headers.get(settings.user_header, "").strip()[:LONGEST_NAME]
            if name and self._from_trusted_proxy(request):
                return User(name, name)
        if settings.passwords is not None:
            return self._by_session(request)
        if settings.user_header is not None or not is_here(request.scope) or is_passed_on(request.headers):
            return None
        if self._asks_here(request):
            return User("this machine", "this machine")
        return None

    def _from_trusted_proxy(self, request: Request) -> bool:
        try:
            peer = ipaddress.ip_address((request.scope.get("client") or ("",))[0])
        except ValueError:
            return False
        return any(peer in network for network in self._settings.trusted_proxies)

    def _asks_here(self, request: Request) -> bool:
        """Whether the address asked is this machine's: a name of another page that leads here must not open ours."""
        try:
            asked = urlsplit(f"//{request.headers.get('host', '')}").hostname
            return asked in HERE or asked == urlsplit(self._settings.public_url or "").hostname
        except ValueError:
            return False

    def _by_session(self, request: Request) -> User | None:
        try:
            name, nonce = self._sessions.loads(request.cookies.get(COOKIE, ""), max_age=SESSION_SECONDS)
        except (BadData, ValueError, TypeError):
            return None
        return User(name, nonce, signed_in=True) if name in self._passwords().hashes else None

    def _passwords(self) -> Passwords:
        """Those of the file as it is now, so that a line taken out ends a session; none where it can't be read."""
        assert self._settings.passwords is not None
        try:
            return passwords(self._settings.passwords)
        except BadPasswords:
            return Passwords({})

    def sign_in(self, name: str, password: str) -> str | None:
        """The cookie of a new session; None where the password does not fit, or too many did not."""
        now = self._clock()
        if len(self._failures) == MOST_FAILURES and now - self._failures[0] < FAILURES_SECONDS:
            return None
        if not self._passwords().fits(name, password):
            self._failures.append(now)
            return None
        made: str | bytes = self._sessions.dumps([name, secrets.token_urlsafe(16)])
        return made.decode() if isinstance(made, bytes) else made

    def keep(self, response: Response, cookie: str) -> None:
        """Hands a session to the browser."""
        response.set_cookie(COOKIE, cookie, SESSION_SECONDS, httponly=True, secure=self._secure, samesite="strict")

    def forget(self, response: Response) -> None:
        response.delete_cookie(COOKIE, httponly=True, secure=self._secure, samesite="strict")

    def form_token(self, user: User | None) -> str:
        """What a form of a page of ours carries, and no other page can know."""
        whose = user.session if user else "nobody"
        return hmac.new(self._secret, f"form\0{whose}".encode(), "sha256").hexdigest()

    def is_ours(self, request: Request, user: User | None, token: str) -> bool:
        """Whether a form was sent from a page of ours."""
        if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return False
        return hmac.compare_digest(token.encode(), self.form_token(user).encode())
