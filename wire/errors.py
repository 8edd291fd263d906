"""The one error that bytes can cause."""


class WireError(Exception):
    """Bytes, or values, that are not ours. ``code`` is a short, stable name that counters and quarantine use."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code if not detail else code + ": " + detail)
        self.code = code
        self.detail = detail
