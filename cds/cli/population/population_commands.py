"""`cds population`: its commands."""

from __future__ import annotations

from cds.cli.lazy import Place, group

population = group(
    {
        "generate": Place("cds.cli.population.population_generate:generate", "Writes an invented export."),
        "replay": Place("cds.cli.population.population_replay:replay", "Asks about every order of an export."),
        "report": Place("cds.cli.population.population_report:report", "What a replay says, in figures."),
        "check": Place("cds.cli.population.population_check:check", "Holds a replay against the alert budget."),
        "sample": Place("cds.cli.population.population_sample:sample", "Cases for two readers, and their verdicts."),
    },
    help="What the rules would have said of a whole population.",
)
