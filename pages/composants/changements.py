"""Montrer, avant de l'appliquer, ce qu'un dépôt va changer dans chaque table."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from ctg_data.depot import Apercu
from ctg_data.fusion import Changements
from ctg_data.schema import schemas
from ctg_data.textes import INSECABLE, compte, echapper_markdown
from pages.composants.verdict import confidentielles

LIGNES_MAX = 500
HAUTEUR = 260
CACHEE = "(masquée)"


def montrer(apercu: Apercu, audience: str, cle: str) -> None:
    """Écrire ce qui change, table par table, avec le détail à ouvrir."""
    for changements in apercu.tables.values():
        _resumer(changements)
    if not any(not c.vide for c in apercu.tables.values()):
        return
    with st.expander("Voir ligne par ligne", icon=":material/difference:", key=f"detail_{cle}"):
        for changements in apercu.tables.values():
            _detail(changements, audience)


def _resumer(changements: Changements) -> None:
    inchangees = ""
    if changements.inchangees:
        mots = ("ligne inchangée", "lignes inchangées")
        inchangees = f"{INSECABLE}; {compte(changements.inchangees, *mots)}"
    titre = echapper_markdown(schemas()[changements.table].titre)
    suite = echapper_markdown(f"{changements.phrase}{inchangees}.")
    st.markdown(f"**{titre}**{INSECABLE}: {suite}")
    if changements.exemples:
        mots = ("ligne d'exemple disparaît", "lignes d'exemple disparaissent")
        lignes = compte(changements.exemples, *mots)
        st.caption(f"{lignes}{INSECABLE}: vos vraies données prennent leur place.")


def _detail(changements: Changements, audience: str) -> None:
    parties = {
        "Ajoutées": changements.ajoutees,
        "Modifiées": changements.modifiees.rename(columns={"avant": "Avant", "apres": "Après"}),
        "Retirées": changements.retirees,
    }
    for nom, table in parties.items():
        if table.empty:
            continue
        titre = schemas()[changements.table].titre
        st.text(f"{titre}, {nom.lower()}{INSECABLE}: {compte(len(table), _mot(nom))}")
        montree = masquer(table.head(LIGNES_MAX), changements.table, audience)
        reels = montree.select_dtypes("float").columns
        st.dataframe(
            montree,
            hide_index=True,
            height=min(36 * (len(montree) + 1) + 2, HAUTEUR),
            column_config={c: st.column_config.NumberColumn(format="localized") for c in reels},
        )
        if len(table) > LIGNES_MAX:
            st.caption(f"Les {LIGNES_MAX} premières sont montrées.")


def _mot(partie: str) -> str:
    return "valeur" if partie == "Modifiées" else "ligne"


def masquer(table: pd.DataFrame, nom: str, audience: str) -> pd.DataFrame:
    """Cacher les colonnes confidentielles hors du travail interne ; la clé reste lisible."""
    secretes = confidentielles(nom)
    if audience == "interne" or not secretes:
        return table
    copie = table.astype({c: object for c in secretes if c in table})
    copie.loc[:, [c for c in secretes if c in table]] = CACHEE
    if "colonne" in copie and "Avant" in copie:
        copie.loc[copie["colonne"].isin(secretes), ["Avant", "Après"]] = CACHEE
    return copie
