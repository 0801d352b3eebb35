"""What callers of the demo hear who dial `menu`: two languages, the state of an order, the three queues, a callback."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

ID = "front-door"
STATES = ("kiln", "shipped", "delivered")
"""Of the shop's orders (`widget/demo_orders.py`)."""


def prompts(*names: str) -> list[Json]:
    return [{"say": "prompt", "prompt": name} for name in names]


def orders_url(port: int) -> str:
    return f"http://127.0.0.1:{port}/demo/orders/{{order}}.json"


def front_door(port: int) -> Json:
    """The flow's row; the shop is asked at this hub's own `port`."""
    again = {"invalid": prompts("menu-invalid"), "failed": "support"}
    told = {f"tell-{state}": {"do": "say", "parts": prompts(f"order-{state}"), "next": "after"} for state in STATES}
    cases = [{"when": [{"fact": "state", "value": state}], "to": f"tell-{state}"} for state in STATES]
    nodes: Json = {
        "language": {
            "do": "menu",
            "parts": [
                {"say": "prompt", "prompt": "menu-english", "language": "en"},
                {"say": "prompt", "prompt": "menu-chinese", "language": "zh-CN"},
            ],
            "options": {"1": "english", "2": "chinese"},
            "labels": {"1": {"en": "English", "zh-CN": "English"}, "2": {"en": "中文", "zh-CN": "中文"}},
            "tries": 2,
            "failed": "english",
        },
        "english": {"do": "set", "language": "en", "next": "main"},
        "chinese": {"do": "set", "language": "zh-CN", "next": "main"},
        "main": {
            "do": "menu",
            "parts": prompts("menu-main"),
            "options": {"1": "order", "2": "sales", "3": "support", "4": "back"},
            **again,
        },
        "order": {
            "do": "collect",
            "parts": prompts("menu-order"),
            "into": "order",
            "least": 4,
            "most": 8,
            "next": "ask",
            **again,
        },
        "ask": {
            "do": "lookup",
            "url": orders_url(port),
            "take": {"state": "/state"},
            "next": "state",
            "missing": "unknown",
            "failed": "support",
        },
        "state": {"do": "branch", "cases": cases, "otherwise": "support"},
        **told,
        "unknown": {
            "do": "menu",
            "parts": prompts("order-unknown"),
            "options": {"1": "order", "2": "support"},
            **again,
        },
        "after": {
            "do": "menu",
            "parts": prompts("menu-after"),
            "options": {"1": "main", "2": "support"},
            "tries": 2,
            "invalid": prompts("menu-invalid"),
            "failed": "goodbye",
        },
        "goodbye": {"do": "hang_up", "parts": prompts("goodbye")},
        "sales": {"do": "queue", "queue": "sales"},
        "support": {"do": "queue", "queue": "support"},
        "back": {"do": "callback", "queue": "support"},
    }
    for column, name in enumerate(nodes):
        nodes[name] |= {"x": 240 * (column % 5), "y": 180 * (column // 5)}
    return {"name": "Front door", "start": "language", "languages": ["en", "zh-CN"], "nodes": nodes}
