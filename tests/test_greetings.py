"""What stands for no name is nobody's name: letters greet as for none, managers see none."""

import csv

import pytest

from embedded.session import connect
from outreach.checks import fitting_name
from runtime.clock import utc_now
from tests.dbt import PROJECT
from tests.outreach_fixtures import customer, raise_alerts, run, states

pytest_plugins = ("tests.outreach_fixtures",)

PLACEHOLDERS = {
    "of programs": ["null", "NULL", "None", "None None", "undefined", "Undefined Undefined", "nan",
                    "NaN NaN", "nil", "N/A", "n.a.", "N. A.", "#N/A", "\\N", "[object Object]"],
    "not given": ["Unknown", "Not Provided", "not-set", "No Name", "No-Name", "Missing", "Blank",
                  "Empty", "TBD", "-", "--", "?", "..."],
    "of forms": ["First Name", "first_name", "First-Name", "Last Name", "Your Name", "Name",
                 "First Name Last Name", "Enter your name"],
    "of templates": ["{{name}}", "{{ First_Name }}", "%FIRSTNAME%", "*|FNAME|*", "[first name]",
                     "<Name>", "${name}"],
    "of accounts": ["Test", "TEST", "Test User", "User", "Guest", "Guest User", "Guest-Customer",
                    "Customer", "Customer #42", "Anonymous", "Deleted User", "Dummy", "Admin",
                    "Default", "John Doe", "Xxx", "Asdf"],
    "in German": ["Unbekannt", "Gast", "Kein Name", "k.A.", "Keine Angabe", "Vorname Nachname",
                  "Max Mustermann", "Gelöscht", "Kunde"],
    "in French": ["Inconnu", "Invité", "INVITÉ", "Prénom", "Sans nom", "Non renseigné"],
    "in Spanish": ["Desconocido", "Invitado", "Sin nombre", "Nombre Apellido"],
    "as a part": ["Anna Undefined", "Null Huber", "Anna None", "Anna NAN", "Anna Unknown",
                  "Anna-Undefined", "Test Huber"],
    "with blanks": [" Undefined ", "Guest  User", "Guest\u00a0User"],
}  # fmt: skip
NAMES = {
    "Anna": "Anna",
    "Anna ": "Anna",
    " Maria  Huber ": "Maria Huber",
    "Maria\u00a0Huber": "Maria Huber",
    "\u2003Maria\u2009Huber\u3000": "Maria Huber",
    "Maria\tHuber": "Maria Huber",
    "Anna Guest": "Anna Guest",  # people are called so
    "Nancy Nullmeyer": "Nancy Nullmeyer",
    "Testa Rossi": "Testa Rossi",
    "Nona Nameth": "Nona Nameth",
    "Ludwig van Beethoven": "Ludwig van Beethoven",
    "李小龙": "李小龙",
}


@pytest.fixture
def greeted(pipeline):
    """A pipeline in which each of these names has a customer with an alert; greetings by name."""

    def greet(names: list[str]) -> dict[str, str]:
        who = {f"N{number}": name for number, name in enumerate(names)}
        pipeline.add(*(one for key, name in who.items() for one in customer(key, name)))
        pipeline.tick()
        raise_alerts(pipeline, *who)
        drafts = dict(pipeline.rows("select alert_id, body from current_drafts"))
        assert set(drafts) == set(who)
        return {name: drafts[key].split(",")[0] for key, name in who.items()}

    return greet


def test_a_placeholder_is_greeted_like_no_name(greeted):
    names = [name for family in PLACEHOLDERS.values() for name in family]
    assert greeted(names) == dict.fromkeys(names, "Dear customer")


def test_a_name_is_greeted_without_blanks_too_many(greeted):
    assert greeted(list(NAMES)) == {name: f"Dear {right}" for name, right in NAMES.items()}


@pytest.mark.parametrize("name", NAMES)
def test_blanks_between_names_become_one(name):
    assert fitting_name(name) == NAMES[name]


