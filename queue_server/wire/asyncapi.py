"""The wire described for others: AsyncAPI 3.0, made from the topics and messages themselves."""

from __future__ import annotations

import inspect
from typing import Any

import msgspec

from . import messages as m
from . import topics

SCHEMAS = "#/components/schemas/{name}"


def document(version: str = "1") -> dict[str, Any]:
    """The whole description; `docs/asyncapi.yaml` is this, and a test keeps it so."""
    spoken = {**{f"ask_{verb}": topic for verb, topic in topics.ASKS.items()}, **topics.SAID}
    kinds = [t.message for t in spoken.values()]
    kinds += [t.reply for t in topics.ASKS.values() if t.reply is not None]
    _, schemas = msgspec.json.schema_components(
        [*(k for k in kinds if k is not m.Answer), m.Refusal], ref_template=SCHEMAS
    )
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Một Cửa on MQTT",
            "version": version,
            "license": {"name": "Apache-2.0"},
            "description": inspect.cleandoc(m.__doc__ or ""),
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(name, topic) for name, topic in spoken.items()},
        "operations": {name: _operation(name, topic) for name, topic in spoken.items()},
        "components": {
            "schemas": {**schemas, "Answer": _answer()},
            "messages": {k.__name__: _message(k) for k in dict.fromkeys(kinds)},
        },
    }


def _channel(name: str, topic: topics.Topic) -> dict[str, Any]:
    parameters = {"centre": {"description": "the centre's id: small letters, digits, - and _"}}
    for parameter in ("device", "counter"):
        if f"{{{parameter}}}" in topic.path:
            parameters[parameter] = {"description": f"the {parameter}'s own name or number"}
    return {
        "address": f"motcua/{{centre}}/{topic.path}",
        "description": _first_words(topic.message),
        "parameters": parameters,
        "messages": {
            topic.message.__name__: {"$ref": f"#/components/messages/{topic.message.__name__}"}
        },
        "bindings": {
            "mqtt": {"qos": topic.qos, "retain": topic.retained, "bindingVersion": "0.2.0"}
        },
    }


def _operation(name: str, topic: topics.Topic) -> dict[str, Any]:
    """`receive` is what the server hears, `send` what it says."""
    operation: dict[str, Any] = {
        "action": "receive" if topic.says == "device" else "send",
        "channel": {"$ref": f"#/channels/{name}"},
        "bindings": {
            "mqtt": {"qos": topic.qos, "retain": topic.retained, "bindingVersion": "0.2.0"}
        },
    }
    if topic.reply is not None:
        operation["description"] = (
            f"Answered on `answer/{{device}}` with the same id; `ok` holds {topic.reply.__name__}. "
            f"For: {', '.join(topic.kinds)}."
        )
        operation["reply"] = {"channel": {"$ref": "#/channels/answer"}}
    return operation


def _message(kind: type) -> dict[str, Any]:
    return {
        "name": kind.__name__,
        "summary": _first_words(kind),
        "payload": {"$ref": SCHEMAS.format(name=kind.__name__)},
    }


def _first_words(kind: type) -> str:
    """The docstring's first sentence; a struct without one has only its made signature."""
    text = inspect.cleandoc(kind.__doc__ or "")
    return "" if text.startswith(f"{kind.__name__}(") else text.split("\n\n")[0].replace("\n", " ")


def _answer() -> dict[str, Any]:
    """`ok` is the reply of the verb, which JSON Schema made from `Raw` cannot say."""
    replies = {t.reply.__name__ for t in topics.ASKS.values() if t.reply is not None}
    return {
        "title": "Answer",
        "type": "object",
        "required": ["id", "verb", "at"],
        "properties": {
            "id": {"type": "string"},
            "verb": {"type": "string", "enum": sorted(topics.ASKS)},
            "at": {"type": "integer", "description": "ms UTC, the server's clock"},
            "ok": {"anyOf": [{"$ref": SCHEMAS.format(name=r)} for r in sorted(replies)]},
            "refusal": {"$ref": SCHEMAS.format(name="Refusal")},
        },
    }
