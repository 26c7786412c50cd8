"""The rules of meters, by name."""

from domain.kit import Refused


class MeterAlreadyInstalled(Refused):
    """The meter is installed at a service point already."""


class OverlappingInstallation(Refused):
    """Another meter is installed at this service point on that day."""


class MeterNotInstalled(Refused):
    """The meter is not installed, or not at this point, on that day."""


class MeterNotRemoved(Refused):
    """The meter was not removed from this point on that day."""


class RegisterTwice(Refused):
    """A register is named twice."""


class NoSuchRegister(Refused):
    """The meter has no such register."""


class RegisterNotRead(Refused):
    """A reading names every register of the meter."""


class RegistersDiffer(Refused):
    """What a meter counts with is corrected register by register: the codes stay."""


class ReadingOutOfRange(Refused):
    """The register has not that many digits."""


class RegisterWentBack(Refused):
    """The register shows less than at the reading before, and no roll-over was reported."""


class RollOverImplausible(Refused):
    """No register rolled over, or it would have counted nearly its whole range since."""


class RegistersDoNotAddUp(Refused):
    """The registers of the parts of a day counted more or less than the total register."""


class ReadingAheadOfNext(Refused):
    """The register shows more than at the reading after."""


class ReadingStandsOnIt(Refused):
    """A later fact depends on this one; take that back first."""


class AlreadyRead(Refused):
    """The meter was read for that day already; correct the reading instead."""


class NotRead(Refused):
    """There is no reading of that day to correct."""


class ReadingOfInstallation(Refused):
    """That reading was taken as the meter was installed or removed; it goes with that alone."""


class PeriodEndsBeforeItBegins(Refused):
    """A period ends after it begins."""


class MeterErrorImplausible(Refused):
    """No meter of any class counts so wrongly; it is defective, its readings are estimated."""


class NoSuchError(Refused):
    """No such tested error is on record."""


class SameMeter(Refused):
    """A meter is exchanged for another one."""
