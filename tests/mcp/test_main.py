"""What `digest mcp` says where it cannot serve."""

from typing import Any

import pytest

from digest.mcp.api import Api
from digest.mcp.errors import McpError
from digest.mcp.main import main
from tests.provider_server import Answer, ProviderServer


@pytest.mark.parametrize("content", [{}, [], "x", {"name": "a", "scopes": None}])
def test_another_service_is_not_taken_for_digest(content: Any) -> None:
    """Whose answer is JSON, and says nothing of a token."""
    with ProviderServer(lambda _: "", pages=lambda _: Answer.of(content)) as server:
        api = Api(server.url, "dg_x")
        with pytest.raises(McpError, match="not Digest's"):
            api.token_details()
        api.close()


@pytest.mark.parametrize("token", ["dg_ü", "dg_a\nb", "Bearer dg_a"])
def test_what_is_not_a_token_is_refused_and_not_repeated(
    token: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Standard error ends up in an assistant's log, and most of it is the secret."""
    monkeypatch.setenv("DIGEST_API_TOKEN", token)
    assert main(["--url", "http://127.0.0.1:9"]) == 1
    error = capsys.readouterr().err
    assert "Copy the token again" in error
    assert token not in error
