"""Unpacks a report: plain XML, gzip, or a zip archive with one file. Pure, with limits.

Nothing is inflated beyond LARGEST, whatever an archive says of its own size. Archives that are
compressed with bzip2 or LZMA are refused: zipfile inflates what it has read of them without limit.
"""

import io
import zipfile
import zlib

from digest.reputation.errors import ReputationError

LARGEST = 20_000_000  # bytes of XML: some 40,000 records
_TOO_LARGE = f"The report is larger than {LARGEST // 1_000_000} MB."
_GZIP = 16 + zlib.MAX_WBITS
_BOUNDED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


def unpack(content: bytes) -> bytes:
    """Return the XML of a report; raise ReputationError for what is none, or too large."""
    if content.startswith(b"\x1f\x8b"):
        return _inflate(content)
    if content.startswith(b"PK\x03\x04"):
        return _unzip(content)
    if len(content) > LARGEST:
        raise ReputationError(_TOO_LARGE)
    return content


def _inflate(content: bytes) -> bytes:
    stream = zlib.decompressobj(_GZIP)
    try:
        xml = stream.decompress(content, LARGEST + 1)
    except zlib.error as problem:
        raise ReputationError(f"The gzip file is damaged: {problem}.") from problem
    if len(xml) > LARGEST:
        raise ReputationError(_TOO_LARGE)
    if not stream.eof:
        raise ReputationError("The gzip file is cut off.")
    return xml


def _unzip(content: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [row for row in archive.infolist() if row.filename.lower().endswith(".xml")]
            if len(names) != 1:
                raise ReputationError("The zip file does not hold exactly one XML file.")
            if names[0].compress_type not in _BOUNDED:
                raise ReputationError(
                    "The zip file is compressed in a way that is not read. Use Deflate."
                )
            with archive.open(names[0]) as file:
                xml = file.read(LARGEST + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as problem:
        raise ReputationError(f"The zip file is damaged: {problem}.") from problem
    if len(xml) > LARGEST:
        raise ReputationError(_TOO_LARGE)
    return xml
