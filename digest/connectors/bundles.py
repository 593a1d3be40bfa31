"""What editors install in their systems: the WordPress plugin as a zip, the module for Wagtail."""

import io
import zipfile
from functools import cache
from pathlib import Path

_DATA = Path(__file__).parent / "data"
PLUGIN = "digest-newsletter"  # the folder in the zip, and the plugin's name in WordPress
_MOMENT = (2026, 1, 1, 0, 0, 0)  # of all files: the same code makes the same zip


@cache
def wordpress_plugin() -> bytes:
    """Return the WordPress plugin as a zip that WordPress installs."""
    folder, buffer = _DATA / "wordpress" / PLUGIN, io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = f"{PLUGIN}/{path.relative_to(folder).as_posix()}"
            info = zipfile.ZipInfo(name, _MOMENT)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, path.read_bytes())
    return buffer.getvalue()


@cache
def wagtail_module() -> str:
    """Return the Python module that reports a Wagtail site's pages."""
    return (_DATA / "wagtail" / "digest_wagtail.py.txt").read_text(encoding="utf-8")
