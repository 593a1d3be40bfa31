"""Accounts of the newsroom, and their browsers."""

from django.test import Client

from digest.accounts.models import User


def make_superuser(email: str = "ada@courier.example") -> User:
    """The owner of everything."""
    return User.objects.create_superuser(email, "x")


def browser_of(user: User) -> Client:
    """The browser of somebody who has signed in."""
    browser = Client()
    browser.force_login(user)
    return browser
