"""What is known of the recording of a call or of a shared page; the file itself lies in the folder of recordings."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from msgspec import Struct

from hub.model import Millis


class RecordingState(StrEnum):
    RECORDING = "recording"  # it is being written
    COMPLETE = "complete"
    INTERRUPTED = "interrupted"  # what wrote it died; what is there can be played
    FAILED = "failed"  # nothing that can be played was written; `error` says why
    DELETED = "deleted"  # by a person or because its time was over; only this row is left


class Recording(Struct, frozen=True):
    """Of a call, two channels: the customer left, the agents right. `path` is relative to the folder of recordings.

    `ms` and `bytes` (of the file on the disk) are known at the end; `format` is wav, ogg or page. `paused` are spans of
    silence in ms from the beginning. `key` names the key that encrypts it, "" for none. `reason` says why there is a
    recording: always, percentage or on_demand; `announced`: the customer was told. `expires_at`: deleted then, unless
    `hold` (a reason to keep it, such as a case at court) is given. `node` is the process that records.
    """

    id: str
    contact: str
    started_at: Millis
    path: str
    state: RecordingState = RecordingState.RECORDING
    queue: str | None = None
    agents: tuple[str, ...] = ()
    ended_at: Millis | None = None
    ms: int = 0
    bytes: int = 0
    format: str = ""
    paused: tuple[tuple[int, int], ...] = ()
    key: str = ""
    reason: str = ""
    announced: bool = False
    error: str = ""
    node: str = ""
    expires_at: Millis | None = None
    hold: str = ""
    deleted_at: Millis | None = None
    deleted_by: str | None = None
    kind: Literal["sound", "page"] = "sound"
