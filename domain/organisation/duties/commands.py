"""What can be asked of the duties."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

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


@command("approve-duties", example={"version": 2})
class ApproveDuties:
    """Agree to the draft of the next version, as someone other than who drafted it."""

    version: Annotated[int, Field(ge=1)]


@command("publish-duties", example={"version": 2})
class PublishDuties:
    """Put the approved draft in force at once, under the next number."""

    version: Annotated[int, Field(ge=1)]
