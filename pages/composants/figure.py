"""Montrer une figure : message, sous-titre, dessin, source, et la rangée d'outils."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import streamlit as st
from plotly.basedatatypes import BaseFigure

from ctg_data.exports.image import FORMATS, image
from ctg_data.exports.tableur import csv_octets
from ctg_data.figures import Figure, Habillage
from ctg_data.figures.rendu_plotly import dessiner
from ctg_data.textes import echapper_markdown
from pages.composants.cadre import RACINE, titre


@st.cache_resource(show_spinner=False)
def reglages() -> dict[str, Any]:
    """Rendre les réglages Plotly communs : français, sans barre d'outils, sans réseau."""
    return {
        "displayModeBar": False,
        "locale": "fr",
        "locales": {"fr": json.loads((RACINE / "static" / "plotly_fr.json").read_text("utf-8"))},
        "topojsonURL": adresse_servie("topojson/"),
        "scrollZoom": False,
    }


def adresse_servie(chemin: str) -> str:
    """Rendre l'adresse d'un fichier de static/, juste aussi derrière un préfixe d'adresse."""
    prefixe = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"{'/' + prefixe if prefixe else ''}/app/static/{chemin}"


def titrer(habillage: Habillage, niveau: int = 4) -> None:
    """Écrire le message d'une figure, son ruban « exemple » et son sous-titre."""
    titre(habillage.message, habillage.sous_titre, habillage.exemple, niveau)


def tracer(
    figure: Figure,
    cle: str,
    hauteur: int | Literal["stretch"],
    *,
    taille: int = 15,
    dessin: dict[str, Any] | None = None,
    au_clic: Callable[[str], None] | None = None,
) -> None:
    """Tracer le dessin seul ; `au_clic` reçoit le code de la commune cliquée."""
    st.plotly_chart(
        _Dessin(dessin if dessin is not None else dessiner(figure, taille)),
        height=hauteur,
        key=cle,
        theme=None,
        config=reglages(),
        alt=figure.habillage.texte[:900],
        **_selection(cle, au_clic),
    )


class _Dessin(BaseFigure):
    """Passer un dessin à Streamlit sans que Plotly revalide chaque propriété à chaque geste.

    Nos dessins sont validés une fois pour toutes par les tests ; les revalider coûte plus que tout
    le reste de la page.
    """

    def __init__(self, dessin: dict[str, Any]) -> None:
        object.__setattr__(self, "_dessin", dessin)

    def to_dict(self) -> dict[str, Any]:
        return self._dessin


def _selection(cle: str, au_clic: Callable[[str], None] | None) -> dict[str, Any]:
    if au_clic is None:
        return {}

    def choisir() -> None:
        points = st.session_state[cle].selection.points
        code = code_clique(points[0]) if points else None
        if code:
            au_clic(code)

    return {"on_select": choisir, "selection_mode": "points"}


def code_clique(point: dict[str, Any]) -> str | None:
    """Rendre le code porté par un point cliqué : lieu d'une carte, ou donnée jointe."""
    code = point.get("location") or point.get("customdata")
    return str(code[0] if isinstance(code, list) else code) if code else None


def pied(figure: Figure, cle: str, dessiner_image: Callable[[str], bytes] | None = None) -> None:
    """Écrire la source puis la rangée d'outils : tableau, PNG, SVG, CSV.

    Les fichiers ne sont fabriqués qu'au clic ; `dessiner_image` remplace le dessin ordinaire.
    """
    habillage = figure.habillage
    st.caption(echapper_markdown(habillage.source))
    produire = dessiner_image or partial(image, figure)
    with st.container(horizontal=True, key=f"outils_{cle}", gap="small"):
        if st.button("Tableau", key=f"{cle}_tableau", type="tertiary", icon=":material/table:"):
            _tableau(habillage)
        for genre, mime in FORMATS.items():
            _telecharger(cle, genre, partial(produire, genre), habillage.nom_fichier, mime)
        octets = partial(csv_octets, habillage.table)
        _telecharger(cle, "csv", octets, habillage.nom_fichier, "text/csv")


def _telecharger(cle: str, genre: str, octets: Callable[[], bytes], nom: str, mime: str) -> None:
    st.download_button(
        genre.upper(),
        octets,
        file_name=f"{nom}.{genre}",
        mime=mime,
        key=f"{cle}_{genre}",
        type="tertiary",
        icon=":material/download:",
        on_click="ignore",
    )


@st.dialog("Données de la figure", width="large")
def _tableau(habillage: Habillage) -> None:
    st.caption(echapper_markdown(habillage.sous_titre))
    st.dataframe(habillage.table, hide_index=True, height=460)
    st.caption(echapper_markdown(habillage.source))
