#!/usr/bin/env bash
# tombi 1.9.6 (PyPI `tombi`): where a branch of an `anyOf` or `oneOf` has its type only through an `allOf`
# (`{"allOf": [{"$ref": "#/$defs/list"}], "items": …}`, where `list` is `{"type": "array"}`), keywords beside
# the `allOf` are passed over without a word: seen with `items` and `minItems` for an array and `minimum` for an
# integer, not with `required` for a table, which is checked. It needs no `$ref`: `"allOf": [{"type": "array"}]`
# does the same. The same schema directly under a property, not in an `anyOf`, is checked in full. The Python
# package jsonschema 4.26.0 flags all of them, in each place.
#
# So a wrong list passes `tombi lint`. One meets it because `allOf` around a `$ref` is the usual form where a
# tool ignores keywords beside a `$ref`. To avoid it, repeat the type in the branch, beside the `allOf`
# (`"type": "array"`), or give the keyword a place in the `allOf` (`"allOf": [{"$ref": …}, {"items": …}]`).
#
# Seen (2026-11-28, Linux x86-64, Python 3.11.7), for a file that breaks the keyword ("flags" is exit 1):
#   items, inline type: anyOf flags, oneOf flags, direct flags
#   items beside allOf with $ref: anyOf passes, oneOf passes, direct flags
#   items beside allOf with type: anyOf passes, oneOf passes, direct flags
#   items beside allOf, type repeated: anyOf flags, oneOf flags, direct flags
#   items in allOf: anyOf flags, oneOf flags, direct flags
#   minItems beside allOf with $ref: anyOf passes, oneOf passes, direct flags
#   minimum beside allOf with $ref: anyOf passes, oneOf passes, direct flags
#   required beside allOf with $ref: anyOf flags, oneOf flags, direct flags
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tombi==1.9.6 jsonschema==4.26.0
cd "$folder"

seen=$(HOME=$folder NO_COLOR=1 venv/bin/python - <<'PYTHON'
import json
import subprocess
import tomllib
from pathlib import Path

from jsonschema import Draft202012Validator

LIST = {"$ref": "#/$defs/list"}
WHOLE = {"$ref": "#/$defs/whole"}
TABLE = {"$ref": "#/$defs/table"}
ITEMS = {"items": {"type": "string"}}
BAD, SHORT, SMALL, GOOD = "value = [1, 2]\n", 'value = ["a"]\n', "value = 1\n", 'value = ["a", "b"]\n'
Path("tombi.toml").write_text('[[schemas]]\npath = "schema.json"\ninclude = ["file.toml"]\n')


def lint(schema, text):
    Path("schema.json").write_text(json.dumps(schema))
    Path("file.toml").write_text(text)
    run = subprocess.run(
        ["venv/bin/tombi", "lint", "--offline", "--no-cache", "file.toml"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
    )
    assert "Warning:" not in run.stdout, run.stdout
    assert run.returncode == 0 or "Error:" in run.stdout, run.stdout
    return {0: "passes", 1: "flags"}[run.returncode]


for name, branch, bad, good in (
    ("items, inline type", {"type": "array", **ITEMS}, BAD, GOOD),
    ("items beside allOf with $ref", {"allOf": [LIST], **ITEMS}, BAD, GOOD),
    ("items beside allOf with type", {"allOf": [{"type": "array"}], **ITEMS}, BAD, GOOD),
    ("items beside allOf, type repeated", {"type": "array", "allOf": [LIST], **ITEMS}, BAD, GOOD),
    ("items in allOf", {"allOf": [LIST, ITEMS]}, BAD, GOOD),
    ("minItems beside allOf with $ref", {"allOf": [LIST], "minItems": 2}, SHORT, GOOD),
    ("minimum beside allOf with $ref", {"allOf": [WHOLE], "minimum": 5}, SMALL, "value = 5\n"),
    (
        "required beside allOf with $ref",
        {"allOf": [TABLE], "properties": {"name": {}}, "required": ["name"]},
        "[value]\n",
        '[value]\nname = "a"\n',
    ),
):
    line = []
    for place in ("anyOf", "oneOf", "direct"):
        schema = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {"value": branch if place == "direct" else {place: [{"type": "string"}, branch]}},
            "$defs": {"list": {"type": "array"}, "whole": {"type": "integer"}, "table": {"type": "object"}},
        }
        validator = Draft202012Validator(schema)
        assert validator.is_valid(tomllib.loads(good)) and not validator.is_valid(tomllib.loads(bad))
        assert lint(schema, good) == "passes"
        line.append(f"{place} {lint(schema, bad)}")
    print(f"{name}: {', '.join(line)}")
PYTHON
) || {
    echo "tombi 1.9.6 no longer behaves so" >&2
    exit 1
}
echo "$seen"
[[ $seen == 'items, inline type: anyOf flags, oneOf flags, direct flags
items beside allOf with $ref: anyOf passes, oneOf passes, direct flags
items beside allOf with type: anyOf passes, oneOf passes, direct flags
items beside allOf, type repeated: anyOf flags, oneOf flags, direct flags
items in allOf: anyOf flags, oneOf flags, direct flags
minItems beside allOf with $ref: anyOf passes, oneOf passes, direct flags
minimum beside allOf with $ref: anyOf passes, oneOf passes, direct flags
required beside allOf with $ref: anyOf flags, oneOf flags, direct flags' ]] || {
    echo "tombi 1.9.6 no longer behaves so" >&2
    exit 1
}
