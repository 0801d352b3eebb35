"""Of strangers' HTML nothing is left that runs, submits or loads; sanitising it again changes nothing."""

import json
import re
from html.parser import HTMLParser
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.html_text import text_of
from mail.limits import Limits
from mail.sanitise import TAGS, remote_url, sanitise
from mail.sanitise_css import declarations, sheet
from tests.peers import CHECKOUT

VECTORS = [each["payload"] for each in json.loads((CHECKOUT / "tests/fixtures/html/dompurify.json").read_text())]
ATTRIBUTES = {
    *(
        "style",
        "class",
        "dir",
        "lang",
        "title",
        "align",
        "id",
        "href",
        "target",
        "rel",
        "src",
        "alt",
        "width",
        "height",
    ),
    *("border", "hspace", "vspace", "cellpadding", "cellspacing", "bgcolor", "valign", "rules", "frame", "colspan"),
    *("rowspan", "nowrap", "scope", "span", "color", "face", "size", "noshade", "start", "type", "value", "open"),
}
T = "http://tracker.example/x"
# All the ways in which HTML and CSS make a browser ask for something.
LOADS = [
    f"<img src={T}>",
    f"<img src='{T}' srcset='{T} 2x' lowsrc={T} dynsrc={T} longdesc={T} usemap={T}>",
    "<img src=//tracker.example/x>",
    f"<img src='h\nttp://tracker.example/x'><img src=' {T}'><img src='\x01{T}'>",
    f"<img src=/tracker.example/x><base href={T}><img src=y>",
    f"<picture><source srcset={T}><img></picture>",
    f"<video poster={T} src={T}><source src={T}><track src={T}></video><audio src={T} autoplay></audio>",
    f"<iframe src={T}></iframe><iframe srcdoc='<img src={T}>'></iframe><frameset><frame src={T}></frameset>",
    f"<embed src={T}><object data={T}><param name=movie value={T}></object><applet code={T} archive={T}>",
    f"<link rel=stylesheet href={T}><link rel=prefetch href={T}><link rel=dns-prefetch href=//tracker.example>",
    f"<meta http-equiv=refresh content='0;url={T}'><meta http-equiv=link content='<{T}>;rel=preload'>",
    f"<style>@import '{T}'; @import url({T});</style>",
    f"<style>@font-face{{font-family:x;src:url({T})}} body{{font-family:x}}</style>",
    f"<style>p{{background:url({T})}} a::before{{content:url({T})}} li{{list-style:url({T})}}</style><p>x",
    f"<style>p{{background-image:image-set('{T}' 1x)}} p{{cursor:url({T}),auto}} p{{mask:url({T})}}</style><p>x",
    f"<style>@media screen{{p{{background:url({T})}}}} @supports (x:y){{p{{background:url({T})}}}}</style>",
    f"<style>p{{b\\61 ckground:u\\72l({T})}} p{{--x:url({T});background:var(--x)}}</style>",
    f"<p style='background:url({T})'>x<p style='background-image:URL(\"{T}\")'>x<p style='border-image:url({T})'>x",
    f"<p style='background:u\\72 l({T})'>x<p style='background:/**/url({T})'>x<p style='filter:url({T}#a)'>x",
    f"<p style='background:image-set(\"{T}\" 1x)'>x<p style='background:-webkit-image-set(url({T}) 1x)'>x",
    f"<p style='list-style-image:url({T});content:url({T});cursor:url({T})'>x<p style='background:src(\"{T}\")'>x",
    f"<p style='shape-outside:url({T})'>x<p style=\"behavior:url({T});-moz-binding:url({T}#x)\">x",
    f"<body background={T}><table background={T}><tr><td background={T}>x</table>",
    f"<input type=image src={T}><button formaction={T}>x</button><form action={T}><input type=submit></form>"
    f"<isindex action={T}>",
    f"<a href=http://a.example ping={T}>x</a><a href=http://a.example><img src={T}></a>",
    f"<svg><image href={T} xlink:href={T} /><use href={T}#x /><script href={T}></script>"
    f"<style>@import '{T}'</style></svg>",
    f"<svg><feImage href={T} /><a xlink:href={T}>x</a><animate attributeName=href values={T} /></svg>",
    f"<math href={T}><mi xlink:href={T}>x</mi><annotation-xml encoding='text/html'><img src={T}>"
    f"</annotation-xml></math>",
    f"<script src={T}></script><script>fetch('{T}')</script><noscript><img src={T}></noscript>",
    f"<template><img src={T}></template><portal src={T}></portal><bgsound src={T}><layer src={T}></layer>",
    f"<blockquote cite={T}>x</blockquote><q cite={T}>x</q><del cite={T}>x</del><html manifest={T}>",
    f"<xml src={T} id=x></xml><x:img src={T}><image src={T}><img\n/src={T}/onerror=alert(1)//>",
    f"<!--[if mso]><img src={T}><![endif]--><!--><img src={T}>--><![CDATA[<img src={T}>]]><?xml-stylesheet href={T}?>",
    f'<img src=\'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg"><image href="{T}"/></svg>\'>',
    f"<img src=cid:x style='background:url({T})'><img src='remote:{quote(T)}' onload=alert(1)>"
    f"<img src=remote:javascript:1>",
    f"<img src='blob:{T}'><img src='view-source:{T}'><img src='feed:{T}'><img src='filesystem:{T}'>",
    f"<a href='{T}' style='display:block;background:url({T})'>link</a><area href={T}><map>"
    f"<area href={T} ping={T}></map>",
]


