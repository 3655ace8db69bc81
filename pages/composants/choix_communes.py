"""Faire choisir des communes de France : en les cherchant, par EPCI, ou d'une liste."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import streamlit as st

from ctg_data import referentiel
from ctg_data.anomalies import Anomalie
from ctg_data.creation import reconnaitre_communes
from ctg_data.lecture import lire
from ctg_data.textes import INSECABLE, compte, echapper_markdown, nombre
from pages.composants import verdict

CHOISIES = "communes_choisies"
_RETENUES = "communes_retenues"
RESULTATS, FACONS = 12, ("Par nom ou code", "Par EPCI", "D'une liste")


def choisies() -> list[str]:
    """Rendre les codes des communes choisies jusqu'ici, dans l'ordre du choix."""
    return st.session_state.setdefault(CHOISIES, [])


def ajouter(codes: Iterable[str]) -> None:
    """Ajouter des communes au choix, sans doublon."""
    st.session_state[CHOISIES] = list(dict.fromkeys([*choisies(), *codes]))


def choisir() -> list[str]:
    """Montrer les façons de choisir et les communes retenues ; rendre leurs codes."""
    facon = st.segmented_control(
        "Choisir les communes", FACONS, default=FACONS[0], key="facon_de_choisir", required=True
    )
    {FACONS[0]: _par_nom, FACONS[1]: _par_epci, FACONS[2]: _d_une_liste}[facon or FACONS[0]]()
    codes = choisies()
    if codes:
        _retenues(codes)
    return codes


def _chercher(libelle: str, cle: str, exemple: str) -> str:
    return st.text_input(libelle, key=cle, placeholder=exemple, live=True).strip()


def _proposer(cle: str, codes: list[str], nommer: Callable[[str], str], ajout: Callable) -> None:
    """Proposer des résultats : un clic ajoute, et la liste se vide de ce qui est pris."""

    def prendre() -> None:
        code = st.session_state[cle]
        st.session_state[cle] = None
        if code:
            ajouter(ajout(code))

    st.pills(
        "Résultats",
        codes,
        format_func=lambda code: echapper_markdown(nommer(code)),
        key=cle,
        on_change=prendre,
        label_visibility="collapsed",
        wrap=True,
    )


def _par_nom() -> None:
    texte = _chercher("Nom, code Insee ou code postal", "commune_cherchee", "Uzès, 30334 ou 30700")
    if not texte:
        return
    # Seuls les premiers résultats vont au navigateur, pas les 35 000 communes.
    trouvees = referentiel.chercher(texte, RESULTATS + len(choisies()))
    restantes = trouvees[~trouvees.index.isin(choisies())].head(RESULTATS)
    if restantes.empty:
        _rien(trouvees.empty, texte)
        return
    libelles = {
        str(code): f"{ligne['libelle']} · {nombre(ligne['population_municipale'])} hab."
        for code, ligne in restantes.iterrows()
    }
    _proposer("commune_prise", list(libelles), libelles.__getitem__, lambda code: [code])


def _rien(inconnue: bool, texte: str) -> None:
    if not inconnue:
        st.caption("Déjà retenue.")
        return
    proche = referentiel.nom_proche(texte)
    suite = f" Vouliez-vous «{INSECABLE}{proche}{INSECABLE}»{INSECABLE}?" if proche else ""
    st.text(f"Aucune commune de ce nom ou de ce code.{suite}")


def _par_epci() -> None:
    texte = _chercher("Nom ou SIREN de l'EPCI", "epci_cherche", "Pays d'Uzès")
    if not texte:
        return
    trouves = referentiel.chercher_epci(texte, RESULTATS)
    if trouves.empty:
        st.text("Aucun EPCI de ce nom.")
        return
    libelles = {
        str(code): f"{ligne['nom']} · {compte(ligne['communes'], 'commune')}"
        for code, ligne in trouves.iterrows()
    }
    _proposer("epci_pris", list(libelles), libelles.__getitem__, referentiel.codes_de_l_epci)


def _d_une_liste() -> None:
    texte = st.text_area(
        "Collez une liste : codes, noms, ou noms d'EPCI",
        key="liste_collee",
        height=120,
        placeholder="30047\nSaint-Gilles\nCA du Gard rhodanien",
    )
    fichier = st.file_uploader("… ou déposez un fichier qui la contient", key="liste_deposee")
    anomalies: list[Anomalie] = []
    if fichier is not None:
        texte, anomalies = texte_du_fichier(fichier.getvalue(), fichier.name)
    if not texte.strip() and not anomalies:
        return
    codes, relevees = reconnaitre_communes(texte)
    anomalies += relevees
    st.button(
        f"Ajouter {compte(len(codes), 'commune reconnue', 'communes reconnues')}",
        icon=":material/playlist_add:",
        disabled=not codes,
        on_click=partial(ajouter, codes),
    )
    if anomalies:
        verdict.anomalies(anomalies, "liste")


def texte_du_fichier(octets: bytes, nom: str) -> tuple[str, list[Anomalie]]:
    """Rendre le texte d'une liste déposée, quel qu'en soit le format, et ce qui l'a empêché."""
    lecture = lire(octets, nom)
    lignes = [
        ";".join(cellules)
        for tableau in lecture.tableaux[:1]
        for cellules in (tableau.entete, *tableau.lignes)
    ]
    if lignes:
        return "\n".join(lignes), []
    try:
        # Une simple liste de noms, sans en-tête, n'est pas un tableau : c'est déjà du texte.
        return octets.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        return "", list(lecture.anomalies)


def _retenues(codes: list[str]) -> None:
    """Montrer les communes retenues ; une croix en retire une."""
    libelles = dict(zip(codes, referentiel.libelles(codes), strict=True))
    st.session_state[_RETENUES] = codes

    def retirer() -> None:
        st.session_state[CHOISIES] = list(st.session_state[_RETENUES])

    st.multiselect(
        f"Communes retenues ({nombre(len(codes))})",
        codes,
        format_func=libelles.__getitem__,
        key=_RETENUES,
        on_change=retirer,
        select_all=False,
        wrap=True,
    )
