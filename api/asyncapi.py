"""The AsyncAPI description of the feeds: a message for each event there is, from the events."""

from __future__ import annotations

import sys
from typing import Any

import orjson
from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from domain.catalogue import EVENTS
from replay.store.upcasts import newest

REF = "#/components/schemas/{model}"
Document = dict[str, Any]

ENVELOPE: Document = {
    "type": "object",
    "description": "CloudEvents 1.0. Amounts are minor units, beside their currency.",
    "required": ["specversion", "id", "source", "type", "subject", "time", "sequence", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "description": "The fact: meter-M417@3."},
        "source": {"enum": ["/wattledger/facts", "/wattledger/journal"]},
        "type": {"type": "string"},
        "subject": {"type": "string", "description": "What it happened to: its stream."},
        "time": {"type": "string", "format": "date-time", "description": "When recorded, UTC."},
        "datacontenttype": {"const": "application/json"},
        "sequence": {
            "type": "string",
            "pattern": "^[0-9]{20}$",
            "description": "Its position in history, without a gap; the cursor of the feeds.",
        },
        "by": {"type": "string"},
        "duty": {"type": "string", "description": "In which they asked."},
        "orgunit": {"type": "string", "description": "For which unit; missing if none."},
        "terminal": {"type": "string", "description": "Where they worked; missing if unsaid."},
        "onbehalfof": {"type": "string", "description": "For whom; missing if themselves."},
        "command": {"type": "string", "description": "What was asked; missing in old facts."},
        "reason": {"type": "string", "description": "In their words; missing if unsaid."},
        "cause": {"type": "string", "description": "The id of the command."},
        "correlation": {"type": "string"},
        "writtenas": {
            "type": "string",
            "description": "The name and version it is stored in: account.charged.v1.",
        },
        "data": {},
    },
}

ENTRY: Document = {
    "type": "object",
    "description": "A balanced entry: debits positive, credits negative, their sum zero.",
    "required": [
        "on",
        "month",
        "about",
        "kind",
        "document",
        "account",
        "currency",
        "postings",
    ],
    "properties": {
        "on": {"type": "string", "format": "date"},
        "month": {"type": "string", "description": "The month it is posted in: 2026-03."},
        "about": {
            "type": "string",
            "format": "date",
            "description": "The last day of the period that the business is about.",
        },
        "kind": {"type": "string", "description": "bill, note, payment, return"},
        "document": {"type": "string", "description": "The number of the bill, note, receipt."},
        "reverses": {"type": ["string", "null"], "description": "What document it takes back."},
        "due": {"type": ["string", "null"], "format": "date"},
        "account": {"type": "string", "description": "The customer's account."},
        "org_unit": {"type": ["string", "null"]},
        "text": {"type": "string"},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
        "postings": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["code", "name", "amount", "minor"],
                "properties": {
                    "code": {"type": "string"},
                    "name": {"type": "string"},
                    "class": {"type": ["string", "null"], "description": "energy, demand, tax"},
                    "amount": {"type": "string", "description": "A decimal: -12.34."},
                    "minor": {"type": "integer", "description": "The same in minor units."},
                    "tax": {
                        "type": "object",
                        "description": "Of a tax: its code, its rate, what it is a tax on.",
                        "properties": {
                            "code": {"type": "string"},
                            "rate": {"type": "string"},
                            "base": {"type": "string", "description": "A decimal."},
                        },
                    },
                },
            },
        },
    },
}


LOST: Document = {
    "type": "object",
    "description": "Stands in the place of a fact that this release cannot read; a later one"
    " may tell the fact itself at the same position.",
    "required": ["position", "stream", "name", "reason"],
    "properties": {
        "position": {"type": "integer"},
        "stream": {"type": "string"},
        "name": {"type": "string", "description": "The stored name of the event."},
        "reason": {"type": "string"},
    },
}


INFO: Document = {
    "title": "Wattledger: the feeds",
    "version": "",
    "description": "Every fact, and every posting of the books, by position.",
    "license": {"name": "Apache-2.0"},
}


OPERATIONS: Document = {
    name: {
        "action": "send",
        "channel": {"$ref": f"#/channels/{name}"},
        "bindings": {"http": {"method": "GET", "bindingVersion": "0.3.0"}},
    }
    for name in ("feed", "journal")
}


def asyncapi(version: str) -> Document:
    """The document, for a version of the program."""
    mode: JsonSchemaMode = "serialization"
    adapters = [(name, mode, TypeAdapter[Any](event)) for name, event in EVENTS.items()]
    keyed, told = TypeAdapter.json_schemas(adapters, ref_template=REF)
    messages = {
        name: _message(f"wattledger.{name}.v{newest(name)}", keyed[name, mode])
        for name in sorted(EVENTS)
    }
    unreadable = _message(
        "wattledger.fact.unreadable.v1", {"$ref": REF.format(model="UnreadableFact")}
    )
    posted = _message("wattledger.entry.posted.v2", {"$ref": REF.format(model="PostedEntry")})
    messages |= {"fact.unreadable": unreadable}
    facts = {name: {"$ref": f"#/components/messages/{name}"} for name in messages}
    entry = {
        name: {"$ref": f"#/components/messages/{name}"}
        for name in ("entry.posted", "fact.unreadable")
    }
    return {
        "asyncapi": "3.0.0",
        "info": INFO | {"version": version},
        "defaultContentType": "application/cloudevents+json",
        "servers": {"here": {"host": "localhost:8000", "protocol": "http"}},
        "channels": {
            "feed": {"address": "/feed", "messages": facts},
            "journal": {"address": "/feed/journal", "messages": entry},
        },
        "operations": OPERATIONS,
        "components": {
            "messages": messages | {"entry.posted": posted},
            "schemas": told.get("$defs", {})
            | {
                "CloudEvent": ENVELOPE,
                "PostedEntry": ENTRY,
                "UnreadableFact": LOST,
            },
        },
    }


def _message(kind: str, data: Document) -> Document:
    said = {"type": "object", "properties": {"type": {"const": kind}, "data": data}}
    return {
        "name": kind,
        "contentType": "application/cloudevents+json",
        "payload": {"allOf": [{"$ref": REF.format(model="CloudEvent")}, said]},
    }


if __name__ == "__main__":  # python -m api.asyncapi > docs/asyncapi.json
    from importlib.metadata import version as installed

    indented = orjson.dumps(asyncapi(installed("wattledger")), option=orjson.OPT_INDENT_2)
    sys.stdout.buffer.write(indented + b"\n")
