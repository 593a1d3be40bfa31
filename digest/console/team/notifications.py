"""Which events a member is told of by mail: each chooses for themselves."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse

from digest.accounts.models import User
from digest.accounts.topics import NewsroomEvent
from digest.console.access import record_action, scope_of, user_of
from digest.console.pages import done, form_view, render_page
from digest.newsletters.members import Right


class NotificationForm(forms.Form):
    """The events that a member wants to be told of."""

    events = forms.MultipleChoiceField(
        label="Send me an email when",
        required=False,
        choices=NewsroomEvent,
        widget=forms.CheckboxSelectMultiple,
        help_text="Of the newsletters that you can edit. What happens at the same time to several "
        "issues of a newsletter comes in one email.",
    )

    def __init__(self, user: User, data: Any = None) -> None:
        chosen_events = [event for event in NewsroomEvent if event not in user.unwanted_events]
        super().__init__(data, initial={"events": chosen_events})


@form_view(Right.EDIT)
def notifications(request: HttpRequest) -> HttpResponse:
    """Choose what to be told of."""
    user = user_of(request)
    form = NotificationForm(user, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        chosen_events = form.cleaned_data["events"]
        user.unwanted_events = [event for event in NewsroomEvent if event not in chosen_events]
        user.save(update_fields=["unwanted_events"])
        record_action(request, "changed the notifications of", user)
        return done(request, "Your notifications were saved.", "notifications")
    context = {
        "form": form,
        "email": user.email,
        "can_manage": not scope_of(request, Right.MANAGE).is_empty,
    }
    return render_page(request, "console/team/notifications.html", "Notifications", context)
