"""Dire quels fichiers charger, sous le nom exact que leur donne leur producteur."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from ctg_data.creation import fichiers_a_charger
from ctg_data.fraicheur import INCONNUE
from ctg_data.schema import schemas
from ctg_data.textes import compte
from pages.composants import donnees
from pages.composants.contexte import Contexte

HAUTEUR_MAX = 420


def montrer(contexte: Contexte, hauteur: int = HAUTEUR_MAX) -> None:
    """Nommer les fichiers à demander, et à qui ; ne montre rien si tout est là."""
    manquants = fichiers_a_charger(donnees.tables(contexte))
    if manquants.empty:
        return
    tables = compte(manquants["table"].nunique(), "table")
    st.markdown(f"#### Fichiers à charger ensuite, pour {tables}")
    table = en_table(manquants)
    st.dataframe(table, hide_index=True, height=min(36 * (len(table) + 1) + 2, hauteur))


def en_table(manquants: pd.DataFrame) -> pd.DataFrame:
    """Mettre en mots la liste des fichiers à charger."""
    return pd.DataFrame(
        {
            "Table": [schemas()[t].titre for t in manquants["table"]],
            "État": manquants["etat"],
            "À demander à": manquants["producteur"],
            "Jeu de données": manquants["jeu_de_donnees"],
            "Fichier": manquants["fichier"],
            "Site": manquants["site"],
            "Parution": manquants["periodicite"],
            "Prochaine": manquants["prochaine_parution"].replace("", INCONNUE),
            "Réserve": manquants["reserve"],
        }
    )
