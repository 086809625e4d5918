"""Pictures without what they say about their maker: re-encoded, so that no metadata travels."""

from __future__ import annotations

import io

MAX_PIXELS = 40_000_000


def clean_image(data: bytes) -> bytes:
    """The picture as a new JPEG without metadata, turned upright; ValueError when it is none or too large."""
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ValueError("the picture is too large")
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, Image.DecompressionBombError) as error:
        raise ValueError("not a picture") from error
    bare = Image.new("RGB", upright.size)
    bare.paste(upright)
    out = io.BytesIO()
    bare.save(out, "JPEG", quality=85)
    return out.getvalue()
