"""One HTTP request, taken in piece by piece, within limits. Pure.

Rules
1. Whatever comes in, ``take`` says how it stands and raises nothing: None (not whole yet) or a status; 200 is a
   request that can be answered.
2. A head is at most MAX_HEAD bytes, a body MAX_BODY. A request that claims more is refused before it is read.
3. GET and POST only. No chunks, no 100-continue: no browser sends them for a form.
"""

MAX_HEAD = 2048
MAX_BODY = 768


class Request:
    def __init__(self) -> None:
        self._got = b""
        self._body_at = 0
        self._length = 0
        self.method = ""
        self.path = ""
        self.query = ""
        self.body = ""

    def take(self, data: bytes) -> int | None:
        """Add what has come in."""
        self._got += data
        if not self._body_at:
            end = self._got.find(b"\r\n\r\n")
            if end < 0 or end > MAX_HEAD:
                return 431 if len(self._got) > MAX_HEAD else None
            self._body_at = end + 4
            status = self._head(self._got[:end])
            if status != 200:
                return status
        if len(self._got) < self._body_at + self._length:
            return None
        try:
            self.body = bytes(self._got[self._body_at : self._body_at + self._length]).decode()
        except UnicodeError:
            return 400
        return 200

    def _head(self, head: bytes) -> int:
        try:
            lines = bytes(head).decode().split("\r\n")
        except UnicodeError:
            return 400
        words = lines[0].split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1.") or not words[1].startswith("/"):
            return 400
        self.method = words[0]
        self.path, _, self.query = words[1].partition("?")
        if self.method not in ("GET", "POST"):
            return 405
        length = "0"
        for line in lines[1:]:
            name, _, value = line.partition(":")
            if name.lower() == "content-length":
                length = value.strip()
            elif name.lower() == "transfer-encoding":
                return 400
        if not length or not all(c in "0123456789" for c in length):
            return 400
        if len(length) > 6 or int(length) > MAX_BODY:
            return 413
        self._length = int(length)
        return 200
