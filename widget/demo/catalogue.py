"""What the demo shop sells. Texts are English here and looked up in texts/zh.json for the Chinese pages."""

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["tea", "teapots", "cups", "table"]


@dataclass(frozen=True)
class View:
    """One picture of a product: `{glaze}` in `art` stands for the glaze that is chosen."""

    art: str
    alt: str


@dataclass(frozen=True)
class Product:
    """One thing on the shelf; `price` is in euro cents, tax included.

    `priced` says what the price is for, `portion` the same in a basket's line (empty: one piece). `glazes` is empty for
    things that have none, otherwise the first is what the pictures show. `goes_with` holds the ids of four others.
    """

    id: str
    kind: Kind
    name: str
    title: str
    kicker: str
    price: int
    text: str
    size_label: str
    size: str
    details: tuple[str, ...]
    rating: str
    ratings: int
    views: tuple[View, ...]
    goes_with: tuple[str, str, str, str]
    glazes: tuple[str, ...] = ()
    priced: str = "{price}"
    portion: str = ""
    stock: str = "In stock, leaves our studio today if ordered by 16:00"

    @property
    def page(self) -> str:
        """The file name of the product's page."""
        return f"product-{self.id}.html"

    def art(self, glaze: str | None = None, view: int = 0) -> str:
        """The name of one of its pictures."""
        return self.views[view].art.format(glaze=glaze or (self.glazes[0] if self.glazes else ""))


KINDS: Final[dict[Kind, str]] = {"tea": "Tea", "teapots": "Teapots", "cups": "Cups & bowls", "table": "For the table"}
GLAZE_NAMES: Final = {"tenmoku": "Tenmoku", "ash": "Ash white", "celadon": "Celadon"}
GLAZE_ADJECTIVES: Final = {"tenmoku": "tenmoku", "ash": "ash-white", "celadon": "celadon"}

