"""Cells of CSV files, which spreadsheets would run as formulas."""

# Spreadsheets compute a cell that begins so, the full-width forms included.
_FORMULA = tuple("=+-@＝＋－＠\t\r\n")


def inert(text: str) -> str:
    """A text that a spreadsheet shows and does not run: with an apostrophe before a formula.

        >>> inert("=HYPERLINK(\\"http://x\\")"), inert("theft")
        ('\\'=HYPERLINK("http://x")', 'theft')

    References:
        OWASP, "CSV Injection", https://owasp.org/www-community/attacks/CSV_Injection
    """
    return f"'{text}" if text.startswith(_FORMULA) else text
