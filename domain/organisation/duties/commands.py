"""What can be asked of the duties."""

from __future__ import annotations

from domain.kit import command
from domain.organisation.duties.document import DutiesDocument


@command(
    "draft-duties",
    example={
        "document": {
            "duties": [
                {
                    "name": "clerk",
                    "title": "Clerk",
                    "commands": ["register-customer", "open-account"],
                    "whole": ["name", "contact"],
                },
                {"name": "admin", "title": "Administrator", "every_command": True},
            ],
            "pairs": [{"first": "tariff.drafted", "second": "tariff.approved"}],
            "apart": [{"one": "admin", "other": "clerk"}],
        }
    },
)
class DraftDuties:
    """Draft a document of duties; it takes the place of the draft before."""

    document: DutiesDocument


@command("approve-duties")
class ApproveDuties:
    """Agree to the draft, as someone other than who drafted it."""


@command("publish-duties")
class PublishDuties:
    """Put the approved draft in force at once."""
