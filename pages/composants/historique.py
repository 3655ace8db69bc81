"""Montrer les dépôts d'un territoire, rendre leurs fichiers d'origine, et revenir en arrière."""

from __future__ import annotations

import datetime as dt
from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from ctg_data import depot
from ctg_data.ecriture import ErreurEcriture
from ctg_data.schema import schemas
from ctg_data.textes import INSECABLE, compte, date_courte, echapper_markdown, enumeration
from pages.composants import cadre
from pages.composants.contexte import Contexte
from pages.composants.recu import AUTEUR, SANS_NOM, Fait, heure

_RETOUR = "retour_fait"
HAUTEUR = 300
EMPREINTE = 12


def vue(contexte: Contexte) -> None:
    """Montrer l'historique, du plus récent au plus ancien, et ce qu'on peut en faire."""
    _resultat()
    dossier = Path(contexte.marque[0])
    depots = depot.historique(dossier)[::-1]
    if not depots:
        st.caption(
            "Aucun dépôt pour ce territoire. Chaque fichier appliqué sera gardé ici, tel quel, et "
            "pourra être défait."
        )
        return
    st.dataframe(en_table(depots), hide_index=True, height=min(36 * len(depots) + 38, HAUTEUR))
    connus = {d.identifiant: d for d in depots}
    choisi = connus[
        st.selectbox(
            "Dépôt",
            list(connus),
            format_func=lambda i: libelle(connus[i]),
            key=f"depot_choisi_{len(depots)}",
        )
    ]
    with st.container(horizontal=True, key="depot_outils"):
        if cadre.fichiers_bruts(contexte, "Le fichier d'origine"):
            _telecharger(dossier, choisi)
        _confirmer(dossier, choisi, depots)


def _resultat() -> None:
    """Dire ce qu'a donné le retour demandé au passage précédent."""
    fait: Fait | None = st.session_state.pop(_RETOUR, None)
    if fait is None:
        return
    if fait.phrase:
        st.success(echapper_markdown(fait.phrase), icon=":material/undo:")
        return
    st.error("Le retour n'a pas été fait. Rien n'a été changé.", icon=":material/block:")
    for anomalie in fait.anomalies:
        st.text(anomalie.message)


def moment(quand: str) -> str:
    """Écrire une date et heure ISO : « 21/11/2026, 14 h 32 » ; ou telle quelle."""
    try:
        lu = dt.datetime.fromisoformat(quand)
    except ValueError:
        return quand
    return f"{date_courte(lu)}, {heure(lu)}"


def libelle(ligne: depot.Depot) -> str:
    """Nommer un dépôt dans une liste : quand, quoi, par qui."""
    quoi = f"retour avant {ligne.fichier}" if ligne.nature == depot.RETOUR else ligne.fichier
    return f"{moment(ligne.quand)} · {quoi} · {ligne.auteur}"


def en_table(depots: list[depot.Depot]) -> pd.DataFrame:
    """Rendre des dépôts en table : date, auteur, fichier, ce qu'il était, ce qu'il a changé."""
    return pd.DataFrame(
        [
            {
                "Date": moment(d.quand),
                "Auteur": d.auteur,
                "Geste": "retour" if d.nature == depot.RETOUR else "dépôt",
                "Fichier": d.fichier,
                "Reconnu": _reconnu(d),
                "Millésime": d.provenance.get("millesime", ""),
                "Ajoutées": _somme(d, "ajoutees"),
                "Modifiées": _somme(d, "modifiees"),
                "Retirées": _somme(d, "retirees"),
                "Empreinte": d.empreinte[:EMPREINTE],
                "Producteur": d.provenance.get("producteur", ""),
                "Touché": enumeration(touches(d)),
            }
            for d in depots
        ]
    )


def _reconnu(ligne: depot.Depot) -> str:
    famille = ligne.provenance.get("famille", "")
    table = schemas()[famille].titre if famille in schemas() else ""
    return ligne.provenance.get("titre", "") or table


def _somme(ligne: depot.Depot, compte_de: str) -> int:
    return sum(int(c.get(compte_de, 0)) for c in ligne.tables.values())


def touches(ligne: depot.Depot) -> list[str]:
    """Nommer les tables qu'un dépôt a touchées, et les contours."""
    noms = [schemas()[t].titre for t in ligne.tables if t in schemas()]
    contours = [f for f in ligne.fichiers if f.endswith(".geojson")]
    return noms + (["Contours"] if contours else [])


def _telecharger(dossier: Path, choisi: depot.Depot) -> None:
    original = depot.original(dossier, choisi.identifiant)
    st.download_button(
        "Télécharger le fichier d'origine",
        original if original is not None else b"",
        choisi.fichier,
        "application/octet-stream",
        icon=":material/download:",
        on_click="ignore",
        disabled=original is None,
    )


def _confirmer(dossier: Path, choisi: depot.Depot, depots: list[depot.Depot]) -> None:
    with st.popover("Revenir à la version précédente", icon=":material/undo:"):
        st.markdown("Les fichiers que ce dépôt a touchés reprennent leur état d'avant :")
        st.text(enumeration(touches(choisi)))
        suivants = defaits_avec(choisi, depots)
        if suivants:
            nombre = compte(len(suivants), "dépôt plus récent", "dépôts plus récents")
            st.markdown(f"{nombre} sur les mêmes fichiers sera défait aussi{INSECABLE}:")
            for autre in suivants:
                st.text(libelle(autre))
        st.caption("Ce retour sera inscrit à l'historique : il pourra être défait à son tour.")
        st.button(
            "Oui, revenir en arrière",
            type="primary",
            key="revenir",
            on_click=partial(_revenir, dossier, choisi),
        )


def defaits_avec(choisi: depot.Depot, depots: list[depot.Depot]) -> list[depot.Depot]:
    """Rendre les dépôts plus récents sur les mêmes fichiers (`depots` : récents d'abord)."""
    rang = [d.identifiant for d in depots].index(choisi.identifiant)
    return [d for d in depots[:rang] if set(d.fichiers) & set(choisi.fichiers)]


def _revenir(dossier: Path, choisi: depot.Depot) -> None:
    quand = dt.datetime.now().astimezone()
    auteur = str(st.session_state.get(AUTEUR) or "").strip() or SANS_NOM
    try:
        depot.revenir(dossier, choisi.identifiant, auteur, quand)
        phrase = f"À {heure(quand)}, l'état d'avant «{INSECABLE}{choisi.fichier}{INSECABLE}» "
        st.session_state[_RETOUR] = Fait(phrase + "a été remis.")
    except ErreurEcriture as faute:
        st.session_state[_RETOUR] = Fait(anomalies=faute.anomalies)
