"""Ouvrir un territoire : un dossier avec territoire.toml et ses tables CSV."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from ctg_data.anomalies import Anomalie
from ctg_data.lecture import lire_csv
from ctg_data.schema import Schema, schemas
from ctg_data.validation import COLONNE_COMMUNE, valider

EMBARQUES = Path(__file__).parent / "territoires"
FICHE = "territoire.toml"


@dataclass(frozen=True)
class Mission:
    """Dire qui exerce une mission du service public de la petite enfance."""

    code: str
    libelle: str
    article: str
    titulaire: str
    a_verifier: bool
    reserve: str


@dataclass(frozen=True)
class Ctg:
    """Porter les dates connues de la convention et la réserve à montrer avec elles."""

    date_signature: dt.date | None = None
    annee_debut: int | None = None
    annee_fin: int | None = None
    reserve: str = ""


@dataclass(frozen=True)
class Territoire:
    """Porter ce que territoire.toml déclare : communes, niveaux de référence, CTG, missions."""

    code: str
    nom: str
    communes: tuple[str, ...]
    epci: tuple[Mapping[str, Any], ...] = ()
    departement: Mapping[str, str] = field(default_factory=dict)
    region: Mapping[str, str] = field(default_factory=dict)
    ctg: Ctg = field(default_factory=lambda: Ctg())
    missions: tuple[Mission, ...] = ()


@dataclass(frozen=True)
class Donnees:
    """Porter un territoire chargé : ses tables valides et toutes les anomalies relevées.

    Une table qui a une erreur n'est pas dans `tables` : les pages qui en ont besoin montrent
    ses anomalies, les autres continuent.
    """

    territoire: Territoire
    tables: Mapping[str, pd.DataFrame]
    anomalies: tuple[Anomalie, ...]

    @property
    def noms(self) -> dict[str, str]:
        """Rendre le nom de chaque commune ; son code quand la table des communes est écartée."""
        if "communes" not in self.tables:
            return {c: c for c in self.territoire.communes}
        communes = self.tables["communes"]
        return dict(zip(communes["code_commune"], communes["nom_commune"], strict=True))

    def fautes(self, tables: Iterable[str]) -> list[Anomalie]:
        """Rendre les erreurs qui écartent l'une de ces tables."""
        fichiers = {f"{t}.csv" for t in tables} | {FICHE}
        return [a for a in self.anomalies if a.erreur and a.fichier in fichiers]


def lister(dossiers: Iterable[Path]) -> dict[str, Path]:
    """Lister les territoires de plusieurs dossiers ; à nom égal, le dernier l'emporte."""
    return {
        d.name: d
        for racine in dossiers
        if racine.is_dir()
        for d in sorted(racine.iterdir())
        if (d / FICHE).is_file()
    }


def charger(dossier: Path) -> Donnees:
    """Charger un territoire et contrôler ses tables ; ne lève rien sur des données fautives."""
    territoire, anomalies = lire_fiche(dossier)
    tables: dict[str, pd.DataFrame] = {}
    for schema in schemas().values():
        chemin = dossier / f"{schema.nom}.csv"
        if not chemin.is_file():
            continue
        table, fautes = _charger_table(chemin, schema, territoire.communes or None)
        anomalies += fautes
        if table is not None:
            tables[schema.nom] = table
    return Donnees(territoire, tables, tuple(anomalies))


def _charger_table(
    chemin: Path, schema: Schema, communes: tuple[str, ...] | None
) -> tuple[pd.DataFrame | None, list[Anomalie]]:
    try:
        octets = chemin.read_bytes()
    except OSError as faute:
        conseil = "Vérifiez que le fichier n'est pas ouvert ailleurs et qu'il est lisible."
        return None, [Anomalie(chemin.name, f"lecture impossible ({faute.strerror})", conseil)]
    tableau, anomalies = lire_csv(octets, chemin.name)
    if tableau is None:
        return None, anomalies
    table, fautes = valider(tableau, schema, communes)
    anomalies += fautes
    if schema.nom == "communes" and communes:
        anomalies += _communes_absentes(table, communes)
    return (None if any(a.erreur for a in anomalies) else table), anomalies


def _communes_absentes(table: pd.DataFrame, communes: tuple[str, ...]) -> list[Anomalie]:
    presentes = set(table.get(COLONNE_COMMUNE, ()))
    return [
        Anomalie(
            "communes.csv",
            f"la commune {code} de territoire.toml n'a pas de ligne",
            "Ajoutez sa ligne, ou retirez-la de territoire.toml.",
            colonne=COLONNE_COMMUNE,
        )
        for code in communes
        if presentes and code not in presentes
    ]


def lire_fiche(dossier: Path) -> tuple[Territoire, list[Anomalie]]:
    """Lire territoire.toml ; une fiche fautive rend un territoire vide et dit pourquoi."""
    vide = Territoire(dossier.name, dossier.name, ())
    try:
        brut = tomllib.loads((dossier / FICHE).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as faute:
        return vide, [Anomalie(FICHE, f"fiche illisible ({faute})", "Repartez du modèle livré.")]
    communes = tuple(str(c) for c in brut.get("communes", ()))
    if not communes or "nom" not in brut:
        regle = "il manque « nom » ou « communes »"
        conseil = 'Écrivez par exemple : nom = "Mon territoire", communes = ["01001", "01004"].'
        return vide, [Anomalie(FICHE, regle, conseil)]
    try:
        return _territoire(dossier.name, communes, brut), []
    except (KeyError, TypeError, AttributeError) as faute:
        regle = f"rubrique mal formée ({type(faute).__name__} : {faute})"
        return vide, [Anomalie(FICHE, regle, "Repartez du modèle livré avec l'outil.")]


def _territoire(code: str, communes: tuple[str, ...], brut: Mapping[str, Any]) -> Territoire:
    connus = {c: v for c, v in brut.get("ctg", {}).items() if c in Ctg.__dataclass_fields__}
    return Territoire(
        code=code,
        nom=str(brut["nom"]),
        communes=communes,
        epci=tuple(brut.get("epci", ())),
        departement=brut.get("departement", {}),
        region=brut.get("region", {}),
        ctg=Ctg(**connus),
        missions=tuple(_mission(m) for m in brut.get("missions", ())),
    )


def _mission(brut: Mapping[str, Any]) -> Mission:
    return Mission(
        code=str(brut["code"]),
        libelle=str(brut["libelle"]),
        article=str(brut.get("article", "")),
        titulaire=str(brut.get("titulaire", "")),
        a_verifier=bool(brut.get("a_verifier", True)),
        reserve=str(brut.get("reserve", "")),
    )
