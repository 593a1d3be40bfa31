"""DNS as scripted, for the checks that query it."""

import dns.exception
import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.resolver
import pytest

from tests.doctor.levels import Zone


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Zone:
    """TXT records by name, others by kind and name ("PTR …").

    A name that is missing does not exist; "timeout" silences DNS.
    """
    records: Zone = {}

    def resolve(name: str, kind: str, lifetime: float) -> dns.resolver.Answer:
        if "timeout" in records:
            raise dns.exception.Timeout
        key = name if kind == "TXT" else f"{kind} {name}"
        if key not in records:
            raise dns.resolver.NXDOMAIN
        values = [f'"{text}"' if kind == "TXT" else text for text in records[key]]
        lines = "".join(f"{name}. 60 IN {kind} {value}\n" for value in values)
        response = dns.message.from_text(
            f"id 1\nopcode QUERY\nrcode NOERROR\nflags QR\n"
            f";QUESTION\n{name}. IN {kind}\n;ANSWER\n{lines}"
        )
        assert isinstance(response, dns.message.QueryMessage)
        question = dns.name.from_text(name)
        number = dns.rdatatype.from_text(kind)
        return dns.resolver.Answer(question, number, dns.rdataclass.IN, response)

    monkeypatch.setattr("dns.resolver.resolve", resolve)
    return records
