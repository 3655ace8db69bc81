"""Montrer une figure : message, sous-titre, dessin, légende, source, et les outils d'export."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st
from plotly.io.json import to_json_plotly

from ctg_data.exports.image import FORMATS, image
from ctg_data.exports.tableur import csv_octets
from ctg_data.figures import Figure, Habillage
from ctg_data.figures.rendu_plotly import dessiner
from ctg_data.textes import echapper_markdown
from pages.composants.cadre import RACINE, titre

_DEMANDE, _NUMERO = "fichier_demande", "numero_fichier"
_MODULE = RACINE / "static" / "figure.js"


def adresse_servie(chemin: str) -> str:
    """Rendre l'adresse d'un fichier de static/, juste aussi derrière un préfixe d'adresse.

    La date du fichier y figure : le navigateur le garde, et le redemande s'il change.
    """
    prefixe = str(st.get_option("server.baseUrlPath") or "").strip("/")
    version = (RACINE / "static" / chemin).stat().st_mtime_ns
    return f"{'/' + prefixe if prefixe else ''}/app/static/{chemin}?v={version}"


def _composant(nom: str, fonction: str) -> Callable[..., Any]:
    """Déclarer un composant dont le code est servi une fois, pas joint à chaque message."""
    adresse = json.dumps(adresse_servie(_MODULE.name))
    charger = f"import(new URL({adresse}, document.baseURI).href)"
    # Le saut de ligne dit à Streamlit que c'est du code, pas un chemin.
    appeler = f"export default (c) =>\n  {charger}.then((module) => module.{fonction}(c))"
    return st.components.v2.component(nom, js=appeler, isolate_styles=False)


# Le graphique ordinaire de Streamlit est recréé dès qu'une valeur change : c'était le plus gros
# du temps d'attente. Celui-ci garde la figure et n'en redessine que ce qui change.
_monter = _composant("figure", "default")
_transmettre = _composant("contours", "recevoir")


def titrer(habillage: Habillage, niveau: int = 4) -> None:
    """Écrire le message d'une figure, son ruban « exemple » et son sous-titre."""
    titre(habillage.message, habillage.sous_titre, habillage.exemple, niveau)


def contours(cle: str, geojson: dict[str, Any]) -> None:
    """Transmettre des contours au navigateur : ce message, toujours le même, n'est envoyé qu'une
    fois par session.
    """
    _transmettre(key=f"contours_{cle}", data=_octets({"cle": cle, "geojson": geojson}))


def montrer(
    figure: Figure,
    cle: str,
    hauteur: int | None = None,
    *,
    taille: int = 15,
    dessin: dict[str, Any] | None = None,
    legende: str = "",
    contours: str = "",
    au_clic: Callable[[str], None] | None = None,
    produire: Callable[[str], bytes] | None = None,
) -> None:
    """Montrer le dessin, sa légende, sa source et ses outils (tableau, PNG, SVG, CSV).

    `hauteur` en pixels ; sinon la feuille de style la fixe d'après `cle`. `dessin` : un dessin
    déjà fait, ou {} pour n'avoir que légende, source et outils. `legende` : du HTML à nous.
    `contours` : la clé sous laquelle ils ont été transmis. `au_clic` reçoit le code de la commune
    cliquée. `produire` remplace l'image ordinaire. Les fichiers ne sont fabriqués qu'au clic.
    """
    envoi = {
        "dessin": dessiner(figure, taille) if dessin is None else dessin or None,
        "hauteur": hauteur,
        "legende": legende,
        "contours": contours,
        "texte": figure.habillage.texte[:900],
        "source": figure.habillage.source,
        "cliquable": au_clic is not None,
        "fichier": _fichier(figure, cle, produire or partial(image, figure)),
    }
    _monter(
        key=cle,
        data=_octets(envoi),
        on_clic_change=partial(_choisir, cle, au_clic),
        on_outil_change=partial(_demander, cle),
    )
    if st.session_state.get(_DEMANDE) == (cle, "tableau"):
        del st.session_state[_DEMANDE]
        _tableau(figure.habillage)


def _octets(valeur: Any) -> bytes:
    # L'encodeur de Plotly : une valeur absente (NaN) devient null, que JSON connaît.
    return str(to_json_plotly(valeur)).encode()


def _choisir(cle: str, au_clic: Callable[[str], None] | None) -> None:
    code = st.session_state[cle].clic
    if code and au_clic is not None:
        au_clic(code)


def _demander(cle: str) -> None:
    outil = st.session_state[cle].outil
    if outil:
        st.session_state[_DEMANDE] = (cle, outil)


def _fichier(figure: Figure, cle: str, produire: Callable[[str], bytes]) -> dict[str, Any] | None:
    """Fabriquer le fichier demandé au passage précédent ; None si aucun ne l'est ici."""
    demandee, genre = st.session_state.get(_DEMANDE, ("", ""))
    if demandee != cle or genre not in (*FORMATS, "csv"):
        return None
    del st.session_state[_DEMANDE]
    octets = csv_octets(figure.habillage.table) if genre == "csv" else produire(genre)
    st.session_state[_NUMERO] = st.session_state.get(_NUMERO, 0) + 1
    return {
        "numero": st.session_state[_NUMERO],
        "nom": f"{figure.habillage.nom_fichier}.{genre}",
        "mime": FORMATS.get(genre, "text/csv"),
        "base64": base64.b64encode(octets).decode(),
    }


@st.dialog("Données de la figure", width="large")
def _tableau(habillage: Habillage) -> None:
    st.caption(echapper_markdown(habillage.sous_titre))
    st.dataframe(habillage.table, hide_index=True, height=460)
    st.caption(echapper_markdown(habillage.source))
