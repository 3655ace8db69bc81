"""Poser le cadre de chaque page : titre d'onglet, menu, ligne de contexte, avis."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st
from streamlit.errors import StreamlitPageNotFoundError

from ctg_data.anomalies import Anomalie
from ctg_data.parametres import AUDIENCES
from ctg_data.textes import INSECABLE, cle_de_tri, compte, distinguer, echapper_markdown
from pages.composants import contexte as ctx
from pages.composants import donnees, manquants
from pages.composants.contexte import Contexte

RACINE = Path(__file__).parents[2]
MENU = {
    "Comprendre": {
        "accueil": ("Accueil", ":material/home:"),
        "offre_besoins": ("Offre et besoins", ":material/map:"),
        "commune": ("Commune", ":material/location_city:"),
    },
    "Partager": {
        "donnees": ("Données", ":material/database:"),
        "territoires": ("Créer un territoire", ":material/add_location_alt:"),
    },
}
NOMS_REFERENCES = {
    "territoire": "le territoire",
    "epci": "l'EPCI",
    "departement": "le département",
    "region": "la région",
    "france": "la France",
}
NOMS_AUDIENCES = {"public": "grand public", "partenaires": "partenaires", "interne": "interne"}
TOUTES = ""
MAX_ANOMALIES = 12
RUBAN = "EXEMPLE : données de démonstration"
_RUBAN = f":red-background[**{RUBAN}**]"


def page(nom: str) -> Contexte:
    """Ouvrir une page : à appeler en premier. Rend les choix partagés, validés."""
    titre = next(p[nom][0] for p in MENU.values() if nom in p)
    st.set_page_config(
        page_title=f"{titre} · Boussole CTG",
        page_icon=str(RACINE / "static" / "boussole.png"),
        layout="wide",
    )
    ctx.changer_de_page(nom)
    contexte = ctx.ouvrir()
    st.html(RACINE / "static" / "style.css")
    st.html(f"<style>:root{{--audience:var(--audience-{contexte.audience})}}</style>")
    _menu(contexte)
    return contexte


def _menu(contexte: Contexte) -> None:
    with st.sidebar:
        st.markdown("### Boussole CTG")
        for rubrique, pages in MENU.items():
            st.caption(rubrique)
            for nom, (titre, icone) in pages.items():
                lien(nom, titre, icone, contexte.adresse_de_contexte)


def lien(nom: str, libelle: str, icone: str, adresse: dict[str, str]) -> None:
    """Mener à une page avec ces paramètres d'adresse.

    Un script de page exécuté seul, hors de l'application, n'a pas de voisines : le libellé reste.
    """
    try:
        st.page_link(f"pages/{nom}.py", label=libelle, icon=icone, query_params=adresse)
    except StreamlitPageNotFoundError:
        st.caption(libelle)


def verifier(contexte: Contexte, *codes: str) -> bool:
    """Dire si ces indicateurs peuvent être calculés ; sinon, montrer les fautes ou quoi charger."""
    fautes = donnees.fautes(contexte, *codes)
    if donnees.a_charger(contexte, *codes):
        _a_charger(contexte, len(fautes))
    elif fautes:
        anomalies(fautes)
    return not fautes


def _a_charger(contexte: Contexte, nombre: int) -> None:
    """Dire, dans un territoire encore incomplet, quels fichiers demander et où les déposer."""
    manque = compte(nombre, "table manque", "tables manquent")
    titre(f"{contexte.territoire.nom}{INSECABLE}: {manque} pour ces chiffres")
    lien("donnees", "Déposer ces fichiers", ":material/upload_file:", contexte.adresse_de_contexte)
    manquants.montrer(contexte)


def ligne_de_contexte(contexte: Contexte, compare: str = "taux_couverture") -> None:
    """Montrer, toujours à la même place, territoire, commune, référence, public et date.

    `compare` : l'indicateur dont les niveaux de référence sont proposés.
    """
    communes, references = donnees.tables(contexte).noms, donnees.niveaux(contexte, compare)
    ctx.amorcer(
        {
            "choix_territoire": contexte.territoire.code,
            "choix_commune": contexte.commune or TOUTES,
            "choix_reference": contexte.reference,
            "choix_audience": contexte.audience,
            "choix_situation": contexte.situation,
        }
    )
    noms = distinguer({TOUTES: "Toutes les communes", **communes})
    # Une référence choisie mais sans chiffre reste dans la liste, et le dit.
    offertes = [r for r in NOMS_REFERENCES if r in references or r == contexte.reference]
    libelles = {
        r: n if r in references else f"{n} (pas de chiffre)" for r, n in NOMS_REFERENCES.items()
    }
    with st.container(horizontal=True, key="contexte", gap="small"):
        _selection("Territoire", "territoire", list(contexte.territoires), contexte.territoires)
        ordre = sorted(noms, key=lambda c: (c != TOUTES, cle_de_tri(noms[c])))
        _selection("Commune", "commune", ordre, noms)
        _selection("Comparer à", "reference", offertes, libelles)
        _selection("Vu par", "audience", list(AUDIENCES), NOMS_AUDIENCES)
        st.date_input(
            "Situation au",
            key="choix_situation",
            format="DD/MM/YYYY",
            on_change=ctx.rappel("situation", "choix_situation"),
        )
    for avis in ctx.avis():
        st.warning(echapper_markdown(avis), icon=":material/link_off:")


def _selection(libelle: str, cle: str, options: list[str], noms: dict[str, str]) -> None:
    composant = f"choix_{cle}"
    st.selectbox(
        libelle,
        options,
        key=composant,
        format_func=lambda code: noms[code],
        on_change=ctx.rappel(cle, composant),
    )


def fichiers_bruts(contexte: Contexte, quoi: str) -> bool:
    """Dire si ce public peut emporter des fichiers non masqués ; sinon, écrire pourquoi."""
    if contexte.audience == "interne":
        return True
    st.caption(
        f"{quoi} contient les chiffres avant secret statistique{INSECABLE}: choisissez "
        f"«{INSECABLE}Vu par{INSECABLE}: interne{INSECABLE}» pour l'emporter."
    )
    return False


def titre(message: str, sous_titre: str = "", exemple: bool = False, niveau: int = 3) -> None:
    """Écrire le message d'une page ou d'une figure, le ruban « exemple » et le sous-titre."""
    dessous = [_RUBAN] if exemple else []
    dessous += [echapper_markdown(sous_titre)] if sous_titre else []
    st.markdown(f"{'#' * niveau} {echapper_markdown(message)}\n\n{' '.join(dessous)}")


def ruban() -> None:
    """Poser le ruban visible des données de démonstration (une pastille de notre feuille)."""
    st.markdown(_RUBAN, width="content")


def anomalies(liste: Sequence[Anomalie]) -> None:
    """Montrer des fautes de données : où, quoi, et quoi écrire à la place."""
    nombre = len(liste)
    st.error(
        f"{compte(nombre, 'faute')} à corriger dans les fichiers{INSECABLE}: les chiffres qui en "
        "dépendent ne sont pas montrés.",
        icon=":material/report:",
    )
    for anomalie in liste[:MAX_ANOMALIES]:
        st.text(anomalie.message)
    if nombre > MAX_ANOMALIES:
        st.text(f"… et {nombre - MAX_ANOMALIES} autres, à la page Données.")
