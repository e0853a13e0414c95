"""What a file is, by its first bytes."""

from __future__ import annotations

import re

from tenantml.errors import NotCsv, NotUtf8

SNIFFED_BYTES = 4096
UTF8_BOM = b"\xef\xbb\xbf"

_FORMATS = (
    (rb"\x1f\x8b", "gzip data", "decompress it"),
    (rb"PK\x03\x04(?s:.*)(?:xl/|\[Content_Types\]\.xml)", "an Excel workbook", "save the sheet as CSV UTF-8"),
    (rb"PK(?:\x03\x04|\x05\x06|\x07\x08)", "a zip archive", "unpack it"),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel or Office file", "save the sheet as CSV UTF-8"),
    (rb"BZh[1-9]1AY&SY", "bzip2 data", "decompress it"),
    (rb"\xfd7zXZ\x00", "xz data", "decompress it"),
    (rb"\x28\xb5\x2f\xfd", "Zstandard data", "decompress it"),
    (rb"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it"),
    (rb"PAR1[\x00-\x1f]", "a Parquet file", "export it as CSV"),
    (rb"ARROW1\x00", "an Arrow file", "export it as CSV"),
    (rb"Obj\x01", "an Avro file", "export it as CSV"),
    (rb"\x89HDF\r\n", "an HDF5 file", "export it as CSV"),
    (rb"SQLite format 3\x00", "an SQLite database", "export a table as CSV"),
    (rb"%PDF-", "a PDF document", "export the table as CSV"),
    (
        rb"(?i:\s*<(?:!doctype\s+html|html|head|body|table)\b)",
        "an HTML page",
        "download the CSV itself, not the page that shows it",
    ),
    (rb"(?i:\s*<\?xml\b)", "an XML document", "export it as CSV"),
    (rb'\s*(?:\{\s*(?:"|\}|\Z)|\[\s*(?:[\[{]|\Z))', "a JSON document", "export it as CSV"),
)
_NOT_CSV = tuple((re.compile(pattern), what, cure) for pattern, what, cure in _FORMATS)
_UTF16_ASCII = re.compile(rb"(?s:(?:[\t\n\r -~]\x00){4}|(?:\x00[\t\n\r -~]){4})")


def refuse_other_formats(head: bytes) -> None:
    """Refuse what is no UTF-8 text by its first bytes (`SNIFFED_BYTES` of them, or the whole of a smaller file).

    Raises:
        NotCsv: the bytes begin as another format does.
        NotUtf8: they begin as UTF-16 or UTF-32 does, with or without a byte-order mark.
    """
    text = head.removeprefix(UTF8_BOM)
    for pattern, what, cure in _NOT_CSV:
        if pattern.match(text):
            raise NotCsv(f"the file is {what}, not CSV text; {cure}, and upload that")
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")) or _UTF16_ASCII.match(head):
        raise NotUtf8("the text is UTF-16 or UTF-32; save it as UTF-8 (in Excel: 'CSV UTF-8') and upload that", line=1)
