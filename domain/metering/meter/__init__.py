"""
Meters: the instruments that are installed at service points and count.

    in stock ── install ──▶ installed ── remove ──▶ in stock
                            └ read · correct a reading · report an error ┘

A reading is what a register shows, in kWh (kvarh), as a decimal string.  A *count* is the same
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
    MeterEvent,
    MeterFoundInaccurate,
    MeterInstalled,
    MeterRead,
    MeterReadingCorrected,
    MeterRemoved,
    Readings,
    Register,
    RegisterCode,
    Source,
)
from domain.metering.meter.rules import (
    AlreadyRead,
    MeterAlreadyInstalled,
    MeterNotInstalled,
    NoSuchRegister,
    NotRead,
    OverlappingInstallation,
    PeriodEndsBeforeItBegins,
    ReadingAheadOfNext,
    ReadingOutOfRange,
    RegisterNotRead,
    RegisterTwice,
    RegisterWentBack,
)
from domain.metering.meter.state import (
    Meter,
    meters,
)

__all__ = [
    "AlreadyRead",
    "Channel",
    "CorrectReading",
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
    "ReadingAheadOfNext",
    "ReadingOutOfRange",
    "Readings",
    "Register",
    "RegisterCode",
    "RegisterNotRead",
    "RegisterTwice",
    "RegisterWentBack",
    "RemoveMeter",
    "ReportMeterError",
    "Source",
    "meters",
]
