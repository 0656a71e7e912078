# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Everything that was measured as JSON, and its tables as Markdown."""

import json


def write_json(path, machine, results):
    path.write_text(json.dumps({"machine": machine, "rows": results}, indent=1) + "\n", encoding="utf-8")


def markdown(machine, rows, results):
    lines = ["## Machine", ""]
    lines += [f"- {name}: {text}" for name, text in machine.items()]
    for row in rows:
        if row.name in results:
            lines += ["", f"## {row.title}", "", *row.table(results[row.name])]
    return "\n".join(lines).rstrip() + "\n"
