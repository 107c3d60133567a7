"""Option lists of deals, products, line items and quotes. Data only."""

from __future__ import annotations

from shared.service.schema import choices

DEAL_TYPES = choices(("newbusiness", "New business"), ("existingbusiness", "Existing business"))
PRIORITIES = choices(("low", "Low"), ("medium", "Medium"), ("high", "High"))
AMOUNT_SOURCES = choices(("typed", "Typed"), ("line_items", "Sum of the line items"))
FORECAST_CATEGORIES = choices(
    ("OMIT", "Omitted"),
    ("PIPELINE", "Pipeline"),
    ("BEST_CASE", "Best case"),
    ("COMMIT", "Commit"),
    ("CLOSED", "Closed"),
)
BILLING_FREQUENCIES = choices(
    ("weekly", "Weekly"),
    ("biweekly", "Every two weeks"),
    ("monthly", "Monthly"),
    ("quarterly", "Quarterly"),
    ("per_six_months", "Every six months"),
    ("annually", "Annually"),
    ("per_two_years", "Every two years"),
    ("per_three_years", "Every three years"),
    ("per_four_years", "Every four years"),
    ("per_five_years", "Every five years"),
)
QUOTE_STATUSES = choices(
    ("DRAFT", "Draft"),
    ("APPROVAL_NOT_NEEDED", "Published"),
    ("PENDING_APPROVAL", "Waiting for approval"),
    ("APPROVED", "Approved"),
    ("REJECTED", "Rejected"),
)

# Currencies of ISO 4217 that are in use, funds and metals left out. Others can be added as options.
CURRENCIES = choices(
    *(
        (code, code)
        for code in (
            "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF"
            " CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD"
            " HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL"
            " LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP"
            " PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT"
            " TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW"
        ).split()
    )
)
