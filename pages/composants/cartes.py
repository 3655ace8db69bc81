"""Montrer la carte d'un indicateur : figure à présenter, ou carte Folium à explorer."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import streamlit as st

from ctg_data.figures.construire import habiller
from ctg_data.indicateurs import Resultat
from geodata.carte import Carte, composer
from geodata.fond import Fond
from geodata.legende import legende_html
from geodata.rendu_image import image_carte
from geodata.rendu_plotly import dessiner_carte
from pages.composants import contexte as ctx
from pages.composants import donnees
from pages.composants.cadre import RACINE
from pages.composants.contexte import Contexte
from pages.composants.figure import pied, tracer


def carte(contexte: Contexte, resultat: Resultat, *, avec_cercles: bool = True) -> Carte:
    """Composer la carte d'un résultat, cercles d'enfants compris pour un taux."""
    cercles: dict[str, float] = {}
    titre = ""
    if avec_cercles and not resultat.fiche.est_effectif:
        enfants = donnees.enfants(contexte)
        valeurs = enfants.table["valeur"].dropna()
        cercles = {str(c): float(v) for c, v in valeurs.items() if v > 0}
        titre = f"enfants de moins de 3 ans ({enfants.annee})"
    return composer(
        resultat,
        habiller(resultat, contexte.commune, contexte.reference, "carte"),
        cercles=cercles,
        titre_cercles=titre,
        reference=resultat.references.get(contexte.reference),
        choisie=contexte.commune,
    )


def presenter(contexte: Contexte, composee: Carte, cle: str, hauteur: int, largeur: int) -> None:
    """Montrer la carte Plotly, sa légende, sa source et ses outils ; un clic choisit la commune."""
    fond = donnees.fond(contexte)
    contours = _contours(contexte, fond)
    dessin = dessiner_carte(composee, fond, contours, hauteur, largeur)
    with st.container(key=f"cadre_{cle}"):
        tracer(composee, cle, "stretch", dessin=dessin, au_clic=partial(ctx.poser, "commune"))
    st.html(legende_html(composee))
    pied(composee, cle, lambda genre: image_carte(composee, fond, genre))


def _contours(contexte: Contexte, fond: Fond) -> str | dict[str, Any]:
    """Rendre l'adresse des contours d'un territoire livré, sinon les contours eux-mêmes.

    Un fichier servi n'est transmis qu'une fois au navigateur, pas à chaque geste.
    """
    adresse, communes = _publies().get(contexte.territoire.code, ("", frozenset()))
    return adresse if communes == set(contexte.territoire.communes) else fond.geojson


@st.cache_resource(show_spinner=False)
def _publies() -> dict[str, tuple[str, frozenset[str]]]:
    """Rendre, par territoire livré, l'adresse de ses contours servis et leurs communes."""
    return {
        f.stem: (
            f"/app/static/geo/{f.name}?v={int(f.stat().st_mtime)}",
            frozenset(o["id"] for o in json.loads(f.read_text("utf-8"))["features"]),
        )
        for f in (RACINE / "static" / "geo").glob("*.geojson")
    }


def explorer(contexte: Contexte, composee: Carte, cle: str, hauteur: int, largeur: int) -> None:
    """Montrer la carte Folium : zoom, couches, équipements ; un clic choisit la commune."""
    # Chargé ici seulement : les autres vues n'ont pas à payer l'import de Folium.
    import folium
    import streamlit_folium

    from geodata import folium_hors_ligne, rendu_folium

    folium_hors_ligne.installer(streamlit_folium)
    fond = donnees.fond(contexte)
    en_ligne = st.toggle(
        "Fond de carte en ligne",
        key=f"{cle}_tuiles",
        help="Éteint par défaut. Allumé, la carte demande des images à openstreetmap.org.",
    )
    composant = f"{cle}_folium_{contexte.territoire.code}_{int(en_ligne)}"
    streamlit_folium.st_folium(
        rendu_folium.carte_de_base(fond, en_ligne),
        key=composant,
        feature_group_to_add=rendu_folium.couches(composee, fond, donnees.lieux(contexte)),
        layer_control=folium.LayerControl(collapsed=True),
        height=hauteur,
        use_container_width=True,
        returned_objects=["last_active_drawing", "last_object_clicked_count"],
        on_change=partial(_clic_folium, composant),
    )
    st.html(legende_html(composee))
    pied(composee, cle, lambda genre: image_carte(composee, fond, genre))


def _clic_folium(composant: str) -> None:
    dessin = (st.session_state.get(composant) or {}).get("last_active_drawing") or {}
    code = (dessin.get("properties") or {}).get("code")
    if code:
        ctx.poser("commune", str(code))


def situer(contexte: Contexte, resultat: Resultat) -> None:
    """Montrer où est la commune dans le territoire ; un clic en choisit une autre."""
    composee = carte(contexte, resultat, avec_cercles=False)
    st.markdown("#### Dans le territoire")
    presenter(contexte, composee, "carte_situation", 300, 500)
