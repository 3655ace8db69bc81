"""Lire un grand fichier national posé dans le dossier des données, avec de quoi s'arrêter."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from ctg_data.dossiers import A_CHARGER, dossier_donnees
from ctg_data.examen import examiner
from ctg_data.textes import INSECABLE, nombre
from pages.composants.contexte import Contexte
from pages.composants.recu import Recu

EXTENSIONS = (".csv", ".txt", ".zip", ".parquet")
_LUS = "nationaux_lus"


def fichiers() -> dict[str, Path]:
    """Lister les fichiers posés dans le dossier à charger ; jamais un chemin venu d'ailleurs."""
    dossier = dossier_donnees() / A_CHARGER
    if not dossier.is_dir():
        return {}
    presents = (f for f in sorted(dossier.iterdir()) if f.suffix.lower() in EXTENSIONS)
    return {f.name: f for f in presents if f.is_file() and not f.is_symlink()}


def choisir(contexte: Contexte) -> list[Recu]:
    """Faire choisir un grand fichier, le lire à la demande, et rendre ceux qui sont lus."""
    poses = fichiers()
    with st.expander(
        f"Fichier trop gros{INSECABLE}? Fichiers nationaux ({nombre(len(poses))})",
        icon=":material/hard_drive:",
    ):
        st.caption("Posez-le, tel que téléchargé, dans ce dossier :")
        st.code(str(dossier_donnees() / A_CHARGER), language=None)
        nom = st.selectbox(
            "Fichier à lire", list(poses), key="national_choisi", placeholder="aucun fichier"
        )
        if nom and st.button("Lire ce fichier", key="national_lire", icon=":material/play_arrow:"):
            _lire(contexte, poses[nom])
    lus: dict[str, Recu] = st.session_state.get(_LUS, {})
    return [r for cle, r in lus.items() if cle.startswith(f"{contexte.territoire.code}/")]


def _lire(contexte: Contexte, chemin: Path) -> None:
    """Lire en montrant la part lue ; tout geste, « Annuler » compris, arrête la lecture."""
    etat = chemin.stat()
    cle = f"{contexte.territoire.code}/{chemin.name}/{etat.st_mtime_ns}/{etat.st_size}"
    place = st.empty()
    with place.container():
        barre = st.progress(0.0, "Lecture…")
        # Un clic relance la page : la lecture s'arrête au prochain pas de la barre.
        st.button("Annuler", key="national_annuler", icon=":material/cancel:")
        pas = avancement(barre.progress)
        lu = examiner(chemin, contexte.territoire.communes, progression=pas)
    place.empty()
    recu = Recu(cle, lu.controle, lu.original, extrait=lu.extrait)
    st.session_state.setdefault(_LUS, {})[cle] = recu


def avancement(montrer: Callable[[float, str], object]) -> Callable[[float], bool]:
    """Rendre ce qui montre la part lue, un message par centième au plus, et ne s'arrête jamais."""
    vu = -1

    def avancer(part: float) -> bool:
        nonlocal vu
        pourcent = int(100 * min(part, 1))
        if pourcent > vu:
            vu = pourcent
            montrer(pourcent / 100, f"Lecture{INSECABLE}: {pourcent}{INSECABLE}%")
        return True

    return avancer
