import io

import pytest

from common.errors import InputError
from data_util.reading.encodings import advice, guess_encoding, recoded

TEXTS = {
    "gb18030": ["公司的发票和税号错误，请重开发票 __label__发票", "快递三天没有更新", "abc 税"],
    "big5": ["發票抬頭錯誤", "這個產品很好用，我很喜歡", "abc 稅號"],
    "shift_jis": ["これはテストです", "カードの請求が二回"],
    "euc_kr": ["안녕하세요 배송이 늦어요"],
    "cp1251": ["где моя посылка", "Привет, Мир"],
    "cp1252": ["Der Käufer möchte das Geld zurück", "naïve café", "El niño pagó"],
}


@pytest.mark.parametrize("encoding", TEXTS)
def test_the_encoding_of_a_line_is_guessed(encoding):
    for text in TEXTS[encoding]:
        assert guess_encoding(text.encode(encoding)) == encoding
        assert f"read it with --encoding={encoding}" in advice(text.encode(encoding))


@pytest.mark.parametrize("data", [b"ascii", b"\x80\x81\x82"])
def test_what_is_of_no_encoding(data):
    assert guess_encoding(data) is None
    assert "--encoding" in advice(data)


@pytest.mark.parametrize("encoding", [*TEXTS, "utf-16", "utf-32-le"])
def test_recoded(encoding):
    lines = [line for name in TEXTS for line in TEXTS[name]]
    lines = [line for line in lines if line.encode(encoding, "ignore").decode(encoding) == line]
    text = "\n".join(lines)
    assert recoded(io.BytesIO(text.encode(encoding)), encoding).read().decode() == text


def test_utf8_is_not_wrapped():
    stream = io.BytesIO()
    assert recoded(stream, "UTF8") is stream


@pytest.mark.parametrize("data", [b"\xff", b"\x81", b"a\n\x81\n"])
def test_wrong_bytes(data):
    with pytest.raises(InputError, match="not in --encoding=gb18030"):
        recoded(io.BytesIO(data), "gb18030").read()
    with pytest.raises(InputError, match="not in --encoding=utf-16"):
        recoded(io.BytesIO(b"\0a\0b"), "utf-16").read()
