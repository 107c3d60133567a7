"""Names under which files have the same thing as an attribute, in several languages. Data only.

Each line is one thing: internal names of attributes first, then what headers say, in plain letters (see `plain`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

_THINGS = """
email: e-mail, mail, email address, e-mail address, emailadresse, primary email, correo, correo electronico, courriel,
    adresse email, posta elettronica, 邮箱, 电子邮件, メール, e-posta
first_name: firstname, given name, forename, vorname, prenom, nombre, nome, 名, 名字, имя
last_name: lastname, surname, family name, nachname, familienname, nom, nom de famille, apellido, apellidos, cognome,
    sobrenome, 姓, фамилия
phone: phone number, telephone, telephone number, tel, telefon, telefonnummer, telefono, numero de telephone,
    电话, телефон
mobile_phone: mobile, mobile number, cell, cell phone, cellphone, handy, mobil, mobiltelefon, portable, movil, 手机
fax: fax number, telefax
job_title: title, position, job, role, function, berufsbezeichnung, funktion, poste, cargo, puesto, 职位
salutation: anrede, civilite, tratamiento, prefix
company: company name, account, account name, organisation, organization, firma, unternehmen, entreprise, societe,
    empresa, azienda, employer, 公司
name: company name, account, account name, organisation, organization, firma, unternehmen, entreprise, empresa,
    公司, 名称
domain: company domain, domain name, website domain, company domain name
website: website url, web site, url, homepage, web, internet, site web, sitio web, webseite, 网站
industry: sector, branche, secteur, sector de actividad, settore, 行业
number_of_employees: employees, employee count, headcount, staff, mitarbeiter, mitarbeiterzahl, effectif, empleados,
    员工人数
annual_revenue: revenue, turnover, sales, umsatz, jahresumsatz, chiffre d'affaires, ingresos, fatturato, 年收入
founded_year: year established, founded, year founded, established, gruendungsjahr, annee de creation
address: street, street address, address line 1, strasse, anschrift, adresse, rue, direccion, calle, indirizzo, 地址
address_line_2: address 2, address line 2, street 2, adresszusatz, complement d'adresse
city: town, ort, stadt, ville, ciudad, citta, cidade, localidad, 城市, город
state: region, province, state or province, county, bundesland, departement, provincia, estado, 省
postal_code: zip, zip code, postcode, post code, plz, postleitzahl, code postal, codigo postal, cap, cep, 邮编
country: land, pays, pais, paese, nation, country or region, office location, 国家, страна
language: preferred language, sprache, langue, idioma, lingua, 语言
time_zone: timezone, tz, zeitzone
owner_id: owner, account owner, contact owner, company owner, assigned to, sales agent, sales rep, betreuer, responsable
lifecycle_stage: lifecycle stage, stage, phase
lead_status: status, lead status
description: about, notes, beschreibung, descripcion, descrizione, 描述
message: comment, comments, remark, nachricht, bemerkung, mensaje, kommentar
id: record id, crm id, entity id
user_id: user, user name
team_id: team
kind: type, owner type
parent_id: parent, parent team, parent company, manager
"""


def plain(name: str) -> str:
    """A name without case, marks, spaces and accents: what is compared."""
    told = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in told if letter.isalnum())


def _read(text: str) -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    joined = text.replace("\n    ", " ").strip()
    for line in joined.splitlines():
        name, _, others = line.partition(":")
        for one in (name, *others.split(",")):
            found.setdefault(plain(one), set()).add(name.strip())
    return {spelling: frozenset(names) for spelling, names in found.items()}


_NAMES = _read(_THINGS)


def things(names: Iterable[str]) -> frozenset[str]:
    """What any of these names stands for: internal names of attributes."""
    none: frozenset[str] = frozenset()
    return none.union(*(_NAMES.get(plain(name), none) for name in names))
