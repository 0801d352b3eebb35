"""What a site offers its visitors now: the widget's settings with opening, waiting times and who is here."""

from __future__ import annotations

from typing import Any

from hub.config_rows import Site, Topic
from hub.errors import InvalidInput, NotFound
from hub.mailing import mailbox_of, sending
from hub.model import Millis, PresenceState
from hub.service import Hub

Json = dict[str, Any]


def topic_of(site: Site, id: str) -> Topic:
    """The chosen topic; a site without topics has one that leads to its default queue. Raises InvalidInput."""
    for topic in site.topics:
        if topic.id == id:
            return topic
    if not site.topics and site.default_queue:
        return Topic("default", {}, site.default_queue)
    raise InvalidInput("topic", "expected one of the site's topics")


def queues_of(hub: Hub, site: Site) -> list[str]:
    known = hub.directory.queues()
    ids = [topic.queue for topic in site.topics] or ([site.default_queue] if site.default_queue else [])
    return [id for id in dict.fromkeys(ids) if id in known]


def standing_of(hub: Hub, site: Site, channel: str, now: Millis) -> Json:
    """Open when any of the site's queues is; the wait is the shortest that can be told for `channel`."""
    queues = queues_of(hub, site)
    open_queues = [queue for queue in queues if hub.directory.is_open(queue, now)]
    changes = [change for queue in queues if (change := hub.directory.next_change(queue, now))]
    waits = [wait for queue in open_queues if (wait := hub.routing.queue_wait_s(queue, channel)) is not None]
    closes = [at for at, opens in changes if not opens]
    opens_at = [at for at, opens in changes if opens]
    always = any(hub.directory.next_change(queue, now) is None for queue in open_queues)
    return {
        "open": bool(open_queues),
        "wait_s": round(min(waits)) if waits else None,
        "staffed": any(hub.routing.standing(queue).staffed for queue in open_queues),
        "until": None if always or not open_queues else max(closes, default=None),
        "opens_at": None if open_queues else min(opens_at, default=None),
    }


def called_back(hub: Hub, site: Site, now: Millis) -> Json:
    """Offered at any hour, as a time can be chosen; the wait is that of somebody who asks while a queue is open."""
    found = standing_of(hub, site, "callback", now)
    return {**found, "open": bool(queues_of(hub, site)), "soon": found["open"]}


def mail_topics(hub: Hub, site: Site) -> list[str]:
    """The topics that visitors may write about by e-mail: those whose queue has a mailbox. Where the hub sends no mail
    at all, a message is kept for its queue, so all of them."""
    if not site.email:
        return []
    boxes = hub.directory.mailboxes() if hub.mailing is not None else {}
    served = {queue for queue in queues_of(hub, site) if not sending(boxes) or mailbox_of(boxes, queue) is not None}
    topics = site.topics or ([Topic("", {}, site.default_queue)] if site.default_queue else [])
    return [topic.id for topic in topics if topic.queue in served]


def agents_here(hub: Hub, site: Site) -> list[Json]:
    """The first names of at most three agents who are available for this site."""
    queues = queues_of(hub, site)
    here = [
        user
        for user in hub.directory.users().values()
        if hub.presence.get(user.id).state is PresenceState.AVAILABLE
        and any(hub.directory.serves(user, queue) for queue in queues)
    ]
    here.sort(key=lambda user: hub.presence.get(user.id).since)
    return [{"name": hub.directory.public_name(user.id)} for user in here[:3]]


def standing(hub: Hub, site: Site) -> Json:
    """The part of the settings that changes by itself."""
    now = hub.clock.now()
    call = {"call": standing_of(hub, site, "voice", now)} if hub.takes_calls else {}
    desk = hub.calling_back
    back = {"callback": called_back(hub, site, now)} if desk is not None and desk.takes() else {}
    topics = mail_topics(hub, site)
    email = {"open": bool(topics), "topics": topics}
    return {
        "channels": {"chat": standing_of(hub, site, "chat", now), **call, **back, "email": email},
        "agents": agents_here(hub, site),
    }


def public_site(hub: Hub, id: str) -> Json:
    """SitePublic of the protocol: everything the widget may know, nothing secret. Raises NotFound."""
    site = hub.directory.site(id)
    stored = hub.directory.stored("site", id)
    if stored is None:
        raise NotFound("site", id)
    data = stored.data
    theme = site.theme
    return {
        "id": id,
        "name": site.name,
        "version": stored.version,
        "locale": site.locale,
        "locales": site.locales,
        "theme": {
            "accent": theme.accent,
            "scheme": theme.scheme,
            "position": theme.position,
            "logo": theme.logo,
            "greeting": theme.greeting,
            "launcher": theme.launcher,
        },
        "topics": [{"id": topic.id, "label": topic.label} for topic in site.topics],
        "prechat": data.get("prechat") or _prechat(site),
        "invitations": data.get("invitations") or [],
        "page_info": site.page_info,
        "cobrowse": hub.shows_pages and site.cobrowse.on,
        "cobrowse_record": hub.shows_pages and site.cobrowse.on and site.cobrowse.record,
        "privacy_url": site.privacy_url,
        "files": {"max_bytes": site.files.max_bytes, "types": site.files.types},
        "allowed_origins": site.allowed_origins,
        **standing(hub, site),
    }


def _prechat(site: Site) -> list[Json]:
    return [
        {
            "name": field.name,
            "type": field.type,
            "label": field.label,
            "required": field.required,
            "options": field.options,
        }
        for field in site.prechat
    ]
