"""The composition root: reads the configuration, opens the store, wires services, channels and pages into one
application, and serves it. `main` is the command line's entry."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import msgspec
import socketio
import structlog
import uvicorn
from msgspec.structs import replace
from starlette.routing import BaseRoute, Mount, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from agent_ui import pages
from agent_ui.sockets import AgentNamespace
from agent_ui.viewer import viewer_app
from agent_ui.viewer_place import Place
from channels.callback import channel as callback
from channels.chat import sites, uploads
from channels.chat.conversation import Conversations
from channels.chat.idle import IdleWatch
from channels.chat.socket import VisitorNamespace
from channels.cobrowse.channel import CobrowseChannel
from channels.email import channel as mail_in
from channels.email import demo_outbox, outgoing, scanning
from channels.email.check import check_mail
from channels.email.figures import measure as measure_mail
from channels.email.form import EmailForm
from channels.email.form_events import FormEvents
from channels.email.form_files import UnsentFiles
from channels.email.inquiry import Inquiries
from channels.email.routes import MailPages
from channels.voice import settings as voice
from channels.voice.channel import VoiceChannel
from channels.voice.check import check_trunks
from channels.voice.configured import KINDS as VOICE_KINDS
from channels.voice.configured import Secrets, configured, read_secrets
from hub import demo
from hub.auth import Auth, AuthSettings
from hub.bus import open_bus
from hub.calls import Calls
from hub.cli import run_command
from hub.cli.finding import Checks
from hub.clock import SystemClock
from hub.config import Config
from hub.errors import ConfigError, HubError
from hub.files import FileStore
from hub.interpreter import give_back, settle, unattended
from hub.measures import measure
from hub.metrics import Metrics
from hub.recordings import Recordings, RecordingSettings
from hub.service import Hub
from hub.simulation import Job, Report
from hub.sockets import SlowReaders, make_server
from hub.store import open_store
from hub.version import package_version
from hub.web import api, files
from hub.web.assets import Assets, HashedFiles
from hub.web.context import Web
from hub.web.health import health_routes
from hub.web.listening import BACKLOG, listen, listen_beside, served_beside
from hub.web.middleware import Around
from hub.web.protocol import CuttableSockets
from hub.web.security import WebSettings
from hub.web.socket_origin import SocketOrigin
from hub.webhooks import Webhooks
from routing.dispatcher import Dispatcher
from webrtc.engine import EmbeddedMedia
from webrtc.measures import measure as measure_media
from widget import demo_shop
from widget.routes import routes as widget_routes

log = structlog.get_logger(__name__)

STATIC = Path(__file__).parent / "static"
RECONNECT_AFTER_MS = 1500
SHUTDOWN_S = 6
DELIVERIES_KEPT_MS = 30 * 24 * 3_600_000
SECRETS_S = 60.0  # how often the trunks' passwords are read again


class Application:
    """Everything of one hub process. `asgi` is what uvicorn serves; its lifespan opens and closes the rest.
    `voice_settings` are the voice channel's in the place of those that follow from the configuration."""

    def __init__(self, config: Config, voice_settings: voice.VoiceSettings | None = None) -> None:
        self.config = config
        config.data_dir.mkdir(parents=True, exist_ok=True)
        clock = SystemClock()
        self.store = open_store(config.store_url)
        self.bus = open_bus(config.bus_url, config.bus.name)
        routing = config.routing
        self.hub = Hub(
            self.store,
            self.bus,
            clock,
            config.secret_key(),
            lease_ms=routing.presence_lease_s * 1000,
            grace_ms=routing.grace_s * 1000,
        )
        security = config.security
        self.auth = Auth(
            self.store,
            clock,
            AuthSettings(
                idle_s=security.session_idle_s,
                absolute_s=security.session_absolute_s,
                rotate_s=security.session_rotate_s,
                shortest_password=config.shortest_password,
            ),
        )
        self.dispatcher = Dispatcher(self.hub)
        self.hub.routing = self.dispatcher
        self.files = FileStore(config.files_dir)
        key, former = config.recording_keys()
        room = config.recordings.min_free_bytes
        self.recordings = Recordings(self.hub, RecordingSettings(config.recordings_dir, key, former, room))
        self.calls = Calls(self.hub)
        self.sio = make_server()
        conversations = Conversations(self.hub, config.chat.messages_per_minute, config.chat.starts_per_hour)
        self.visitors = VisitorNamespace(self.hub, self.sio, conversations)
        rules = {"max_bytes": config.files.max_bytes, "types": list(uploads.AGENT_TYPES)}
        self.agents = AgentNamespace(self.hub, self.sio, self.auth, rules)
        self.voice = self._voice(conversations, voice_settings)
        self.callbacks = callback.opened(self.hub, config, self.voice, self.visitors, self.files)
        self.auth.share(self.bus)
        self.idle = IdleWatch(self.hub, config.chat.waiting_gone_s * 1000)
        self.slow_readers = SlowReaders(self.sio)
        settings = WebSettings(
            public_urls=(config.server.public_url,) if config.server.public_url else (),
            metrics_from=security.metrics_from,
            requests_per_minute=security.requests_per_minute,
        )
        self.metrics = Metrics()
        self.webhooks = Webhooks(self.hub, self.metrics, allow_private=config.webhooks.allow_private)
        self.web = Web(
            self.hub,
            self.auth,
            self.metrics,
            self.webhooks,
            self.recordings,
            settings=settings,
            checks={"store": self.store.check, "bus": self.bus.check, "dispatcher": self._check_readers},
            version=package_version(),
        )
        measure(
            self.hub,
            self.metrics,
            sockets=lambda: {"/visitor": len(self.visitors.sessions), "/agent": len(self.agents.sessions)},
            waiting_writes=lambda: self.store.waiting_writes,
        )
        measure_media(self.media, self.metrics)
        email = config.email
        self.scanner = scanning.configured(self.hub, self.files, email)
        self.mail_pages = MailPages(
            self.web,
            self.files,
            config.secret_key(),
            self.scanner,
            images=email.images,
            allow_private=email.images_allow_private,
        )
        self.mail_out: outgoing.Outgoing | None = None
        if email.enabled or config.demo.enabled:
            self.mail_out = outgoing.configured(self.hub, self.files, email, config.secret_key())
            self.mail_out.serve_agents(self.sio, self.agents.table, self.agents.sessions)
        self.mail_in = self._mail_in(self.mail_out)
        receiver = self.mail_in.receiver if self.mail_in is not None else None
        self.email_form = EmailForm(self.hub, self.files, receiver, config.secret_key(), email.domain)
        FormEvents(self.visitors.table, self.email_form, Inquiries(self.hub))
        self.unsent = UnsentFiles(self.hub, self.files)
        self.assets = Assets(STATIC)
        place, self.cobrowse, self.viewer = None, None, None
        if config.cobrowse.enabled:
            place = Place(settings, config.cobrowse.viewer_url, config.cobrowse.viewer_port, config.server.port)
            self.cobrowse = CobrowseChannel(
                self.hub, self.sio, self.visitors, self.agents.table, self.agents.sessions, self.recordings
            )
            self.agents.on_window.append(self.cobrowse.line.window_moved)
            self.viewer = viewer_app(self.assets, place.hub)
        self.place = place
        self.shells = pages.Shells(self.web, self.assets, place)
        self.asgi = self._assemble(settings)

    def _mail_in(self, out: outgoing.Outgoing | None) -> mail_in.EmailChannel | None:
        """The way in of e-mail, where it is switched on; `out` is the way out."""
        if out is None:
            return None
        config = self.config
        email = mail_in.demo(config.email, config.demo.smtp_port) if config.demo.enabled else config.email
        channel = mail_in.EmailChannel(self.hub, self.files, email, config.secret_key(), sends=out.problem)
        channel.receiver.answer = out.acknowledger
        channel.receiver.scanner = self.scanner
        figures = measure_mail(self.hub, self.metrics)
        channel.receiver.figures = figures
        out.outbox.figures = figures
        out.mailer.posting.admit = self.scanner.admit
        return channel

    def _voice(self, conversations: Conversations, settings: voice.VoiceSettings | None) -> VoiceChannel:
        config = self.config
        self._voice_follows = settings is None
        self._voice_secrets = Secrets()
        self._voice_trunks_changed = asyncio.Event()
        if settings is None:
            self._voice_secrets = read_secrets(config.voice, {})
            settings = self._voice_settings()
            self.hub.directory.on_change(self._voice_changed)
        media = self.media = EmbeddedMedia(settings.media, logging=config.logging)
        channel = VoiceChannel(
            self.hub,
            media,
            settings,
            self.recordings,
            self.sio,
            self.visitors,
            conversations,
            self.agents.table,
            self.agents.sessions,
            config.data_dir,
        )
        self.hub.trunk_health = lambda: channel.trunks.told(channel.calls.of_trunk)
        self.agents.on_window += [channel.agent_phone.window_moved, channel.phone_desk.window_moved]
        return channel

    def _voice_settings(self) -> voice.VoiceSettings:
        """hub.toml and the administrators' rows; in the demo beside its own trunk, where only this machine may call."""
        directory, config = self.hub.directory, self.config
        found = configured(
            *(config.voice, directory.trunks(), directory.numbers(), directory.queues()), self._voice_secrets
        )
        if not config.demo.enabled:
            return found
        own = voice.demo(config.demo.sip_port, config.demo.phone_port)
        return msgspec.structs.replace(
            own,
            trunks=(*own.trunks, *found.trunks),
            left_out=found.left_out,
            numbers=(*found.numbers, *own.numbers),
            caller_ids=found.caller_ids,
        )

    def _voice_changed(self, kind: str, id: str) -> None:
        if kind in VOICE_KINDS and self.voice.settings.enabled:
            self.voice.configure(self._voice_settings())
            if kind == "trunk":
                self._voice_trunks_changed.set()

    async def _follow_secrets(self) -> None:
        """Reads passwords when trunks change, and when nothing does, since files do; by threads, as disks can stall."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SECRETS_S):
                    await self._voice_trunks_changed.wait()
            self._voice_trunks_changed.clear()
            trunks = self.hub.directory.trunks()
            try:
                secrets = await unattended(read_secrets, self.config.voice, trunks)
            except ConfigError as error:
                log.error("voice.no_secret", error=str(error))
                continue
            if secrets != self._voice_secrets:
                self._voice_secrets = secrets
                self.voice.configure(self._voice_settings())

    def _assemble(self, settings: WebSettings) -> ASGIApp:
        app = Router(routes=self._routes(), lifespan=lambda app: self.lifetime())
        guarded = Around(app, self.web, self.shells.error)
        sockets = socketio.ASGIApp(self.sio, guarded, socketio_path="/socket.io")
        hub = SocketOrigin(_lifespan_to(app, sockets), settings)
        return self.place.apart(self.viewer, hub) if self.place and self.viewer else hub

    def _routes(self) -> list[BaseRoute]:
        web = self.web
        routes: list[BaseRoute] = [
            *health_routes(web),
            *api.routes(web),
            *pages.routes(self.shells),
            *widget_routes(web, self.assets, lambda id: sites.public_site(self.hub, id)),
            *files.routes(web, self.files, self.config.files.max_bytes, uploads.AGENT_TYPES, self.scanner.admit),
            *uploads.routes(web, self.files, self.config.files.max_bytes, self.email_form.uploads_to),
            *self.mail_pages.routes(),
            Mount("/static", HashedFiles(directory=STATIC)),
        ]
        if self.config.demo.enabled:
            demo_routes = [*demo_outbox.routes(self.hub, self.files), *demo_shop.routes(self._demo_secret)]
            routes.append(Mount("/demo", routes=demo_routes))
        return routes

    def _demo_secret(self) -> str:
        site = self.hub.directory.sites().get("demo")
        return site.identity_secret if site else ""

    @contextlib.asynccontextmanager
    async def lifetime(self) -> AsyncIterator[None]:
        """Opens everything; the application may be served inside."""
        await self.store.open()
        if self.config.demo.enabled:
            await demo.seed(self.store, self.config.server.port)
        await self.files.open()
        await self.bus.start()
        await self.hub.start()
        await self.dispatcher.start()
        await self.idle.start()
        await self.visitors.start()
        await self.agents.start()
        await self.calls.start()
        await self.recordings.start()
        await self.voice.start()
        if self._voice_follows:
            self._voice_changed("trunk", "")
        if self.callbacks is not None:
            await self.callbacks.start()
        if self.cobrowse is not None:
            await self.cobrowse.start()
        await self.webhooks.start()
        if self.mail_out is not None:
            await self.mail_out.start()
        if self.mail_in is not None:
            await self.mail_in.start()
        self.slow_readers.start()
        await self.hub.leadership.start()
        sweeper = asyncio.create_task(self._sweep(), name="sessions.sweep")
        secrets = None
        if self._voice_follows and self.voice.settings.enabled:
            secrets = asyncio.create_task(self._follow_secrets(), name="voice.secrets")
        log.info("hub.started", seq=self.hub.feed.head)
        try:
            yield
        finally:
            sweeper.cancel()
            if secrets is not None:
                secrets.cancel()
            await self.slow_readers.stop()
            if self.mail_in is not None:
                await self.mail_in.stop()
            if self.mail_out is not None:
                await self.mail_out.stop()
            await self.webhooks.stop()
            for channel in (self.cobrowse, self.callbacks):
                if channel is not None:
                    await channel.stop()
            await self.voice.stop()
            await self.recordings.stop()
            await self.agents.stop()
            await self.visitors.stop()
            await self.idle.stop()
            await self.dispatcher.stop()
            await self.mail_pages.close()
            await self.hub.stop()
            await self.bus.close()
            await self.files.close()
            await self.store.close()
            log.info("hub.stopped")

    async def _sweep(self) -> None:
        """Forgets sessions that are over, deliveries that nobody will ask about any more, files that nobody sent."""
        while True:
            with contextlib.suppress(HubError):
                await self.auth.sweep()
                before = self.hub.clock.now() - DELIVERIES_KEPT_MS
                while await self.store.webhooks.prune(before):
                    pass
                await self.unsent.sweep()
            await asyncio.sleep(600)

    async def _check_readers(self) -> None:
        """The dispatcher works when it has dealt with what was written two seconds ago."""
        reader = self.hub.feed.readers["dispatcher"]
        head = self.hub.feed.head
        deadline = asyncio.get_running_loop().time() + 2
        while reader.cursor < head:
            if asyncio.get_running_loop().time() > deadline:
                raise RuntimeError(f"the dispatcher is {head - reader.cursor} events behind")
            await asyncio.sleep(0.05)

    async def goodbye(self) -> None:
        """Before the sockets are cut: no new offers, and everybody is told when to come back."""
        self.hub.stopping = True
        self.dispatcher.pause()
        await self.hub.leadership.stop()
        await self.visitors.say_goodbye(RECONNECT_AFTER_MS)
        await self.agents.say_goodbye(RECONNECT_AFTER_MS)
        await asyncio.sleep(0.2)


def _lifespan_to(app: ASGIApp, others: ASGIApp) -> ASGIApp:
    """The lifespan goes to the pages' application, all else to `others` (which would swallow it)."""

    async def route(scope: Scope, receive: Receive, send: Send) -> None:
        await (app if scope["type"] == "lifespan" else others)(scope, receive, send)

    return route


