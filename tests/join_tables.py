"""Joins the runs, effects and class effects of an experiment by their condition, as a researcher would: `join_tables.py
TOOL FOLDER`. Prints the types of the columns and the rows as JSON. Called by parquet_interop.rs; exit code 3 means that
the tool is not there."""

import json
import sys

tool, folder = sys.argv[1:]
columns = ["condition", "seed", "effect", "emotion", "effect_of_class", "train.batch_size", "train.optimizer.kind",
           "train.augment.flip"]


def with_pandas():
    import pandas

    runs, effects, classes = (pandas.read_parquet(f"{folder}/{name}.parquet")
                              for name in ("runs", "effects", "class_effects"))
    joined = (runs.merge(effects[["condition", "seeds", "images", "effect"]], on="condition")
              .merge(classes[["condition", "emotion", "effect"]], on="condition", suffixes=("", "_of_class")))
    # Texts are `object` before pandas 3 and `str` from there on.
    types = {name: "str" if pandas.api.types.is_string_dtype(joined[name]) else str(joined[name].dtype)
             for name in joined.columns}
    return types, joined[columns].values.tolist()


def with_polars():
    import polars

    runs, effects, classes = (polars.read_parquet(f"{folder}/{name}.parquet")
                              for name in ("runs", "effects", "class_effects"))
    joined = (runs.join(effects.select("condition", "seeds", "images", "effect"), on="condition")
              .join(classes.select("condition", "emotion", effect_of_class="effect"), on="condition"))
    return {name: str(kind) for name, kind in joined.schema.items()}, joined.select(columns).rows()


def with_duckdb():
    import duckdb

    joined = duckdb.sql(f"""
        select runs.*, seeds, images, effects.effect, emotion, classes.effect as effect_of_class
        from '{folder}/runs.parquet' as runs
        join '{folder}/effects.parquet' as effects using (condition)
        join '{folder}/class_effects.parquet' as classes using (condition)
    """.replace("seeds, images", "effects.seeds, effects.images"))
    types = {name: str(kind) for name, kind in zip(joined.columns, joined.types)}
    chosen = ", ".join(f'"{name}"' for name in columns)
    return types, joined.project(chosen).fetchall()


try:
    types, rows = {"pandas": with_pandas, "polars": with_polars, "duckdb": with_duckdb}[tool]()
except ImportError:
    sys.exit(3)
# As texts: a number of 64 bits is more than some readers of JSON hold.
rows = [[str(cell) if isinstance(cell, int) and not isinstance(cell, bool) else cell for cell in row] for row in rows]
json.dump({"types": types, "rows": rows}, sys.stdout)
