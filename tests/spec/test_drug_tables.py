"""What the drug tables hold, and what stops them from being loaded."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from cds.core.medication import AgentKind, Certainty, DurationClass, Form
from cds.knowledge.code_systems import ATC, RXNORM, SNOMED
from cds.knowledge.files.drug_names import folded
from cds.knowledge.files.drugs import DrugTables, drugs, tidy
from cds.knowledge.problems import Problems

RULES = Path(__file__).parents[2] / "rules"
FILES = {path.relative_to(RULES).as_posix(): path.read_bytes() for path in (RULES / "drugs").iterdir() if path.is_file()}


@pytest.fixture(scope="module")
def tables() -> DrugTables:
    problems = Problems()
    found = drugs(FILES, problems)
    assert [str(problem) for problem in problems.found] == []
    return found


def problems_with(name: str, old: str, new: str) -> list[str]:
    text = FILES[name].decode()
    assert old in text
    problems = Problems()
    drugs({**FILES, name: text.replace(old, new, 1).encode()}, problems)
    return [str(problem) for problem in problems.found]


# Agents ---------------------------------------------------------------------------------------------------------------


def test_there_are_35_agents_of_which_four_are_z_drugs(tables: DrugTables) -> None:
    z_drugs = {agent.name for agent in tables.agents.values() if agent.kind is AgentKind.Z_DRUG}
    assert (len(tables.agents), z_drugs) == (35, {"zolpidem", "zopiclone", "eszopiclone", "zaleplon"})


@pytest.mark.parametrize(
    ("agent", "duration", "short_acting", "high_potency"),
    [
        ("alprazolam", DurationClass.SHORT_INTERMEDIATE, True, True),
        ("lorazepam", DurationClass.INTERMEDIATE, True, True),
        ("clonazepam", DurationClass.LONG, False, True),
        ("diazepam", DurationClass.LONG, False, False),
        ("chlordiazepoxide", DurationClass.LONG, False, False),
        ("clorazepate", DurationClass.LONG, False, False),
        ("flurazepam", DurationClass.LONG, False, False),
        ("temazepam", DurationClass.INTERMEDIATE, True, False),
        ("triazolam", DurationClass.ULTRA_SHORT, True, True),
        ("nitrazepam", DurationClass.INTERMEDIATE_LONG, False, False),
        ("zolpidem", DurationClass.ULTRA_SHORT, True, False),
    ],
)
def test_an_agent_acts_as_long_as_its_active_metabolites(
    tables: DrugTables, agent: str, duration: DurationClass, short_acting: bool, high_potency: bool
) -> None:
    found = tables.agents[agent]
    assert (found.duration, found.short_acting, found.high_potency) == (duration, short_acting, high_potency)


def test_high_potency_is_stated_where_less_than_5_mg_equals_10_mg_of_diazepam(tables: DrugTables) -> None:
    differing = [
        agent.name
        for agent in tables.agents.values()
        if agent.equivalents and agent.high_potency != (max(row.high for row in agent.equivalents) < 5)
    ]
    assert differing == []


def test_only_lorazepam_oxazepam_temazepam_and_lormetazepam_are_glucuronidated_alone(tables: DrugTables) -> None:
    assert {agent.name for agent in tables.agents.values() if agent.glucuronidated_only} == {
        "lorazepam",
        "oxazepam",
        "temazepam",
        "lormetazepam",
    }


# Equivalents ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("agent", "low", "high"),
    [
        ("diazepam", "10", "10"),
        ("alprazolam", "0.5", "1"),
        ("clonazepam", "0.5", "1"),
        ("lorazepam", "1", "2"),
        ("chlordiazepoxide", "25", "25"),
        ("temazepam", "15", "20"),
        ("oxazepam", "20", "30"),
        ("zolpidem", "20", "20"),
        ("zopiclone", "15", "15"),
    ],
)
def test_the_default_sources_give_this_range_of_mg_for_10_mg_of_diazepam(
    tables: DrugTables, agent: str, low: str, high: str
) -> None:
    found = tables.agents[agent].equivalents
    assert (min(row.low for row in found), max(row.high for row in found)) == (Decimal(low), Decimal(high))


def test_another_source_counts_only_where_no_default_source_converts_the_agent(tables: DrugTables) -> None:
    sources = {name: {row.source for row in agent.equivalents} for name, agent in tables.agents.items()}
    assert "inada-2015" not in sources["alprazolam"]
    assert "ccjm" not in sources["chlordiazepoxide"]
    assert sources["brotizolam"] == {"inada-2015", "general-knowledge"}


def test_an_agent_that_no_source_converts_says_so_and_has_no_equivalents(tables: DrugTables) -> None:
    assert {agent.name for agent in tables.agents.values() if not agent.equivalents} == {"midazolam", "delorazepam", "tofisopam"}


def test_an_agent_without_a_row_of_equivalents_stops_the_load_by_name() -> None:
    found = problems_with("drugs/equivalents.yaml", "  oxazepam:", "  oxazepamm:")
    assert any("the agent oxazepam has no equivalent" in problem for problem in found)
    assert any("`oxazepamm` is no agent" in problem for problem in found)


def test_an_amount_without_its_unit_stops_the_load() -> None:
    found = problems_with("drugs/agents.yaml", "smallest_solid_step: 0.125 mg", "smallest_solid_step: 0.125")
    assert any("Expected: an amount above 0 in mg" in problem for problem in found)


# Products -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "agent", "strength", "concentration", "form", "slow", "out_of_scope"),
    [
        ("308047", "alprazolam", "0.25", None, Form.TABLET, False, None),
        ("433801", "alprazolam", "3", None, Form.TABLET, True, None),
        ("485414", "alprazolam", "1", None, Form.ODT, False, None),
        ("308050", "alprazolam", None, "1", Form.LIQUID, False, None),
        ("311376", "lorazepam", None, "2", Form.LIQUID, False, None),
        ("2569564", "lorazepam", "1", None, Form.CAPSULE, True, None),
        ("1665188", "lorazepam", None, "2", Form.INJECTION, False, "an injection or infusion"),
        ("856792", "chlordiazepoxide", "10", None, Form.TABLET, False, None),
        ("889616", "chlordiazepoxide", "5", None, Form.CAPSULE, False, None),
        ("309177", "chlordiazepoxide", "5", None, Form.TABLET, False, None),
        ("2058255", "clobazam", "5", None, Form.FILM, False, None),
        ("1366192", "clobazam", None, "2.5", Form.LIQUID, False, None),
        ("2682564", "diazepam", "5", None, Form.BUCCAL, False, "a buccal dose"),
        ("801957", "diazepam", None, "5", Form.RECTAL, False, "a rectal dose"),
        ("2272621", "diazepam", None, "100", Form.NASAL, False, "a nasal dose"),
        ("216586", "diazepam", None, None, Form.RECTAL, False, "a rectal dose"),
        ("828692", "zolpidem", "5", None, Form.ORAL_SPRAY, False, None),
        ("1232194", "zolpidem", "1.75", None, Form.SUBLINGUAL, False, None),
        ("854880", "zolpidem", "12.5", None, Form.TABLET, True, None),
        ("316171", "lorazepam", None, "2", None, False, None),
    ],
)
def test_a_product_code_tells_agent_strength_and_form(
    tables: DrugTables,
    code: str,
    agent: str,
    strength: str | None,
    concentration: str | None,
    form: Form | None,
    slow: bool,
    out_of_scope: str | None,
) -> None:
    found = tables.medications[RXNORM, code]
    assert (found.agent, found.form, found.extended_release, found.out_of_scope) == (agent, form, slow, out_of_scope)
    assert (found.strength, found.concentration) == (strength and Decimal(strength), concentration and Decimal(concentration))


@pytest.mark.parametrize(
    ("system", "code", "agent"),
    [
        (ATC, "N05BA12", "alprazolam"),
        (ATC, "N03AE01", "clonazepam"),
        (ATC, "N05CF02", "zolpidem"),
        (SNOMED, "387264003", "diazepam"),
        (SNOMED, "386983007", "alprazolam"),
        (RXNORM, "596", "alprazolam"),
        (RXNORM, "202363", "alprazolam"),
    ],
)
def test_an_ingredient_code_or_brand_code_tells_the_agent_and_no_strength(
    tables: DrugTables, system: str, code: str, agent: str
) -> None:
    found = tables.medications[system, code]
    assert (found.agent, found.strength, found.certainty) == (agent, None, Certainty.INGREDIENT)


def test_the_partner_in_a_combination_brings_its_groups(tables: DrugTables) -> None:
    limbitrol = tables.medications[RXNORM, "856796"]
    assert (limbitrol.ingredients, limbitrol.groups) == (("chlordiazepoxide", "amitriptyline"), {"antidepressant"})


# Other drugs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        ("oxycodone", {"opioid"}),
        ("methadone", {"opioid", "alcohol-or-opioid-use-disorder-medicine", "methadone"}),
        ("naloxone", {"opioid-antagonist", "naloxone"}),
        ("naltrexone", {"opioid-antagonist", "alcohol-or-opioid-use-disorder-medicine"}),
        ("gabapentin", {"gabapentinoid", "antiseizure"}),
        ("carbamazepine", {"antiseizure", "cyp3a4-inducer", "ugt-inducer"}),
        ("fluvoxamine", {"antidepressant", "cyp3a4-moderate-inhibitor", "cyp2c19-inhibitor"}),
        ("clarithromycin", {"cyp3a4-strong-inhibitor", "label-cyp3a4-inhibitor"}),
        ("ciprofloxacin", {"fluoroquinolone", "cyp3a4-moderate-inhibitor"}),
        ("omeprazole", {"cyp2c19-inhibitor"}),
        ("flumazenil", {"flumazenil"}),
        ("quetiapine", {"antipsychotic"}),
        ("aripiprazole", {"antipsychotic"}),
        ("levetiracetam", {"antiseizure"}),
        ("phenobarbital", {"barbiturate", "antiseizure", "cyp3a4-inducer", "ugt-inducer"}),
        ("suvorexant", {"orexin-antagonist"}),
        ("cyclobenzaprine", {"muscle-relaxant"}),
        ("diphenhydramine", {"sedating-antihistamine"}),
        ("melatonin", set()),
        ("loperamide", set()),
        ("diphenoxylate", set()),
        ("apomorphine", set()),
    ],
)
def test_a_drug_is_in_these_groups(tables: DrugTables, name: str, groups: set[str]) -> None:
    assert tables.names[name].groups == groups


def test_naloxone_in_one_product_with_an_opioid_is_no_rescue(tables: DrugTables) -> None:
    groups = {"opioid", "alcohol-or-opioid-use-disorder-medicine", "opioid-use-disorder-agonist"}
    assert tables.medications[RXNORM, "1010600"].groups == groups
    assert tables.names["suboxone"].groups == groups


def test_buprenorphine_that_is_made_for_pain_is_an_opioid_alone(tables: DrugTables) -> None:
    patch, buccal_film = tables.medications[RXNORM, "1360440"], tables.medications[RXNORM, "1716063"]
    assert patch.groups == buccal_film.groups == {"opioid"}


@pytest.mark.parametrize(
    ("prefix", "groups"),
    [
        ("N02A", {"opioid"}),
        ("N06A", {"antidepressant"}),
        ("N05A", {"antipsychotic"}),
        ("N05AN", set()),
        ("J01MA", {"fluoroquinolone"}),
        ("N05BA", {"unlisted-benzodiazepine", "other-cns-depressant"}),
    ],
)
def test_an_atc_class_stands_under_its_prefix(tables: DrugTables, prefix: str, groups: set[str]) -> None:
    assert tables.medications[ATC, prefix].groups == groups


@pytest.mark.parametrize(
    ("name", "agent"),
    [
        ("xanax", "alprazolam"),
        ("klonopin", "clonazepam"),
        ("ativan", "lorazepam"),
        ("valium", "diazepam"),
        ("restoril", "temazepam"),
        ("ambien", "zolpidem"),
        ("halcion", "triazolam"),
        ("librium", "chlordiazepoxide"),
        ("librax", "chlordiazepoxide"),
        ("limbitrol", "chlordiazepoxide"),
        ("chlordiazepoxide hydrochloride", "chlordiazepoxide"),
        ("clorazepate dipotassium", "clorazepate"),
        ("ethyl loflazepate", "ethyl loflazepate"),
    ],
)
def test_a_brand_or_salt_is_a_name_of_its_agent(tables: DrugTables, name: str, agent: str) -> None:
    assert tables.names[name].agent == agent


def test_interactions_act_on_the_agents_that_they_name_or_on_all(tables: DrugTables) -> None:
    acting = {one.group: one for one in tables.interactions}
    assert acting["fluoroquinolone"].agents is None
    strong = acting["cyp3a4-strong-inhibitor"].agents or frozenset()
    assert "alprazolam" in strong
    assert not {"lorazepam", "oxazepam", "temazepam"} & strong


# What stops the load --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("products.csv", "system,code,", "system,kode,", "the columns are system, kode"),
        ("products.csv", ",IN,alprazolam,", ",IN,alprazolan,", "`alprazolan` is no agent of agents.yaml"),
        ("products.csv", ",0.25,,tablet,", ",0.25,,tablett,", "`tablett` is no form"),
        ("products.csv", ",0.25,,tablet,", ",zero,,tablet,", "`strength_mg` is `zero`"),
        ("products.csv", ",308047,", ",308048,", "the code 308048 stands here a second time"),
        ("other-drugs.csv", ",morphine,opioid,", ",morphine,opioids,", "`opioids` is no group of interactions.yaml"),
        ("names.csv", "xanax,alprazolam,", "xanax,alprazolan,", "`alprazolan` is neither an agent nor an ingredient"),
        ("names.csv", "valium,diazepam,", "xanax,diazepam,", "`xanax` means diazepam here and alprazolam elsewhere"),
        ("interactions.yaml", "kind: inducer", "kind: induces", "`kind` is `induces`"),
        ("equivalents.yaml", "low: 1, high: 2,", "low: 2, high: 1,", "the range runs from 2 to 1"),
    ],
)
def test_a_mistake_in_a_table_stops_the_load_and_says_where(file: str, old: str, new: str, said: str) -> None:
    found = problems_with(f"drugs/{file}", old, new)
    assert any(said in problem and problem.startswith(f"rules/drugs/{file}:") for problem in found)


def test_a_missing_table_stops_the_load() -> None:
    problems = Problems()
    drugs({name: content for name, content in FILES.items() if name != "drugs/products.csv"}, problems)
    assert any("rules/drugs/products.csv" in str(problem) for problem in problems.found)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("LORazepam 0.5 MG Oral Tablet", "lorazepam 0 5 mg oral tablet"),
        ("Lorazépam", "lorazepam"),
        ("St. John's wort", "st john s wort"),
        ("  ", ""),
    ],
)
def test_names_are_compared_without_case_accents_and_marks(text: str, plain: str) -> None:
    assert folded(text) == plain


@pytest.mark.parametrize(
    ("display", "name"),
    [
        (
            "24 HR alprazolam 0.5 MG Extended Release Oral Tablet [Xanax]",
            "alprazolam 0.5 mg extended release oral tablet [Xanax]",
        ),
        ("lorazepam 2 MG/ML Oral Solution", "lorazepam 2 mg/mL oral solution"),
        ("{1 (0.1 ML) (diazepam 50 MG/ML Nasal Spray) } Pack", "diazepam 50 mg/mL nasal spray pack"),
    ],
)
def test_a_card_shows_a_tidy_product_name(display: str, name: str) -> None:
    assert tidy(display) == name
