"""`contacthub user`: who may sign in. Everything works while the hub runs; it notices within two seconds."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import msgspec
import typer
from msgspec import Struct
from msgspec.structs import replace
from rich.table import Table

from hub.auth import Auth
from hub.cli.context import ACTOR, accounts, read_known_config
from hub.cli.output import Failed, Json, print_json, say, show
from hub.clock import SystemClock
from hub.config import Config
from hub.config_rows import Id, Level, Name, Username, invalid
from hub.ids import new_id
from hub.model import Role, User
from hub.ports import Store
from hub.references import check_references, user_references

DAY_MS = 24 * 3600 * 1000

UserName = Annotated[str, typer.Argument(metavar="NAME", help="The user name.")]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the first line of standard input.")
]


class NewUser(Struct, frozen=True):
    """What `add` is given, as the admin page checks it too."""

    username: Username
    name: Name
    role: Role
    skills: dict[Id, Level]


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Who may sign in. Works while the hub runs, too.")
    app.add_typer(group, name="user")
    group.command("add")(add)
    group.command("passwd")(passwd)
    group.command("list")(list_users)
    group.command("disable")(disable)
    group.command("enable")(enable)
    group.command("token")(token)


def add(
    context: typer.Context,
    username: UserName,
    name: Annotated[str, typer.Option(help="The full name; visitors see the first word of it.")] = "",
    role: Annotated[Role, typer.Option(help="What he may do: agent, supervisor or administrator.")] = Role.AGENT,
    skill: Annotated[
        list[str] | None, typer.Option(metavar="SKILL=LEVEL", help="A skill with its level, 1 to 5; may be repeated.")
    ] = None,
    password_stdin: PasswordStdin = False,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="He cannot sign in until `user passwd` gives him a password.")
    ] = False,
    json: Json = False,
) -> None:
    """Makes a user and asks for his password."""
    if password_stdin and no_password:
        raise typer.BadParameter("--password-stdin and --no-password exclude each other.")
    values = {"username": username, "name": name or username, "role": role, "skills": _skills(skill or [])}
    try:
        new = msgspec.convert(values, NewUser)
    except msgspec.ValidationError as error:
        raise invalid(error) from None
    config = read_known_config(context)
    password = None if no_password else _password(password_stdin)
    user = asyncio.run(_add(config, new, password))
    if json:
        print_json(_view(user))
    else:
        say(f"{user.username} can sign in as {_article(user.role)}." if password else f"{user.username} is known now.")


async def _add(config: Config, new: NewUser, password: str | None) -> User:
    async with accounts(config) as (store, auth):
        now = SystemClock().now()
        user = User(new_id("us", now), new.username, new.name, new.role, skills=new.skills, created_at=now)
        await check_references(store, user_references(user))
        return await auth.create_user(user, password, by=ACTOR)


def passwd(context: typer.Context, username: UserName, password_stdin: PasswordStdin = False) -> None:
    """Gives a user a new password and signs him out everywhere."""
    config = read_known_config(context)

    async def work() -> None:
        async with accounts(config) as (store, auth):
            await auth.set_password(await _user(store, username), password, by=ACTOR)

    asyncio.run(_exists(config, username))
    password = _password(password_stdin)
    asyncio.run(work())
    say(f"{username} has a new password and was signed out everywhere.")


def list_users(context: typer.Context, json: Json = False) -> None:
    """Shows all users."""
    config = read_known_config(context)

    async def work() -> list[User]:
        async with accounts(config) as (store, _):
            return await store.accounts.users()

    users = asyncio.run(work())
    if json:
        print_json([_view(user) for user in users])
        return
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="bold")
    for heading in ("User", "Name", "Role", "Skills", ""):
        table.add_column(heading)
    for user in users:
        skills = ", ".join(f"{skill} {level}" for skill, level in user.skills.items())
        state = "disabled" if user.disabled else "" if user.password_hash else "no password"
        table.add_row(user.username, user.name, str(user.role), skills, state, style="dim" if user.disabled else None)
    show(table)


def disable(context: typer.Context, username: UserName) -> None:
    """Ends a user's sessions; he cannot sign in and his tokens do not work. His name stays in what he said."""
    if asyncio.run(_set_disabled(read_known_config(context), username, True)):
        say(f"{username} is disabled.")
    else:
        say(f"{username} was disabled already.")


def enable(context: typer.Context, username: UserName) -> None:
    """Lets a disabled user sign in again."""
    if asyncio.run(_set_disabled(read_known_config(context), username, False)):
        say(f"{username} may sign in again.")
    else:
        say(f"{username} was not disabled.")


async def _set_disabled(config: Config, username: str, disabled: bool) -> bool:
    """Whether anything changed."""
    async with accounts(config) as (store, auth):
        user = await _user(store, username)
        if user.disabled == disabled:
            return False
        await auth.change_user(replace(user, disabled=disabled), version=user.version, by=ACTOR)
        return True


def token(
    context: typer.Context,
    username: UserName,
    label: Annotated[str, typer.Option(help="What the admin page calls it.")] = "command line",
    days: Annotated[int | None, typer.Option(min=1, max=3650, help="How long it is good for; else for ever.")] = None,
) -> None:
    """Prints a new bearer token of a user for the REST interface, alone on a line. It is shown this once."""
    config = read_known_config(context)

    async def work() -> str:
        async with accounts(config) as (store, auth):
            return await _token(store, auth, username, label, days)

    say(asyncio.run(work()))


async def _token(store: Store, auth: Auth, username: str, label: str, days: int | None) -> str:
    expires = None if days is None else SystemClock().now() + days * DAY_MS
    _, secret = await auth.create_token(await _user(store, username), label, by=ACTOR, expires_at=expires)
    return secret


async def _exists(config: Config, username: str) -> None:
    async with accounts(config) as (store, _):
        await _user(store, username)


async def _user(store: Store, username: str) -> User:
    user = await store.accounts.user_by_name(username)
    if user is None:
        raise Failed(f"There is no user {username}.")
    return user


def _password(from_stdin: bool) -> str:
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
        if not password:
            raise Failed("There was no password on standard input.")
        return password
    if not sys.stdin.isatty():
        raise typer.BadParameter("There is no terminal to ask for the password; use --password-stdin.")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt="The same again"))


def _skills(given: list[str]) -> dict[str, int]:
    skills = {}
    for text in given:
        skill, _, level = text.partition("=")
        if not level.isdecimal():
            raise typer.BadParameter(f'expected a skill and its level such as support=3, got "{text}"')
        skills[skill] = int(level)
    return skills


def _article(role: Role) -> str:
    return f"{'a' if role is Role.SUPERVISOR else 'an'} {role}"


def _view(user: User) -> dict[str, object]:
    return {
        "id": user.id,
        "username": user.username,
        "name": user.name,
        "role": user.role,
        "skills": user.skills,
        "disabled": user.disabled,
        "has_password": bool(user.password_hash),
    }
