"""Files that are no text, or no JSON: their bytes, and what is said of them."""

KINDS = {
    "gzip": (b"\x1f\x8b\x08\x00" + bytes(20), "this gzip file is damaged"),
    "bzip2": (b"BZh91AY&SY\xff\x00", "this bzip2 file is damaged"),
    "xz": (b"\xfd7zXZ\x00\x00\x04", "this xz file is damaged"),
    "zstd": (b"\x28\xb5\x2f\xfd\x04", "this zstd file"),
    "zip": (b"PK\x03\x04\x14\x00\x00", "this is a zip file"),
    "utf16": ("\ufeff他来了\n".encode("utf-16-le"), "this file is UTF-16"),
    "utf16be": ("\ufeff他来了\n".encode("utf-16-be"), "this file is UTF-16"),
    "utf32": ("\ufeff他来了\n".encode("utf-32-le"), "this file is UTF-32"),
    "utf16 without a mark": ("he came\n".encode("utf-16-le"), "a NUL byte: this is UTF-16"),
    "nul": (b"a\0b __label__x\n", "a NUL byte"),
    "surrogate": (b"a\xed\xa0\xbd __label__x\n", "not UTF-8: byte 0xed at offset 1"),
    "json surrogate": (b'{"fact": "a\\ud800", "meta": {"accusation": ["x"]}}', "surrogate pair"),
    "json nul": (b'{"fact": "a\\u0000", "meta": {"accusation": ["x"]}}', "NUL byte"),
    "json twice": (b'{"fact": "a", "fact": "b"}', "the key 'fact' is there twice"),
    "json nested": (b'{"fact": "a", "meta": ' + b"[" * 100_000 + b"}", "recursion"),
    "json digits": (b'{"fact": "a", "x": ' + b"9" * 5000 + b"}", "4300 digits"),
}
