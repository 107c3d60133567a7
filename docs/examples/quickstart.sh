#!/bin/sh
# The first five requests with curl, then tidying up. CRM_URL and CRM_TOKEN choose another system and token.
set -eu
cd "$(dirname "$0")/../.."
url=${CRM_URL:-http://127.0.0.1:8000}
token=${CRM_TOKEN:-$(make -s token)}

# call METHOD PATH [JSON]: prints the answer and its status.
call() {
    method=$1 path=$2 body=${3:-}
    printf '\n%s %s\n' "$method" "$path"
    set -- -s -w '\n%{http_code}\n' -X "$method" -H "Authorization: Bearer $token"
    [ -z "$body" ] || set -- "$@" -H "Content-Type: application/json" -d "$body"
    curl "$@" "$url$path"
}

call POST /api/v1/types/contact/attributes '{"label": "Renewal fee", "name": "renewal_fee", "type": "number"}'
call POST /api/v1/objects/contact '{"values": {"email": "noor@example.org", "Renewal fee": 1200.75}}'
call GET '/crm/v3/objects/contacts/noor@example.org?idProperty=email&properties=renewal_fee'
call POST /api/v1/objects/contact/query '{"filter": {"attribute": "Renewal fee", "operator": "GT", "value": 1000}}'
call POST /crm/v3/objects/contacts '{"properties": {"email": "NOOR@example.org"}}'

call DELETE '/api/v1/objects/contact/noor@example.org?by=email'
call DELETE /api/v1/types/contact/attributes/renewal_fee
