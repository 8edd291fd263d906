"""The pages that a new node shows to a phone: Vietnamese, English in small letters, no script, 4 kB at most.

Only values that form.py has found good are shown; the password of the Wi-Fi never is. All is escaped too.
"""

from . import form

TEXTS = {
    "form": ("Phiếu này không phải của hộp. Quét lại mã vuông.", "not a card of ours"),
    "node": ("Tên hộp chưa đúng.", "the node's name"),
    "code": ("Mã dùng một lần chưa đúng: 12 chữ và số.", "the one-time code: 12 letters"),
    "pin": ("Sai dấu của trạm. Gõ lại cho đúng phiếu.", "the pin of the gateway"),
    "host": ("Địa chỉ trạm chưa đúng, như 192.168.1.2:8884.", "the address of the gateway"),
    "ssid": ("Thiếu tên Wi-Fi của làng.", "name of the Wi-Fi"),
    "password": ("Mật khẩu Wi-Fi phải có 8 đến 63 chữ không dấu.", "password of the Wi-Fi: 8 to 63"),
    "wifi": ("Không vào được Wi-Fi của làng. Coi lại tên, mật khẩu, sóng.", "the Wi-Fi cannot be joined"),
    "gateway": ("Không gặp trạm. Máy chủ có chạy không?", "the gateway does not answer"),
    "wrong": ("Sai mã: mã này không phải của hộp này.", "wrong code"),
    "used": ("Mã đã dùng cho hộp khác. Xin phiếu mới.", "the code was used"),
    "expired": ("Mã hết hạn. Xin phiếu mới.", "the code is too old"),
    "later": ("Thử nhiều quá. Chờ nửa phút rồi bấm lại.", "too many tries, wait"),
    "bad": ("Trạm không hiểu. Báo người giữ máy chủ.", "the gateway does not understand"),
    "config": ("Cấu hình không hợp với hộp này. Coi lại tên hộp.", "the config does not fit this board"),
}
_FIELDS = (
    (form.NODE, "Tên hộp", "node"),
    (form.CODE, "Mã dùng một lần", "one-time code"),
    (form.PIN, "Dấu của trạm", "pin of the gateway"),
    (form.HOST, "Trạm", "gateway"),
    (form.SSID, "Tên Wi-Fi của làng", "village Wi-Fi"),
    (form.PASSWORD, "Mật khẩu Wi-Fi", "its password"),
)
# HTML closes html, head and body by itself.
_HEAD = """<!doctype html><html lang="vi"><meta charset="utf-8">
<meta name="viewport" content="width=device-width">%s<title>Cài hộp</title><style>
body{font:18px/1.4 sans-serif;margin:0 auto;max-width:30em;padding:1em}
label{display:block;margin:.6em 0}input,button{font:inherit;width:100%%;padding:.5em;box-sizing:border-box}
button{background:#0a5c2b;color:#fff}.e{border:3px solid #a00;padding:.5em}</style><h1>Cài hộp</h1>
"""
_BOTH = '%s<br><small lang="en">%s</small>'
_REFRESH = '<meta http-equiv="refresh" content="3;url=/">'


def escaped(text: str) -> str:
    for letter, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#39;")):
        text = text.replace(letter, name)
    return text


def ask(values: dict[str, str], error: str) -> str:
    """The form, filled in with what is known, under what was wrong."""
    parts = [_HEAD % ""]
    if error:
        parts.append('<p class="e">' + _BOTH % TEXTS[error])
    parts.append('<form method="post" action="/">')
    for name, vietnamese, english in _FIELDS:
        kind = "password" if name == form.PASSWORD else "text"
        value = "" if name == form.PASSWORD else escaped(values.get(name, ""))
        parts.append(
            '<label>%s<input name="%s" type="%s" value="%s" maxlength="80" autocapitalize="off" autocomplete="off">'
            "</label>" % (_BOTH % (vietnamese, english), name, kind, value)
        )
    parts.append("<button>Cài</button></form>")
    return "".join(parts)


def wait(joined: bool) -> str:
    """While the node tries; it asks again by itself."""
    if joined:
        said = "Đã vào Wi-Fi, đang hỏi trạm…", "in the Wi-Fi, asking the gateway"
    else:
        said = "Đang vào Wi-Fi của làng…", "joining the Wi-Fi"
    return _HEAD % _REFRESH + "<p>" + _BOTH % said


def done(node: str) -> str:
    said = "<b>Xong.</b> Hộp %s tự khởi động lại và gửi số đo. Hủy phiếu." % escaped(node)
    return _HEAD % "" + "<p>" + _BOTH % (said, "Done. The node starts by itself. Destroy the card.")
