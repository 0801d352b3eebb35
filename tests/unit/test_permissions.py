"""What each role may do."""

from __future__ import annotations

import pytest

from hub.errors import Forbidden
from hub.model import Role, User
from hub.permissions import ROLE_PERMISSIONS, Permission, may, require


def test_roles_grow() -> None:
    agent, supervisor, administrator = (ROLE_PERMISSIONS[role] for role in Role)
    assert agent < supervisor < administrator
    assert administrator == frozenset(Permission)


def test_nobody_but_administrators_administers() -> None:
    administration = {p for p in Permission if p.startswith("admin.")} | {Permission.API_USE}
    assert not administration & ROLE_PERMISSIONS[Role.SUPERVISOR]


@pytest.mark.parametrize("role", list(Role))
def test_a_disabled_user_may_nothing(role: Role) -> None:
    user = User("us_1", "u", "U", role, disabled=True)
    assert not any(may(user, permission) for permission in Permission)


def test_refusal_names_the_permission() -> None:
    with pytest.raises(Forbidden) as refused:
        require(User("us_1", "u", "U", Role.AGENT), Permission.ADMIN_USERS)
    assert refused.value.details == {"permission": "admin.users"}
