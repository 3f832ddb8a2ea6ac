"""What schemathesis cannot learn from the document. Wrong requests are sent as they were made up."""

import json

import schemathesis

A_TIME = "2026-01-01T00:00:00.000000Z"


@schemathesis.serializer("application/x-ndjson")
def one_envelope(context, value):
    """The document says what one line holds; examples are whole bodies."""
    return value.encode() if isinstance(value, str) else json.dumps(value).encode() + b"\n"


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if case.operation.definition.raw.get("operationId") == "readMessages" and case.query:
        # Each is right, and together they are refused.
        if "after" in case.query:
            case.query.pop("since", None)
        if case.query.get("format", "json") != "json":
            case.query.pop("wait", None)
            case.query.pop("limit", None)
        # A stream wants a cursor or nothing.
        if case.headers and case.query.get("format") == "sse":
            case.headers.pop("Last-Event-ID", None)
        # Nobody publishes meanwhile: a wait is only waited for.
        if case.query.get("wait", "0") != "0":
            case.query["wait"] = "20ms"
    if case.headers and "Deliver-At" in case.headers:
        # Either is right, both are refused; and no time is further ahead than a week.
        case.headers.pop("Delay", None)
        case.headers["Deliver-At"] = A_TIME
    case.body = as_postern_means_it(case.body)


def as_postern_means_it(value, name=None):
    """What JSON Schema has no words for. Payloads are left as they are."""
    if isinstance(value, dict):
        if name == "attributes":
            # Names that differ in case only are one name.
            return {key.lower(): as_postern_means_it(part, "attribute") for key, part in value.items()}
        if "deliver_at" in value and "delay" in value and "topic" in value:
            value = {key: part for key, part in value.items() if key != "delay"}
        return {key: part if key == "data" else as_postern_means_it(part, key) for key, part in value.items()}
    if isinstance(value, list):
        return [as_postern_means_it(part) for part in value]
    if name == "deliver_at" and isinstance(value, str):
        return A_TIME
    if isinstance(value, str) and name in ("key", "attribute"):
        # The bounds are bytes, the document's are characters.
        return value.encode()[: 255 if name == "key" else 1024].decode(errors="ignore")
    # JSON Schema takes 5.0 for an integer, Postern wants it written as one.
    return int(value) if isinstance(value, float) and value.is_integer() else value
