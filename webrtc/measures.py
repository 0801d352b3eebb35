"""The media plane's figures for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from hub.metrics import Metrics, Sample
from webrtc.engine import EmbeddedMedia


def measure(media: EmbeddedMedia, metrics: Metrics) -> None:
    def calls() -> Iterator[Sample]:
        for place in media.places:
            yield (str(place.number),), len(place.calls)

    def starts() -> Iterator[Sample]:
        for place in media.places:
            yield (str(place.number),), place.starts

    metrics.watch("contacthub_media_calls", "Calls in the media worker", ("worker",), calls)
    metrics.watch(
        "contacthub_media_worker_starts", "How often the worker was started", ("worker",), starts, counter=True
    )
