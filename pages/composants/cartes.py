"""Montrer la carte d'un indicateur : figure à présenter, ou carte Folium à explorer."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from ctg_data.bascule import contours_de
from ctg_data.figures.construire import habiller
from geodata.carte import CONTOURS, Carte, composer
from geodata.contours import ErreurContours
from geodata.fond import VOISINES
from geodata.legende import legende_html
from geodata.lieux import GENRES
from geodata.rendu_image import image_carte
from geodata.rendu_plotly import dessiner_carte
from pages.composants import contexte as ctx
from pages.composants import donnees
from pages.composants.cadre import RACINE, anomalies, ruban
from pages.composants.contexte import Contexte
from pages.composants.figure import adresse_servie, contours, montrer

EN_LIGNE = "Fond en ligne"
A_SOI = "Contours : fichier déposé"
# Fenêtre supposée pour placer les noms, en pixels (largeur, hauteur) ; l'écran étire ensuite.
FENETRE, VIGNETTE = (700, 430), (430, 270)
HAUTEUR_EXPLORER = 330


def carte(contexte: Contexte, code: str, *, cercles: bool = True) -> Carte:
    """Composer la carte d'un indicateur, cercles d'enfants compris pour un taux."""
    return _carte(contexte, contexte.cle, code, cercles)


@st.cache_resource(max_entries=200, show_spinner=False)
def _carte(_contexte: Contexte, cle: tuple[str, ...], code: str, cercles: bool) -> Carte:
    resultat = donnees.resultat(_contexte, code)
    tailles: dict[str, float] = {}
    titre = ""
    comptables = cercles and not donnees.fautes(_contexte, "taux_couverture")
    if comptables and not resultat.fiche.est_effectif:
        enfants = donnees.enfants(_contexte)
        tailles = enfants.table["valeur"].dropna().to_dict()
        titre = f"enfants de moins de 3 ans ({enfants.annee})"
    return composer(
        resultat,
        habiller(resultat, _contexte.commune, _contexte.reference, "carte"),
        cercles=tailles,
        titre_cercles=titre,
        reference=resultat.references.get(_contexte.reference),
        choisie=_contexte.commune,
        contours=A_SOI if _deposes(_contexte) else CONTOURS,
    )


def presenter(
    contexte: Contexte,
    code: str,
    cle: str,
    *,
    cercles: bool = True,
    fenetre: tuple[int, int] = FENETRE,
) -> None:
    """Montrer la carte Plotly, sa légende, sa source et ses outils ; un clic choisit la commune."""
    if not _contours_lus(contexte):
        return
    composee = carte(contexte, code, cercles=cercles)
    adresse, transmis = _contours(contexte)
    montrer(
        composee,
        cle,
        dessin=_dessin(contexte, contexte.cle, code, cercles, adresse, fenetre),
        legende=legende_html(composee),
        contours=transmis,
        au_clic=partial(ctx.poser, "commune"),
        produire=partial(image_carte, composee, donnees.fond(contexte)),
    )


@st.cache_resource(max_entries=200, show_spinner=False)
def _dessin(
    _contexte: Contexte,
    cle: tuple[str, ...],
    code: str,
    cercles: bool,
    adresse: str,
    fenetre: tuple[int, int],
) -> dict[str, Any]:
    composee = carte(_contexte, code, cercles=cercles)
    largeur, hauteur = fenetre
    return dessiner_carte(composee, donnees.fond(_contexte), adresse, hauteur, largeur)


def _contours_lus(contexte: Contexte) -> bool:
    """Dire si les contours du territoire sont là ; sinon, montrer ce qui manque."""
    try:
        donnees.fond(contexte)
    except ErreurContours as faute:
        anomalies(faute.anomalies)
        return False
    return True


def _contours(contexte: Contexte) -> tuple[str, str]:
    """Rendre l'adresse des contours d'un territoire livré, sinon la clé des contours transmis.

    Dans les deux cas ils ne vont qu'une fois au navigateur, pas à chaque geste.
    """
    adresse, communes = _servis().get(contexte.territoire.code, ("", frozenset()))
    livres = communes == set(contexte.territoire.communes)
    if livres and not _deposes(contexte):
        return adresse, ""
    cle = "_".join(contexte.marque[1:])
    contours(cle, donnees.fond(contexte).geojson)
    return "", cle


def _deposes(contexte: Contexte) -> bool:
    """Dire si le territoire a ses propres contours : ils l'emportent sur ceux de l'outil."""
    dossier = Path(contexte.marque[0])
    return (dossier / contours_de(dossier)).is_file()


@st.cache_resource(show_spinner=False)
def _servis() -> dict[str, tuple[str, frozenset[str]]]:
    """Rendre, par territoire livré, l'adresse de ses contours servis et leurs communes."""
    servis = {}
    for fichier in (RACINE / "static" / "geo").glob("*.geojson"):
        objets = json.loads(fichier.read_text("utf-8"))["features"]
        servis[fichier.stem] = (
            adresse_servie(f"geo/{fichier.name}"),
            frozenset(o["id"] for o in objets) - {VOISINES},
        )
    return servis


def explorer(contexte: Contexte, code: str, cle: str) -> None:
    """Montrer la carte Folium : zoom, couches, équipements ; un clic choisit la commune."""
    # Chargé ici seulement : les autres vues n'ont pas à payer l'import de Folium.
    import streamlit_folium

    from geodata import folium_hors_ligne, rendu_folium

    folium_hors_ligne.installer(streamlit_folium)
    if not _contours_lus(contexte):
        return
    composee, fond = carte(contexte, code), donnees.fond(contexte)
    voulues = _couches(cle, rendu_folium.COUCHES)
    en_ligne, voisines = EN_LIGNE in voulues, "Voisines" in voulues
    lieux = [lieu for lieu in donnees.lieux(contexte) if lieu.genre in voulues]
    if any(lieu.exemple for lieu in lieux) and not composee.habillage.exemple:
        ruban()
    composant = f"{cle}_folium_{contexte.territoire.code}_{en_ligne:d}{voisines:d}"
    streamlit_folium.st_folium(
        rendu_folium.carte_de_base(fond, voisines=voisines, tuiles=en_ligne),
        key=composant,
        feature_group_to_add=rendu_folium.couches(composee, fond, lieux, voulues),
        height=HAUTEUR_EXPLORER,
        use_container_width=True,
        returned_objects=["last_active_drawing", "last_object_clicked_count"],
        on_change=partial(_clic_folium, composant),
    )
    montrer(
        composee,
        cle,
        dessin={},
        legende=legende_html(composee),
        produire=partial(image_carte, composee, fond),
    )


def _couches(cle: str, habituelles: tuple[str, ...]) -> list[str]:
    """Faire choisir les couches de la carte ; le fond en ligne est éteint par défaut."""
    return st.pills(
        "Couches",
        [*habituelles, *GENRES, EN_LIGNE],
        default=list(habituelles),
        selection_mode="multi",
        key=f"{cle}_couches",
        label_visibility="collapsed",
        help="Le fond en ligne demande des images à openstreetmap.org ; tout le reste est local.",
    )


def _clic_folium(composant: str) -> None:
    dessin = (st.session_state.get(composant) or {}).get("last_active_drawing") or {}
    code = (dessin.get("properties") or {}).get("code")
    if code:
        ctx.poser("commune", str(code))
