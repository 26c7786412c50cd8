"""Every page: where it is, which document it asks, which template shows it, by contexts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from graphql import parse
from graphql.language import NonNullTypeNode, OperationDefinitionNode

FOLDER = Path(__file__).parent / "documents"
MOMENT = ("asOf", "knownAt", "minPosition")
ROWS = 25  # of a list, on a page


@dataclass(frozen=True)
class Page:
    """
    One page.  What its document asks for comes from the path, from the query, or is `fixed`.

    `thing` is the root that is null where nothing is; `rows` the connection that a list shows.
    `filters` are what a list can be narrowed by: name -> (field, test) of its filter.
    """

    path: str
    title: str
    name: str
    context: str
    thing: str | None = None
    rows: str | None = None
    filters: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def document(self) -> str:
        """Its GraphQL."""
        return (FOLDER / f"{self.name}.graphql").read_text("utf-8")

    @cached_property
    def asked(self) -> Mapping[str, bool]:
        """The variables of its document, and whether they must be given."""
        (operation,) = parse(self.document).definitions
        assert isinstance(operation, OperationDefinitionNode)
        return {
            one.variable.name.value: isinstance(one.type, NonNullTypeNode)
            for one in operation.variable_definitions or ()
        }

    @property
    def template(self) -> str:
        """The file that shows it."""
        return f"{self.name}.html"

    def variables(self, given: Mapping[str, str]) -> dict[str, Any]:
        """What is asked for, of a path and a query."""
        every: dict[str, Any] = {
            **given,
            "asOf": given.get("as_of"),
            "knownAt": given.get("known_at"),
            "minPosition": None if given.get("known_at") else given.get("recorded"),
            "first": ROWS,
            "reverse": given.get("order") == "last",
            "filter": self.filter(given),
            **self.fixed,
        }
        return {
            name: "" if every.get(name) is None else every[name]
            for name, needed in self.asked.items()
            if needed or every.get(name) not in (None, "", {})
        }

    def filter(self, given: Mapping[str, str]) -> dict[str, dict[str, str]]:
        """The filter of a list; what was left empty narrows nothing."""
        found: dict[str, dict[str, str]] = {}
        for name, (column, test) in self.filters.items():
            if text := given.get(name, "").strip():
                found.setdefault(column, {})[test] = text
        return found


PAGES = (
    Page("/", "Today", "home", "start"),
    Page("/search", "Search", "search", "start"),
    Page("/customers", "Customers", "customers", "customers", rows="customers"),
    Page("/customers/{number}", "Customer {number}", "customer", "customers", "customer"),
    Page(
        "/accounts",
        "Accounts",
        "accounts",
        "customers",
        rows="accounts",
        filters={"opened_from": ("openedOn", "ge"), "opened_before": ("openedOn", "lt")},
    ),
    Page("/accounts/{number}", "Account {number}", "account", "customers", "account"),
    Page(
        "/bills",
        "Bills",
        "bills",
        "billing",
        rows="bills",
        filters={
            "account": ("account", "eq"),
            "issued_from": ("issuedOn", "ge"),
            "issued_before": ("issuedOn", "lt"),
            "due_before": ("dueOn", "lt"),
        },
    ),
    Page("/bills/{number}", "Bill {number}", "bill", "billing", "bill"),
    Page("/bills/{number}/why", "Why bill {number}", "bill-why", "billing", "bill"),
    Page("/bills/{number}/now", "Bill {number} now", "bill-now", "billing", "bill"),
    Page("/wrong", "What is wrong now", "wrong-bills", "billing"),
    Page("/corrections/{fact}", "What {fact} moves", "touched", "billing"),
    Page("/points", "Service points", "points", "network", rows="points"),
    Page(
        "/points/{number}",
        "Service point {number}",
        "point",
        "network",
        "point",
        fixed={"days": 62},
    ),
    Page("/meters/{number}", "Meter {number}", "meter", "metering", "meter"),
    Page("/tariffs", "Tariffs", "tariffs", "pricing", rows="tariffs"),
    Page("/tariffs/{number}", "Tariff {number}", "tariff", "pricing", "tariff"),
    Page(
        "/payments",
        "Payments",
        "payments",
        "receivables",
        rows="payments",
        filters={
            "account": ("account", "eq"),
            "received_from": ("receivedOn", "ge"),
            "received_before": ("receivedOn", "lt"),
        },
    ),
    Page("/payments/{number}", "Payment {number}", "payment", "receivables", "payment"),
    Page("/books", "Trial balance", "books", "books"),
    Page(
        "/journal",
        "Journal",
        "journal",
        "books",
        rows="journal",
        filters={
            "account": ("account", "eq"),
            "code": ("code", "eq"),
            "on_from": ("on", "ge"),
            "on_before": ("on", "lt"),
        },
    ),
    Page("/timeline/{node}", "Timeline", "timeline", "start", rows="timeline"),
    Page("/facts/{reference}", "Fact {reference}", "fact", "start", "fact"),
)

MENU = {
    "Start": (("Today", "/"), ("Commands", "/forms")),
    "Customers": (("Customers", "/customers"), ("Accounts", "/accounts")),
    "Billing": (
        ("Bills", "/bills"),
        ("What is wrong now", "/wrong"),
        ("Payments", "/payments"),
    ),
    "Network": (("Service points", "/points"),),
    "Pricing": (("Tariffs", "/tariffs"),),
    "Books": (("Trial balance", "/books"), ("Journal", "/journal")),
}
"""What is always one step away, by contexts."""
