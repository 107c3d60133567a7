"""What the workspace service keeps as entities: owners, users and teams. Data only.

Custom entity types live in this service too, but are defined at run time and stand in its catalog alone.
"""

from __future__ import annotations

from shared.service.schema import GroupDef, TypeDef, attribute, choices, grouped, system_attributes

OWNER_KINDS = choices(("PERSON", "Person"), ("QUEUE", "Queue"))

_TEAM = attribute("team_id", "Team", "reference", reference="team", description="The main team.")


OWNER = TypeDef(
    name="owner",
    plural="owners",
    label="Owner",
    plural_label="Owners",
    wire_id="9-1",
    groups=(GroupDef("ownerinformation", "Owner information", 0),),
    attributes=(
        *system_attributes("ownerinformation"),
        *grouped(
            "ownerinformation",
            (
                attribute("email", "E-mail", "email", unique=True, searchable=True, default=True),
                attribute("first_name", "First name", wire_name="firstname", searchable=True, default=True),
                attribute("last_name", "Last name", wire_name="lastname", searchable=True, default=True),
                attribute(
                    "name",
                    "Name",
                    wire_name="fullname",
                    description="First and last name together; either way of writing them fills the other.",
                ),
                attribute(
                    "kind",
                    "Kind",
                    "enumeration",
                    wire_name="type",
                    options=OWNER_KINDS,
                    default=True,
                    description="A person, or a queue that several people work on. A person when not said.",
                ),
                attribute(
                    "user_id",
                    "User",
                    "reference",
                    wire_name="userid",
                    reference="user",
                    unique=True,
                    default=True,
                    description="Id of the user this owner is, for owners that can sign in.",
                ),
                _TEAM,
            ),
        ),
    ),
    primary_display="email",
    secondary_display=("first_name", "last_name"),
    searchable=("email", "first_name", "last_name"),
    description="Somebody, or a queue, that entities can be assigned to.",
    builtin=True,
)

USER = TypeDef(
    name="user",
    plural="users",
    label="User",
    plural_label="Users",
    wire_id="0-115",
    groups=(GroupDef("userinformation", "User information", 0),),
    attributes=(
        *system_attributes("userinformation"),
        *grouped(
            "userinformation",
            (
                attribute("email", "E-mail", "email", wire_name="hs_email", unique=True, searchable=True, default=True),
                attribute("first_name", "First name", wire_name="hs_given_name", searchable=True, default=True),
                attribute("last_name", "Last name", wire_name="hs_family_name", searchable=True, default=True),
                attribute("job_title", "Job title", wire_name="hs_job_title"),
                attribute("phone", "Phone number", "phone", wire_name="hs_main_phone"),
                attribute("time_zone", "Time zone", wire_name="hs_standard_time_zone", description="An IANA name."),
                _TEAM,
            ),
        ),
    ),
    primary_display="email",
    secondary_display=("first_name", "last_name"),
    searchable=("email", "first_name", "last_name"),
    description="Somebody who works with this installation.",
    builtin=True,
)

TEAM = TypeDef(
    name="team",
    plural="teams",
    label="Team",
    plural_label="Teams",
    wire_id="9-2",
    groups=(GroupDef("teaminformation", "Team information", 0),),
    attributes=(
        *system_attributes("teaminformation"),
        *grouped(
            "teaminformation",
            (
                attribute("name", "Name", unique=True, searchable=True, default=True),
                attribute(
                    "parent_id",
                    "Parent team",
                    "reference",
                    reference="team",
                    description="The team this one is part of.",
                ),
            ),
        ),
    ),
    primary_display="name",
    searchable=("name",),
    description="A group of owners.",
    builtin=True,
)

TYPES = (OWNER, USER, TEAM)