class Judge(HTMLParser):
    """Reads HTML with another parser than the sanitiser's, and says what in it does more than show."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.style = tag == "style"
        if tag not in TAGS | {"style"}:
            self.faults.append(f"<{tag}>")
        for name, value in attrs:
            value = value or ""
            fine = name in ATTRIBUTES
            if name == "href":
                fine = tag == "a" and re.match(r"(https?://|mailto:|tel:)[^\s\x00-\x1f]", value, re.I) is not None
            elif name == "src":
                fine = (
                    tag == "img"
                    and re.fullmatch(r"cid:[^:/?#\s\"'<>]*|remote:https?%3A[\w.~%-]+", value, re.I) is not None
                )
            elif name == "style":
                fine = css_is_harmless(value)
            if not fine:
                self.faults.append(f"<{tag} {name}={value!r}>")
        if tag == "a" and "href" in dict(attrs):
            about = dict(attrs)
            if about.get("target") != "_blank" or "noopener" not in (about.get("rel") or "").split():
                self.faults.append("a link that keeps its opener")

    def handle_data(self, data: str) -> None:
        if self.style and not css_is_harmless(data):
            self.faults.append(f"<style>{data}")

    def handle_endtag(self, tag: str) -> None:
        self.style = False

    def handle_comment(self, data: str) -> None:
        self.faults.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self.faults.append(f"<!{decl}>")

    def unknown_decl(self, data: str) -> None:
        self.faults.append(f"<![{data}]>")

    def handle_pi(self, data: str) -> None:
        self.faults.append(f"<?{data}>")


HARMFUL_CSS = re.compile(
    r"url|\\|@(?!media )|expression|image-set|src\s*\(|binding|behavior|position|<|javascript|var\(", re.I
)


def css_is_harmless(css: str) -> bool:
    return not HARMFUL_CSS.search(css)


def faults(html: str) -> list[str]:
    judge = Judge()
    judge.feed(html)
    judge.close()
    return judge.faults


@pytest.mark.parametrize("payload", [*VECTORS, *LOADS], ids=str)
def test_nothing_runs_or_loads(payload: str) -> None:
    html = sanitise(payload).html
    assert faults(html) == []
    # Wherever the address is left, it is in text, a link or a name that fetches nothing.
    rest = re.sub(r' href="[^"]*"| (?:title|alt|class)="[^"]*"|(?:^|(?<=>))[^<]+', "", html)
    assert "tracker.example" not in re.sub(r'src="remote:[^"]*"', "", rest)
    again = sanitise(html)
    assert again.html == html
    assert again.pictures == ()


PIECES = st.sampled_from(
    [
        *(
            "<",
            ">",
            "&lt;",
            "&#60",
            '"',
            "'",
            "=",
            "/",
            " ",
            "\n",
            "\0",
            "<!--",
            "-->",
            "--!>",
            "<![CDATA[",
            "]]>",
            "`",
            "é",
        ),
        *(
            "<p",
            "<a href=",
            "<img src=",
            "<svg>",
            "</svg>",
            "<math>",
            "<mtext>",
            "<mglyph>",
            "<style>",
            "</style>",
            "<title>",
        ),
        *(
            "<textarea>",
            "<noscript>",
            "<template>",
            "<select>",
            "<table>",
            "<td>",
            "<form>",
            "</form>",
            "</p>",
            "<br>",
            "</a>",
        ),
        *(
            "<xmp>",
            "<plaintext>",
            "<iframe>",
            "<annotation-xml encoding='text/html'>",
            "<foreignObject>",
            "<desc>",
            "<body ",
        ),
        *(
            "onerror=alert(1)",
            "style='",
            "color:red",
            "background:url(x)",
            "javascript:alert(1)",
            "http://x.y/",
            "cid:a@b",
        ),
        *(
            "data:image/png;base64,AAAA",
            "data:text/html,x",
            "remote:http%3A%2F%2Fx",
            "class=a",
            "text",
            "<b>",
            "<i>",
            "<p>",
        ),
        *(
            "{",
            "}",
            "@import 'x';",
            "p{color:blue}",
            "@media (a:b){p{color:red}}",
            "\\",
            "/*",
            "*/",
            "(",
            ")",
            ";",
            ":",
        ),
    ]
)


@given(st.lists(st.one_of(PIECES, st.text(max_size=4)), max_size=40).map("".join))
def test_any_html(html: str) -> None:
    clean = sanitise(html).html
    assert faults(clean) == []
    assert sanitise(clean).html == clean
    text_of(clean).encode("utf-8", "surrogatepass")


@given(st.lists(st.one_of(PIECES, st.text(max_size=4)), max_size=30).map("".join))
def test_any_css(css: str) -> None:
    for kept in (declarations(css), sheet(css)):
        assert css_is_harmless(re.sub(r"\"[^\"]*\"", "", kept))
    assert declarations(declarations(css)) == declarations(css)
    assert sheet(sheet(css)) == sheet(css)


def test_what_stays() -> None:
    done = sanitise(
        "<html><head><style><!-- p.MsoNormal{margin:0cm} .b{color:red;position:fixed} "
        "@media (max-width:600px){td{width:100% !important}} --></style></head>"
        "<body><p class=MsoNormal style='font-family:\"Times New Roman\",serif;COLOR:#333'>Hello "
        "<a href='HTTPS://example.com/?a=1&amp;b=2'>you</a> <a href=mailto:a@b.c>w</a> <a href=tel:+49>t</a></p>"
        "<img src='cid:logo@x' alt=Logo width=10><img src=//host/a.png>"
        "<blockquote type=cite cite=x>q</blockquote></body></html>"
    )
    assert done.html == (
        "<style>p.MsoNormal{margin:0cm}\n.b{color:red}\n@media (max-width:600px){td{width:100% !important}}</style>"
        '<p class="MsoNormal" style="font-family:&quot;Times New Roman&quot;,serif;color:#333">Hello '
        '<a href="HTTPS://example.com/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer">you</a> '
        '<a href="mailto:a@b.c" target="_blank" rel="noopener noreferrer">w</a> '
        '<a href="tel:+49" target="_blank" rel="noopener noreferrer">t</a></p>'
        '<img src="cid:logo@x" alt="Logo" width="10"><img src="remote:https%3A%2F%2Fhost%2Fa.png">'
        '<blockquote type="cite">q</blockquote>'
    )
    assert done.whole


def test_pictures_in_the_html_are_taken_out() -> None:
    done = sanitise("<img src='data:image/png;base64,iVBORw0KGgo='><img src='DATA:image/gif,GIF89a%00'>")
    assert [(each.type, each.data) for each in done.pictures] == [
        ("image/png", b"\x89PNG\r\n\x1a\n"),
        ("image/gif", b"GIF89a\0"),
    ]
    assert all(f'src="cid:{each.content_id}"' in done.html for each in done.pictures)


def test_remote_names() -> None:
    name = re.search(r'src="([^"]+)"', sanitise("<img src='http://x.y/a b?c=&quot;d&quot;&amp;e'>").html)
    assert name is not None
    assert remote_url(name[1]) == 'http://x.y/ab?c="d"&e'
    assert remote_url("remote:javascript%3Aalert(1)") is None
    assert remote_url("https://x.y") is None


@pytest.mark.parametrize("tag", ["<div>", "<b>", "<table><tr><td>", "<p><b><i>", "<blockquote>", "<a href=x><p>"])
def test_what_is_nested_too_deeply_is_text(tag: str) -> None:
    """A parser's time grows with the square of the depth."""
    done = sanitise("hello" + tag * 100_000 + "end")
    assert not done.whole
    assert faults(done.html) == []
    assert "hello" in done.html


