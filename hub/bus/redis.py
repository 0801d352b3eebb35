"""The bus between nodes, over Redis: publish and subscribe, and leases. Redis holds nothing that could be missed.

Only a hub whose bus.url says so imports this module, so that others need no client of Redis.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, cast

import msgspec
import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from hub.bus.callbacks import Callback, Subscribers
from hub.errors import Unavailable

log = structlog.get_logger(__name__)

ANSWER_S = 2.0  # how long Redis may take for an answer
PULSE_S = 0.5  # how often a node hears itself by way of Redis
SILENT_S = 2.5  # without having heard itself for so long, a node is cut off
LEASE_MS = 2_500
WAITING = 10_000  # messages that wait to be sent
AT_ONCE = 200
LONGEST_PAUSE_S = 2.0

# The holder's name goes in, so that nobody frees or lengthens a lease that has become another's.
TAKE = """
local holder = redis.call('GET', KEYS[1])
if not holder or holder == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return 1
end
return 0
"""
RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class Wire(msgspec.Struct, array_like=True):
    """What goes over Redis: the sender, the topic and the message."""

    node: str
    topic: str
    message: dict[str, Any]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Wire).decode


class RedisBus:
    """Own subscribers hear at once; the other nodes by way of Redis. What cannot be sent now is dropped: nothing here
    is the record, and whoever relies on a message heals by himself (the log's readers look, rosters are asked for).
    """

    shared = True

    def __init__(self, url: str, name: str = "contacthub") -> None:
        """Raises ValueError for a URL that is none of Redis."""
        self.node = f"no_{secrets.token_hex(8)}"
        self.dropped = 0
        self._name = name
        self._channel = f"{name}:bus"
        self._redis = Redis.from_url(
            url,
            # Shorter than our own, so that the client notices first and closes its connection in order.
            socket_timeout=ANSWER_S * 0.75,
            socket_connect_timeout=ANSWER_S * 0.75,
            retry=Retry(NoBackoff(), 0),
            driver_info=None,  # the client would read its own version from a file, at each connection
        )
        self._subscribers = Subscribers()
        self._waiting: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._heard_at: float | None = None
        self._up_since: float | None = None

    async def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._keep(self._listen), name="bus.listen"),
            asyncio.create_task(self._keep(self._send), name="bus.send"),
            asyncio.create_task(self._pulse(), name="bus.pulse"),
        ]

    @property
    def up_since(self) -> float | None:
        """Since when (the loop's time) this node has heard itself without a break; None while it does not."""
        if self._heard_at is None or asyncio.get_running_loop().time() - self._heard_at > SILENT_S:
            self._up_since = None
        return self._up_since

    async def check(self) -> None:
        if self.up_since is None:
            raise Unavailable("Redis does not answer, so the nodes do not hear each other.", code="bus.away")

    async def publish(self, topic: str, message: Mapping[str, Any]) -> None:
        self._subscribers.tell(topic, message)
        if self._heard_at is not None and self.up_since is None:
            # Redis was there and is away: by the time it is back this is old.
            self.dropped += 1
        else:
            self._post(topic, dict(message))

    def _post(self, topic: str, message: dict[str, Any]) -> None:
        if len(self._waiting) >= WAITING:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(_encode(Wire(self.node, topic, message)))
        self._wake.set()

    def subscribe(self, topic: str, callback: Callback) -> Callable[[], None]:
        return self._subscribers.add(topic, callback)

    def lease(self, name: str) -> RedisLease:
        return RedisLease(self._redis, f"{self._name}:lease:{name}", self.node)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=ANSWER_S)
        self._tasks.clear()
        self._subscribers.clear()
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(ANSWER_S):
                await self._redis.aclose()

    async def _keep(self, work: Callable[[], Any]) -> None:
        """Does the work again when the connection broke: at once, then after growing, spread pauses."""
        pause = 0.1
        while True:
            begun = asyncio.get_running_loop().time()
            try:
                await work()
            except (RedisError, OSError, TimeoutError) as error:
                if asyncio.get_running_loop().time() - begun > LONGEST_PAUSE_S * 2:
                    pause = 0.1
                log.warning("bus.away", work=work.__name__, error=f"{type(error).__name__}: {error}")
            except Exception:
                log.exception("bus.failed", work=work.__name__)
            await asyncio.sleep(pause * (0.5 + random.random()))
            pause = min(pause * 2, LONGEST_PAUSE_S)

    async def _listen(self) -> None:
        async with self._redis.pubsub() as pubsub:
            async with asyncio.timeout(ANSWER_S):
                await pubsub.subscribe(self._channel)
            silent = asyncio.get_running_loop().time() + SILENT_S
            while True:
                async with asyncio.timeout(SILENT_S * 2):
                    found = await pubsub.get_message(ignore_subscribe_messages=True, timeout=SILENT_S)
                now = asyncio.get_running_loop().time()
                if found is not None:
                    silent = now + SILENT_S
                    self._take(found["data"])
                elif now >= silent:
                    # Our own pulse should have come: half-open connections say nothing either.
                    raise TimeoutError("nothing is heard")

    def _take(self, data: bytes) -> None:
        try:
            wire = _decode(data)
        except msgspec.DecodeError as error:
            # Another version of the hub, or somebody else's channel.
            log.warning("bus.not_understood", error=str(error))
            return
        if wire.node != self.node:
            self._subscribers.tell(wire.topic, wire.message)
        elif wire.topic == "pulse":
            now = asyncio.get_running_loop().time()
            if self.up_since is None:
                self._up_since = now
                log.info("bus.up")
            self._heard_at = now

    async def _send(self) -> None:
        while True:
            if not self._waiting:
                self._wake.clear()
                await self._wake.wait()
            batch = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
            try:
                async with asyncio.timeout(ANSWER_S), self._redis.pipeline(transaction=False) as pipeline:
                    for data in batch:
                        pipeline.publish(self._channel, data)
                    await pipeline.execute()
            except (RedisError, OSError, TimeoutError):
                # Words of typing that come a minute late are worse than none.
                self.dropped += len(batch) + len(self._waiting)
                self._waiting.clear()
                raise

    async def _pulse(self) -> None:
        while True:
            self._post("pulse", {})
            await asyncio.sleep(PULSE_S)


class RedisLease:
    """A key that its holder keeps alive. It lasts `LEASE_MS` after the holder's last sign of life."""

    def __init__(self, redis: Redis, key: str, holder: str) -> None:
        self._redis, self._key, self._holder = redis, key, holder

    async def _ask(self, script: str, *arguments: str) -> int:
        try:
            async with asyncio.timeout(ANSWER_S):
                return int(await cast(Any, self._redis.eval(script, 1, self._key, self._holder, *arguments)))
        except (RedisError, OSError, TimeoutError) as error:
            raise Unavailable(f"Redis does not answer: {error}", code="bus.away") from None

    async def take(self) -> bool:
        """Whether this node holds it now, for the next `LEASE_MS`; also how it is renewed. Raises Unavailable."""
        return bool(await self._ask(TAKE, str(LEASE_MS)))

    async def free(self) -> bool:
        """Whether nobody holds it. Raises Unavailable."""
        return not await self._ask("return redis.call('EXISTS', KEYS[1])")

    async def release(self) -> None:
        """Gives it up if it is held. Raises Unavailable."""
        await self._ask(RELEASE)
