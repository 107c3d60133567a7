"""From what people write as a country (ISO code, English or own name) to the ISO 3166 two-letter code.

Enough to read phone numbers by; not a gazetteer, and never a reason to refuse or rewrite a country.
"""

from __future__ import annotations

import unicodedata

_NAMES = """
AD Andorra; AE United Arab Emirates, UAE, الإمارات; AF Afghanistan; AG Antigua and Barbuda; AI Anguilla
AL Albania, Shqipëria; AM Armenia; AO Angola; AR Argentina, ARG; AS American Samoa; AT Austria, Österreich, AUT
AU Australia, AUS; AW Aruba; AX Åland Islands; AZ Azerbaijan; BA Bosnia and Herzegovina, Bosnia; BB Barbados
BD Bangladesh; BE Belgium, België, Belgique, Belgien, BEL; BF Burkina Faso; BG Bulgaria, България; BH Bahrain
BI Burundi; BJ Benin; BL Saint Barthélemy; BM Bermuda; BN Brunei, Brunei Darussalam; BO Bolivia
BQ Bonaire, Caribbean Netherlands; BR Brazil, Brasil, BRA; BS Bahamas, The Bahamas; BT Bhutan; BW Botswana
BY Belarus; BZ Belize; CA Canada, CAN; CC Cocos Islands
CD Democratic Republic of the Congo, DR Congo, Congo-Kinshasa; CF Central African Republic
CG Congo, Republic of the Congo, Congo-Brazzaville; CH Switzerland, Schweiz, Suisse, Svizzera, CHE
CI Côte d'Ivoire, Ivory Coast; CK Cook Islands; CL Chile, CHL; CM Cameroon, Cameroun
CN China, People's Republic of China, PR China, 中国, 中國, CHN; CO Colombia, COL; CR Costa Rica; CU Cuba
CV Cape Verde, Cabo Verde; CW Curaçao; CX Christmas Island; CY Cyprus
CZ Czech Republic, Czechia, Česko, Česká republika, CZE; DE Germany, Deutschland, Allemagne, Alemania, 德国, DEU
DJ Djibouti; DK Denmark, Danmark, DNK; DM Dominica; DO Dominican Republic, República Dominicana; DZ Algeria, Algérie
EC Ecuador; EE Estonia, Eesti; EG Egypt, مصر, EGY; EH Western Sahara; ER Eritrea; ES Spain, España, Espagne, ESP
ET Ethiopia; FI Finland, Suomi, FIN; FJ Fiji; FK Falkland Islands; FM Micronesia; FO Faroe Islands, Føroyar
FR France, Frankreich, Francia, FRA; GA Gabon
GB United Kingdom, Great Britain, Britain, UK, England, Scotland, Wales, Northern Ireland, GBR
GD Grenada; GE Georgia; GF French Guiana; GG Guernsey; GH Ghana; GI Gibraltar; GL Greenland; GM Gambia, The Gambia
GN Guinea; GP Guadeloupe; GQ Equatorial Guinea; GR Greece, Ελλάδα, Hellas, GRC; GT Guatemala; GU Guam
GW Guinea-Bissau; GY Guyana; HK Hong Kong, 香港; HN Honduras; HR Croatia, Hrvatska; HT Haiti
HU Hungary, Magyarország, HUN; ID Indonesia, IDN; IE Ireland, Éire, Republic of Ireland, IRL
IL Israel, ישראל, ISR; IM Isle of Man; IN India, भारत, IND; IO British Indian Ocean Territory; IQ Iraq, العراق
IR Iran, Islamic Republic of Iran, ایران; IS Iceland, Ísland; IT Italy, Italia, Italien, Italie, ITA; JE Jersey
JM Jamaica; JO Jordan, الأردن; JP Japan, 日本, JPN; KE Kenya; KG Kyrgyzstan; KH Cambodia; KI Kiribati; KM Comoros
KN Saint Kitts and Nevis; KP North Korea; KR South Korea, Korea, Republic of Korea, 대한민국, 한국, KOR; KW Kuwait
KY Cayman Islands; KZ Kazakhstan, Қазақстан; LA Laos; LB Lebanon, لبنان; LC Saint Lucia; LI Liechtenstein
LK Sri Lanka; LR Liberia; LS Lesotho; LT Lithuania, Lietuva; LU Luxembourg, Luxemburg; LV Latvia, Latvija; LY Libya
MA Morocco, Maroc, المغرب; MC Monaco; MD Moldova; ME Montenegro, Crna Gora; MF Saint Martin; MG Madagascar
MH Marshall Islands; MK North Macedonia, Macedonia; ML Mali; MM Myanmar, Burma; MN Mongolia; MO Macao, Macau, 澳门
MP Northern Mariana Islands; MQ Martinique; MR Mauritania; MS Montserrat; MT Malta; MU Mauritius; MV Maldives
MW Malawi; MX Mexico, México, MEX; MY Malaysia, MYS; MZ Mozambique, Moçambique; NA Namibia; NC New Caledonia; NE Niger
NF Norfolk Island; NG Nigeria, NGA; NI Nicaragua; NL Netherlands, The Netherlands, Nederland, Holland, NLD
NO Norway, Norge, NOR; NP Nepal; NR Nauru; NU Niue; NZ New Zealand, Aotearoa, NZL; OM Oman; PA Panama; PE Peru, Perú
PF French Polynesia; PG Papua New Guinea; PH Philippines, The Philippines, Pilipinas, PHL; PK Pakistan, PAK
PL Poland, Polska, POL; PM Saint Pierre and Miquelon; PR Puerto Rico; PS Palestine; PT Portugal, PRT; PW Palau
PY Paraguay; QA Qatar, قطر; RE Réunion; RO Romania, România, ROU; RS Serbia, Srbija, Србија
RU Russia, Russian Federation, Россия, RUS; RW Rwanda; SA Saudi Arabia, KSA, السعودية, SAU; SB Solomon Islands
SC Seychelles; SD Sudan; SE Sweden, Sverige, SWE; SG Singapore, 新加坡, SGP; SH Saint Helena; SI Slovenia, Slovenija
SJ Svalbard and Jan Mayen; SK Slovakia, Slovensko, SVK; SL Sierra Leone; SM San Marino; SN Senegal, Sénégal
SO Somalia; SR Suriname; SS South Sudan; ST São Tomé and Príncipe; SV El Salvador; SX Sint Maarten; SY Syria
SZ Eswatini, Swaziland; TC Turks and Caicos Islands; TD Chad, Tchad; TG Togo; TH Thailand, ประเทศไทย, THA
TJ Tajikistan; TK Tokelau; TL Timor-Leste, East Timor; TM Turkmenistan; TN Tunisia, Tunisie, تونس; TO Tonga
TR Turkey, Türkiye, TUR; TT Trinidad and Tobago; TV Tuvalu; TW Taiwan, 台灣, 台湾, TWN; TZ Tanzania
UA Ukraine, Україна, UKR; UG Uganda; US United States, United States of America, USA, America, 美国; UY Uruguay
UZ Uzbekistan; VA Vatican City, Vatican, Holy See; VC Saint Vincent and the Grenadines; VE Venezuela
VG British Virgin Islands; VI US Virgin Islands; VN Vietnam, Viet Nam, Việt Nam, VNM; VU Vanuatu
WF Wallis and Futuna; WS Samoa; XK Kosovo; YE Yemen; YT Mayotte; ZA South Africa, ZAF; ZM Zambia; ZW Zimbabwe
"""


def region_of(country: str) -> str | None:
    """The two-letter code of a country as somebody wrote it, None when it is not known. `U.S.A.` -> `US`."""
    return _REGIONS.get(_key(country))


def _key(name: str) -> str:
    """A name without accents, case, spaces and punctuation; `&` counts as `and`."""
    letters = unicodedata.normalize("NFKD", name.replace("&", "and").casefold())
    return "".join(letter for letter in letters if letter.isalnum())


def _read(table: str) -> dict[str, str]:
    regions = {}
    for entry in table.replace("\n", ";").split(";"):
        region, _, names = entry.strip().partition(" ")
        regions.update({_key(name): region for name in (region, *names.split(",")) if name})
    return regions


_REGIONS = _read(_NAMES)
