"""The entity type article: something worth knowing, for customers or for ourselves. Data only."""

from __future__ import annotations

from services.service_desk.schema.choices import ARTICLE_STATUSES, AUDIENCES, CATEGORIES
from shared.service.schema import GroupDef, TypeDef, attribute, grouped, owner_attribute, system_attributes

_GROUP = "articleinformation"

_ABOUT = (
    attribute("title", "Title", required=True, searchable=True, default=True),
    attribute("body", "Text", "long_text", field_type="html", searchable=True),
    attribute(
        "audience",
        "Audience",
        "enumeration",
        options=AUDIENCES,
        default=True,
        description="Who may read it. Nobody but us unless it says otherwise.",
    ),
    attribute("status", "Status", "enumeration", options=ARTICLE_STATUSES, default=True),
    attribute("category", "Category", "multi_enumeration", options=CATEGORIES, description="What it is about."),
    owner_attribute(),
)
_FOLLOWING = (attribute("published_at", "Published", "datetime", description="When it was last published."),)

ARTICLE = TypeDef(
    name="article",
    plural="articles",
    label="Article",
    plural_label="Articles",
    wire_id="0-902",
    groups=(GroupDef(_GROUP, "Article information", 0),),
    attributes=(*system_attributes(_GROUP), *grouped(_GROUP, _ABOUT), *grouped(_GROUP, _FOLLOWING, kept=True)),
    primary_display="title",
    secondary_display=("audience", "status"),
    required=("title",),
    searchable=("title", "body"),
    description="Something worth knowing, for customers or for ourselves.",
    builtin=True,
)
