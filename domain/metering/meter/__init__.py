"""
Meters: the instruments that hang at service points and count.

    in stock ── install ──▶ installed ── remove ──▶ in stock
                            └ read · correct a reading · report an error ┘

A dial is what the register shows, in kWh (kvarh), as a decimal string.  A *count* is the same
in Wh (varh) since the register was zero, its full turns included, before the multiplier: counts
never go back, and the energy between any two readings is (later − earlier) × multiplier.
"""

from domain.metering.meter.commands import (
    CorrectReading,
    InstallMeter,
    ReadMeter,
    RemoveMeter,
    ReportMeterError,
)
from domain.metering.meter.events import (
    Channel,
    Dials,
    MeterEvent,
    MeterFoundInaccurate,
    MeterInstalled,
    MeterRead,
    MeterReadingCorrected,
    MeterRemoved,
    Register,
    RegisterCode,
    Source,
)
from domain.metering.meter.rules import (
    AlreadyRead,
    DialAheadOfNext,
    DialOutOfRange,
    DialWentBack,
    MeterAlreadyInstalled,
    MeterNotInstalled,
    NoSuchRegister,
    NotRead,
    OverlappingInstallation,
    PeriodEndsBeforeItBegins,
    RegisterNotRead,
    RegisterTwice,
)
from domain.metering.meter.state import (
    Meter,
    meters,
)

__all__ = [
    "AlreadyRead",
    "Channel",
    "CorrectReading",
    "DialAheadOfNext",
    "DialOutOfRange",
    "DialWentBack",
    "Dials",
    "InstallMeter",
    "Meter",
    "MeterAlreadyInstalled",
    "MeterEvent",
    "MeterFoundInaccurate",
    "MeterInstalled",
    "MeterNotInstalled",
    "MeterRead",
    "MeterReadingCorrected",
    "MeterRemoved",
    "NoSuchRegister",
    "NotRead",
    "OverlappingInstallation",
    "PeriodEndsBeforeItBegins",
    "ReadMeter",
    "Register",
    "RegisterCode",
    "RegisterNotRead",
    "RegisterTwice",
    "RemoveMeter",
    "ReportMeterError",
    "Source",
    "meters",
]
