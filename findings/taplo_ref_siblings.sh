#!/usr/bin/env bash
# Taplo 0.9.3 (PyPI `taplo`) checks a value against the target of a `$ref` and ignores all that stands beside
# the `$ref`: with `{"$ref": "#/$defs/whole", "minimum": 1}` it takes 0. It does so in a schema that declares
# draft 2020-12 too, where keywords beside a `$ref` count (up to draft-07 they did not). It says nothing about
# it. The Python package jsonschema 4.26.0 flags them.
#
# A schema that is right by its own draft then lets wrong TOML files pass `taplo check`. To avoid it, put the
# `$ref` alone into an `allOf` and leave the rest beside that:
# `{"allOf": [{"$ref": "#/$defs/whole"}], "minimum": 1}` means the same and is checked. It is not enough to move
# the whole into the `allOf`: beside the `$ref` in there, keywords are ignored again.
#
# Seen (2026-11-28, Linux x86-64, Python 3.11.7), for a file that breaks a `minimum` and a `required`:
#   beside: taplo exit 0, none; jsonschema: minimum required
#   allof: taplo exit 1, minimum required; jsonschema: minimum required
#   inside: taplo exit 0, none; jsonschema: minimum required
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet taplo==0.9.3 jsonschema==4.26.0
cd "$folder"

cat >bad.toml <<'TOML'
count = 0

[model]
size = 3
TOML
cat >good.toml <<'TOML'
count = 1

[model]
name = "small"
TOML

schema() {
    cat >"$1.json" <<JSON
{
  "\$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {"count": $2, "model": $3},
  "\$defs": {"whole": {"type": "integer"}, "table": {"type": "object"}}
}
JSON
}
whole='"$ref": "#/$defs/whole"'
table='"$ref": "#/$defs/table"'
schema beside "{$whole, \"minimum\": 1}" "{$table, \"required\": [\"name\"]}"
schema allof "{\"allOf\": [{$whole}], \"minimum\": 1}" "{\"allOf\": [{$table}], \"required\": [\"name\"]}"
schema inside "{\"allOf\": [{$whole, \"minimum\": 1}]}" "{\"allOf\": [{$table, \"required\": [\"name\"]}]}"

with_taplo() { # schema, file
    local code=0 found=""
    NO_COLOR=1 venv/bin/taplo check --no-auto-config --schema "file://$folder/$1.json" "$2" >log 2>&1 || code=$?
    if grep -q 'error: 0 is less than the minimum of 1' log; then found+=" minimum"; fi
    if grep -q 'error: "name" is a required property' log; then found+=" required"; fi
    echo "taplo exit $code,${found:- none}"
}
with_jsonschema() { # schema, file
    venv/bin/python - "$1.json" "$2" <<'PYTHON'
import json
import sys
import tomllib

from jsonschema import Draft202012Validator

with open(sys.argv[1]) as schema, open(sys.argv[2], "rb") as file:
    errors = Draft202012Validator(json.load(schema)).iter_errors(tomllib.load(file))
    print("jsonschema:", *(sorted(error.validator for error in errors) or ["none"]))
PYTHON
}

seen=$(for name in beside allof inside; do
    # A valid file passes everywhere, else the comparison says nothing.
    good="$(with_taplo "$name" good.toml); $(with_jsonschema "$name" good.toml)"
    [[ $good == "taplo exit 0, none; jsonschema: none" ]] || echo "$name, valid file: $good"
    echo "$name: $(with_taplo "$name" bad.toml); $(with_jsonschema "$name" bad.toml)"
done)
echo "$seen"
[[ $seen == "beside: taplo exit 0, none; jsonschema: minimum required
allof: taplo exit 1, minimum required; jsonschema: minimum required
inside: taplo exit 0, none; jsonschema: minimum required" ]] || {
    echo "taplo 0.9.3 no longer behaves so" >&2
    exit 1
}
