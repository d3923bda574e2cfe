"""The command `cds`."""

from __future__ import annotations

from cds.cli.lazy import Place, group

app = group(
    {
        "serve": Place("cds.cli.serve:serve"),
        "ask": Place("cds.cli.ask:ask"),
        "rules": Place("cds.cli.rules.commands:rules"),
        "plan": Place("cds.cli.plan:plan"),
        "sigs": Place("cds.cli.sigs:sigs"),
        "clients": Place("cds.cli.clients:clients"),
        "replay": Place("cds.cli.records:replay"),
        "population": Place("cds.cli.population.population_commands:population"),
        "records": Place("cds.cli.records:records"),
        "pages": Place("cds.cli.page_users:pages"),
    },
    help="Taper CDS: advice on slower tapers and crossovers, at the moment a benzodiazepine is ordered.",
)
