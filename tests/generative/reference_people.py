"""Who is who on any date: merged records, brothers and sisters, families."""

from datetime import date

from tests.generative.reference_rows import Rows
from validation.tables.catalogue import TABLES


class People(Rows):
    """The children, each by the pseudonym that stands for it, and their families."""

    def current(self, person: str, as_of: date) -> str:
        """The pseudonym that stands for a child, merges followed."""
        for _ in range(10):
            links = [
                (max(version.since, version.row["link_date"] or version.since), version.row["link_new_person_id"])
                for version in self.versions["ext_person_links"]
                if version.known(as_of) and version.row["link_old_person_id"] == person
                and (version.row["link_date"] or as_of) <= as_of and version.row["link_new_person_id"] != person
            ]  # fmt: skip
            if not links:
                return person
            person = max(links)[1]
        return person

    def records(self, person: str, as_of: date) -> set[str]:
        """The child's own pseudonym and those that were merged into it."""
        old = {version.row["link_old_person_id"] for version in self.versions["ext_person_links"]}
        return {person} | {one for one in old if self.current(one, as_of) == person}

    def was_seen(self, person: str, as_of: date) -> bool:
        """Had any dated row about the child been known by then?"""
        for name, table in TABLES.items():
            if table.person is None or table.happened is None or table.audit_only:
                continue
            for version in self.versions[name]:
                day = max(version.since, version.row[table.happened])
                if version.row[table.person] == person and day <= as_of and day < version.until:
                    return True
        return False

    def links(self, as_of: date) -> list[tuple[str, str]]:
        """Family and child of every family link known, of children who had been seen."""
        return [
            (version.row["fami_family_id"], version.row["fami_person_id"])
            for version in self.versions["ssd_family"]
            if version.known(as_of) and self.was_seen(version.row["fami_person_id"], as_of)
        ]

    def siblings(self, person: str, as_of: date) -> set[str]:
        """Brothers and sisters, each by the pseudonym that stands for it."""
        mine = self.records(person, as_of)
        known = [version.row for version in self.versions["ssd_family"] if version.known(as_of)]
        families = {row["fami_family_id"] for row in known if row["fami_person_id"] in mine}
        others = {self.current(row["fami_person_id"], as_of) for row in known if row["fami_family_id"] in families}
        seen = {one for one in others if any(self.was_seen(record, as_of) for record in self.records(one, as_of))}
        return {one for one in seen if not self.records(one, as_of) & mine}

    def family(self, person: str, as_of: date) -> str:
        """The name of the child's family: the smallest of all children and families that hang together."""
        edges = [(f"family {family}", child) for family, child in self.links(as_of)]
        edges += [
            (version.row["link_old_person_id"], version.row["link_new_person_id"])
            for version in self.versions["ext_person_links"]
            if version.known(as_of) and (version.row["link_date"] or as_of) <= as_of
        ]
        found = {person}
        while True:
            more = {node for edge in edges if found & set(edge) for node in edge} - found
            if not more:
                return min(found)
            found |= more
