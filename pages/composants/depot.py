"""Déposer des fichiers : le verdict d'abord, ce qui va changer ensuite, puis appliquer."""

from __future__ import annotations

from functools import partial

import streamlit as st

from ctg_data.anomalies import Anomalie
from ctg_data.depot import Apercu
from ctg_data.exports.gabarits import gabarit
from ctg_data.schema import schemas
from ctg_data.textes import INSECABLE, compte, echapper_markdown
from pages.composants import cadre, changements, donnees, manquants, nationaux, verdict
from pages.composants.contexte import Contexte
from pages.composants.recu import AUTEUR, Recu, appliqueur, fait, prevoir, recevoir

CLASSEUR = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMATS = "CSV, Excel, LibreOffice, Parquet, GeoJSON, GeoPackage, ou un zip de ces fichiers"


def vue(contexte: Contexte) -> None:
    """Faire déposer des fichiers, montrer le verdict de chacun, et les appliquer."""
    gauche, droite = st.columns([3, 2], gap="medium")
    with gauche:
        recus = _deposes(contexte)
    with droite:
        auteur = st.text_input(
            "Votre nom",
            key=AUTEUR,
            max_chars=80,
            help="Gardé dans l'historique avec chaque dépôt. L'outil ne le vérifie pas.",
            placeholder="gardé avec le dépôt, non vérifié",
            persist_state="session",
        )
        recus += nationaux.choisir(contexte)
        _gabarits(contexte)
    for rang, recu in enumerate(recus):
        _fichier(contexte, recu, rang, auteur)
    if not recus:
        manquants.montrer(contexte)


def _deposes(contexte: Contexte) -> list[Recu]:
    taille = st.get_option("server.maxUploadSize")
    fichiers = st.file_uploader(
        f"Déposez ici les fichiers de l'Insee, de la Caf, de l'IGN, ou les vôtres{INSECABLE}: "
        f"{FORMATS}. Au plus {taille}{INSECABLE}Mo chacun.",
        accept_multiple_files=True,
        key="depot_fichiers",
    )
    if not fichiers:
        st.caption(
            "Le nom du fichier ne compte pas : l'outil reconnaît son en-tête. Rien n'est changé "
            "avant que vous n'appliquiez."
        )
    return [recevoir(contexte, f.file_id, f.getvalue(), f.name) for f in fichiers]


def _gabarits(contexte: Contexte) -> None:
    """Offrir le classeur à remplir de chaque table, communes du territoire comprises."""
    with st.expander("Gabarits Excel à remplir", icon=":material/table_view:"):
        noms = {nom: schema.titre for nom, schema in schemas().items()}
        table = st.selectbox("Table", list(noms), format_func=noms.__getitem__, key="gabarit")
        st.download_button(
            "Télécharger le gabarit",
            partial(gabarit, table, donnees.tables(contexte).noms),
            f"{table}.xlsx",
            CLASSEUR,
            icon=":material/download:",
            on_click="ignore",
        )


def _fichier(contexte: Contexte, recu: Recu, rang: int, auteur: str) -> None:
    """Montrer un fichier : verdict, changements et bouton, ou ce qu'a donné son dépôt."""
    controle = recu.controle
    with st.container(border=True, key=f"verdict_{controle.verdict}_{rang}"):
        resultat = fait(recu)
        if resultat is not None and resultat.phrase:
            _enregistre(contexte, recu, resultat.phrase, rang)
            return
        verdict.montrer(controle, len(contexte.territoire.communes), contexte.audience, str(rang))
        if controle.verdict == "refuse":
            st.caption("Rien n'a été changé. Corrigez le fichier, puis déposez-le de nouveau.")
        elif recu.vide:
            st.caption("Ce fichier ne remplit aucune table : rien à appliquer.")
        else:
            _appliquer(contexte, recu, rang, auteur, resultat.anomalies if resultat else ())


def _appliquer(
    contexte: Contexte, recu: Recu, rang: int, auteur: str, refus: tuple[Anomalie, ...]
) -> None:
    """Montrer ce qui va changer, et le bouton qui dépose exactement cela."""
    changes = st.container(gap="small")
    boutons = st.container(horizontal=True, gap="medium", vertical_alignment="center")
    cle = f"remplacer_{recu.cle}"
    remplacer = bool(st.session_state.get(cle))
    apercu = prevoir(contexte, recu, remplacer)
    nom = echapper_markdown(contexte.territoire.nom)
    with changes:
        if recu.contours is not None:
            st.markdown(f"**Contours**{INSECABLE}: ils remplacent ceux de la carte de {nom}.")
        changements.montrer(apercu, contexte.audience, str(rang))
        _refus(apercu.anomalies or refus)
    with boutons:
        st.button(
            f"Appliquer à {nom}",
            key=f"appliquer_{rang}",
            type="primary",
            icon=":material/save:",
            disabled=not _applicable(apercu, recu),
            on_click=appliqueur(contexte, recu, apercu.marque, remplacer, auteur),
        )
        if recu.controle.tables:
            _remplacer(cle)


def _remplacer(cle: str) -> None:
    st.toggle(
        "Remplacer toute la table",
        key=cle,
        help="Éteint : vos lignes s'ajoutent, et remplacent celles de même commune et de même "
        "année. Allumé : les autres lignes de la table sont retirées.",
    )


def _applicable(apercu: Apercu, recu: Recu) -> bool:
    return apercu.applicable or (recu.contours is not None and not apercu.anomalies)


def _refus(anomalies: tuple[Anomalie, ...]) -> None:
    if not anomalies:
        return
    nombre = compte(len(anomalies), "raison")
    st.error(f"Rien n'a été changé, pour {nombre}{INSECABLE}:", icon=":material/block:")
    for anomalie in anomalies[: verdict.EN_CLAIR]:
        st.text(anomalie.message)


def _enregistre(contexte: Contexte, recu: Recu, phrase: str, rang: int) -> None:
    nom = echapper_markdown(recu.controle.fichier)
    st.success(f"{nom} · {echapper_markdown(phrase)}", icon=":material/check_circle:")
    with st.container(horizontal=True, key=f"suite_{rang}"):
        adresse = contexte.adresse_de_contexte
        cadre.lien("offre_besoins", "Voir la carte", ":material/map:", adresse)
        cadre.lien("accueil", "Voir l'accueil", ":material/home:", adresse)
