"""One's own account."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType, field
from msgspec.structs import replace

from hub import mail_signature as signature
from hub.errors import NotSignedIn, VersionConflict
from hub.model import Line, User, line_of
from hub.permissions import ROLE_PERMISSIONS, Permission
from hub.web import shapes as s
from hub.web.api.users import Locale
from hub.web.table import Call, Input, Nothing, Table, given

table = Table("Me")
_SETTINGS = ("sound", "notifications", "line", signature.KEY)


def me_view(user: User) -> s.Me:
    return s.Me(
        user.id,
        user.username,
        user.name,
        str(user.role),
        sorted(map(str, ROLE_PERMISSIONS[user.role])),
        user.locale,
        user.theme,
        bool(user.settings.get("sound", True)),
        bool(user.settings.get("notifications", False)),
        line_of(user),
        signature.kept(user.settings),
    )


@table.add("GET", "/me", "session", result=s.Me, summary="Who you are and what you may do")
async def get_me(call: Call[None, Nothing]) -> object:
    return me_view(call.user)


class SignatureEdit(Input, frozen=True, forbid_unknown_fields=True):
    """`html` may hold paragraphs, lists, links and emphasis; the rest is left out. Without it the text is shown, and
    without `text` what the HTML says. Both may name what templates of mails may, as `{{ agent.name }}`."""

    text: Annotated[str, Meta(max_length=signature.TEXT_LIMIT)] = ""
    html: Annotated[str, Meta(max_length=signature.HTML_LIMIT)] = ""


class SignaturesEdit(SignatureEdit, frozen=True, forbid_unknown_fields=True):
    """`queues` are others for single queues, by the ids of these."""

    queues: Annotated[dict[str, SignatureEdit], Meta(max_length=signature.QUEUES)] = field(default_factory=dict)


class MeEdit(Input, frozen=True, forbid_unknown_fields=True):
    """`line` is where you talk: in the browser, or on your telephone. `mail_signature` is what your mails end with,
    before what their mailbox adds."""

    locale: Locale | UnsetType = UNSET
    theme: Literal["auto", "light", "dark"] | UnsetType = UNSET
    sound: bool | UnsetType = UNSET
    notifications: bool | UnsetType = UNSET
    line: Line | UnsetType = UNSET
    mail_signature: SignaturesEdit | UnsetType = UNSET


@table.add("PATCH", "/me", Permission.ME_EDIT, body=MeEdit, result=s.Me, summary="Change your own preferences")
async def patch_me(call: Call[MeEdit, Nothing]) -> object:
    changes: dict[str, Any] = given(call.body)
    settings = {name: changes.pop(name) for name in _SETTINGS if name in changes}
    if call.body.mail_signature is not UNSET:
        given_signature = msgspec.convert(msgspec.to_builtins(call.body.mail_signature), signature.Signatures)
        clean = signature.cleaned(given_signature, call.hub.directory.queues())
        settings[signature.KEY] = msgspec.to_builtins(clean)
    for attempt in range(3):
        user = await call.store.accounts.user(call.user.id)
        if user is None:
            raise NotSignedIn("Please sign in.")
        changed = replace(user, settings=user.settings | settings, **changes)
        if changed == user:
            return me_view(user)
        try:
            # Two windows of one person may do this at once; neither has looked at the other's version.
            user = await call.web.auth.change_user(changed, version=user.version, by=user.id)
        except VersionConflict:
            if attempt == 2:
                raise
            continue
        await call.hub.directory.refresh("user", user.id)
        return me_view(user)
    raise VersionConflict("Your account was changed at the same time. Please try again.")


class OwnPassword(Input, frozen=True, forbid_unknown_fields=True):
    old: Annotated[str, Meta(max_length=1000)]
    new: Annotated[str, Meta(max_length=1000)]


@table.add(
    "POST",
    "/me/password",
    Permission.ME_EDIT,
    body=OwnPassword,
    summary="Change your password; your other sessions end",
)
async def change_password(call: Call[OwnPassword, Nothing]) -> object:
    keep = call.who.session.id if call.who and call.who.session else None
    await call.web.auth.change_password(call.user, call.body.old, call.body.new, keep=keep)
    return None
