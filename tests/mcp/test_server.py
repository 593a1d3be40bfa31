"""An assistant's client, the server, and the API behind it: real ones, the API over sockets."""

import os
import subprocess
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from pytest_django.live_server_helper import LiveServer

from digest.accounts import tokens
from digest.accounts.models import User
from digest.accounts.scopes import Scope
from digest.core import clock
from digest.issues.models import Issue
from digest.mcp.api import Api
from digest.mcp.errors import McpError
from digest.mcp.server import make_server
from digest.newsletters.models import Newsletter
from tests.cast import make_article, make_issue, make_newsletter, make_source, make_story
from tests.cast.subscribers import make_subscriber

pytestmark = pytest.mark.django_db(transaction=True)
READING = [scope for scope in Scope if scope.value.endswith(":read")]
SECONDS = 60  # that a conversation may take
Talk = Callable[[Client], Coroutine[Any, Any, Any]]


@pytest.fixture
def tide() -> Newsletter:
    """A newsletter with a subscriber, an article and an issue."""
    newsletter = make_newsletter(slug="tide")
    article = make_article(make_source(newsletter), body_html="<p>Forty of them.</p>")
    make_story(make_issue(newsletter), article=article)
    make_subscriber(newsletter, email="ines@reader.example")
    return newsletter


def make_token(*scopes: Scope) -> str:
    """A token's secret."""
    owner, _ = User.objects.get_or_create(email="ada@courier.example")
    return tokens.create("assistant", owner, scopes, now=clock.now())[1]


def talk(server: Any, script: Talk) -> Any:
    """Let a client talk to a server; return what the script returns."""

    async def run() -> Any:
        with anyio.fail_after(SECONDS):
            async with Client(server) as client:
                return await script(client)

    return anyio.run(run)


async def list_tools(client: Client) -> list[Any]:
    """The tools, each with the schema of its arguments."""
    return list((await client.list_tools()).tools)


async def tool_names(client: Client) -> set[str]:
    """The names of the tools."""
    return {tool.name for tool in await list_tools(client)}


def call_tool(server: Any, tool: str, **arguments: Any) -> Any:
    """Call one tool; return its answer, or its error as text."""

    async def script(client: Client) -> Any:
        result = await client.call_tool(tool, arguments)
        if result.is_error:
            return "".join(part.text for part in result.content)  # type: ignore[union-attr]
        return result.structured_content

    return talk(server, script)


def test_an_assistant_reads_and_never_meets_an_address(
    live_server: LiveServer, tide: Newsletter
) -> None:
    """Newsletters, issues, articles, statistics, counts; each by the scopes of the token."""
    api = Api(live_server.url, make_token(*READING))
    server = make_server(api)
    assert "create_draft_issue" not in talk(server, tool_names)
    [newsletter] = call_tool(server, "list_newsletters")["newsletters"]
    assert newsletter["slug"] == "tide"
    assert call_tool(server, "show_newsletter", newsletter="tide")["subscribers"] == 1
    [issue] = call_tool(server, "list_issues", newsletter="tide")["issues"]
    [article] = call_tool(server, "list_articles", newsletter="tide")["articles"]
    assert call_tool(server, "show_article", article=article["id"])["title"] == article["title"]
    details = call_tool(server, "show_issue", issue=issue["id"])
    [story] = details["stories"]
    assert story["title"] in call_tool(server, "read_issue", issue=issue["id"])["text"]
    answers = [
        details,
        call_tool(server, "show_preflight", issue=issue["id"]),
        call_tool(server, "issue_statistics", issue=issue["id"]),
        call_tool(server, "newsletter_statistics", newsletter="tide", days=30),
        call_tool(server, "publication_statistics", publication=tide.publication.slug),
        call_tool(server, "list_segments"),
    ]
    assert all(isinstance(answer, dict) for answer in answers), answers
    assert "reader.example" not in repr(answers)
    api.close()


def test_a_list_says_whether_there_is_more(live_server: LiveServer, tide: Newsletter) -> None:
    """An assistant does not take the first rows for all of them."""
    make_article(tide.sources.get())
    api = Api(live_server.url, make_token(*READING))
    server = make_server(api)
    assert call_tool(server, "list_articles", limit=1)["is_cut"]
    assert not call_tool(server, "list_articles", limit=2)["is_cut"]
    api.close()


def test_what_the_token_may_not_do_is_not_offered(
    live_server: LiveServer, tide: Newsletter
) -> None:
    """So the assistant does not try."""
    api = Api(live_server.url, make_token(Scope.STATISTICS_READ, Scope.ISSUES_WRITE))
    statistics = {"issue_statistics", "newsletter_statistics", "publication_statistics"}
    assert talk(make_server(api), tool_names) == statistics
    assert talk(make_server(api, writes=True), tool_names) == {*statistics, "create_draft_issue"}
    api.close()


