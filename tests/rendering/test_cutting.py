"""Documents are cut at their marks, and keep every other character."""

from digest.rendering.cutting import Marks


def test_the_address_of_a_tracked_link_is_escaped_and_its_surroundings_are_not() -> None:
    """HTML before the link is HTML in the mail too."""
    marks = Marks("html", "xnonce")
    pieces = marks.cut('<p class="lead"><a href="xnonceL0Z">Go</a></p>', ["https://a.example/?b&c"])
    assert [piece.text for piece in pieces] == [
        '<p class="lead"><a href="https://a.example/?b&amp;c',
        '">Go</a></p>',
    ]
    assert pieces[0].slot == "html_click"
