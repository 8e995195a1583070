"""The rules on children, their disabilities and families, drawn."""

from tests.spec.rule_tables import DISABILITY, FAMILY, PERSON, Drawings

DRAWINGS: Drawings = {
    ("8525Q", PERSON): {PERSON: """
        dob         expected_dob  keeps
        2020-01-01  -             yes
        -           2027-01-01    yes
        2020-01-01  2020-02-01    no
        -           -             no
    """},
    ("8535Q", PERSON): {PERSON: """
        dob         death_date  keeps
        2020-01-01  2019-12-01  no
        2020-01-01  2020-01-01  yes
        2020-01-01  -           yes
        -           2019-12-01  yes
    """},
    ("8790", DISABILITY): {DISABILITY: """
        person_id  disability_code  keeps
        both       NONE             no
        other      MOB              yes
        both       MOB              no
        nothing    NONE             yes
        nothing    NONE             yes
        empty      NONE             yes
        empty      -                yes
    """},
    ("8794", DISABILITY): {DISABILITY: """
        person_id  disability_code  keeps
        twice      MOB              no
        twice      HAND             yes
        twice      MOB              no
        once       MOB              yes
        empty      -                yes
        empty      -                yes
    """},
    ("family-too-large", FAMILY): {
        FAMILY: "\n".join(
            ["family_id person_id keeps"]
            + [f"unknown p{child} no" for child in range(21)]
            + [f"large p{child} yes" for child in range(20)]
        )
    },
}  # fmt: skip
