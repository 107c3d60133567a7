"""Time zones and languages a contact can have. Data only: zones by their IANA name, languages by BCP 47 tag.

A choice for people, not the whole of either standard; options can be added like those of any attribute.
"""

from __future__ import annotations

from shared.service.schema import choices

_ZONES = """
Pacific/Honolulu America/Anchorage America/Los_Angeles America/Vancouver America/Phoenix America/Denver
America/Chicago America/Mexico_City America/New_York America/Toronto America/Bogota America/Lima America/Caracas
America/Halifax America/Santiago America/St_Johns America/Sao_Paulo America/Argentina/Buenos_Aires
Atlantic/Azores Atlantic/Reykjavik UTC Europe/London Europe/Dublin Europe/Lisbon Africa/Casablanca
Europe/Amsterdam Europe/Berlin Europe/Brussels Europe/Budapest Europe/Copenhagen Europe/Madrid Europe/Oslo
Europe/Paris Europe/Prague Europe/Rome Europe/Stockholm Europe/Vienna Europe/Warsaw Europe/Zurich Africa/Lagos
Europe/Athens Europe/Bucharest Europe/Helsinki Europe/Kyiv Africa/Cairo Africa/Johannesburg Asia/Jerusalem
Europe/Istanbul Europe/Moscow Africa/Nairobi Asia/Baghdad Asia/Riyadh Asia/Tehran Asia/Dubai Asia/Kabul
Asia/Karachi Asia/Tashkent Asia/Kolkata Asia/Kathmandu Asia/Dhaka Asia/Yangon Asia/Bangkok Asia/Ho_Chi_Minh
Asia/Jakarta Asia/Hong_Kong Asia/Kuala_Lumpur Asia/Manila Asia/Shanghai Asia/Singapore Asia/Taipei
Australia/Perth Asia/Seoul Asia/Tokyo Australia/Adelaide Australia/Brisbane Australia/Melbourne Australia/Sydney
Pacific/Auckland
""".split()

TIME_ZONES = choices(*((zone, zone.replace("_", " ")) for zone in _ZONES))

LANGUAGES = choices(
    ("af", "Afrikaans"),
    ("sq", "Albanian"),
    ("ar", "Arabic"),
    ("hy", "Armenian"),
    ("bn", "Bengali"),
    ("bg", "Bulgarian"),
    ("ca", "Catalan"),
    ("zh", "Chinese"),
    ("zh-cn", "Chinese (China)"),
    ("zh-hk", "Chinese (Hong Kong)"),
    ("zh-tw", "Chinese (Taiwan)"),
    ("hr", "Croatian"),
    ("cs", "Czech"),
    ("da", "Danish"),
    ("nl", "Dutch"),
    ("nl-be", "Dutch (Belgium)"),
    ("en", "English"),
    ("en-au", "English (Australia)"),
    ("en-ca", "English (Canada)"),
    ("en-gb", "English (United Kingdom)"),
    ("en-in", "English (India)"),
    ("en-us", "English (United States)"),
    ("et", "Estonian"),
    ("fi", "Finnish"),
    ("fr", "French"),
    ("fr-be", "French (Belgium)"),
    ("fr-ca", "French (Canada)"),
    ("fr-ch", "French (Switzerland)"),
    ("ka", "Georgian"),
    ("de", "German"),
    ("de-at", "German (Austria)"),
    ("de-ch", "German (Switzerland)"),
    ("el", "Greek"),
    ("he", "Hebrew"),
    ("hi", "Hindi"),
    ("hu", "Hungarian"),
    ("is", "Icelandic"),
    ("id", "Indonesian"),
    ("ga", "Irish"),
    ("it", "Italian"),
    ("ja", "Japanese"),
    ("kk", "Kazakh"),
    ("ko", "Korean"),
    ("lv", "Latvian"),
    ("lt", "Lithuanian"),
    ("ms", "Malay"),
    ("no", "Norwegian"),
    ("fa", "Persian"),
    ("pl", "Polish"),
    ("pt", "Portuguese"),
    ("pt-br", "Portuguese (Brazil)"),
    ("ro", "Romanian"),
    ("ru", "Russian"),
    ("sr", "Serbian"),
    ("sk", "Slovak"),
    ("sl", "Slovenian"),
    ("es", "Spanish"),
    ("es-mx", "Spanish (Mexico)"),
    ("sw", "Swahili"),
    ("sv", "Swedish"),
    ("ta", "Tamil"),
    ("th", "Thai"),
    ("tr", "Turkish"),
    ("uk", "Ukrainian"),
    ("ur", "Urdu"),
    ("vi", "Vietnamese"),
)
