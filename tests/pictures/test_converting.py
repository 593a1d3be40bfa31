"""What comes in as a picture, and what goes out: real files, in the real child."""

import zlib
from pathlib import Path

import psutil
import pytest
from PIL import Image, ImageCms

from digest.core.isolation import Isolation
from digest.core.isolation.process import Limits
from digest.pictures import converting
from digest.pictures.converting import ConvertedPicture, convert
from digest.pictures.errors import PicturesUnavailableError, UnfitPictureError
from digest.pictures.sizes import Focus, Size
from tests.pictures.samples import bomb, encoded, opened, photo, png, quarters

RED, LIME, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
SVG = (
    b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
)


def near(image: Image.Image, x: float, y: float) -> tuple[int, ...]:
    """The colour at a share of width and height, each channel to the nearest of 0, 128, 255."""
    pixel = image.convert("RGB").getpixel((int(x * image.width), int(y * image.height)))
    assert isinstance(pixel, tuple)
    return tuple(min((0, 128, 255), key=lambda level: abs(level - value)) for value in pixel)


def lead(converted: ConvertedPicture) -> Image.Image:
    """The largest size, decoded."""
    return opened(converted.sizes[Size.LEAD])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF"])
def test_every_kind_becomes_a_jpeg_or_png(kind: str) -> None:
    """In all sizes, with the width and height that it came with."""
    converted = convert(encoded(photo(1500, 1000), kind))
    assert (converted.width, converted.height, converted.format) == (1500, 1000, "jpeg")
    assert {size: opened(body).format for size, body in converted.sizes.items()} == dict.fromkeys(
        Size, "JPEG"
    )
    assert lead(converted).size == (1200, 800)
    assert lead(converted).info["progressive"]


def test_a_telephones_picture_is_read() -> None:
    """HEIC, of which our library reads and does not write any."""
    converted = convert((Path(__file__).parent / "data" / "photo.heic").read_bytes())
    assert (converted.width, converted.height, converted.format) == (640, 480, "jpeg")
    assert near(opened(converted.sizes[Size.WIDE]), 0.1, 0.1) == RED


def test_transparency_and_few_colours_stay_png() -> None:
    """A logo is not blurred, and what shows through still does."""
    logo = Image.new("RGBA", (400, 200), (0, 0, 0, 0))
    logo.paste((200, 0, 0, 255), (100, 50, 300, 150))
    converted = convert(encoded(logo, "PNG"))
    assert converted.format == "png"
    assert opened(converted.sizes[Size.WIDE]).getpixel((0, 0))[3] == 0  # type: ignore[index]
    palette = logo.quantize(4)
    transparent = convert(encoded(palette, "PNG", transparency=palette.getpixel((0, 0))))
    assert opened(transparent.sizes[Size.WIDE]).convert("RGBA").getpixel((0, 0))[3] == 0  # type: ignore[index]
    chart = convert(encoded(quarters(), "PNG"))
    assert chart.format == "png"
    assert near(lead(chart), 0.1, 0.1) == RED


def test_a_photograph_in_greys_or_with_a_full_palette_is_a_jpeg() -> None:
    """256 greys are not few colours."""
    assert convert(encoded(photo(mode="L"), "PNG")).format == "jpeg"
    assert convert(encoded(photo().quantize(256), "PNG")).format == "jpeg"
    assert convert(encoded(photo(mode="RGBA"), "PNG")).format == "jpeg"  # nothing shows through


@pytest.mark.parametrize(
    ("orientation", "top_left"), [(1, RED), (2, LIME), (3, WHITE), (6, BLUE), (8, LIME)]
)
def test_a_picture_is_turned_the_right_way_up(orientation: int, top_left: tuple[int, ...]) -> None:
    """As the camera's EXIF says; width and height are those of the picture as it is seen."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    converted = convert(encoded(quarters(900, 600), exif=exif))
    assert near(opened(converted.sizes[Size.WIDE]), 0.1, 0.1) == top_left
    expected = (600, 900) if orientation > 4 else (900, 600)
    assert (converted.width, converted.height) == expected


def test_no_metadata_is_left() -> None:
    """No place, no camera, no comment, no profile, in no file."""
    exif = Image.Exif()
    exif[0x010F] = "SECRETCAMERA"
    exif.get_ifd(0x8825)[1] = "N"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for body in (
        encoded(photo(), exif=exif, icc_profile=profile, comment=b"SECRETCOMMENT"),
        encoded(photo().quantize(8), "PNG", exif=exif, icc_profile=profile),
    ):
        converted = convert(body)
        for content in (converted.master, *converted.sizes.values()):
            assert b"SECRET" not in content
            image = opened(content)
            assert not image.getexif()
            assert not {"icc_profile", "comment", "exif"} & image.info.keys()


def test_colours_of_other_spaces_become_srgb() -> None:
    """CMYK, and RGB whose profile says otherwise; a broken profile is ignored."""
    cmyk = Image.new("CMYK", (400, 400), (0, 255, 255, 0))
    assert near(lead(convert(encoded(cmyk))), 0.5, 0.5) == RED
    wide = encoded(photo(), icc_profile=_swapped_profile())
    assert near(lead(convert(wide)), 0.9, 0.1) != near(lead(convert(encoded(photo()))), 0.9, 0.1)
    assert convert(encoded(photo(), icc_profile=b"nonsense")).format == "jpeg"


def _swapped_profile() -> bytes:
    """SRGB's profile with red and green swapped: what ignores profiles shows the wrong colour."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"tXYZ").replace(b"gXYZ", b"rXYZ").replace(b"tXYZ", b"gXYZ")