def test_a_draft_takes_a_scope_and_a_flag_and_is_not_sent(
    live_server: LiveServer, tide: Newsletter
) -> None:
    """A person sends it, at the address that comes with it."""
    api = Api(live_server.url, make_token(Scope.ISSUES_WRITE, Scope.ARTICLES_READ))
    server = make_server(api, writes=True)
    [article] = call_tool(server, "list_articles")["articles"]
    draft = call_tool(
        server, "create_draft_issue", newsletter="tide", articles=[article["id"]], whole=True
    )
    issue = Issue.objects.get(pk=draft["id"])
    assert (issue.state, issue.send_at) == ("draft", None)
    assert draft["console_url"].endswith(f"/admin/issues/{issue.pk}/")
    refused = call_tool(server, "create_draft_issue", newsletter="ebb", articles=[])
    assert "Not found" in refused
    api.close()


@pytest.mark.parametrize(
    "detour",
    [
        "../subscribers",
        "../issues/{issue}/pause#",
        "..",
        ".",
        "tide/..",
        "%2e%2e",
        "tide?x",
        "",
        "a b",
    ],
)
def test_a_short_name_leads_to_no_other_operation(
    live_server: LiveServer, tide: Newsletter, detour: str
) -> None:
    """Not in any tool that takes one: a title in a feed could ask for it."""
    issue = Issue.objects.get()
    Issue.objects.filter(pk=issue.pk).update(state="sending")
    api = Api(live_server.url, make_token(*READING, Scope.ISSUES_WRITE, Scope.ISSUES_SEND))
    server = make_server(api, writes=True)
    names = ("newsletter", "publication")
    called = 0
    for tool in talk(server, list_tools):
        for name in set(names) & set(tool.input_schema["properties"]):
            arguments: dict[str, Any] = {name: detour.format(issue=issue.pk)}
            if tool.name == "create_draft_issue":
                arguments["articles"] = []
            answer = call_tool(server, tool.name, **arguments)
            assert "should match pattern" in answer, (tool.name, answer)
            called += 1
    assert called >= 6
    issue.refresh_from_db()
    assert issue.state == "sending"
    with pytest.raises(McpError, match="not a path"):
        api.get(f"/newsletters/{detour}")
    api.close()


def test_errors_are_said_in_our_words(live_server: LiveServer, tide: Newsletter) -> None:
    """What is not there, arguments that cannot be, a token that was revoked."""
    api = Api(live_server.url, make_token(*READING))
    server = make_server(api)
    assert "Not found" in call_tool(server, "show_issue", issue=999)
    assert "less than or equal to 50" in call_tool(server, "list_issues", limit=51)
    tokens.revoke(tokens.get_active("assistant"), clock.now())
    assert "revoked" in call_tool(server, "list_newsletters")
    with pytest.raises(McpError, match="revoked"):
        make_server(api)
    with pytest.raises(McpError, match="could not be reached"):
        make_server(Api("http://127.0.0.1:9", "dg_x"))
    with pytest.raises(McpError, match="404"):
        make_server(Api(f"{live_server.url}/archive", "dg_x"))
    api.close()


def test_the_command_serves_over_standard_input(live_server: LiveServer, tide: Newsletter) -> None:
    """As an assistant starts it: a process, a token in its environment."""
    command = "import sys; from digest.cli.main import main; sys.exit(main(sys.argv[1:]))"
    server = StdioServerParameters(
        command=sys.executable,
        args=["-c", command, "mcp", "--url", live_server.url],
        env={**os.environ, "DIGEST_API_TOKEN": make_token(Scope.NEWSLETTERS_READ)},
    )
    assert call_tool(server, "list_newsletters")["newsletters"][0]["slug"] == "tide"


@pytest.mark.parametrize(
    ("arguments", "token", "reason"),
    [
        ([], "dg_x", "--url"),
        (["--url", "https://digest.example"], "", "DIGEST_API_TOKEN"),
        (["--url", "http://127.0.0.1:9"], "dg_x", "could not be reached"),
    ],
)
def test_the_command_says_what_it_lacks(arguments: list[str], token: str, reason: str) -> None:
    """On standard error; standard output is the assistant's."""
    command = "import sys; from digest.mcp.main import main; sys.exit(main(sys.argv[1:]))"
    result = subprocess.run(
        [sys.executable, "-c", command, *arguments],
        env={**os.environ, "DIGEST_API_TOKEN": token},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert reason in result.stderr
