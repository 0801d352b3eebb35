"""A backup of a hub that serves, and a hub that serves what was restored."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import httpx

from tests.integration.commands import Place, everything, sign_in

DEMO = "[demo]\nenabled = true\n"


def write_notes(client: httpx.Client, contact: str, enough: threading.Event, written: list[str]) -> None:
    """Notes that the hub has acknowledged, one after the other."""
    while not enough.is_set():
        text = f"note {len(written)}"
        answer = client.post(
            f"/api/v1/contacts/{contact}/messages",
            json={"text": text, "kind": "note"},
            headers={"Idempotency-Key": f"backup-note-{len(written)}"},
        )
        assert answer.status_code in (200, 201), answer.text
        written.append(text)


def test_backup_while_serving_and_restore_elsewhere(tmp_path: Path) -> None:
    here, there = Place(tmp_path / "here", DEMO), Place(tmp_path / "there", DEMO)
    archive = tmp_path / "hub.zip"
    with here.serving():
        token = here.done("user", "token", "admin").strip()
        before = everything(here, token)
        assert len(before) > 30
        busy, idle = before[0]["id"], before[1:]

        written: list[str] = []
        enough = threading.Event()
        with here.client(token) as client:
            writer = threading.Thread(target=write_notes, args=(client, busy, enough, written), daemon=True)
            writer.start()
            try:
                while len(written) < 5:
                    assert writer.is_alive()
                    enough.wait(0.01)
                acknowledged = list(written)
                figures = here.json("backup", str(archive))
                assert writer.is_alive()
            finally:
                enough.set()
                writer.join()
        assert figures["rows"]["contacts"] == len(before)
        refused = here.run("restore", str(archive), "--force")
        assert refused.returncode == 1
        assert "A hub is running" in refused.stderr

    there.done("restore", str(archive))
    # Visitors get back to their conversations by this key.
    shutil.copy(here.folder / "data" / "secret.key", there.folder / "data" / "secret.key")
    with there.serving():
        # The token came along, as it was made before the backup.
        after = everything(there, token)
        assert [contact["id"] for contact in after] == [contact["id"] for contact in before]
        assert after[1:] == idle
        notes = [message["text"] for message in after[0]["messages"] if message["text"].startswith("note ")]
        # One moment of it: everything acknowledged before, and nothing with a gap.
        assert notes[: len(acknowledged)] == acknowledged
        assert notes == written[: len(notes)]
        with there.client() as browser:
            assert sign_in(browser, "agent1", "demo") == 200
