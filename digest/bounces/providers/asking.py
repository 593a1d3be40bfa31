"""Ask a provider's API for events."""

from typing import Any

import requests

from digest.bounces.providers.errors import ProviderEventError, UnknownToProviderError
from digest.relays.transports.esp.address import CONNECT_SECONDS

_ANSWER_SECONDS = 60
_PROBLEMS = {
    401: "The provider refuses the key. Check that it may also read events.",
    403: "The provider refuses the key. Check that it may also read events.",
    429: "The provider asks for a pause (429). It is asked again in some minutes.",
}
_UNKNOWN = {404, 410, 422}  # Postmark: 422


def get_json(url: str, parameters: dict[str, Any] | None, kind: type = dict, **options: Any) -> Any:
    """Return an answer that is JSON of a kind, an object or a list.

    Raises ProviderEventError, and UnknownToProviderError for what is not there.
    """
    try:
        response = requests.get(
            url,
            parameters,
            timeout=(CONNECT_SECONDS, _ANSWER_SECONDS),
            allow_redirects=False,
            **options,
        )
        if response.status_code in _PROBLEMS:
            raise ProviderEventError(_PROBLEMS[response.status_code])
        if response.status_code in _UNKNOWN:
            raise UnknownToProviderError(
                f"The provider does not have this: {response.status_code} {url}"
            )
        response.raise_for_status()
        answer = response.json()
    except (requests.RequestException, ValueError) as cause:
        raise ProviderEventError(f"The provider's history cannot be read: {cause}") from cause
    if response.status_code != 200 or not isinstance(answer, kind):
        raise ProviderEventError("The provider's history cannot be read: it is not JSON.")
    return answer