class Server(uvicorn.Server):
    """Tells when it answers requests, says goodbye before it closes the connections, and ends quietly at a signal."""

    def __init__(
        self, config: uvicorn.Config, ready: Callable[[], None] | None, goodbye: Callable[[], Awaitable[None]]
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._goodbye = goodbye

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn's own raises the signal once more when it has stopped, so that a stop that was asked for looks like
        # a death by signal.
        handlers = {sig: signal.signal(sig, self.handle_exit) for sig in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for sig, handler in handlers.items():
                signal.signal(sig, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and self._ready is not None:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        with contextlib.suppress(Exception):
            await self._goodbye()
        await super().shutdown(sockets)


def serve(config: Config, ready: Callable[[str], None] | None = None) -> None:
    """Serves until SIGINT or SIGTERM; `ready` is called with the address once requests are answered.

    Raises ConfigError for what the configuration cannot mean, HubError when the port is taken or the store cannot be
    opened.
    """
    # First of all: nothing is touched when the port is taken.
    listener = listen(config.server.host, config.server.port)
    host, port = listener.getsockname()[:2]
    config, beside = listen_beside(replace(config, server=replace(config.server, port=port)))
    give_back()
    application = Application(config)
    settings = uvicorn.Config(
        application.asgi,
        loop="uvloop",
        http="httptools",
        ws=CuttableSockets,
        ws_max_size=1_000_000,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=list(config.server.trusted_proxies),
        timeout_graceful_shutdown=SHUTDOWN_S,
        backlog=BACKLOG,
    )
    url = config.server.public_url or f"http://{f'[{host}]' if ':' in host else host}:{port}"
    server = Server(settings, ready and (lambda: ready(url)), application.goodbye)

    async def run() -> None:
        # Not by the lifespan protocol, which would turn a mistake in the configuration into a traceback.
        async with application.lifetime(), served_beside(application.viewer, beside):
            settle()
            await server.serve([listener])

    with asyncio.Runner(loop_factory=settings.get_loop_factory()) as runner:
        runner.run(run())


def simulate(job: Job, config: Config | None, progress: Callable[[int, int], None]) -> Report:
    """As `routing.simulator.run`, which takes a while to load; nothing else needs it."""
    from routing import simulator

    return simulator.run(job, config, progress)


def main() -> int:
    """The `contacthub` command; returns its exit code."""
    return run_command(serve, simulate, Checks(check_trunks, check_mail))


if __name__ == "__main__":
    sys.exit(main())