@pytest.mark.parametrize("name", [None, "", " ", "\u00a0", "Ada\u200bKeller", "Ada\x00Keller"])
def test_without_a_name_the_reader_is_a_customer(name):
    assert fitting_name(name) == "customer"


def test_every_row_of_the_seed_is_no_name(greeted):
    with (PROJECT / "seeds" / "name_placeholders.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = [row["placeholder"].strip("<>").title() for row in rows]
    words = [name for row, name in zip(rows, names, strict=True) if row["is_word"] == "true"]
    names += [f"Anna {name}" for name in words]
    assert len(names) > 300
    assert set(greeted(names).values()) == {"Dear customer"}


def test_a_manager_greets_likewise(pipeline):
    pipeline.add(*customer("N", "Guest User"))
    pipeline.tick()
    raise_alerts(pipeline, "N")
    subject, body = pipeline.rows("select subject, body from current_drafts")[0]
    assert body.startswith("Dear customer,")

    def edit(text: str) -> list[tuple]:
        given = {"alert_id": "N", "subject": subject, "body": text}
        return pipeline.call("edit_draft", given)

    assert edit(body.replace("a while", "some time")) == []
    [(_, sentence)] = edit(body.replace("Dear customer", "Dear Guest User"))
    assert "names somebody" in sentence
    assert states(pipeline) == {"N": "DRAFTED"}


def test_managers_see_no_name_either(pipeline):
    shown = ["null", "N/A", "Undefined", "Test", "GUEST USER", "None None", "{{name}}", "Unbekannt"]
    who = {f"N{number}": name for number, name in enumerate([*shown, "Anna Guest"])}
    pipeline.add(*(one for key, name in who.items() for one in customer(key, name)))
    pipeline.tick()
    found = dict(
        pipeline.rows("select customer_id, name from manager_customers where customer_id like 'N%'")
    )
    assert found == dict.fromkeys(who) | {"N8": "Anna Guest"}
    assert pipeline.one("select count(*) from manager_customers") == 8 + len(
        who
    )  # each of them once
    assert (
        pipeline.one("select name from manager_customers where customer_id = 'A'") == "Ada Keller"
    )


def test_seeds_may_be_spelled_otherwise_than_profiles(pipeline):
    """A policy, an offer and a manager's region, as people write them."""
    pipeline.add(*customer("N", segment="premium", region="north"))
    pipeline.tick()
    for table, right, other in (
        ("alert_policy", "premium", " Premium "),
        ("alert_policy", "default", "DEFAULT"),
        ("offers", "premium", "PREMIUM "),
    ):
        update = f"update {table} set segment = ? where segment = ?"
        pipeline.connection.execute(update, [other, right])
    assert pipeline.rows(
        "select customer_id, threshold from customer_policies where customer_id in ('A', 'N')"
        " order by 1"
    ) == [("A", 0.25), ("N", 0.2)]
    row = ("N", 0.9, "high", utc_now(), 10.0, "[]", "m", "h", utc_now())
    pipeline.connection.execute(f"insert into churn_scores values ({', '.join('?' * 9)})", row)
    run(pipeline, "sweep_silent_customers")
    assert pipeline.one("select offer from high_risk_history") == "personal_call"


def test_a_region_of_the_seed_may_be_spelled_otherwise(pipeline):
    pipeline.connection.execute(
        "update manager_regions set region = ' North ' where region = 'north'"
    )
    pipeline.connection.execute(
        "insert into manager_regions values ('CHURN_MANAGER_NORTH', 'NORTH', true, true)"
    )
    with connect("CHURN_MANAGER_NORTH") as connection:
        assert connection.execute("select count(*) from manager_customers").fetchone() == (8,)
    with connect("CHURN_MANAGER_SOUTH") as connection:
        assert connection.execute("select count(*) from manager_customers").fetchone() == (0,)
