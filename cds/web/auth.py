"""Who calls: every hook call and feedback shows a token of a trusted client, or gets 401 and no reason."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from cds.errors import RefusedCall
from cds.trust.client_registry import Client
from cds.trust.tokens import Untrusted, UntrustedReason, Verifier
from cds.web.limits import Admission
from cds.web.logs import LOG, place_of
from cds.web.responses import outcome_response, refused_response
from cds.web.routing import CLIENT, PROTECTED, is_service

TOO_MANY = 429


class Authentication:
    """Lets in who is trusted, and tells the routes who it is. `everyone` is who calls where nobody is verified.

    A preflight shows no token and needs none. Discovery needs none either; one that is shown has to be right.
    """

    def __init__(
        self,
        app: ASGIApp,
        everyone: Client,
        verifier: Verifier | None,
        public_url: str | None,
        doubted: Callable[[str], None],
        admission: Admission,
    ) -> None:
        self._app = app
        self._everyone = everyone
        self._verifier = verifier
        self._public_url = public_url or ""
        self._doubted = doubted
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not is_service(scope) or scope["method"] == "OPTIONS":
            scope[CLIENT] = self._everyone
            await self._app(scope, receive, send)
            return
        try:
            client = scope[CLIENT] = await self._let_in(scope)
        except Untrusted as untrusted:
            self._tell(untrusted, scope)
            refusal = outcome_response(401, "login", "The caller is not authenticated.", {"WWW-Authenticate": "Bearer"})
            await refusal(scope, receive, send)
        except RefusedCall as refused:
            self._doubted("rate" if refused.status == TOO_MANY else "busy")
            await refused_response(refused)(scope, receive, send)
        else:
            with self._admission.in_hand(client):
                await self._app(scope, receive, send)

    async def _let_in(self, scope: Scope) -> Client:
        """Who calls, once the call is taken on. Refuses: who is not trusted, and what is too much."""
        if self._verifier is not None:
            return await self._caller(self._verifier, scope)
        if scope["method"] == "POST":
            self._admission.take(self._everyone)
        return self._everyone

    async def _caller(self, verifier: Verifier, scope: Scope) -> Client:
        shown = [value for name, value in scope["headers"] if name == b"authorization"]
        discovery = scope["path"].rstrip("/") == PROTECTED and scope["method"] in {"GET", "HEAD"}
        if not shown and discovery:
            return self._everyone
        if len(shown) != 1:
            raise Untrusted(UntrustedReason.NO_TOKEN)
        scheme, _, token = shown[0].decode("latin-1").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Untrusted(UntrustedReason.NO_TOKEN)
        try:
            return await verifier.caller(token.strip(), self._called(scope), self._admission.take)
        except (Untrusted, RefusedCall):
            raise
        except Exception as error:  # a fault of ours lets nobody in, and tells the caller no more than any refusal
            LOG.error("token_check_failed", extra={"fields": {"error": type(error).__name__, "place": place_of(error)}})
            raise Untrusted(UntrustedReason.FAULT) from None

    def _called(self, scope: Scope) -> tuple[str, ...]:
        """The address that was called, as the client knows it; a slash at its end changes nothing."""
        path: str = scope["path"]
        return tuple(dict.fromkeys((self._public_url + path, self._public_url + path.rstrip("/"))))

    def _tell(self, untrusted: Untrusted, scope: Scope) -> None:
        """Counts and logs why. What the caller wrote is told only where a trusted client signed it."""
        self._doubted(untrusted.doubt)
        fields = {"doubt": untrusted.doubt, "client": untrusted.client, "seen": untrusted.seen}
        if untrusted.doubt is UntrustedReason.AUDIENCE:
            fields["expected"] = self._called(scope)[-1]
        told = {name: value for name, value in fields.items() if value is not None}
        LOG.warning("token_refused", extra={"fields": told})
