"""Validates TOML files against a JSON Schema with jsonschema and prints what it found as JSON: for each
file the messages, none where it is valid. The schema itself is validated against its metaschema first.
Called by experiment_file/schema.rs; exit code 3 means that there is no jsonschema or no tomllib."""

import json
import sys

try:
    import tomllib

    from jsonschema import Draft202012Validator
except ImportError:
    sys.exit(3)

with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)

found = {}
for path in sys.argv[2:]:
    with open(path, "rb") as file:
        document = tomllib.load(file)
    found[path] = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]
json.dump(found, sys.stdout)
