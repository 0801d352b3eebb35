"""Secrets as pages hold them: each kind a piece of HTML with `@` in the secret's place, and two secrets to put there.

The first stands in the page when sharing begins, the second comes by a change while it is shared. Where only the place
tells that something is a secret it is a word that stands nowhere else; where its form tells, it has that form.
"""

from __future__ import annotations

from typing import NamedTuple

ALLOW = 'data-cobrowse="allow"'


class Canary(NamedTuple):
    kind: str
    html: str
    first: str
    second: str


# By the place it stands in.
PLACES: dict[str, str] = {
    "text field": '<input value="@">',
    "e-mail field": '<input type="email" value="@">',
    "phone field": '<input type="tel" value="@">',
    "search field": '<input type="search" value="@">',
    "address field": '<input type="url" value="@">',
    "password": '<input type="password" value="@">',
    "password that its site shares": f'<input type="password" {ALLOW} value="@">',
    "hidden field": '<input type="hidden" name="csrf" value="@">',
    "hidden field that its site shares": f'<input type="hidden" {ALLOW} value="@">',
    "checkbox": '<input type="checkbox" value="@" checked>',
    "radio button": '<input type="radio" name="r" value="@" checked>',
    "text area": "<textarea>@</textarea>",
    "option's text": "<select><option selected>@</option></select>",
    "option's value": '<select><option value="@" selected>x</option></select>',
    "group of options": '<select><optgroup label="@"><option>x</option></optgroup></select>',
    "list of suggestions": '<input list="d"><datalist id="d"><option value="@">@</option></datalist>',
    "list by its name": '<input list="@"><input role="combobox" aria-controls="@" aria-owns="@">',
    "list of suggestions of a shared field": f'<input {ALLOW} list="e"><datalist id="e"><option value="@"></datalist>',
    "editable area in a private one": f"<div data-private><p contenteditable {ALLOW}>@</p></div>",
    "editable area": '<div contenteditable="true"><p>@</p></div>',
    "text box by its role": '<div role="textbox"><b>@</b></div>',
    "card number by autocomplete": f'<input {ALLOW} autocomplete="cc-number" value="@">',
    "security code by autocomplete": f'<input {ALLOW} autocomplete="section-a billing cc-csc" value="@">',
    "one-time code by autocomplete": f'<input {ALLOW} autocomplete="one-time-code" value="@">',
    "shown password by autocomplete": f'<input {ALLOW} type="text" autocomplete="current-password" value="@">',
    "card number by name": f'<input {ALLOW} name="cardNumber" value="@">',
    "security code by id": f'<input {ALLOW} id="payment_cvc" value="@">',
    "PIN by name": f'<input {ALLOW} name="user[pin]" value="@">',
    "placeholder": '<input placeholder="@">',
    "title": '<p title="@">x</p>',
    "aria-label": '<p aria-label="@">x</p>',
    "aria-description": '<p aria-description="@">x</p>',
    "alternative text": '<img alt="@">',
    "data attribute": '<p data-session="@">x</p>',
    "attribute of a custom element": '<x-account holder="@">x</x-account>',
    "button's value": '<button value="@">x</button>',
    "data element": '<data value="@">x</data>',
    "handler": "<p onclick=\"void '@'\">x</p>",
    "CSRF token in the head": '<meta name="csrf-token" content="@">',
    "other meta": '<meta name="user" content="@">',
    "script": '<script type="application/json">{"token":"@"}</script>',
    "script's address": '<script type="text/plain" src="/none.js?t=@"></script>',
    "nonce": '<style nonce="@">i{}</style>',
    "comment": "<p>x<!-- @ --></p>",
    "template": "<template><p>@</p></template>",
    "no script": "<noscript>@</noscript>",
    "link's query": '<a href="/reset?token=@">x</a>',
    "link's fragment": '<a href="#access_token=@">x</a>',
    "link to an address": '<a href="mailto:@@shop.example">x</a>',
    "link in the head": '<link rel="canonical" href="/x?u=@">',
    "download": '<a href="/x" download="@">x</a>',
    "picture's address": '<img src="/none.png?sig=@">',
    "picture's set": '<img srcset="/none.png?sig=@ 1x">',
    "film's address": '<video src="/none.mp4?sig=@" poster="/none.png?sig=@"></video>',
    "sound's address": '<audio src="/none.mp3?sig=@"></audio>',
    "track": '<video><track src="/none.vtt?sig=@" label="@"></video>',
    "form's address": '<form action="/pay?key=@"><button formaction="/pay?key=@">x</button></form>',
    "frame's address": '<iframe src="about:blank?k=@"></iframe>',
    "frame's document": '<iframe srcdoc="<input value=@><p data-private>@</p>"></iframe>',
    "object": '<object data="/none?k=@"><param name="k" value="@"></object>',
    "style's picture": "<p style=\"background:url('/none.png?sig=@')\">x</p>",
    "style sheet's picture": "<style>u{background:url('/none.png?sig=@')}</style>",
    "style sheet's comment": "<style>u{color:red} /* @ */</style>",
    "drawing's link": '<svg><use href="/none.svg?k=@#a"></use><image href="/none.png?k=@"></image></svg>',
    "private text": "<p data-private>@</p>",
    "private text, deep inside": "<section data-private><div><p>x <b>@</b></p></div></section>",
    "private picture": '<figure data-private><img alt="@" src="/none.png?@" title="@"></figure>',
    "private drawing": "<div data-private><svg><text>@</text></svg></div>",
    "private field that its site shares": f"<div data-private><input {ALLOW} value='@'></div>",
    "private class": '<p data-private class="@" id="@">x</p>',
}

