"""Données : déposer ses fichiers, savoir d'où vient chaque chiffre, corriger, sauvegarder."""

import pandas as pd
import streamlit as st

from ctg_data.indicateurs import catalogue
from ctg_data.schema import dictionnaire, schemas
from ctg_data.textes import INSECABLE, compte, echapper_markdown
from pages.composants import cadre, depot, donnees, historique, provenance, sauvegarde, verdict
from pages.composants.contexte import Contexte


def page() -> None:
    """Choisir une vue des données du territoire et la montrer."""
    contexte = cadre.page("donnees")
    cadre.ligne_de_contexte(contexte)
    relevees = donnees.anomalies(contexte)
    erreurs = sum(a.erreur for a in relevees)
    etat = compte(erreurs, "faute à corriger", "fautes à corriger") if erreurs else "aucune faute"
    cadre.titre(f"{contexte.territoire.nom}, les données{INSECABLE}: {etat}")
    vue = st.segmented_control(
        "Vue", list(VUES), default=DEPOSER, key="vue_donnees", label_visibility="collapsed"
    )
    VUES[vue or DEPOSER](contexte)


def _fautes(contexte: Contexte) -> None:
    relevees = donnees.anomalies(contexte)
    if not relevees:
        st.success("Tous les fichiers du territoire sont conformes.", icon=":material/check:")
        return
    st.caption(
        "Une erreur écarte le fichier entier : mieux vaut pas de chiffre qu'un chiffre faux."
    )
    verdict.tableau(relevees, "territoire", fichiers=True)


def _indicateurs(contexte: Contexte) -> None:
    fiches = catalogue().values()
    table = pd.DataFrame(
        {
            "Thème": [f.theme for f in fiches],
            "Indicateur": [f.titre for f in fiches],
            "Définition": [f.definition for f in fiches],
            "Calcul": [f.formule for f in fiches],
            "Unité": [f.unite for f in fiches],
            "Source": [f.source for f in fiches],
            "Pièges": [" ".join(f.pieges) for f in fiches],
            "Confidentialité": [f.confidentialite for f in fiches],
            "Licence": [f.licence for f in fiches],
        }
    )
    st.dataframe(table.sort_values(["Thème", "Indicateur"]), hide_index=True, height=480)


def _dictionnaire(contexte: Contexte) -> None:
    noms = list(schemas())
    choix = st.selectbox("Table", noms, format_func=lambda n: f"{schemas()[n].titre} ({n}.csv)")
    schema = schemas()[choix]
    st.caption(echapper_markdown(schema.description))
    st.dataframe(dictionnaire(schema), hide_index=True, height=420)


DEPOSER = "Déposer"
VUES = {
    DEPOSER: depot.vue,
    "Sources": provenance.vue,
    "Historique": historique.vue,
    "Fautes à corriger": _fautes,
    "Indicateurs": _indicateurs,
    "Dictionnaire des colonnes": _dictionnaire,
    "Sauvegarde": sauvegarde.vue,
}


if __name__ == "__main__":
    page()
