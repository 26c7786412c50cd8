"""token: who someone is, signed with the secret of the data folder."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from api.auth import LIFETIME_MOST, mint, secret_of
from api.cli.kit import DataOption, JsonOption, Misused, answer, say, settings


def token(
    person: Annotated[str, typer.Argument(help="Who it names.")],
    role: Annotated[str, typer.Argument(help="The duty: admin, clerk, billing, auditor, …")],
    days: Annotated[
        float, typer.Option(min=0.001, max=LIFETIME_MOST.days, help="How long it is good.")
    ] = 0.5,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Issue a token that names a person and a duty."""
    try:
        made = mint(secret_of(settings(data_dir=data)), person, role, timedelta(days=days))
    except ValueError as wrong:
        raise Misused(str(wrong)) from wrong
    if as_json:
        answer({"person": person, "role": role, "days": days, "token": made})
    else:
        say(made)