def test_css_that_is_nested_too_deeply_goes() -> None:
    for css in ("width:" + "calc(" * 3000, "width:" + "calc(" * 3000 + ")" * 3000, "(" * 3000, "a{" * 3000):
        assert declarations(css) == ""
        assert sheet(f"p{{color:red}} a{{{css}}}") == "p{color:red}"
    assert declarations("width:calc(1px + calc(2px))") == "width:calc(1px + calc(2px))"


def test_what_is_too_long_is_cut() -> None:
    done = sanitise("<p>hello</p>" * 10_000, Limits(html=1000))
    assert not done.whole
    assert len(done.html) < 1100


def test_text() -> None:
    html = sanitise(
        "<div style='display:none'>preview<b>x</b></div><p>Hello<br>World &amp; <b>all</b>&nbsp;</p><p>Two\nlines</p>"
        "<ul><li>one</li><li>two</li></ul><table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>"
        "<pre>x\n  y</pre><blockquote><div>quoted</div><blockquote>deep</blockquote></blockquote>"
        "<img src=cid:x alt=Logo>"
    ).html
    assert text_of(html) == (
        "Hello\nWorld & all\n\nTwo lines\n\n- one\n- two\n\na b\nc\n\nx\n  y\n\n> quoted\n>\n> > deep\n\nLogo"
    )
