"""Créer un territoire : choisir des communes de France, et ouvrir un territoire neuf."""

import datetime as dt
from functools import partial

import streamlit as st

from ctg_data import referentiel
from ctg_data.anomalies import Anomalie
from ctg_data.creation import Brouillon, composer, creer
from ctg_data.dossiers import TERRITOIRES, dossier_donnees
from ctg_data.ecriture import ErreurEcriture
from ctg_data.textes import INSECABLE, compte, enumeration, nombre
from geodata.apercu import apercu_svg
from geodata.contours import ErreurContours
from pages.composants import cadre, choix_communes, manquants
from pages.composants import contexte as ctx
from pages.composants.contexte import Contexte
from pages.composants.recu import Fait, heure

_CREE, _NOM = "territoire_cree", "nom_du_territoire"
COMMUNES_DESSINEES = 400


def page() -> None:
    """Choisir des communes, montrer ce qu'elles forment, créer ; puis dire quoi charger."""
    contexte = cadre.page("territoires")
    cadre.ligne_de_contexte(contexte)
    dossier, fait = st.session_state.get(_CREE, ("", None))
    if fait is not None and fait.phrase and dossier == contexte.territoire.code:
        _ensuite(contexte, fait.phrase)
        return
    cadre.titre(
        "Créer un territoire",
        "Contours, voisines, noms, populations et EPCI viennent de la base livrée avec l'outil.",
    )
    gauche, droite = st.columns([3, 2], gap="large")
    with gauche:
        nom = st.text_input(
            "Nom du territoire", key=_NOM, max_chars=100, placeholder="Pays d'Uzès", live=True
        )
        codes = choix_communes.choisir()
    with droite:
        _recapituler(contexte, nom, codes, fait)


def _recapituler(contexte: Contexte, nom: str, codes: list[str], refus: Fait | None) -> None:
    """Montrer ce que forment les communes choisies, et le bouton qui crée."""
    if not codes:
        with st.container(border=True):
            st.caption(":material/map: Choisissez des communes : leur carte se dessinera ici.")
        return
    brouillon = composer(nom, codes, contexte.territoires)
    _chiffres(brouillon)
    _dessin(brouillon.communes)
    _dire(brouillon, nom, refus.anomalies if refus else ())
    st.button(
        "Créer ce territoire",
        type="primary",
        icon=":material/add_location_alt:",
        disabled=not brouillon.valide,
        on_click=partial(_creer, brouillon),
    )


def _chiffres(brouillon: Brouillon) -> None:
    lignes = referentiel.communes().loc[list(brouillon.communes)]
    departements = referentiel.departements()["nom"]
    noms = [str(departements[d]) for d in lignes["code_departement"].unique()]
    groupements = [str(n) for n in lignes["nom_epci"].dropna().unique()]
    population = int(lignes["population_municipale"].sum())
    gauche, droite = st.columns(2)
    gauche.metric("Communes", nombre(len(lignes)))
    droite.metric("Habitants", nombre(population))
    st.text(f"EPCI{INSECABLE}: {enumeration(groupements, 3) or 'aucun'}.")
    st.text(f"Département{INSECABLE}: {enumeration(noms, 4)}.")


def _dessin(codes: tuple[str, ...]) -> None:
    if not codes or len(codes) > COMMUNES_DESSINEES:
        return
    with st.container(key="apercu_territoire"):
        try:
            st.image(_svg(codes), width="stretch")
        except ErreurContours as faute:
            for anomalie in faute.anomalies:
                st.text(anomalie.message)


@st.cache_data(max_entries=30, show_spinner=False)
def _svg(codes: tuple[str, ...]) -> str:
    return apercu_svg(codes)


def _dire(brouillon: Brouillon, nom: str, refus: tuple[Anomalie, ...]) -> None:
    """Écrire les fautes et les remarques ; un nom pas encore écrit n'est pas une faute."""
    for anomalie in dict.fromkeys((*refus, *brouillon.anomalies)):
        if nom.strip() or anomalie.fichier != "nom du territoire":
            st.text(f"• {anomalie.constat} {anomalie.correction}")
    if not nom.strip():
        st.caption("Donnez un nom au territoire pour le créer.")


def _creer(brouillon: Brouillon) -> None:
    try:
        creer(dossier_donnees() / TERRITOIRES, brouillon)
    except ErreurEcriture as faute:
        st.session_state[_CREE] = brouillon.dossier, Fait(anomalies=faute.anomalies)
        return
    ctx.poser("territoire", brouillon.dossier)
    ctx.poser("commune", "")
    quand = dt.datetime.now().astimezone()
    communes = compte(len(brouillon.communes), "commune")
    phrase = f"{brouillon.nom} est créé, à {heure(quand)}{INSECABLE}: {communes}."
    _recommencer()
    st.session_state[_CREE] = brouillon.dossier, Fait(phrase)


def _ensuite(contexte: Contexte, phrase: str) -> None:
    """Dire, une fois le territoire ouvert, où il se voit et quels fichiers charger."""
    cadre.titre(phrase, "Il est ouvert : chaque page le montre désormais.")
    adresse = contexte.adresse_de_contexte
    with st.container(horizontal=True, vertical_alignment="center", key="suite_creation"):
        population = {**adresse, "indicateur": "population"}
        cadre.lien("offre_besoins", "Voir sa carte", ":material/map:", population)
        cadre.lien("donnees", "Déposer ses fichiers", ":material/upload_file:", adresse)
        st.button(
            "Créer un autre territoire", icon=":material/add_location_alt:", on_click=_recommencer
        )
    manquants.montrer(contexte)


def _recommencer() -> None:
    for cle in (_CREE, choix_communes.CHOISIES, _NOM):
        st.session_state.pop(cle, None)


if __name__ == "__main__":
    page()
