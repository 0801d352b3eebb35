"""Pictures from strangers: decoded within limits, made into thumbnails that hold nothing but the picture."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from hub.errors import TooLarge, UnsupportedType

if TYPE_CHECKING:
    from PIL import Image

# Type -> the one decoder that may open it, so that no rarely used one is ever reached.
PICTURES = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/gif": "GIF",
    "image/webp": "WEBP",
    "image/bmp": "BMP",
}
MOST_PIXELS = 50_000_000
LONGEST_SIDE = 16_384
THUMB_SIDE = 480


class Picture(Struct, frozen=True):
    """Its size as it is shown, and a WebP thumbnail of at most THUMB_SIDE pixels a side."""

    width: int
    height: int
    thumb: bytes


def look_at(path: Path, type: str) -> Picture:
    """Decodes the picture; takes time and memory, so call it in a thread.

    Raises UnsupportedType when it cannot be read, TooLarge when it has more pixels than anybody should have to decode.
    """
    # Not at the start: most processes never see a picture, and Pillow takes its time and memory.
    from PIL import Image

    try:
        with warnings.catch_warnings(), Image.open(path, formats=[PICTURES[type]]) as image:
            warnings.simplefilter("ignore")
            width, height = image.size
            if width * height > MOST_PIXELS or max(width, height) > LONGEST_SIDE:
                raise TooLarge(
                    "This picture has too many pixels.",
                    code="file.too_large",
                    details={"width": width, "height": height, "max_pixels": MOST_PIXELS},
                )
            # Turned by a quarter (EXIF 5 to 8), width and height change places.
            if image.getexif().get(0x0112, 1) in (5, 6, 7, 8):
                width, height = height, width
            # A JPEG is decoded at a fraction of its size where that is enough.
            image.draft("RGB", (2 * THUMB_SIDE, 2 * THUMB_SIDE))
            return Picture(width, height, _thumb(image))
    except TooLarge:
        raise
    # Pillow's decoders raise about everything at what they do not expect.
    except Exception as error:
        raise UnsupportedType("This picture cannot be read.", details={"type": type}) from error


def _thumb(image: Image.Image) -> bytes:
    from PIL import ImageOps

    has_alpha = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    # Made small before it is turned: turning copies it.
    image.thumbnail((THUMB_SIDE, THUMB_SIDE))
    plain = ImageOps.exif_transpose(image).convert("RGBA" if has_alpha else "RGB")
    # The pixels only: no EXIF, no colour profile, no comment goes along.
    plain.info.clear()
    out = io.BytesIO()
    plain.save(out, "WEBP", quality=80, method=4)
    return out.getvalue()
