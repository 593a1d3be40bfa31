"""Subscribers who show no sign of life: asked once whether they want to stay, then paused.

    signs    when somebody last showed that they read a newsletter
    rules    the rule of a newsletter: its forecast, and changing it
    asking   who is inactive; ask them, pause those who do not answer, resume those who do
    reengaging  inactive subscribers go through a series of mails first, where there is one

Off by default, for each newsletter. An open is not a sign of life: mail programs load pictures on
their own. Without clicks of individuals nobody could be told apart, so nobody is asked then.
"""
