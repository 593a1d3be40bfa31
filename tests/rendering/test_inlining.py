"""The theme's CSS goes into style attributes; a style sheet is read once."""

from premailer import Premailer

from digest.rendering import inlining
from digest.rendering.inlining import inline

STYLE = """<style>
    p, .lead { color: #123456; margin: 0 !important }
    a:hover { color: red }
    #one { padding: 1px }
    @media (max-width: 600px) { p { color: black; margin: 4px } }
</style><style data-premailer="ignore">p { color: white !important }</style>"""


def document(body: str, style: str = STYLE) -> str:
    """A document with a style sheet."""
    return f"<!doctype html><html><head>{style}</head><body>{body}</body></html>"


def test_what_is_kept_of_a_style_sheet_changes_no_mail() -> None:
    """Again and again, in documents of other content, as premailer alone does it."""
    for body in ("<p>One</p>", '<p id="one" style="top: 0">Two</p>', '<a class="lead">Three</a>'):
        alone = Premailer(document(body), **inlining._OPTIONS).transform(pretty_print=False)
        assert inline(document(body)) == inline(document(body)) == alone
        assert "color:#123456" in alone


def test_a_style_sheet_is_read_once() -> None:
    """It takes longer than all the rest."""
    style = "<style>p { color: #654321 }</style>"
    inline(document("<p>One</p>", style))
    before = inlining._rules_of.cache_info()
    inline(document("<p>Two</p>", style))
    after = inlining._rules_of.cache_info()
    assert (after.hits, after.misses) == (before.hits + 1, before.misses)