PRODUCTS: Final = (
    Product(
        id="kyusu",
        kind="teapots",
        name="Kyusu teapot",
        title="Kyusu teapot in {glaze} glaze",
        kicker="Thrown in Berlin by Anneke Vos",
        price=8400,
        text=(
            "A side-handled pot for two small cups. The clay strainer is fine enough for steamed sencha, and the glaze "
            "breaks to copper where it runs thin. Every pot differs a little."
        ),
        size_label="Size",
        size="240 ml, holds two cups",
        details=(
            "Stoneware, fired at 1,260 degrees",
            "Handle on the right; ask us for a left-handed one",
            "Rinse with hot water, no soap",
        ),
        rating="4.9",
        ratings=112,
        views=(
            View("kyusu-{glaze}", "Side-handled teapot with a glaze that runs down over bare clay"),
            View("kyusu-{glaze}-close", "The glaze, close up"),
            View("kyusu-{glaze}-tray", "Teapot and cup on a tray"),
            View("cups-ash", "Two ash-white cups"),
        ),
        goes_with=("sencha", "cups", "tray", "bowl"),
        glazes=("tenmoku", "ash", "celadon"),
    ),
    Product(
        id="dobin",
        kind="teapots",
        name="Dobin teapot",
        title="Dobin teapot in {glaze} glaze",
        kicker="Thrown in Berlin by Jonas Adler",
        price=9600,
        text=(
            "The pot for a full table: half a litre, a broad base that sits calmly, and a bamboo handle that stays "
            "cool. The spout pours without a drip; Jonas turns each one until it does."
        ),
        size_label="Size",
        size="520 ml, holds five cups",
        details=("Stoneware, fired at 1,240 degrees", "The handle can be renewed", "Not for the dishwasher"),
        rating="4.8",
        ratings=64,
        views=(
            View("dobin-{glaze}", "Round teapot with a bamboo handle over the lid"),
            View("dobin-{glaze}-cups", "The pot with a cup beside it"),
            View("kiln", "The kiln, open after a firing"),
            View("hojicha-cup", "Tin of hojicha with a cup"),
        ),
        goes_with=("hojicha", "cups", "tray", "genmaicha"),
        glazes=("ash", "tenmoku", "celadon"),
    ),
    Product(
        id="gaiwan",
        kind="teapots",
        name="Gaiwan",
        title="Gaiwan in {glaze} glaze",
        kicker="Thrown in Berlin by Anneke Vos",
        price=4800,
        text=(
            "Bowl, lid and saucer: the simplest way to brew well, and the best way to watch the leaves open. Thin at "
            "the rim, so your fingers stay cool; the lid holds back the leaves."
        ),
        size_label="Size",
        size="130 ml, for one or two",
        details=("Porcelain, fired at 1,280 degrees", "Three pieces", "Safe in the dishwasher"),
        rating="4.7",
        ratings=38,
        views=(
            View("gaiwan-{glaze}", "Lidded cup on its saucer"),
            View("gaiwan-{glaze}-cups", "Lidded cup and a small cup of oolong"),
            View("oolong-cup", "Tin of oolong with a cup"),
            View("kiln", "The kiln, open after a firing"),
        ),
        goes_with=("oolong", "cups", "tray", "kyusu"),
        glazes=("celadon", "ash"),
    ),
    Product(
        id="sencha",
        kind="tea",
        name="Sencha from Uji, first flush",
        title="Sencha from Uji, first flush",
        kicker="From the Horii garden, picked on 2 May",
        price=1800,
        priced="{price}, 80 g",
        portion="80 g",
        text=(
            "Steamed for half a minute, deep green, with the sweetness of young peas and a clean finish. Give it water "
            "of 70 degrees and one minute; the second cup needs only ten seconds."
        ),
        size_label="Tin",
        size="80 g, about 25 pots",
        details=("Water 70 degrees, one minute", "Best within three months", "The tin can be refilled at the studio"),
        rating="4.9",
        ratings=203,
        views=(
            View("sencha", "Tin of sencha"),
            View("sencha-cup", "Tin of sencha with a cup"),
            View("sencha-bowl", "Tin of sencha and a bowl of loose leaf"),
            View("kyusu-tenmoku-tray", "Teapot and cup on a tray"),
        ),
        goes_with=("kyusu", "cups", "bowl", "genmaicha"),
        stock="In stock, packed on the day it leaves",
    ),
    Product(
        id="hojicha",
        kind="tea",
        name="Hojicha, roasted over charcoal",
        title="Hojicha, roasted over charcoal",
        kicker="From Kaga, roasted in small lots",
        price=1400,
        priced="{price}, 100 g",
        portion="100 g",
        text=(
            "Leaf and stem, roasted until they smell of toasted nuts. Little caffeine, no bitterness, and very "
            "forgiving: boiling water and as long as you like. A tea for the evening."
        ),
        size_label="Tin",
        size="100 g, about 30 pots",
        details=("Boiling water, one to three minutes", "Little caffeine", "The tin can be refilled at the studio"),
        rating="4.8",
        ratings=151,
        views=(
            View("hojicha", "Tin of hojicha"),
            View("hojicha-cup", "Tin of hojicha with a cup"),
            View("hojicha-bowl", "Tin of hojicha and a bowl of loose leaf"),
            View("dobin-ash-cups", "The pot with a cup beside it"),
        ),
        goes_with=("dobin", "cups", "genmaicha", "tray"),
        stock="In stock, packed on the day it leaves",
    ),
    Product(
        id="genmaicha",
        kind="tea",
        name="Genmaicha with new rice",
        title="Genmaicha with new rice",
        kicker="From Shizuoka, blended for us",
        price=1300,
        priced="{price}, 100 g",
        portion="100 g",
        text=(
            "Green tea and roasted brown rice in equal parts. It tastes of warm bread and fresh grass, goes with food, "
            "and is what we drink in the studio at lunch."
        ),
        size_label="Tin",
        size="100 g, about 30 pots",
        details=("Water 85 degrees, one minute", "Some caffeine", "The tin can be refilled at the studio"),
        rating="4.7",
        ratings=88,
        views=(
            View("genmaicha", "Tin of genmaicha"),
            View("genmaicha-cup", "Tin of genmaicha with a cup"),
            View("genmaicha-bowl", "Tin of genmaicha and a bowl of loose leaf"),
            View("tray-set", "Teapot and cup on a large tray"),
        ),
        goes_with=("bowl", "dobin", "sencha", "cups"),
        stock="In stock, packed on the day it leaves",
    ),
    Product(
        id="oolong",
        kind="tea",
        name="Oolong from Alishan",
        title="Oolong from Alishan, winter picking",
        kicker="From 1,400 metres, family Chen",
        price=2400,
        priced="{price}, 75 g",
        portion="75 g",
        text=(
            "Tightly rolled leaves that open over six or seven infusions, from orchid to warm butter. Rinse them once, "
            "then use near-boiling water and start with thirty seconds."
        ),
        size_label="Tin",
        size="75 g, about 15 sittings",
        details=("Water 95 degrees, thirty seconds", "Six infusions and more", "The tin can be refilled at the studio"),
        rating="4.9",
        ratings=76,
        views=(
            View("oolong", "Tin of oolong"),
            View("oolong-cup", "Tin of oolong with a cup"),
            View("oolong-bowl", "Tin of oolong and a bowl of loose leaf"),
            View("gaiwan-celadon-cups", "Lidded cup and a small cup of oolong"),
        ),
        goes_with=("gaiwan", "cups", "tray", "hojicha"),
        stock="Few left, the next harvest comes in June",
    ),
    Product(
        id="cups",
        kind="cups",
        name="Ash-white cups",
        title="Ash-white cups, a pair",
        kicker="Thrown in Berlin by Jonas Adler",
        price=3600,
        priced="{price} the pair",
        portion="One pair",
        text=(
            "Two small cups that warm the hands and not the fingers. The glaze is made from the ash of our own stove "
            "and gathers a little under the rim."
        ),
        size_label="Size",
        size="90 ml each",
        details=("Stoneware, fired at 1,260 degrees", "No two are the same height", "Safe in the dishwasher"),
        rating="4.8",
        ratings=97,
        views=(
            View("cups-ash", "Two cups, filled with green tea"),
            View("cups-ash-close", "The rim and the glaze, close up"),
            View("cups-ash-tray", "Two cups on a tray"),
            View("kyusu-tenmoku-tray", "Teapot and cup on a tray"),
        ),
        goes_with=("kyusu", "sencha", "tray", "gaiwan"),
    ),
    Product(
        id="chawan",
        kind="cups",
        name="Matcha bowl",
        title="Matcha bowl in {glaze} glaze",
        kicker="Thrown in Berlin by Anneke Vos",
        price=5400,
        text=(
            "Wide enough for the whisk, heavy enough to rest in both hands. Turn it until you find its front: the "
            "place where the glaze ran furthest."
        ),
        size_label="Size",
        size="12 cm wide, 400 ml",
        details=("Stoneware, fired at 1,260 degrees", "Foot left bare", "Rinse with hot water, no soap"),
        rating="4.9",
        ratings=45,
        views=(
            View("chawan-{glaze}", "Wide bowl with whisked matcha"),
            View("chawan-{glaze}-close", "The rim and the glaze, close up"),
            View("chawan-{glaze}-whisk", "Matcha bowl with a whisk"),
            View("whisk", "Bamboo whisk"),
        ),
        goes_with=("whisk", "tray", "sencha", "bowl"),
        glazes=("celadon", "ash", "tenmoku"),
    ),
    Product(
        id="bowl",
        kind="cups",
        name="Loose leaf bowl",
        title="Loose leaf bowl in bare clay",
        kicker="Thrown in Berlin by Jonas Adler",
        price=2900,
        text=(
            "For weighing out, looking and smelling: the dry leaf is half the pleasure. Bare red clay outside, a thin "
            "clear glaze inside, and a lip that pours into the pot."
        ),
        size_label="Size",
        size="14 cm wide",
        details=("Red stoneware", "Glazed inside", "Safe in the dishwasher"),
        rating="4.6",
        ratings=29,
        views=(
            View("bowl", "Bowl of loose leaf tea"),
            View("bowl-close", "Bowl of loose leaf tea, close up"),
            View("sencha-bowl", "Tin of sencha and a bowl of loose leaf"),
            View("genmaicha-bowl", "Tin of genmaicha and a bowl of loose leaf"),
        ),
        goes_with=("genmaicha", "kyusu", "sencha", "tray"),
    ),
    Product(
        id="tray",
        kind="table",
        name="Cherry wood tray",
        title="Cherry wood tray",
        kicker="Planed in Brandenburg by Ines Kroll",
        price=4200,
        text=(
            "One board, hollowed by hand, with edges that fingers find by themselves. Oiled, not lacquered: water "
            "beads on it, and the wood darkens with the years."
        ),
        size_label="Size",
        size="34 by 22 cm",
        details=("Cherry from Brandenburg", "Linseed oil", "Wipe dry, and oil it once a year"),
        rating="4.8",
        ratings=53,
        views=(
            View("tray", "Cherry wood tray with a cup"),
            View("tray-set", "Teapot and cup on a large tray"),
            View("cups-ash-tray", "Two cups on a tray"),
            View("kyusu-celadon-tray", "Teapot and cup on a tray"),
        ),
        goes_with=("kyusu", "cups", "gaiwan", "chawan"),
    ),
    Product(
        id="whisk",
        kind="table",
        name="Bamboo whisk",
        title="Bamboo whisk, eighty tines",
        kicker="Split in Takayama by Satomi Kubo",
        price=2600,
        text=(
            "Cut from one piece of white bamboo. Soak it for a minute before you whisk, rinse it after, and let it dry "
            "standing: so it lasts for years."
        ),
        size_label="Size",
        size="11 cm, eighty tines",
        details=("White bamboo", "Made by hand", "Only water, no soap"),
        rating="4.7",
        ratings=41,
        views=(
            View("whisk", "Bamboo whisk"),
            View("chawan-celadon-whisk", "Matcha bowl with a whisk"),
            View("chawan-ash-whisk", "Matcha bowl with a whisk"),
            View("chawan-tenmoku-whisk", "Matcha bowl with a whisk"),
        ),
        goes_with=("chawan", "tray", "sencha", "bowl"),
    ),
)
BY_ID: Final = {product.id: product for product in PRODUCTS}

COUNTRIES: Final = (
    ("DE", "Germany"),
    ("AT", "Austria"),
    ("CH", "Switzerland"),
    ("NL", "Netherlands"),
    ("DK", "Denmark"),
    ("FR", "France"),
    ("GB", "United Kingdom"),
    ("US", "United States"),
    ("CN", "China"),
    ("JP", "Japan"),
)


@dataclass(frozen=True)
class Delivery:
    """A way in which a parcel travels; `price` in euro cents."""

    id: str
    name: str
    price: int


DELIVERIES: Final = (
    Delivery("dhl", "DHL, 1 to 2 days", 490),
    Delivery("bike", "Bicycle courier in Berlin, today", 750),
    Delivery("studio", "I collect it at the studio", 0),
)
FREE_FROM: Final = 15000
"""Goods for this many cents and more travel free."""
VOUCHERS: Final = {"FIRSTCUP": 10}
"""Voucher codes and the share, in per cent, that they take off the goods."""
