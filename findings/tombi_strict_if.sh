#!/usr/bin/env bash
# tombi 1.9.6 (PyPI `tombi`), in its default strict mode, warns at keys of a valid file when the table's schema
# has `if`/`then`/`else`: each of these is held as a schema of its own that must name all keys of the file.
# A key is warned of if `if` matches and `if` or a `then` does not name it, or if `if` does not match and an
# `else` does not name it. That the same schema names the key under its `properties`, beside the `if`, doesn't
# help, and neither does `"additionalProperties": true` there. A branch with `"additionalProperties": true` of
# its own warns of nothing, so `if` and the branch taken both need it (`if` only where it matches).
# These are warnings: `tombi lint` exits 0, or 1 under `--error-on-warnings`. Files that break `then` or `else`
# were flagged as they should be in every form below.
#
# A schema that is right, and that the Python package jsonschema 4.26.0 takes, brings false warnings for a valid
# file and fails a CI that runs with `--error-on-warnings`. To avoid it, put the condition into an `allOf`,
# `"allOf": [{"if": …, "then": …, "else": …}]`: no false warning, and a key that the schema doesn't name at all
# is still warned of. `"additionalProperties": true` in each branch silences tombi too, but then such an unknown
# key is no longer warned of either. (Or turn strict mode off, with `strict = false` at the schema's entry in
# tombi.toml.)
#
# Seen (2026-11-28, Linux x86-64, Python 3.11.7): the keys warned of, for a valid file that takes `then`, one
# that takes `else`, and one that takes `then` and has a key `other` that the schema doesn't name:
#   plain: then kind rank; else kind; unknown kind other rank
#   outer open: then kind rank; else kind; unknown kind other rank
#   if open: then kind rank; else kind; unknown kind other rank
#   then open: then rank; else kind; unknown other rank
#   if, then open: then -; else kind; unknown -
#   if, then, else open: then -; else -; unknown -
#   in allOf: then -; else -; unknown other
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tombi==1.9.6 jsonschema==4.26.0
cd "$folder"

seen=$(HOME=$folder NO_COLOR=1 venv/bin/python - <<'PYTHON'
import copy
import json
import re
import subprocess
import tomllib
from pathlib import Path

from jsonschema import Draft202012Validator

PLAIN = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {"kind": {"type": "string"}, "rank": {"type": "integer"}},
    "if": {"properties": {"kind": {"const": "lora"}}, "required": ["kind"]},
    "then": {"required": ["rank"]},
    "else": {"properties": {"rank": {"maximum": 0}}},
}
VALID = {
    "then": 'kind = "lora"\nrank = 4\n',
    "else": 'kind = "full"\nrank = 0\n',
    "unknown": 'kind = "lora"\nrank = 4\nother = 1\n',
}
INVALID = {  # and what tombi says of each
    'kind = "lora"\n': '"rank" is required',
    'kind = "full"\nrank = 3\n': "the value must be ≤ 0",
}

Path("tombi.toml").write_text('[[schemas]]\npath = "schema.json"\ninclude = ["file.toml"]\n')


def lint(schema, text):
    Path("schema.json").write_text(json.dumps(schema))
    Path("file.toml").write_text(text)
    run = subprocess.run(
        ["venv/bin/tombi", "lint", "--offline", "--no-cache", "file.toml"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
    )
    return run.returncode, run.stdout


def opened(*branches):
    schema = copy.deepcopy(PLAIN)
    for branch in branches:
        schema[branch]["additionalProperties"] = True
    return schema


def in_all_of():
    schema = copy.deepcopy(PLAIN)
    schema["allOf"] = [{key: schema.pop(key) for key in ("if", "then", "else")}]
    return schema


for name, schema in {
    "plain": PLAIN,
    "outer open": PLAIN | {"additionalProperties": True},
    "if open": opened("if"),
    "then open": opened("then"),
    "if, then open": opened("if", "then"),
    "if, then, else open": opened("if", "then", "else"),
    "in allOf": in_all_of(),
}.items():
    line = []
    for case, text in VALID.items():
        assert Draft202012Validator(schema).is_valid(tomllib.loads(text))
        code, output = lint(schema, text)
        assert code == 0, output
        keys = re.findall(r'Warning: in strict mode, root table does not allow "(\w+)" key', output)
        assert output.count("Warning:") == len(keys), output
        line.append(" ".join([case, *(sorted(set(keys)) or "-")]))
    for text, message in INVALID.items():
        assert not Draft202012Validator(schema).is_valid(tomllib.loads(text))
        code, output = lint(schema, text)
        assert code == 1 and message in output, output
    print(f"{name}: {'; '.join(line)}")
# The two claims of the comment that the table doesn't show.
Path("schema.json").write_text(json.dumps(PLAIN))
Path("file.toml").write_text(VALID["then"])
strict = subprocess.run(
    ["venv/bin/tombi", "lint", "--offline", "--no-cache", "--error-on-warnings", "file.toml"],
    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
)
assert strict.returncode == 1
with open("tombi.toml", "a") as config:
    config.write("strict = false\n")
code, output = lint(PLAIN, VALID["then"])
assert code == 0 and "Warning:" not in output, output
PYTHON
) || {
    echo "tombi 1.9.6 no longer behaves so" >&2
    exit 1
}
echo "$seen"
[[ $seen == "plain: then kind rank; else kind; unknown kind other rank
outer open: then kind rank; else kind; unknown kind other rank
if open: then kind rank; else kind; unknown kind other rank
then open: then rank; else kind; unknown other rank
if, then open: then -; else kind; unknown -
if, then, else open: then -; else -; unknown -
in allOf: then -; else -; unknown other" ]] || {
    echo "tombi 1.9.6 no longer behaves so" >&2
    exit 1
}
