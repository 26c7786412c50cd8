"""
Published British electricity prices, as tariff documents that say where the figures are from.

Prices are published in pence with 5 % VAT in them; a document has them in pounds without it,
and VAT as a charge of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.pricing.calendars import Schedule, Window
from domain.pricing.charges import Charge, Energy, Fixed, Percentage, Rate
from domain.pricing.tariff import TariffDocument
from domain.values import rounded

STANDARD = "STANDARD"
EARLIER = "STANDARD-EARLIER"  # of the years of the real meters
ECONOMY = "ECONOMY-7"
VAT = Decimal("0.05")  # VAT Act 1994, schedule 7A: fuel and power for domestic use
NIGHT = Window(period="night", since="00:00", until="07:00")

GB_CAP = (
    "Ofgem energy price cap, average of England, Scotland and Wales, Direct Debit, with VAT"
)
FORUM = "forums.moneysavingexpert.com/discussion/6371592"


@dataclass(frozen=True, slots=True)
class Published:
    """What was published: pence a kWh (by day, by night) and pence a day, VAT included."""

    since: date  # from when the demo applies it
    day: str
    standing: str
    source: str
    night: str | None = None

    def document(self, name: str) -> TariffDocument:
        """The tariff document of it."""
        charges: tuple[Charge, ...] = (
            Fixed(
                code="standing",
                title="Standing charge",
                price=without_vat(self.standing),
                per="day",
            ),
            self._energy(),
            Percentage(code="VAT", title="VAT at 5 %", rate=VAT),
        )
        return TariffDocument(
            name=name,
            currency="GBP",
            charges=charges,
            schedules=(
                (Schedule(name="clock", windows=(NIGHT,), otherwise="day"),)
                if self.night
                else ()
            ),
            source=self.source,
        )

    def _energy(self) -> Energy:
        if self.night is None:
            return Energy(
                code="units", title="Electricity", rates=(Rate(price=without_vat(self.day)),)
            )
        day = Rate(period="day", price=without_vat(self.day))
        night = Rate(period="night", price=without_vat(self.night))
        return Energy(code="units", title="Electricity", rates=(day, night), schedule="clock")


def without_vat(pence: str) -> Decimal:
    """Pounds without VAT, to a millionth of a penny."""
    return rounded(Decimal(pence) / 100 / (1 + VAT), "half-even", Decimal("0.00000001"))


EARLIER_PRICES = (
    Published(
        date(2012, 1, 1),
        "13.86",
        "18.9",
        "EDF standard variable, East Midlands, Direct Debit, April 2013, as quoted in"
        f" {FORUM}; not verified against the rate card. The demo applies it from 2012 on.",
    ),
    Published(
        date(2021, 10, 1),
        "21",
        "25",
        f"{GB_CAP}, October 2021 to March 2022, in whole pence as reported when it ended;"
        " not verified.",
    ),
    Published(
        date(2022, 4, 1),
        "28",
        "45",
        f"{GB_CAP}, April to September 2022, in whole pence, as published by"
        " moneyadvicescotland.org.uk/what-does-the-energy-price-cap-mean",
    ),
    Published(
        date(2022, 10, 1),
        "34",
        "46",
        "Energy Price Guarantee from October 2022, in whole pence, as published by"
        " moneyadvicescotland.org.uk/what-does-the-energy-price-cap-mean",
    ),
)

STANDARD_PRICES = (
    Published(
        date(2025, 1, 1),
        "24.86",
        "60.97",
        f"{GB_CAP}, January to March 2025, as published by"
        " electricityprices.org.uk/history-of-the-energy-price-cap",
    ),
    Published(
        date(2025, 4, 1),
        "27.03",
        "53.80",
        f"{GB_CAP}, April to June 2025, ofgem.gov.uk/energy-price-cap",
    ),
    Published(
        date(2025, 7, 1),
        "25.73",
        "51.37",
        f"{GB_CAP}, July to September 2025, ofgem.gov.uk/energy-price-cap",
    ),
    Published(
        date(2025, 10, 1),
        "26.35",
        "53.68",
        f"{GB_CAP}, October to December 2025, as published by"
        " blog.theenergyshop.com/articles/energy-price-cap",
    ),
)

ECONOMY_PRICES = (
    Published(
        date(2012, 1, 1),
        "14.875",
        "18.9",
        f"Two rates that a customer paid in 2014, as told in {FORUM}, with the standing charge"
        " of EDF of April 2013 told there; not verified. The demo applies it from 2012 on.",
        night="6.754",
    ),
    Published(
        date(2025, 1, 1),
        "34",
        "53.80",
        "Average Economy 7 rates as of 1 April 2025, about 34p by day and 14p by night, as"
        " published by cse.org.uk/current-gas-and-electricity-prices; standing charge:"
        f" {GB_CAP}, April to June 2025. The demo applies them to all of 2025.",
        night="14",
    ),
)

TARIFFS = {STANDARD: STANDARD_PRICES, EARLIER: EARLIER_PRICES, ECONOMY: ECONOMY_PRICES}
NAMES = {
    STANDARD: "Standard variable, one rate",
    EARLIER: "Standard variable, one rate, of earlier years",
    ECONOMY: "Economy 7: day, and night from midnight to seven",
}
