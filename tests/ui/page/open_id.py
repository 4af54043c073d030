"""An OpenID provider on loopback that says yes to everybody, for people who sign in on a Space."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT: Final = "a-space"
SECRET: Final = "the-spaces-own-secret"


class OpenIdProvider(ThreadingHTTPServer):
    """Discovery, authorisation that sends people back at once, tokens and keys."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, token: str) -> None:
        """Make one that gives everybody this token."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.token = token
        self.asked: list[str] = []
        self.nonces: dict[str, str] = {}
        self.key = RSAKey.generate_key(2048, {"kid": "1", "use": "sig"})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/oauth/authorize",
            "token_endpoint": f"{self.url}/oauth/token",
            "userinfo_endpoint": f"{self.url}/oauth/userinfo",
            "jwks_uri": f"{self.url}/keys",
            "response_types_supported": ["code"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        }

    def identity(self, nonce: str) -> dict[str, Any]:
        now = int(time.time())
        return {
            "iss": self.url, "sub": "1", "aud": CLIENT, "iat": now, "exp": now + 600, "auth_time": now, "nonce": nonce,
            "name": "Ada Visitor", "preferred_username": "ada", "profile": f"{self.url}/ada", "picture": f"{self.url}/ada.png",
        }  # fmt: skip


class _Handler(BaseHTTPRequestHandler):
    server: OpenIdProvider

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.server.asked.append(parts.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/.well-known/openid-configuration":
            self._say(self.server.metadata())
        elif parts.path == "/keys":
            self._say({"keys": [self.server.key.as_dict(private=False)]})
        elif parts.path == "/oauth/authorize":
            code = f"code-{len(self.server.nonces)}"
            self.server.nonces[code] = asked.get("nonce", "")
            back = "&" if "?" in asked["redirect_uri"] else "?"
            self.send_response(302)
            self.send_header("Location", asked["redirect_uri"] + back + urlencode({"code": code, "state": asked["state"]}))
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        self.server.asked.append(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        code = parse_qs(body)["code"][0]
        signed = jwt.encode({"alg": "RS256", "kid": "1"}, self.server.identity(self.server.nonces.pop(code)), self.server.key)
        token = {"access_token": self.server.token, "token_type": "bearer", "expires_in": 3600, "id_token": signed}
        self._say({**token, "scope": "openid profile inference-api"})

    def _say(self, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def open_id_provider(token: str) -> Iterator[OpenIdProvider]:
    """One for as long as it is needed."""
    provider = OpenIdProvider(token)
    threading.Thread(target=provider.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield provider
    finally:
        provider.shutdown()
        provider.server_close()
