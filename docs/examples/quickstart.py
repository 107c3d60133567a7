"""The native door from Python with httpx: define, write, read, find, and meet an error. Tidies up behind itself."""

import os
import subprocess

import httpx

token = os.environ.get("CRM_TOKEN") or subprocess.check_output(["make", "-s", "token"], text=True).strip()
url = os.environ.get("CRM_URL", "http://127.0.0.1:8000")

with httpx.Client(base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {token}"}) as crm:
    attribute = crm.post("/types/contact/attributes", json={"label": "预计关闭日期", "type": "date"}).json()
    print("attribute:", attribute["label"], attribute["type"])

    values = {"email": "mei@example.org", "first_name": "Mei", "预计关闭日期": "2027-03-31"}
    made = crm.post("/objects/contact", json={"values": values})
    print("created:", made.status_code, made.headers["ETag"])

    # Only if nobody has changed it since: otherwise the answer is 412.
    contact = f"/objects/contact/{made.json()['id']}"
    changed = crm.patch(contact, json={"values": {"预计关闭日期": "2027-04-30"}}, headers={"If-Match": '"1"'})
    print("changed:", changed.status_code, changed.headers["ETag"])

    name = attribute["name"]
    shown = crm.get(contact, params={"attributes": f"email,{name}", "history": name}).json()
    print("now:", shown["values"][name], "before:", shown["history"][name][1]["value"])

    soon = {"attribute": "预计关闭日期", "operator": "BETWEEN", "value": "2027-04-01", "high_value": "2027-06-30"}
    found = crm.post("/objects/contact/query", json={"filter": soon, "total": "exact"}).json()
    print("found:", found["total"], found["results"][0]["values"]["email"])

    refused = crm.patch(contact, json={"values": {"frist_name": "Mei", "预计关闭日期": "soon"}}).json()
    for error in refused["errors"]:
        print("refused:", error["message"])

    crm.delete(contact)
    crm.delete(f"/types/contact/attributes/{name}")
