"""DNS as scripted, as the checks have it."""

from tests.doctor.conftest import zone  # noqa: F401  a fixture
