"""checkpoint, prove, and the part of verify that trusts nobody."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn

import psycopg
import typer

from api.cli.kit import DataOption, JsonOption, Misused, answer, say, system
from api.system import System
from replay.billing.verify import Check
from replay.proofs.audit import audit
from replay.proofs.checkpoints import VERIFIER, Notary
from replay.proofs.notes import Forged, Verifier
from replay.proofs.proofs import NotSigned, consistency_proof, holds, inclusion_proof


def checkpoint(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Sign what was recorded since the last checkpoint, now and not when it is due."""
    with system(data, "none") as it:
        signed = Notary(it.history, it.url, it.witness).sign()
        witness = it.witness
    if as_json:
        found = None if signed is None else {"size": signed.size, "root": signed.root.hex()}
        answer({"signed": found, "witness": str(witness)})
    elif signed is None:
        say("Nothing was recorded since the last checkpoint, or a server signs by itself.")
    else:
        say(f"Signed: the first {signed.size} facts, root {signed.root.hex()}.")
        say(f"Copy {witness} to where the keepers of the database cannot write.")


def prove(
    position: Annotated[int, typer.Argument(help="Of the fact, or the size of a checkpoint.")],
    since: Annotated[
        int | None,
        typer.Option(help="An older checkpoint: prove that history only grew since then."),
    ] = None,
    data: DataOption = None,
) -> None:
    """Print a proof that a fact is in history, or that history only grew."""
    with system(data, "none") as it, psycopg.connect(it.url) as connection:
        try:
            if since is None:
                found = inclusion_proof(connection, position)
            else:
                found = consistency_proof(connection, since, position)
        except (NotSigned, KeyError) as wrong:
            raise Misused(f"{wrong.args[0]}; `wattledger checkpoint` signs now") from wrong
    answer(found)


def check(file: Path, verifier: str | None, *, as_json: bool) -> NoReturn:
    """Check one proof with the notary's public key and nothing else; exit 0 if it holds."""
    if verifier is None:
        raise Misused("--proof needs --verifier: the notary's public line, or a file with it")
    try:
        given = json.loads(file.read_text())
    except (OSError, ValueError) as wrong:
        raise Misused(f"{file} cannot be read as a proof: {wrong}") from wrong
    try:
        held = holds(given, _verifier(verifier))
        why = "The proof holds." if held else "The proof does not hold."
    except Forged as wrong:
        held, why = False, f"The proof does not hold: {wrong}."
    if as_json:
        answer({"holds": held, "why": why})
    else:
        say(why)
    raise typer.Exit(0 if held else 1)


def _verifier(given: str) -> Verifier:
    try:
        return Verifier.parse(Path(given).read_text() if Path(given).is_file() else given)
    except (ValueError, OSError) as wrong:
        raise Misused(f"--verifier: {wrong}") from wrong


def audited(it: System, verifier: str | None, tell: Callable[[str, int, int], Any]) -> Check:
    """Every fact hashed again and compared with what the notary signed."""
    signed = (it.witness / VERIFIER).exists()
    found = audit(
        it.url,
        it.witness if signed else None,
        verifier=_verifier(verifier) if verifier else None,
        progress=lambda done, of: tell("facts hashed again", done, of),
    )
    name = f"facts are those that were recorded, {found.checkpoints} checkpoints fit"
    if not found.checkpoints:
        name = "facts read; no checkpoint was signed"
    wrong = list(found.findings)
    return Check(name, found.facts, wrong, proven=found.checkpoints > 0)
