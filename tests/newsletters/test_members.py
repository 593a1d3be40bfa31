"""What a member gave to others falls with the right to give it."""

from datetime import timedelta

import pytest

from digest.core.errors import LinkError
from digest.newsletters import invitations, members
from digest.newsletters.members import MemberRole
from digest.newsletters.models import Invitation, Member, Publication, Role
from tests.cast import NOON, make_member, make_publication

pytestmark = pytest.mark.django_db
SOON = NOON + timedelta(hours=1)


def token_of(invitation: Invitation) -> str:
    """The token in the link of an invitation."""
    return invitations.accept_url(invitation).rstrip("/").rpartition("/")[2]


def invite(publication: Publication, email: str) -> Invitation:
    """An invitation by the only member of a publication, to be its owner."""
    member = Member.objects.get(publication=publication)
    return invitations.invite(email, MemberRole(Role.OWNER, publication), member.user, NOON)


@pytest.mark.parametrize("is_removed", [True, False])
def test_open_invitations_of_a_former_owner_are_withdrawn(*, is_removed: bool) -> None:
    """Or they would come back under another address; those of another publication stay."""
    courier, gazette = make_publication(), make_publication()
    ben = make_member(courier)
    Member.objects.create(user=ben, publication=gazette, role=Role.OWNER, created_at=NOON)
    own, other = (
        invite(row, f"{number}@private.example") for number, row in enumerate((courier, gazette))
    )
    member = Member.objects.get(publication=courier)
    if is_removed:
        members.remove(member, SOON)
    else:
        members.change_role(member, MemberRole(Role.ANALYST, courier), SOON)
    with pytest.raises(LinkError, match="withdrawn"):
        invitations.accept(token_of(own), "correct-horse-battery", SOON)
    own.refresh_from_db()
    assert own.revoked_at == SOON
    assert invitations.get_pending(token_of(other), SOON) == other


def test_invitations_of_whoever_stays_an_owner_stay() -> None:
    """A right that is changed and kept withdraws nothing."""
    courier = make_publication()
    make_member(courier)
    invitation = invite(courier, "new@courier.example")
    member = Member.objects.get(publication=courier)
    members.change_role(member, MemberRole(Role.OWNER, courier), SOON)
    assert invitations.get_pending(token_of(invitation), SOON) == invitation
