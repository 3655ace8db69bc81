"""Offre et besoins : la carte, le classement, le nuage et la commune choisie."""

from functools import partial

import streamlit as st

from ctg_data.figures import Barres, Nuage
from ctg_data.figures.construire import classement, nuage
from ctg_data.figures.rendu_liste import lister
from ctg_data.indicateurs import catalogue
from ctg_data.indicateurs.options import ESTIMATEURS
from ctg_data.textes import echapper_markdown
from geodata.classes import classer
from pages.composants import cadre, cartes, donnees, fiche_commune
from pages.composants import contexte as ctx
from pages.composants.contexte import Contexte
from pages.composants.figure import montrer, titrer

DETAILS = ("Classement", "Nuage", "Tableau")
VUES = {"presenter": "Présenter", "explorer": "Explorer"}


def page() -> None:
    """Choisir un indicateur, le calculer, montrer la carte et ce qui la suit."""
    contexte = cadre.page("offre_besoins")
    cadre.ligne_de_contexte(contexte, contexte.indicateur)
    _corps(contexte, _niveaux(contexte))


@st.fragment
def _corps(ouvert: Contexte, niveaux: tuple[str, ...]) -> None:
    """Montrer tout ce qui dépend de l'indicateur.

    Changer d'indicateur ne rejoue que cette partie ; ce qui touche à la ligne de contexte
    (commune cliquée, niveaux de comparaison, fichiers) rejoue la page.
    """
    contexte = ctx.ouvrir()
    if ouvert.cadre != contexte.cadre or niveaux != _niveaux(contexte):
        st.rerun()
    if not cadre.verifier(contexte, contexte.indicateur):
        _choix(contexte)
        return
    titrer(cartes.carte(contexte, contexte.indicateur).habillage, 3)
    _choix(contexte)
    gauche, droite = st.columns([3, 2], gap="medium")
    with gauche:
        montrer = cartes.explorer if contexte.vue == "explorer" else cartes.presenter
        montrer(contexte, contexte.indicateur, "carte")
    with droite:
        fiche_commune.resume(contexte)
        _detail(contexte)


def _niveaux(contexte: Contexte) -> tuple[str, ...]:
    return donnees.niveaux(contexte, contexte.indicateur)


def _choix(contexte: Contexte) -> None:
    fiches = catalogue()
    ctx.amorcer(
        {
            "choix_indicateur": contexte.indicateur,
            "choix_vue": contexte.vue,
            "choix_estimateur": contexte.estimateur,
        }
    )
    with st.container(horizontal=True, key="choix", gap="medium", vertical_alignment="bottom"):
        st.selectbox(
            "Indicateur",
            sorted(fiches, key=lambda c: (fiches[c].theme, c)),
            key="choix_indicateur",
            format_func=lambda c: f"{fiches[c].titre} · {fiches[c].theme}",
            on_change=ctx.rappel("indicateur", "choix_indicateur"),
            help=echapper_markdown(_aide(contexte.indicateur)),
        )
        st.segmented_control(
            "Carte",
            list(VUES),
            key="choix_vue",
            format_func=VUES.__getitem__,
            on_change=ctx.rappel("vue", "choix_vue"),
        )
        st.segmented_control(
            "Moins de 3 ans comptés par",
            ESTIMATEURS,
            key="choix_estimateur",
            on_change=ctx.rappel("estimateur", "choix_estimateur"),
        )


def _aide(code: str) -> str:
    fiche = catalogue()[code]
    pieges = " ".join(fiche.pieges)
    return f"{fiche.definition} Calcul : {fiche.formule}. Attention : {pieges}"


def _detail(contexte: Contexte) -> None:
    complet = not donnees.fautes(contexte, *fiche_commune.CHIFFRES)
    vues = [d for d in DETAILS if d != "Nuage" or complet]
    choix = st.segmented_control(
        "Détail", vues, default=vues[0], key="detail", label_visibility="collapsed"
    )
    if choix == "Tableau":
        habillage = cartes.carte(contexte, contexte.indicateur).habillage
        st.dataframe(habillage.table, hide_index=True, height=300)
        st.caption(echapper_markdown(habillage.source))
        return
    au_clic = partial(ctx.poser, "commune")
    if choix == "Nuage":
        figure = _nuage(contexte, contexte.cle, contexte.indicateur)
        titrer(figure.habillage, 5)
        montrer(figure, "nuage", au_clic=au_clic)
        return
    rangs = _classement(contexte, contexte.cle, contexte.indicateur)
    montrer(rangs, "classement", dessin=lister(rangs), au_clic=au_clic)


@st.cache_resource(max_entries=200, show_spinner=False)
def _classement(_contexte: Contexte, cle: tuple[str, ...], code: str) -> Barres:
    resultat = donnees.resultat(_contexte, code)
    couleurs = classer(resultat).couleurs
    return classement(resultat, couleurs, _contexte.commune, _contexte.reference)


@st.cache_resource(max_entries=200, show_spinner=False)
def _nuage(_contexte: Contexte, cle: tuple[str, ...], code: str) -> Nuage:
    couleurs = classer(donnees.resultat(_contexte, code)).couleurs
    besoin, offre = donnees.enfants(_contexte), donnees.resultat(_contexte, "places_total")
    modes = (donnees.resultat(_contexte, f"taux_couverture_{m}") for m in ("eaje", "am"))
    return nuage(besoin, offre, *modes, couleurs, _contexte.commune, _contexte.reference)


if __name__ == "__main__":
    page()
