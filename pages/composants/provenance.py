"""Dire d'où vient chaque table : source, millésime, date, empreinte, prochaine parution."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import streamlit as st

from ctg_data import depot
from ctg_data.fraicheur import prochaine_parution
from ctg_data.indicateurs import BADGES
from ctg_data.schema import schemas
from ctg_data.textes import enumeration
from pages.composants import cadre, donnees, manquants
from pages.composants.contexte import Contexte
from pages.composants.historique import EMPREINTE, moment

SOURCES_MAX = 3


def vue(contexte: Contexte) -> None:
    """Montrer la provenance de chaque table, puis les fichiers à charger ensuite."""
    tables = donnees.tables(contexte).tables
    exemples = [n for n, t in tables.items() if "exemple" in _distincts(t, "statut")]
    if exemples:
        fichiers = enumeration([f"{n}.csv" for n in exemples])
        cadre.titre("À remplacer par vos fichiers", f"{fichiers}.", True, niveau=4)
    provenance = en_table(tables, Path(contexte.marque[0]), contexte.situation)
    st.dataframe(provenance, hide_index=True, height=36 * len(tables) + 40)
    manquants.montrer(contexte)


def en_table(tables: dict[str, pd.DataFrame], dossier: Path, situation: dt.date) -> pd.DataFrame:
    """Rendre la provenance des tables d'un territoire, une ligne par table."""
    derniers = {nom: d for d in depot.historique(dossier) for nom in d.tables}
    return pd.DataFrame(
        [
            {
                "Contenu": schemas()[nom].titre,
                "Lignes": len(table),
                "Années": _annees(table),
                "Fiabilité": enumeration(
                    [BADGES[s] for s in BADGES if s in _distincts(table, "statut")]
                ),
                "Chargé le": _charge(derniers.get(nom)),
                "Prochaine parution": prochaine_parution(nom, _dernier(table), situation),
                "Sources": " / ".join(sorted(_distincts(table, "source"))[:SOURCES_MAX]),
                "Depuis": _depuis(derniers.get(nom)),
                "Fichier": f"{nom}.csv",
                "Empreinte": depot.empreinte((dossier / f"{nom}.csv").read_bytes())[:EMPREINTE],
            }
            for nom, table in tables.items()
        ]
    )


def _distincts(table: pd.DataFrame, colonne: str) -> set[str]:
    """Rendre les valeurs d'une colonne que toutes les tables n'ont pas."""
    return set(table.get(colonne, ()))


def _dernier(table: pd.DataFrame) -> int | None:
    return int(table["annee"].max()) if "annee" in table and len(table) else None


def _annees(table: pd.DataFrame) -> str:
    if "annee" not in table or table.empty:
        return ""
    debut, fin = int(table["annee"].min()), int(table["annee"].max())
    return str(fin) if debut == fin else f"{debut}–{fin}"


def _charge(dernier: depot.Depot | None) -> str:
    return moment(dernier.quand) if dernier else "livré avec le territoire"


def _depuis(dernier: depot.Depot | None) -> str:
    if dernier is None:
        return ""
    millesime = dernier.provenance.get("millesime", "")
    return f"{dernier.fichier} ({millesime})" if millesime else dernier.fichier
