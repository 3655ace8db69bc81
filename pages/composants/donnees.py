"""Les seuls caches de l'application : tables, résultats et fonds, par chemin et date de fichier."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pandas as pd
import streamlit as st

from ctg_data.anomalies import Anomalie
from ctg_data.indicateurs import Resultat, calculer, catalogue, serie_commune, serie_ensemble
from ctg_data.indicateurs.formules import COMPOSANTES, composantes, structure
from ctg_data.indicateurs.options import Options
from ctg_data.territoire import Donnees, charger
from geodata.contours import TERRITOIRES, contours_territoire
from geodata.fond import Fond, preparer
from geodata.lieux import Lieu
from geodata.lieux import lieux as lieux_de
from pages.composants.contexte import Contexte

Empreinte = tuple[tuple[str, int, int], ...]


def empreinte(dossier: Path) -> Empreinte:
    """Rendre nom, date et taille de chaque fichier : elle change dès qu'un fichier change."""
    with os.scandir(dossier) as fichiers:
        return tuple(
            sorted(
                (f.name, f.stat().st_mtime_ns, f.stat().st_size) for f in fichiers if f.is_file()
            )
        )


# Les tables sont lues, jamais modifiées : les formules sont pures. Une copie à chaque passage
# (cache_data) coûterait plus que le calcul.
@st.cache_resource(max_entries=12, show_spinner=False)
def _charger(dossier: str, marque: Empreinte) -> Donnees:
    return charger(Path(dossier))


def tables(contexte: Contexte) -> Donnees:
    """Rendre les tables du territoire, à ne pas modifier."""
    return _charger(str(contexte.dossier), empreinte(contexte.dossier))


def fautes(contexte: Contexte, *codes: str) -> list[Anomalie]:
    """Rendre les erreurs qui empêchent de calculer ces indicateurs ; table absente comprise."""
    donnees = tables(contexte)
    necessaires = {"communes"} | {t for code in codes for t in catalogue()[code].tables}
    relevees = donnees.fautes(necessaires)
    ecartees = {a.fichier for a in relevees}
    return relevees + [
        Anomalie(
            f"{table}.csv",
            "fichier absent du dossier du territoire",
            "Déposez ce fichier ; ses colonnes sont décrites à la page Données.",
        )
        for table in sorted(necessaires - set(donnees.tables))
        if f"{table}.csv" not in ecartees
    ]


def enfants(contexte: Contexte) -> Resultat:
    """Rendre les moins de 3 ans de l'année du taux de couverture, par l'estimateur choisi."""
    annee = resultat(contexte, "taux_couverture").annee
    return resultat(contexte, f"enfants_moins_3_{contexte.estimateur}", annee)


def niveaux(contexte: Contexte, code: str) -> tuple[str, ...]:
    """Rendre les niveaux de comparaison qui ont un chiffre pour l'indicateur, ou pour l'offre.

    Un effectif ne se compare pas d'un territoire à l'autre : ses niveaux sont ceux du taux de
    couverture, qui situent les autres chiffres de la page.
    """
    if fautes(contexte, "taux_couverture"):
        return tuple(resultat(contexte, code).references)
    propres = resultat(contexte, code).references
    return tuple(propres or resultat(contexte, "taux_couverture").references)


def resultat(contexte: Contexte, code: str, annee: int | None = None) -> Resultat:
    """Rendre un indicateur calculé et masqué pour l'audience de la page."""
    options = replace(contexte.options, annee=annee)
    if code == "places_manquantes":
        reference = resultat(contexte, "taux_couverture").references.get(contexte.reference)
        options = replace(options, taux_reference=reference.valeur if reference else None)
    return _resultat(str(contexte.dossier), empreinte(contexte.dossier), code, _cle(options))


def _cle(options: Options) -> tuple[str, str, int | None, float | None]:
    return options.audience, options.estimateur, options.annee, options.taux_reference


@st.cache_data(max_entries=400, show_spinner=False)
def _resultat(dossier: str, marque: Empreinte, code: str, cle: tuple) -> Resultat:
    return calculer(code, _charger(dossier, marque), Options(*cle))


@st.cache_data(max_entries=400, show_spinner=False)
def _serie(
    dossier: str, marque: Empreinte, code: str, commune: str | None, cle: tuple
) -> pd.Series:
    donnees, options = _charger(dossier, marque), Options(*cle)
    if commune is None:
        return serie_ensemble(code, donnees, options)
    return serie_commune(code, commune, donnees, options)


def serie(contexte: Contexte, code: str, commune: str | None = None) -> pd.Series:
    """Rendre la série annuelle d'un indicateur, pour le territoire ou une commune."""
    marque = empreinte(contexte.dossier)
    return _serie(str(contexte.dossier), marque, code, commune, _cle(contexte.options))


@st.cache_data(max_entries=100, show_spinner=False)
def _modes(dossier: str, marque: Empreinte, cle: tuple) -> pd.DataFrame:
    return composantes(_charger(dossier, marque), Options(*cle))


def modes(contexte: Contexte) -> pd.DataFrame:
    """Rendre la couverture par mode d'accueil de chaque commune."""
    return _modes(str(contexte.dossier), empreinte(contexte.dossier), _cle(contexte.options))


def parts_publiees(contexte: Contexte, niveau: str) -> dict[str, float]:
    """Rendre les taux publiés par mode d'un niveau de référence ; vide s'il n'y en a pas."""
    territoire = contexte.territoire
    codes = {
        "epci": str(territoire.epci[0]["code"]) if territoire.epci else "",
        "departement": str(territoire.departement.get("code", "")),
        "region": str(territoire.region.get("code", "")),
        "france": "FR",
    }
    taux = tables(contexte).tables["taux_couverture"]
    lignes = taux[(taux["niveau"] == niveau) & (taux["code"] == codes.get(niveau))]
    if lignes.empty:
        return {}
    derniere = lignes.sort_values("annee").iloc[-1]
    return {mode: float(derniere[colonne]) for mode, colonne in COMPOSANTES.items()}


def structure_par_age(contexte: Contexte) -> pd.DataFrame:
    """Rendre la part (%) de chaque tranche d'âge : une colonne par commune, et « territoire »."""
    return _structure(str(contexte.dossier), empreinte(contexte.dossier))


@st.cache_data(max_entries=12, show_spinner=False)
def _structure(dossier: str, marque: Empreinte) -> pd.DataFrame:
    return structure(_charger(dossier, marque).tables["population_age"])


def lieux(contexte: Contexte) -> list[Lieu]:
    """Rendre les équipements à poser sur la carte, par commune et par genre."""
    return _lieux(str(contexte.dossier), empreinte(contexte.dossier))


@st.cache_data(max_entries=12, show_spinner=False)
def _lieux(dossier: str, marque: Empreinte) -> list[Lieu]:
    chargees = _charger(dossier, marque).tables
    if "equipements" not in chargees:
        return []
    return lieux_de(chargees["equipements"], chargees["communes"])


@st.cache_resource(max_entries=12, show_spinner=False)
def _fond(nom: str, codes: tuple[str, ...], marque: int) -> Fond:
    return preparer(contours_territoire(nom, codes))


def fond(contexte: Contexte) -> Fond:
    """Rendre le fond de carte du territoire (lecture seule)."""
    prepare = TERRITOIRES / f"{contexte.territoire.code}.geojson"
    marque = prepare.stat().st_mtime_ns if prepare.exists() else 0
    return _fond(contexte.territoire.code, contexte.territoire.communes, marque)
