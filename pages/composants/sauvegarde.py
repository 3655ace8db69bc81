"""Sauvegarder tout ce qui est à l'utilisateur, et le restaurer."""

from __future__ import annotations

import datetime as dt
import io
from functools import partial
from pathlib import Path

import streamlit as st

from ctg_data.anomalies import Anomalie
from ctg_data.dossiers import TERRITOIRES, dossier_donnees
from ctg_data.ecriture import ErreurEcriture
from ctg_data.sauvegarde import restaurer, sauvegarder, verifier
from ctg_data.territoire import copier
from ctg_data.textes import INSECABLE, echapper_markdown, enumeration
from pages.composants import cadre
from pages.composants.contexte import Contexte
from pages.composants.recu import Fait

_PRETE, _RESTAUREE = "sauvegarde_prete", "restauration_faite"
# Une sauvegarde réunit tous les dépôts : elle dépasse vite un fichier ordinaire.
TAILLE_MAX_MO = 500


def vue(contexte: Contexte) -> None:
    """Dire où sont les fichiers, en préparer une archive, en restaurer une."""
    gauche, droite = st.columns(2, gap="large")
    with gauche:
        st.markdown("#### Sauvegarder")
        if cadre.fichiers_bruts(contexte, "La sauvegarde"):
            _sauvegarder()
        st.markdown("#### Où sont les fichiers de ce territoire")
        _mes_fichiers(contexte)
    with droite:
        st.markdown("#### Restaurer une sauvegarde")
        _restaurer()


def _sauvegarder() -> None:
    st.caption(
        "Une seule archive de tous vos territoires, avec leurs dépôts et leurs fichiers d'origine."
    )
    st.button("Préparer la sauvegarde", icon=":material/archive:", on_click=_preparer)
    fait, octets = st.session_state.get(_PRETE, (None, b""))
    if fait is None:
        return
    if not fait.phrase:
        _refus("La sauvegarde n'a pas pu être faite.", fait.anomalies)
        return
    st.text(fait.phrase)
    st.download_button(
        "Télécharger la sauvegarde",
        octets,
        f"boussole-ctg-{dt.date.today().isoformat()}.zip",
        "application/zip",
        type="primary",
        icon=":material/download:",
        on_click="ignore",
    )


def _preparer() -> None:
    sortie = io.BytesIO()
    try:
        bilan = sauvegarder(dossier_donnees(), sortie, dt.datetime.now().astimezone())
        st.session_state[_PRETE] = Fait(f"{bilan.phrase}."), sortie.getvalue()
    except ErreurEcriture as faute:
        st.session_state[_PRETE] = Fait(anomalies=faute.anomalies), b""


def _restaurer() -> None:
    fait: Fait | None = st.session_state.pop(_RESTAUREE, None)
    if fait is not None and fait.phrase:
        st.success(echapper_markdown(fait.phrase), icon=":material/check_circle:")
    elif fait is not None:
        _refus("La restauration n'a pas été faite. Rien n'a été changé.", fait.anomalies)
    archive = st.file_uploader(
        f"Archive de sauvegarde (.zip, au plus {TAILLE_MAX_MO}{INSECABLE}Mo)",
        key="sauvegarde_a_restaurer",
        max_upload_size=TAILLE_MAX_MO,
    )
    if archive is None:
        return
    try:
        bilan = verifier(archive)
    except ErreurEcriture as faute:
        _refus("Cette archive ne peut pas être restaurée.", faute.anomalies)
        return
    st.text(f"Archive saine{INSECABLE}: {bilan.phrase}.")
    st.text(f"Territoires{INSECABLE}: {enumeration(list(bilan.territoires))}.")
    with st.popover("Restaurer cette sauvegarde", icon=":material/settings_backup_restore:"):
        st.markdown(
            "Vos territoires et vos fichiers actuels seront remplacés par ceux de l'archive. "
            "L'existant est gardé à côté, dans un dossier daté."
        )
        st.button(
            "Oui, restaurer",
            type="primary",
            key="restaurer",
            on_click=partial(_executer, archive),
        )


def _executer(archive: io.BytesIO) -> None:
    archive.seek(0)
    try:
        bilan = restaurer(archive, dossier_donnees(), dt.datetime.now().astimezone())
        ancien = f" L'existant est gardé dans {bilan.ancien.name}." if bilan.ancien else ""
        st.session_state[_RESTAUREE] = Fait(f"Restauré{INSECABLE}: {bilan.phrase}.{ancien}")
    except ErreurEcriture as faute:
        st.session_state[_RESTAUREE] = Fait(anomalies=faute.anomalies)


def _refus(titre: str, anomalies: tuple[Anomalie, ...]) -> None:
    st.error(titre, icon=":material/block:")
    for anomalie in anomalies:
        st.text(anomalie.message)


def _mes_fichiers(contexte: Contexte) -> None:
    """Dire où sont les fichiers du territoire, et en préparer une copie à soi."""
    lu = Path(contexte.marque[0])
    cible = dossier_donnees() / TERRITOIRES / contexte.territoire.code
    st.code(str(lu), language=None)
    if lu == cible:
        st.caption("C'est votre dossier. Les fichiers que vous y modifiez sont relus aussitôt.")
        return
    st.caption(
        "C'est le territoire livré. Votre premier dépôt en fera une copie à vous, que l'outil lira "
        "désormais. Vous pouvez aussi la préparer maintenant, ici :"
    )
    st.code(str(cible), language=None)
    if st.button("Préparer mon dossier", icon=":material/create_new_folder:"):
        _copier(lu, cible)


def _copier(lu: Path, cible: Path) -> None:
    try:
        copier(lu, cible)
    except OSError as faute:
        st.error(f"Le dossier n'a pas pu être créé : {faute.strerror}.")
        st.text("Choisissez un dossier où vous pouvez écrire, par la variable CTG_DONNEES.")
        return
    st.rerun()
