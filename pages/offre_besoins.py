"""Offre et besoins : la carte, le classement, le nuage et la commune choisie."""

from functools import partial

import streamlit as st

from ctg_data.figures.construire import classement, nuage
from ctg_data.figures.rendu_plotly import hauteur_barres
from ctg_data.indicateurs import Resultat, catalogue
from ctg_data.textes import echapper_markdown
from geodata.classes import classer
from pages.composants import cadre, cartes, donnees, fiche_commune
from pages.composants import contexte as ctx
from pages.composants.contexte import Contexte
from pages.composants.figure import pied, titrer, tracer

HAUTEUR_CARTE, LARGEUR_CARTE = 400, 700
DETAILS = ("Classement", "Nuage", "Tableau")
VUES = {"presenter": "Présenter", "explorer": "Explorer"}
ESTIMATEURS = {"naissances": "naissances", "recensement": "recensement"}


def page() -> None:
    """Choisir un indicateur, le calculer, montrer la carte et ce qui la suit."""
    contexte = cadre.page("offre_besoins")
    if not cadre.ouvrir_donnees(contexte, contexte.indicateur, *fiche_commune.CHIFFRES):
        return
    resultat = donnees.resultat(contexte, contexte.indicateur)
    composee = cartes.carte(contexte, resultat)
    titrer(composee.habillage, 3, "offre")
    _choix(contexte)
    gauche, droite = st.columns([3, 2], gap="medium")
    with gauche:
        montrer = cartes.explorer if contexte.vue == "explorer" else cartes.presenter
        montrer(contexte, composee, "carte", HAUTEUR_CARTE, LARGEUR_CARTE)
    with droite:
        fiche_commune.resume(contexte)
        _detail(contexte, resultat)


def _choix(contexte: Contexte) -> None:
    fiches = catalogue()
    ctx.amorcer(
        {
            "choix_indicateur": contexte.indicateur,
            "choix_vue": contexte.vue,
            "choix_estimateur": contexte.estimateur,
        }
    )
    with st.container(key="choix"):
        colonnes = st.columns([3, 1.6, 1.6], gap="small", vertical_alignment="bottom")
    colonnes[0].selectbox(
        "Indicateur",
        sorted(fiches, key=lambda c: (fiches[c].theme, c)),
        key="choix_indicateur",
        format_func=lambda c: f"{fiches[c].titre} · {fiches[c].theme}",
        on_change=ctx.rappel("indicateur", "choix_indicateur"),
        help=echapper_markdown(_aide(contexte.indicateur)),
    )
    colonnes[1].segmented_control(
        "Carte",
        list(VUES),
        key="choix_vue",
        format_func=VUES.__getitem__,
        on_change=ctx.rappel("vue", "choix_vue"),
    )
    colonnes[2].segmented_control(
        "Moins de 3 ans comptés par",
        list(ESTIMATEURS),
        key="choix_estimateur",
        format_func=ESTIMATEURS.__getitem__,
        on_change=ctx.rappel("estimateur", "choix_estimateur"),
    )


def _aide(code: str) -> str:
    fiche = catalogue()[code]
    pieges = " ".join(fiche.pieges)
    return f"{fiche.definition} Calcul : {fiche.formule}. Attention : {pieges}"


def _detail(contexte: Contexte, resultat: Resultat) -> None:
    choix = st.segmented_control(
        "Détail", DETAILS, default=DETAILS[0], key="detail", label_visibility="collapsed"
    )
    couleurs = classer(resultat).couleurs
    if choix == "Tableau":
        composee = classement(resultat, couleurs, contexte.commune, contexte.reference)
        st.dataframe(composee.habillage.table, hide_index=True, height=300)
        st.caption(echapper_markdown(composee.habillage.source))
        return
    au_clic = partial(ctx.poser, "commune")
    if choix == "Nuage":
        besoin = donnees.enfants(contexte)
        offre = donnees.resultat(contexte, "places_total")
        couverture = donnees.resultat(contexte, "taux_couverture")
        reference = couverture.references.get(contexte.reference)
        figure = nuage(besoin, offre, couleurs, contexte.commune, reference)
        with st.container(key="cadre_nuage"):
            tracer(figure, "nuage", "stretch", au_clic=au_clic)
        pied(figure, "nuage")
        return
    figure = classement(resultat, couleurs, contexte.commune, contexte.reference)
    with st.container(key="cadre_classement"):
        tracer(figure, "classement", hauteur_barres(figure), taille=13, au_clic=au_clic)
    pied(figure, "classement")


if __name__ == "__main__":
    page()