def test_sixteen_bits_keep_their_brightness() -> None:
    """Middle grey stays in the middle."""
    grey = Image.new("I;16", (400, 400), 32768)
    assert near(lead(convert(encoded(grey, "PNG"))), 0.5, 0.5) == (128, 128, 128)


def test_of_an_animation_the_first_frame_is_shown() -> None:
    """Mails do not move."""
    frames = [Image.new("RGB", (400, 400), colour) for colour in ("red", "blue")]
    body = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert near(lead(convert(body)), 0.5, 0.5) == RED


def test_nothing_is_enlarged() -> None:
    """A small original gives small files."""
    assert lead(convert(encoded(photo(330, 220)))).size == (330, 220)
    assert opened(convert(encoded(photo(6000, 300))).master).size == (6000, 300)
    assert opened(convert(encoded(photo(6000, 4000))).master).size == (2400, 1600)


def test_a_crop_keeps_the_focus() -> None:
    """A square out of the left, and out of the right."""
    converted = convert(encoded(quarters(1200, 400)))
    for x, colour in ((0.0, RED), (1.0, LIME)):
        sizes = converting.crop(converted.master, Focus(x, 0.5), converted.format)
        assert near(opened(sizes[Size.SQUARE]), 0.5, 0.1) == colour


REFUSED = {
    "empty": (b"", "is empty"),
    "SVG": (SVG, "SVG drawing"),
    "a page named .jpg": (b"<!doctype html><script>alert(1)</script>", "web page"),
    "PDF": (b"%PDF-1.7", "PDF"),
    "noise": (bytes(range(256)) * 40, "not a picture"),
    "TIFF": (encoded(photo(), "TIFF"), "not a picture"),
    "cut off": (encoded(photo())[:9000], "cut off"),
    "PNG without pixels": (png(400, 400), "broken"),
    "PNG with wrong pixels": (png(400, 400, b"not deflated"), "broken"),
    "a claim of 65535 by 65535": (png(65535, 65535), "more than 50 million"),
    "a claim of 2**31 pixels": (png(2**31 - 1, 2**31 - 1), "more than 50 million|broken"),
    "nothing wide": (png(0, 400), "broken|only 0|not a picture"),
    "a pixel that counts": (encoded(Image.new("RGB", (1, 1)), "GIF"), "only 1 by 1"),
    "GIF with a huge screen": (
        b"GIF89a" + b"\xff\xff\xff\xff" + encoded(photo(), "GIF")[10:],
        "more than 50 million",
    ),
    "JPEG with a huge frame": (b"", ""),
}
_JPEG = encoded(photo())
_SOF = _JPEG.index(b"\xff\xc0")
REFUSED["JPEG with a huge frame"] = (
    _JPEG[: _SOF + 5] + b"\xff\xff\xff\xff" + _JPEG[_SOF + 9 :],
    "more than 50 million",
)


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_not_a_picture_is_refused(kind: str) -> None:
    """In a sentence that says why."""
    body, message = REFUSED[kind]
    with pytest.raises(UnfitPictureError, match=message):
        convert(body)


def test_a_bomb_is_refused_before_it_is_inflated() -> None:
    """50,000 by 50,000 pixels would be seven gigabytes; the child hardly grows."""
    convert(encoded(photo()))
    body = bomb(20_000)  # the claim alone decides: 1.2 GB here
    with pytest.raises(UnfitPictureError, match="20,000 by 20,000"):
        convert(body)
    (child,) = converting.CONVERTER.children._idle
    assert psutil.Process(child.pid).memory_info().rss < 400_000_000
    with pytest.raises(UnfitPictureError, match="50,000 by 50,000"):
        convert(png(50_000, 50_000, b"x" * 1000))


def test_text_that_inflates_is_not_kept() -> None:
    """A comment of a gigabyte in a PNG costs nothing, or the picture."""
    text = b"Comment\0\0" + zlib.compress(bytes(300_000_000), 9)
    pixels = zlib.compress((b"\0" + b"\x80\x10\x20" * 400) * 400)
    with pytest.raises(UnfitPictureError):
        convert(png(400, 400, pixels, (b"zTXt", text)))


def test_what_stands_behind_a_picture_is_gone() -> None:
    """A file that is a picture and a script at once comes out as a picture alone."""
    body = encoded(photo()) + b"<script>alert(1)</script><?php system($_GET[0]); ?>"
    converted = convert(body)
    for content in (converted.master, *converted.sizes.values()):
        assert b"script" not in content
        assert b"php" not in content


def test_what_takes_too_much_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's limit holds where ours does not; the next picture gets another child."""
    isolation = Isolation("digest.pictures.jobs", Limits(memory=220 * 1024**2))
    monkeypatch.setattr(converting, "CONVERTER", isolation)
    with pytest.raises(UnfitPictureError, match="too much time or memory"):
        convert(encoded(Image.new("RGB", (7000, 7000)), "PNG"))
    assert convert(encoded(photo())).format == "jpeg"
    isolation.children.end()


def test_too_many_bytes_are_refused_unread() -> None:
    """25 MB is the most."""
    with pytest.raises(UnfitPictureError, match="the most is 25 MB"):
        convert(bytes(30_000_000))


def test_a_busy_machine_is_not_the_pictures_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """It can be tried again."""
    isolation = Isolation("digest.pictures.jobs", Limits(max_children=1))
    isolation.limits.wall_seconds = 0.05
    monkeypatch.setattr(converting, "CONVERTER", isolation)
    isolation.children._places.acquire()
    with pytest.raises(PicturesUnavailableError, match="try again"):
        convert(encoded(photo()))
