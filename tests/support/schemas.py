"""Holds a document to a JSON Schema, by the part of the language that our schemas use."""

from __future__ import annotations

from typing import Any

TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def faults(value: Any, schema: dict[str, Any], root: dict[str, Any], at: str = "$") -> list[str]:
    """What is wrong with a document."""
    if "$ref" in schema:
        return faults(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root, at)
    if "anyOf" in schema:
        tries = [faults(value, option, root, at) for option in schema["anyOf"]]
        return [] if [] in tries else min(tries, key=len)
    found = _wrong_value(value, schema, at)
    if isinstance(value, dict) and not found:
        properties = schema.get("properties", {})
        found += [f"{at}.{name} is missing" for name in schema.get("required", []) if name not in value]
        for name, inner in value.items():
            rule = properties.get(name, schema.get("additionalProperties", True))
            if rule is False:
                found.append(f"{at}.{name} is not expected")
            elif isinstance(rule, dict):
                found += faults(inner, rule, root, f"{at}.{name}")
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        for number, inner in enumerate(value):
            found += faults(inner, schema["items"], root, f"{at}[{number}]")
    return found


def _wrong_value(value: Any, schema: dict[str, Any], at: str) -> list[str]:
    if "const" in schema and value != schema["const"]:
        return [f"{at} is not {schema['const']!r}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{at} is none of {schema['enum']}"]
    kind = schema.get("type")
    if kind is None:
        return []
    is_wrong_flag = isinstance(value, bool) and kind != "boolean"
    return [f"{at} is no {kind}"] if is_wrong_flag or not isinstance(value, TYPES[kind]) else []
