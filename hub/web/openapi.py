"""The OpenAPI 3.1 document, made from the table of routes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from hub.permissions import Permission
from hub.web.table import BASE, Endpoint, Nothing

_BINARY = {"type": "string", "format": "binary"}
_PARAMETER = re.compile(r"\{(\w+)\}")


class ErrorDetail(Struct, frozen=True):
    """`code` is for programs, `message` for people; `details` depends on the code."""

    code: str
    message: str
    details: dict[str, Any]


class ErrorBody(Struct, frozen=True):
    error: ErrorDetail


def document(endpoints: Iterable[Endpoint], version: str) -> dict[str, Any]:
    """The whole document, as JSON-able data."""
    endpoints = list(endpoints)
    types: list[Any] = [ErrorBody]
    for endpoint in endpoints:
        types += [kind for kind in (endpoint.query, endpoint.body, endpoint.result) if kind not in (None, Nothing)]
    unique = list({id(kind): kind for kind in types}.values())
    schemas, components = msgspec.json.schema_components(unique, ref_template="#/components/schemas/{name}")
    by_type = {id(kind): schema for kind, schema in zip(unique, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        operation = _operation(endpoint, by_type, components)
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = operation
    queries = {kind.__name__ for endpoint in endpoints if (kind := endpoint.query) is not Nothing}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Contact Hub",
            "version": version or "0",
            "description": "All times are milliseconds since the epoch (UTC). Lists page with `after` and `limit`.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": BASE}],
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in components.items() if name not in queries},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "ch_session",
                    "description": "Requests that change something also send X-CSRF-Token.",
                },
            },
        },
        "security": [{"bearer": []}, {"session": []}],
    }


def _operation(endpoint: Endpoint, by_type: dict[int, Any], components: dict[str, Any]) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(endpoint.path)
    ]
    if endpoint.query is not Nothing:
        query = components[endpoint.query.__name__]
        required = query.get("required", [])
        parameters += [
            {"name": name, "in": "query", "required": name in required, "schema": schema}
            for name, schema in query["properties"].items()
        ]
    answer: dict[str, Any] = {"description": "Done" if endpoint.result is None else "The answer"}
    if endpoint.result is not None:
        answer["content"] = {"application/json": {"schema": by_type[id(endpoint.result)]}}
    if endpoint.media:
        answer = {"description": "The file", "content": {endpoint.media: {"schema": _BINARY}}}
    operation: dict[str, Any] = {
        "operationId": _operation_id(endpoint),
        "summary": endpoint.summary,
        "tags": [endpoint.tag],
        "parameters": parameters,
        "responses": {
            str(endpoint.status): answer,
            "default": {
                "description": "A mistake or a refusal",
                "content": {"application/json": {"schema": by_type[id(ErrorBody)]}},
            },
        },
    }
    if endpoint.body is not None:
        content = {"application/json": {"schema": by_type[id(endpoint.body)]}}
        operation["requestBody"] = {"required": True, "content": content}
    if endpoint.ranges:
        operation["responses"]["206"] = answer | {"description": "The part that `Range` asked for"}
    if endpoint.access == "public":
        operation["security"] = []
    elif isinstance(endpoint.access, Permission):
        operation["description"] = f"Needs the permission `{endpoint.access}`."
    return operation


def _operation_id(endpoint: Endpoint) -> str:
    words = [word for word in re.split(r"[^a-z0-9]+", _PARAMETER.sub("one", endpoint.path)) if word]
    return "_".join([endpoint.method.lower(), *words])
