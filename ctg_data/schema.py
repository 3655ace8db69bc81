"""Lire les tables déclarées (Table Schema) : un fichier JSON par table, une seule vérité."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

DOSSIER = Path(__file__).parent / "schemas"
COLONNE_COMMUNE = "code_commune"


@dataclass(frozen=True)
class Colonne:
    """Décrire une colonne : sens, type, unité, contraintes, classe de confidentialité.

    `obligatoire` : aucune cellule vide ; `presence` : la colonne doit être là, ses cellules peuvent
    être vides (une mesure absente n'est pas une mesure vide). `synonymes` : autres noms sous
    lesquels la colonne est acceptée. `alerte` : au-delà, la valeur est possible mais à vérifier.
    """

    nom: str
    titre: str
    description: str
    type: str
    unite: str
    exemple: str
    confidentialite: str
    obligatoire: bool
    presence: bool
    minimum: float | None
    maximum: float | None
    longueur_min: int
    motif: str | None
    valeurs: tuple[str, ...]
    synonymes: tuple[str, ...] = ()
    alerte: float | None = None


@dataclass(frozen=True)
class Schema:
    """Décrire une table : ses colonnes, sa clé et ses marques de valeur manquante.

    `mesures` : colonnes dont une au moins doit être là, quand aucune n'est exigée à elle seule.
    `rapports` : colonnes qui sont le rapport de deux autres (numérateur, dénominateur, facteur).
    """

    nom: str
    titre: str
    description: str
    nature: str
    colonnes: tuple[Colonne, ...]
    cle: tuple[str, ...]
    manquantes: frozenset[str]
    mesures: tuple[str, ...] = ()
    rapports: Mapping[str, tuple[str, str, float]] = field(default_factory=dict)

    @property
    def obligatoires(self) -> tuple[str, ...]:
        """Nommer les colonnes sans lesquelles la table est refusée."""
        return tuple(c.nom for c in self.colonnes if c.presence)

    def colonne(self, nom: str) -> Colonne:
        """Rendre une colonne par son nom ; KeyError si elle n'est pas déclarée."""
        return {c.nom: c for c in self.colonnes}[nom]


@lru_cache(maxsize=1)
def schemas() -> dict[str, Schema]:
    """Lire tous les schémas déclarés, dans l'ordre alphabétique des tables."""
    return {
        f.stem: _schema(json.loads(f.read_text("utf-8"))) for f in sorted(DOSSIER.glob("*.json"))
    }


def _schema(brut: dict[str, Any]) -> Schema:
    return Schema(
        nom=brut["name"],
        titre=brut["title"],
        description=brut["description"],
        nature=brut["nature"],
        colonnes=tuple(_colonne(c) for c in brut["fields"]),
        cle=tuple(brut["primaryKey"]),
        manquantes=frozenset(brut["missingValues"]),
        mesures=tuple(brut.get("mesures", ())),
        rapports={nom: tuple(r) for nom, r in brut.get("rapports", {}).items()},
    )


def _colonne(brut: dict[str, Any]) -> Colonne:
    regles = brut.get("constraints", {})
    return Colonne(
        nom=brut["name"],
        titre=brut["title"],
        description=brut["description"],
        type=brut["type"],
        unite=brut.get("unite", ""),
        exemple=str(brut["example"]),
        confidentialite=brut["confidentialite"],
        obligatoire=bool(regles.get("required")),
        presence=bool(regles.get("required") or brut.get("presence")),
        minimum=regles.get("minimum"),
        maximum=regles.get("maximum"),
        longueur_min=regles.get("minLength", 0),
        motif=regles.get("pattern"),
        valeurs=tuple(regles.get("enum", ())),
        synonymes=tuple(brut.get("synonymes", ())),
        alerte=brut.get("alerte"),
    )


def dictionnaire(schema: Schema) -> pd.DataFrame:
    """Dresser le dictionnaire d'une table : une ligne par colonne, en français."""
    return pd.DataFrame(
        {
            "Colonne": [c.nom for c in schema.colonnes],
            "Titre": [c.titre for c in schema.colonnes],
            "Obligatoire": [_obligation(c) for c in schema.colonnes],
            "Type": [TYPES[c.type] for c in schema.colonnes],
            "Unité": [c.unite for c in schema.colonnes],
            "Exemple": [c.exemple for c in schema.colonnes],
            "Confidentialité": [c.confidentialite for c in schema.colonnes],
            "Autres noms acceptés": [", ".join(c.synonymes) for c in schema.colonnes],
            "Description": [c.description for c in schema.colonnes],
        }
    )


def _obligation(colonne: Colonne) -> str:
    if colonne.obligatoire:
        return "oui"
    return "colonne oui, cellule non" if colonne.presence else "non"


TYPES = {
    "string": "texte",
    "integer": "nombre entier",
    "number": "nombre",
    "date": "date",
    "boolean": "oui / non",
}


def dictionnaire_markdown() -> str:
    """Écrire le dictionnaire de toutes les tables en Markdown (docs/dictionnaire.md)."""
    parties = [
        "# Dictionnaire des colonnes",
        "",
        "Page engendrée par les schémas : ne pas modifier.",
        "",
    ]
    for schema in schemas().values():
        table = dictionnaire(schema)
        parties += [f"## {schema.nom} — {schema.titre}", "", schema.description, ""]
        parties += [_ligne(table.columns), _ligne("---" for _ in table.columns)]
        parties += [_ligne(ligne) for ligne in table.itertuples(index=False)]
        parties += [""]
    return "\n".join(parties)


def _ligne(cellules: Any) -> str:
    return "| " + " | ".join(str(c).replace("|", "\\|").replace("\n", " ") for c in cellules) + " |"
