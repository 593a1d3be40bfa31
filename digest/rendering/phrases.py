"""The few words of the mail that no editor writes, and dates, in the newsletter's language."""

from datetime import date
from typing import NamedTuple

from django.utils import formats, translation

from digest.core.languages import primary

_DATE_FIRST = frozenset({"ja", "ko", "zh"})


class Phrases(NamedTuple):
    """One language's words."""

    view_online: str
    appeal_from: str  # {publication}
    why: str  # {newsletter}
    sent_to: str  # {email}
    preferences: str
    unsubscribe: str
    past_issues: str


ENGLISH = Phrases(
    view_online="View in browser",
    appeal_from="A message from {publication}",
    why="You receive {newsletter} because you asked for it.",
    sent_to="Sent to {email}",
    preferences="Preferences",
    unsubscribe="Unsubscribe",
    past_issues="Past issues",
)
_KNOWN = {
    "en": ENGLISH,
    "de": Phrases(
        view_online="Im Browser ansehen",
        appeal_from="Eine Nachricht von {publication}",
        why="Sie erhalten {newsletter}, weil Sie darum gebeten haben.",
        sent_to="Gesendet an {email}",
        preferences="Einstellungen",
        unsubscribe="Abbestellen",
        past_issues="Frühere Ausgaben",
    ),
    "fr": Phrases(
        view_online="Voir dans le navigateur",
        appeal_from="Un message de {publication}",
        why="Vous recevez {newsletter} à votre demande.",
        sent_to="Envoyé à {email}",
        preferences="Préférences",
        unsubscribe="Se désabonner",
        past_issues="Numéros précédents",
    ),
    "es": Phrases(
        view_online="Ver en el navegador",
        appeal_from="Un mensaje de {publication}",
        why="Recibes {newsletter} porque lo pediste.",
        sent_to="Enviado a {email}",
        preferences="Preferencias",
        unsubscribe="Darse de baja",
        past_issues="Números anteriores",
    ),
    "pt": Phrases(
        view_online="Ver no navegador",
        appeal_from="Uma mensagem de {publication}",
        why="Você recebe {newsletter} porque pediu.",
        sent_to="Enviado para {email}",
        preferences="Preferências",
        unsubscribe="Cancelar inscrição",
        past_issues="Edições anteriores",
    ),
    "it": Phrases(
        view_online="Vedi nel browser",
        appeal_from="Un messaggio da {publication}",
        why="Ricevi {newsletter} perché lo hai richiesto.",
        sent_to="Inviato a {email}",
        preferences="Preferenze",
        unsubscribe="Annulla iscrizione",
        past_issues="Numeri precedenti",
    ),
    "nl": Phrases(
        view_online="Bekijk in browser",
        appeal_from="Een bericht van {publication}",
        why="U ontvangt {newsletter} omdat u erom hebt gevraagd.",
        sent_to="Verzonden aan {email}",
        preferences="Voorkeuren",
        unsubscribe="Afmelden",
        past_issues="Eerdere edities",
    ),
    "he": Phrases(
        view_online="לצפייה בדפדפן",
        appeal_from="הודעה מאת {publication}",
        why="קיבלת את {newsletter} כי ביקשת אותו.",
        sent_to="נשלח אל {email}",
        preferences="העדפות",
        unsubscribe="להסרה מרשימת התפוצה",
        past_issues="גיליונות קודמים",
    ),
    "ar": Phrases(
        view_online="عرض في المتصفح",
        appeal_from="رسالة من {publication}",
        why="تصلك {newsletter} لأنك طلبتها.",
        sent_to="أُرسلت إلى {email}",
        preferences="التفضيلات",
        unsubscribe="إلغاء الاشتراك",
        past_issues="الأعداد السابقة",
    ),
}


def phrases(language: str) -> Phrases:
    """Return the words for a language tag such as `de-AT`; English where we have none."""
    return _KNOWN.get(primary(language), ENGLISH)


def spoken_date(day: date, language: str) -> str:
    """Say a day in full: `Monday, 23 November 2026`; in English where Django lacks the language."""
    if language.lower() == "en-us":
        return f"{day:%A}, {day:%B} {day.day}, {day.year}"
    if primary(language) == "en":
        return _english(day)
    try:
        known = translation.get_supported_language_variant(language)
    except LookupError:
        return _english(day)
    with translation.override(known):
        weekday, full = formats.date_format(day, "l"), formats.date_format(day, "DATE_FORMAT")
    return f"{full} {weekday}" if primary(known) in _DATE_FIRST else f"{weekday}, {full}"


def _english(day: date) -> str:
    return f"{day:%A}, {day.day} {day:%B} {day.year}"