# By its form, wherever it stands.
FORMS: dict[str, tuple[str, str, str]] = {
    "card in text": ("<p>Paid with @ today</p>", "4111 1111 1111 1111", "4000-0566-5566-5556"),
    "card in a shared field": (f"<input {ALLOW} value='@'>", "5555555555554444", "5105105105105100"),
    "card in a shared text area": (f"<textarea {ALLOW}>@</textarea>", "378282246310005", "371449635398431"),
    "card in Arabic digits": ("<p>@</p>", "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢", "٤٠١٢٨٨٨٨٨٨٨٨١٨٨١"),
    "card in a class": ('<p class="c-@">x</p>', "6011111111111117", "6011000990139424"),
    "bank account": ("<p>IBAN @</p>", "DE89 3704 0044 0532 0130 00", "GB29 NWBK 6016 1331 9268 19"),
    "signed token": ("<p>@</p>", "eyJhbGciOiJub25lIn0.eyJhIjoxfQ.first", "eyJhbGciOiJub25lIn0.eyJhIjoyfQ.second"),
    "key of a service": ("<p>Key @</p>", "sk_live_51Habcdefghijk", "ghp_16C7e42F292c6912E7710c"),
    "session in hexadecimal": ("<p>@</p>", "9f86d081884c7d659a2feaa0c55ad015", "60303ae22b998861bce3b28f33eec1be"),
    "long number": ("<p>@</p>", "123e4567-e89b-42d3-a456-426614174000", "987fbc97-4bed-5078-9f07-9141ba07c9f3"),
    "one-time code": ("<p>Your login code is @.</p>", "482913", "559021"),
    "one-time code in Chinese": ("<p>您的验证码是 @</p>", "739201", "830417"),
    "one-time code in Arabic": ("<p>رمز التحقق @</p>", "664190", "227385"),
    "password in words": ("<p>Your password: @</p>", "correct-horse", "battery-staple"),
    "social security number": ("<p>@</p>", "078-05-1120", "219-09-9999"),
    "secret key": ("<pre>-----BEGIN PRIVATE KEY-----\n@</pre>", "MIIEvQIBADANBgkq", "MIICdwIBADANBgkr"),
    "recovery code": ("<li>@</li>", "AB12-CD34-EF56", "QX91-RT20-ZZ07"),
    "address in words": ("<p>Go to @</p>", "https://x.example/r?t=hyena", "https://x.example/r#jackal"),
    "code by a style sheet": ("<style>s::after{content:'code @'}</style>", "918273", "645372"),
}

CANARIES = [Canary(kind, html, f"wombat{n}w", f"quokka{n}q") for n, (kind, html) in enumerate(PLACES.items())]
CANARIES += [Canary(kind, *rest) for kind, rest in FORMS.items()]


def secret_part(secret: str) -> str:
    """What of the secret must not be found; of an address, what stands behind its path."""
    return secret.partition("r?t=")[2] or secret.partition("r#")[2] or secret
