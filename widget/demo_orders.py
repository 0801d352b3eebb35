"""What the demo shop's server tells of orders, for the flow of those who call: a customer's own system in small."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

ORDERS = {
    "1042": {"state": "kiln", "product": "teapot"},
    "1043": {"state": "shipped", "product": "bowl"},
    "1044": {"state": "delivered", "product": "vase"},
}


def order(request: Request) -> Response:
    found = ORDERS.get(request.path_params["number"])
    headers = {"Cache-Control": "no-store"}
    if found is None:
        return JSONResponse({"error": "There is no such order."}, 404, headers)
    return JSONResponse(found, headers=headers)
