"""The rules of service points, by name."""

from domain.kit import Refused


class PointAlreadyEnergised(Refused):
    """The service point is energised already."""


class PointUnknown(Refused):
    """No service point is energised under this number."""


class PointNotYetEnergised(Refused):
    """The service point is energised only after that day."""


class PointInUse(Refused):
    """Supply was taken or a meter installed at this point, at all or before that day."""


class OverlappingSupply(Refused):
    """Another account takes supply at this point on that day."""


class TariffNotPublished(Refused):
    """No version of this tariff is published."""


class TariffNotYetInForce(Refused):
    """The first version of this tariff is in force only after that day."""


class TariffNotChanged(Refused):
    """The tariff of the supply did not change on that day."""


class PointNotSupplied(Refused):
    """No account takes supply at this point on that day."""


class SupplyNotEnded(Refused):
    """That supply has not ended; let it end instead."""
