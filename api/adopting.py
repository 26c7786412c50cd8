"""The first start of a release with mended rating rules adopts their edition, once."""

from __future__ import annotations

import logging

from api.dispatch import RequestContext
from api.system import System
from domain.editions import EDITION
from domain.organisation.rules import AdoptRules
from domain.organisation.utility import UtilityNotEstablished

log = logging.getLogger("wattledger.rules")

BY, DUTY = "upgrade", "policy"
KEY = f"rules-{EDITION}"  # of the command: two servers that start at once ask the same


def adopt(system: System) -> None:
    """Record this release's edition, where the utility calculates by an earlier one."""
    try:
        given = system.dispatch(AdoptRules(), RequestContext(BY, DUTY, KEY, KEY, cause=KEY))
    except UtilityNotEstablished:
        return
    if given.positions:
        log.warning("bills are calculated by edition %s of the rating rules now", EDITION)
