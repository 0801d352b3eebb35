"""A program: draws one page of a PDF as a picture, in a process that may die of it.

    python pdf_page.py FILE PAGE WIDTH

Writes the number of pages (4 bytes) and the page as WebP. Exits with 1 when the file cannot be read. PDFs come from
strangers, so this has little memory and little time, and knows nothing of the hub.
"""

from __future__ import annotations

import contextlib
import sys
from types import ModuleType

MEMORY = 768 * 1024 * 1024
CPU_S = 8
LONGEST_SIDE = 3000


def bound(resource: ModuleType) -> None:
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def main(path: str, number: int, width: int) -> int:
    import io

    import pypdfium2  # type: ignore[import-untyped]

    try:
        with pypdfium2.PdfDocument(path) as document:
            pages = len(document)
            if not 0 <= number < pages:
                return 1
            page = document[number]
            across, down = page.get_size()
            scale = min(width / max(across, 1), LONGEST_SIDE / max(down, 1))
            picture = page.render(scale=scale, may_draw_forms=False).to_pil().convert("RGB")
    except (pypdfium2.PdfiumError, ValueError, MemoryError, OSError):
        return 1
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=82, method=2)
    sys.stdout.buffer.write(pages.to_bytes(4, "big") + out.getvalue())
    return 0


if __name__ == "__main__":
    with contextlib.suppress(ImportError):
        import resource

        bound(resource)
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
