"""Les seuls caches de l'application : ce qui ne change pas d'un geste à l'autre n'est pas refait.

Chaque cache a pour clé le dossier du territoire, l'empreinte de ses fichiers et les choix qui
comptent : un fichier modifié se voit au prochain passage, sans délai d'attente. Ce qui entre dans
un cache est déjà masqué pour son audience. Les valeurs gardées sont partagées entre les sessions :
on les lit, on ne les modifie jamais (les copier à chaque geste coûterait plus que les calculer).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import streamlit as st

from ctg_data.anomalies import Anomalie
from ctg_data.indicateurs import Resultat, calculer, catalogue, serie_commune, serie_ensemble
from ctg_data.indicateurs.formules import COMPOSANTES, composantes, structure
from ctg_data.indicateurs.options import Options
from ctg_data.territoire import Donnees, charger
from ctg_data.textes import enumeration
from ctg_data.validation import sans_secret
from geodata.contours import TERRITOIRES, contours_territoire
from geodata.fond import Fond, preparer
from geodata.lieux import Lieu
from geodata.lieux import lieux as lieux_de
from pages.composants.contexte import Contexte

# Dossier du territoire et empreinte de ses fichiers.
Territoire = tuple[str, str]
# Audience, estimateur, année, taux de référence : les options d'un calcul.
Choix = tuple[str, str, int | None, float | None]


@st.cache_resource(max_entries=12, show_spinner=False)
def _charger(territoire: Territoire) -> Donnees:
    return charger(Path(territoire[0]))


def tables(contexte: Contexte) -> Donnees:
    """Rendre les tables du territoire, à ne pas modifier."""
    return _charger(contexte.marque)


def anomalies(contexte: Contexte) -> list[Anomalie]:
    """Rendre tout ce qui a été relevé dans les fichiers, valeurs secrètes ôtées."""
    return sans_secret(tables(contexte).anomalies, contexte.audience)


def fautes(contexte: Contexte, *codes: str) -> list[Anomalie]:
    """Rendre les erreurs qui empêchent de calculer ces indicateurs ; table absente comprise."""
    relevees = sans_secret(tables(contexte).fautes(_necessaires(codes)), contexte.audience)
    return relevees + [
        Anomalie(
            f"{table}.csv",
            "fichier absent du dossier du territoire",
            "Déposez ce fichier ; ses colonnes sont décrites à la page Données.",
        )
        for table in absentes(contexte, *codes)
    ]


def _necessaires(codes: tuple[str, ...]) -> set[str]:
    return {"communes"} | {t for code in codes for t in catalogue()[code].tables}


def absentes(contexte: Contexte, *codes: str) -> list[str]:
    """Nommer les tables dont ces indicateurs ont besoin et que le territoire n'a pas encore."""
    donnees, necessaires = tables(contexte), _necessaires(codes)
    ecartees = {a.fichier for a in donnees.fautes(necessaires)}
    return [
        table
        for table in sorted(necessaires - set(donnees.tables))
        if f"{table}.csv" not in ecartees
    ]


def a_charger(contexte: Contexte, *codes: str) -> bool:
    """Dire s'il ne manque que des fichiers à charger, sans rien à corriger ; communes exceptées."""
    manquent = absentes(contexte, *codes)
    return "communes" not in manquent and len(manquent) == len(fautes(contexte, *codes)) > 0


def fichiers_a_revoir(contexte: Contexte, *codes: str) -> str:
    """Nommer les fichiers absents ou fautifs dont ces indicateurs ont besoin ; vide si aucun."""
    return enumeration(sorted({a.fichier for a in fautes(contexte, *codes)}))


def resultat(contexte: Contexte, code: str, annee: int | None = None) -> Resultat:
    """Rendre un indicateur calculé et masqué pour l'audience de la page."""
    options = replace(contexte.options, annee=annee)
    if code == "places_manquantes":
        reference = resultat(contexte, "taux_couverture").references.get(contexte.reference)
        options = replace(options, taux_reference=reference.valeur if reference else None)
    return _resultat(contexte.marque, code, _choix(options))


def _choix(options: Options) -> Choix:
    return options.audience, options.estimateur, options.annee, options.taux_reference


@st.cache_resource(max_entries=400, show_spinner=False)
def _resultat(territoire: Territoire, code: str, choix: Choix) -> Resultat:
    return calculer(code, _charger(territoire), Options(*choix))


def enfants(contexte: Contexte) -> Resultat:
    """Rendre les moins de 3 ans de l'année du taux de couverture, par l'estimateur choisi."""
    annee = resultat(contexte, "taux_couverture").annee
    return resultat(contexte, f"enfants_moins_3_{contexte.estimateur}", annee)


def niveaux(contexte: Contexte, code: str) -> tuple[str, ...]:
    """Rendre les niveaux de comparaison qui ont un chiffre pour l'indicateur, ou pour l'offre.

    Un effectif ne se compare pas d'un territoire à l'autre : ses niveaux sont ceux du taux de
    couverture, qui situent les autres chiffres de la page.
    """
    for candidat in (code, "taux_couverture"):
        if not fautes(contexte, candidat) and (r := resultat(contexte, candidat).references):
            return tuple(r)
    return ()


def serie(contexte: Contexte, code: str, commune: str | None = None) -> pd.Series:
    """Rendre la série annuelle d'un indicateur, pour le territoire ou une commune."""
    return _serie(contexte.marque, code, commune, _choix(contexte.options))


@st.cache_resource(max_entries=400, show_spinner=False)
def _serie(territoire: Territoire, code: str, commune: str | None, choix: Choix) -> pd.Series:
    donnees, options = _charger(territoire), Options(*choix)
    if commune is None:
        return serie_ensemble(code, donnees, options)
    return serie_commune(code, commune, donnees, options)


def modes(contexte: Contexte) -> pd.DataFrame:
    """Rendre la couverture par mode d'accueil de chaque commune."""
    return _modes(contexte.marque, _choix(contexte.options))


@st.cache_resource(max_entries=100, show_spinner=False)
def _modes(territoire: Territoire, choix: Choix) -> pd.DataFrame:
    return composantes(_charger(territoire), Options(*choix))


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
    communes = contexte.territoire.communes
    return _structure(contexte.marque).reindex(columns=[*communes, "territoire"])


@st.cache_resource(max_entries=12, show_spinner=False)
def _structure(territoire: Territoire) -> pd.DataFrame:
    return structure(_charger(territoire).tables["population_age"])


def lieux(contexte: Contexte) -> list[Lieu]:
    """Rendre les équipements à poser sur la carte, par commune et par genre."""
    return _lieux(contexte.marque)


@st.cache_resource(max_entries=12, show_spinner=False)
def _lieux(territoire: Territoire) -> list[Lieu]:
    chargees = _charger(territoire).tables
    if "equipements" not in chargees:
        return []
    return lieux_de(chargees["equipements"], chargees["communes"])


def fond(contexte: Contexte) -> Fond:
    """Rendre le fond de carte du territoire (lecture seule) ; ErreurContours s'il en manque un."""
    return _fond(contexte.marque, contexte.territoire.code, contexte.territoire.communes)


@st.cache_resource(max_entries=12, show_spinner=False)
def _fond(territoire: Territoire, nom: str, codes: tuple[str, ...]) -> Fond:
    # Des contours posés dans le dossier du territoire l'emportent sur ceux qui sont livrés.
    return preparer(contours_territoire(nom, codes, (TERRITOIRES, Path(territoire[0]))))
