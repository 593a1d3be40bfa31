"""What people fill in."""

APPEAL = {
    "heading": "A message",
    "body": "Help us.",
    "button": "Support us",
    "url": "courier.example/support",
    "kind": "appeal",
    "style": "box",
}
