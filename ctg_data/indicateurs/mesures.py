"""Assembler les mesures d'un indicateur : une ligne par commune et par année."""

from __future__ import annotations

import numpy as np
import pandas as pd

COLONNES = ["code_commune", "annee", "numerateur", "denominateur", "statut", "effectif", "plafond"]

# Du plus sûr au moins sûr : un calcul vaut ce que vaut sa donnée la moins sûre.
SURETE = ("officiel", "calcule", "estime", "local", "exemple")
ABSENCES = ("secret", "non_renseigne", "zero_ambigu")
# Ces lignes n'ont pas de valeur, même si le fichier en porte une.
SANS_VALEUR = ("secret", "non_renseigne")


def pire(*statuts: str) -> str:
    """Rendre le moins sûr de plusieurs statuts ; une absence l'emporte sur tout."""
    absents = [s for s in statuts if s in ABSENCES]
    return absents[0] if absents else max(statuts, key=SURETE.index, default="officiel")


def pire_present(statuts: pd.Series, *autres: str) -> str:
    """Rendre le moins sûr des statuts d'une table qui sert en bloc ; les absences n'y comptent pas.

    Une table de statuts vides est celle du territoire, qui a répondu sans rien avoir à déclarer.
    """
    presents = [s for s in statuts.unique() if s in SURETE]
    return pire(*autres, *(presents or ["local"]))


def mesures(
    table: pd.DataFrame,
    valeur: str,
    *,
    statut: str | pd.Series | None = None,
    denominateur: pd.Series | float = 1.0,
    effectif: pd.Series | float = np.nan,
    plafond: pd.Series | float = np.nan,
) -> pd.DataFrame:
    """Mettre une table au format des mesures.

    `valeur` nomme la colonne du numérateur ; `plafond` est l'effectif dont il est une partie (voir
    secret.py). Une valeur absente dont le statut ne dit pas la raison devient « non renseigné » :
    absente n'est jamais zéro.
    """
    sortie = pd.DataFrame(
        {
            "code_commune": table["code_commune"],
            "annee": table["annee"].astype(int),
            "numerateur": table[valeur].astype(float),
            "denominateur": denominateur,
            "statut": statut if statut is not None else table["statut"],
            "effectif": effectif,
            "plafond": plafond,
        }
    )
    vides = sortie["statut"].isin(SANS_VALEUR)
    sortie.loc[vides, ["numerateur", "effectif"]] = np.nan
    muettes = sortie["numerateur"].isna() & ~sortie["statut"].isin(ABSENCES)
    sortie.loc[muettes, "statut"] = "non_renseigne"
    return sortie[COLONNES].reset_index(drop=True)
