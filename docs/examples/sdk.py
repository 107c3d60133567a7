"""The same through the official SDK for Python, pointed at this system. Tidies up behind itself."""

import os
import subprocess

from hubspot import HubSpot
from hubspot.crm.contacts import ApiException, PublicObjectSearchRequest, SimplePublicObjectInputForCreate
from hubspot.crm.properties import PropertyCreate

token = os.environ.get("CRM_TOKEN") or subprocess.check_output(["make", "-s", "token"], text=True).strip()
crm = HubSpot(access_token=token, host=os.environ.get("CRM_URL", "http://127.0.0.1:8000")).crm

attribute = PropertyCreate(
    name="budget", label="Budget", type="number", field_type="number", group_name="contactinformation"
)
print("attribute:", crm.properties.core_api.create("contacts", attribute).name)

values = {"email": "ada@example.org", "firstname": "Ada", "budget": "125000.50"}
made = crm.contacts.basic_api.create(SimplePublicObjectInputForCreate(properties=values))
print("created:", made.properties["email"])

read = crm.contacts.basic_api.get_by_id("ada@example.org", id_property="email", properties=["budget"])
print("read:", read.properties["budget"])

above = {"propertyName": "budget", "operator": "GT", "value": "100000"}
search = PublicObjectSearchRequest(filter_groups=[{"filters": [above]}], properties=["email"], limit=10)
found = crm.contacts.search_api.do_search(search)
print("found:", found.total, found.results[0].properties["email"])

try:
    crm.contacts.basic_api.create(SimplePublicObjectInputForCreate(properties=values))
except ApiException as error:
    print("refused:", error.status, error.reason)

crm.contacts.basic_api.archive(made.id)
crm.properties.core_api.archive("contacts", "budget")
