"""What the buttons of pictures do; scripts get JSON, forms a page with a toast."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse

from digest.console.access import parse_id, record_action, scope_of, user_of
from digest.console.pages import action_view, done, problems_on
from digest.console.pictures import answers, uses
from digest.console.pictures.views import get_picture
from digest.core import clock
from digest.core.errors import DigestError
from digest.newsletters.members import Right
from digest.newsletters.models import Publication
from digest.pictures import converting, library, renditions
from digest.pictures.errors import UnfitPictureError
from digest.pictures.models import Picture
from digest.pictures.sizes import Focus

MOST_FILES = 20  # of one form


@action_view(Right.EDIT)
def upload(request: HttpRequest) -> HttpResponse:
    """Add pictures: `publication`, and one `file` from a script or several from a form."""
    publications = scope_of(request, Right.EDIT).publications()
    pk = parse_id(request.POST.get("publication", ""))
    publication = get_object_or_404(publications, pk=pk)
    files = request.FILES.getlist("file")[:MOST_FILES]
    if answers.wants_json(request):
        return _upload_one(request, publication, files)
    for file in files:
        try:
            _add(request, publication, file)
        except DigestError as problem:
            messages.error(request, f"{file.name}: {problem}")
    return redirect(f"{reverse('pictures')}?publication={publication.pk}")


@action_view(Right.EDIT)
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Save `alt`, `credit`, and the focal point, `focal_x` and `focal_y` in percent."""
    picture = get_picture(request, pk)
    try:
        _change(picture, request.POST)
    except DigestError as problem:
        if answers.wants_json(request):
            return answers.refuse(problem)
        messages.error(request, str(problem))
        return redirect("picture", picture.pk)
    record_action(request, "changed the picture", picture, picture.publication_id)
    if answers.wants_json(request):
        return JsonResponse(answers.describe(picture))
    return done(request, "The picture was saved.", "picture", picture.pk)


@action_view(Right.EDIT)
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a picture that nothing uses."""
    picture = get_picture(request, pk)
    with problems_on(request):
        library.delete(picture, uses=uses.uses_of(picture))
        record_action(request, "deleted the picture", str(picture), picture.publication_id)
        messages.success(request, "The picture was deleted. Mails that were sent still show it.")
        return redirect(f"{reverse('pictures')}?publication={picture.publication_id}")
    return redirect("picture", pk)


def _upload_one(request: HttpRequest, publication: Publication, files: list[Any]) -> JsonResponse:
    try:
        if not files:
            raise UnfitPictureError("There is no file. Choose a picture.")
        return JsonResponse(answers.describe(_add(request, publication, files[0])))
    except DigestError as problem:
        return answers.refuse(problem)


def _add(request: HttpRequest, publication: Publication, file: Any) -> Picture:
    body = file.read(converting.MAX_BYTES + 1)
    picture = library.add(publication.pk, body, user_of(request), clock.now())
    record_action(request, "uploaded the picture", file.name, publication.pk)
    return picture


def _change(picture: Picture, values: Any) -> None:
    """Save what is given; what is not stays as it is."""
    if "focal_x" in values and "focal_y" in values:
        focus = Focus(_share(values["focal_x"]), _share(values["focal_y"]))
        renditions.change_focus(picture, focus)
    alt, credit = values.get("alt", picture.alt), values.get("credit", picture.credit)
    library.describe(picture, alt, credit)


def _share(percent: str) -> float:
    """Return a share from 0 to 1. Raises UnfitPictureError for what is not a number."""
    if not (percent.isascii() and percent.isdigit() and len(percent) <= 3):
        raise UnfitPictureError("The focal point needs two numbers from 0 to 100.")
    return int(percent) / 100
