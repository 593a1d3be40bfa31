"""What people fill in."""

APPEAL = {
    "heading": "A message",
    "body": "Help us.",
    "button": "Support us",
    "url": "courier.example/support",
    "kind": "appeal",
    "style": "box",
}
COURIER = {
    "name": "The Saltmarsh Courier",
    "url": "courier.example",
    "postal_address": "1 Quay Street\r\nSaltmarsh",
    "logo_url": "https://courier.example/logo.png",
    "accent": "#aa3311",
    "accent_dark": "#ffbb99",
    "language": "en",
    "timezone": "Europe/Madrid",
    "tracking": "aggregate",
}
