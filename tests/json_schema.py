"""Validates values with the keywords of JSON Schema that our own schemas use."""

from __future__ import annotations

from typing import Any

__all__ = ["accepts"]

_TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
_ANNOTATIONS = {"title", "description", "default", "discriminator", "examples", "$defs", "$schema"}


def _has_type(value: Any, name: str) -> bool:
    if name == "integer":
        return type(value) is int
    if name == "number":
        return type(value) in (int, float)
    return isinstance(value, _TYPES[name])


def accepts(schema: dict[str, Any], value: Any, rule: dict[str, Any] | None = None) -> bool:
    """Validate with the keywords that our schemas use; an unknown keyword is an error.

    Args:
        schema: whole schema, with the definitions that its parts refer to.
        value: what is validated.
        rule: part of the schema; None for all of it.
    """
    rule = schema if rule is None else rule
    return all(
        _check(schema, word, wanted, rule, value) for word, wanted in rule.items() if word not in _ANNOTATIONS
    )


def _check(  # noqa: PLR0912  # a branch a keyword
    schema: dict[str, Any], word: str, wanted: Any, rule: dict[str, Any], value: Any
) -> bool:
    is_list, is_dict, is_number = isinstance(value, list), isinstance(value, dict), _has_type(value, "number")
    match word:
        case "$ref":
            return accepts(schema, value, schema["$defs"][wanted.removeprefix("#/$defs/")])
        case "type":
            return _has_type(value, wanted)
        case "const":
            return bool(value == wanted)
        case "enum":
            return value in wanted
        case "anyOf":
            return any(accepts(schema, value, each) for each in wanted)
        case "oneOf":
            return sum(accepts(schema, value, each) for each in wanted) == 1
        case "properties":
            return not is_dict or all(
                accepts(schema, value[key], wanted[key]) for key in value if key in wanted
            )
        case "required":
            return not is_dict or all(key in value for key in wanted)
        case "propertyNames":
            return not is_dict or all(accepts(schema, key, wanted) for key in value)
        case "additionalProperties":
            rest = [value[key] for key in value if key not in rule.get("properties", ())] if is_dict else []
            return not rest if wanted is False else all(accepts(schema, item, wanted) for item in rest)
        case "items":
            return not is_list or all(
                accepts(schema, item, wanted) for item in value[len(rule.get("prefixItems", ())) :]
            )
        case "prefixItems":
            return not is_list or all(
                accepts(schema, item, one) for one, item in zip(wanted, value, strict=False)
            )
        case "minItems":
            return not is_list or len(value) >= wanted
        case "maxItems":
            return not is_list or len(value) <= wanted
        case "minLength":
            return not isinstance(value, str) or len(value) >= wanted
        case "maxLength":
            return not isinstance(value, str) or len(value) <= wanted
        case "minimum":
            return not is_number or value >= wanted
        case "maximum":
            return not is_number or value <= wanted
        case "exclusiveMinimum":
            return not is_number or value > wanted
    raise AssertionError(f"unknown keyword {word}")
