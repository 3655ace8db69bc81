"""Ouvrir un territoire : un dossier avec territoire.toml et ses tables CSV."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from ctg_data.anomalies import Anomalie, abreger
from ctg_data.lecture import lire_csv
from ctg_data.schema import COLONNE_COMMUNE, Schema, schemas
from ctg_data.validation import valider

EMBARQUES = Path(__file__).parent / "territoires"
FICHE = "territoire.toml"
MODELE = "Repartez d'une fiche livrée avec l'outil."
CODE_COMMUNE = re.compile(r"(\d{2}|2[AB])\d{3}", re.ASCII)


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
    locatif: str = ""
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


def copier(dossier: Path, cible: Path) -> None:
    """Copier les fichiers d'un territoire dans un dossier neuf, tout ou rien.

    La copie porte un nom provisoire tant qu'elle n'est pas complète : un dossier à moitié copié
    remplacerait le territoire livré. Lève OSError si la cible existe ou ne peut être écrite.
    """
    cible.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cible.parent, prefix=".copie-") as provisoire:
        complet = Path(provisoire) / cible.name
        shutil.copytree(dossier, complet)
        complet.rename(cible)


def charger(dossier: Path) -> Donnees:
    """Charger un territoire et contrôler ses tables ; ne lève rien sur des données fautives.

    Ce qui a été lu sans risque (encodage, séparateur, milliers) n'est dit qu'au dépôt du fichier.
    """
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
    except OSError:
        conseil = "Vérifiez que le fichier n'est pas ouvert ailleurs et qu'il est lisible."
        return None, [Anomalie(chemin.name, "lecture impossible", conseil)]
    tableau, anomalies = lire_csv(octets, chemin.name)
    if tableau is None:
        return None, anomalies
    table, fautes = valider(tableau, schema, communes)
    anomalies = [a for a in anomalies + fautes if a.gravite != "information"]
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
        brut = tomllib.loads((dossier / FICHE).read_text("utf-8-sig"))
    except OSError:
        return vide, [Anomalie(FICHE, "fiche absente ou illisible", MODELE)]
    except UnicodeDecodeError:
        return vide, [Anomalie(FICHE, "la fiche n'est pas en UTF-8", "Enregistrez-la en UTF-8.")]
    except (ValueError, RecursionError) as faute:
        return vide, [_toml(str(faute))]
    fautes = _fautes_fiche(brut)
    if fautes:
        return vide, fautes
    return _territoire(dossier.name, tuple(brut["communes"]), brut), []


def _toml(faute: str) -> Anomalie:
    """Situer une faute d'écriture, que tomllib dit en anglais."""
    ligne = re.search(r"at line (\d+)", faute)
    conseil = f"Un texte s'écrit entre guillemets, une liste entre crochets. {MODELE}"
    return Anomalie(FICHE, "écriture TOML fautive", conseil, int(ligne[1]) if ligne else None)


def _fautes_fiche(brut: Mapping[str, Any]) -> list[Anomalie]:
    """Contrôler la forme de chaque rubrique dont l'outil se sert."""
    return [*_fautes_communes(brut.get("communes")), *_fautes_rubriques(brut)]


def _fautes_communes(communes: object) -> list[Anomalie]:
    conseil = 'Écrivez par exemple : communes = ["01001", "01004"].'
    if not isinstance(communes, list) or not communes:
        return [Anomalie(FICHE, "liste des communes absente", conseil, colonne="communes")]
    fautes = []
    for rang, code in enumerate(communes):
        regle = ""
        if not isinstance(code, str) or not CODE_COMMUNE.fullmatch(code):
            regle = "code commune mal formé (cinq caractères, entre guillemets)"
        elif code in communes[:rang]:
            regle = "commune en double"
        if regle:
            trouve = abreger(code)
            fautes.append(Anomalie(FICHE, regle, conseil, colonne="communes", valeur=trouve))
    return fautes


def _fautes_rubriques(brut: Mapping[str, Any]) -> list[Anomalie]:
    niveaux = [brut.get(n, {}) for n in ("departement", "region")]
    epci, missions, ctg = brut.get("epci", []), brut.get("missions", []), brut.get("ctg", {})
    formes = {
        "nom": isinstance(brut.get("nom"), str) and brut["nom"].strip(),
        "departement, region": all(isinstance(n, dict) for n in niveaux),
        "epci": _liste_de(epci, "code", "nom"),
        "missions": _liste_de(missions, "code", "libelle"),
        "ctg": isinstance(ctg, dict) and all(_bon_type(c, v) for c, v in ctg.items()),
    }
    regle = "rubrique absente ou mal formée"
    return [
        Anomalie(FICHE, regle, MODELE, colonne=rubrique)
        for rubrique, bonne in formes.items()
        if not bonne
    ]


def _liste_de(valeur: object, *cles: str) -> bool:
    """Dire si une valeur est une liste de rubriques qui ont toutes ces clés, en texte."""
    return isinstance(valeur, list) and all(
        isinstance(r, dict) and all(isinstance(r.get(c), str) for c in cles) for r in valeur
    )


def _bon_type(cle: str, valeur: object) -> bool:
    types = {"date_signature": dt.date, "annee_debut": int, "annee_fin": int, "reserve": str}
    return isinstance(valeur, types.get(cle, object))


def _territoire(code: str, communes: tuple[str, ...], brut: Mapping[str, Any]) -> Territoire:
    connus = {c: v for c, v in brut.get("ctg", {}).items() if c in Ctg.__dataclass_fields__}
    return Territoire(
        code=code,
        nom=str(brut["nom"]),
        communes=communes,
        epci=tuple(brut.get("epci", ())),
        departement=brut.get("departement", {}),
        region=brut.get("region", {}),
        locatif=str(brut.get("locatif") or f"à {brut['nom']}"),
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
