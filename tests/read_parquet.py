"""Reads Parquet files with pyarrow and prints what it found as JSON: for each file the type of every
column and all rows. Called by parquet_interop.rs; exit code 3 means that there is no pyarrow."""

import json
import sys

try:
    import pyarrow.parquet as parquet
    import pyarrow.types as types
except ImportError:
    sys.exit(3)


def name(kind):
    """A type without the name that a list gives its elements."""
    return f"list<{name(kind.value_type)}>" if types.is_list(kind) else str(kind)


found = {}
for path in sys.argv[1:]:
    table = parquet.read_table(path)
    found[path] = {
        "columns": [[field.name, name(field.type)] for field in table.schema],
        "rows": table.to_pylist(),
    }
json.dump(found, sys.stdout)
