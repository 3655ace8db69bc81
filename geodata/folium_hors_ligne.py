"""Afficher les cartes Folium sans réseau : Leaflet vient de static/vendor/, jamais d'un CDN.

Le composant streamlit_folium charge ses scripts un par un ; au premier qui manque, la carte reste
blanche, sans message. On ne lui donne donc que des copies locales.
"""

import logging
from collections.abc import Callable, Iterable
from functools import cache, wraps
from types import ModuleType
from typing import Any

from geodata.texte_carte import blinder_branca

journal = logging.getLogger(__name__)

# Relatif à la page du composant, donc juste aussi derrière un préfixe d'adresse.
BASE = "../../app/static/vendor/"
COPIES = {"leaflet.js": "leaflet/leaflet.js", "leaflet.css": "leaflet/leaflet.css"}
# Demandés par toute carte Folium, inutiles aux nôtres : ni Popup, ni Icon, ni échelle de branca.
INUTILES = frozenset(
    {
        "jquery-3.7.1.min.js",
        "bootstrap.bundle.min.js",
        "bootstrap.min.css",
        "bootstrap-glyphicons.css",
        "leaflet.awesome-markers.js",
        "leaflet.awesome-markers.css",
        "leaflet.awesome.rotate.min.css",
        "all.min.css",
    }
)


def liens_locaux(liens: Iterable[str]) -> list[str]:
    """Remplacer des adresses de CDN par nos copies ; un lien inconnu est retiré et journalisé."""
    noms = [lien.rsplit("/", 1)[-1] for lien in liens]
    for nom in noms:
        if nom not in COPIES and nom not in INUTILES:
            _signaler(nom)
    return [BASE + COPIES[nom] for nom in noms if nom in COPIES]


@cache  # Une carte est redessinée à chaque clic : une fois suffit au journal.
def _signaler(nom: str) -> None:
    journal.warning("Carte Folium : pas de copie locale de « %s », greffon ignoré.", nom)


def sans_echec(script: str) -> str:
    """Empêcher un greffon sans sa bibliothèque d'emporter la carte, créée en tête du script."""
    return f"try {{\n{script}\n}} catch (erreur) {{ console.error('Carte Folium :', erreur); }}\n"


def _hors_ligne(composant: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(composant)
    def appeler(**arguments: Any) -> Any:
        for liens in ("js_links", "css_links"):
            arguments[liens] = liens_locaux(arguments[liens])
        arguments["script"] = sans_echec(arguments["script"])
        # Le navigateur annonce 0 clic dès l'ouverture : s'y attendre évite de tout recalculer.
        if "last_object_clicked_count" in arguments["default"]:
            arguments["default"]["last_object_clicked_count"] = 0
        return composant(**arguments)

    appeler.hors_ligne = True  # type: ignore[attr-defined]
    return appeler


def installer(module_streamlit_folium: ModuleType) -> None:
    """Rendre streamlit_folium autonome et sans danger, une fois par processus ; idempotent.

    Le module est reçu en argument parce qu'il importe Streamlit, ce que geodata ne fait pas.
    Il fait passer tout affichage par `_component_func`, d3 compris, qu'il ajoute lui-même.
    Lève AttributeError si une version n'a plus cette fonction.
    """
    blinder_branca()
    composant = module_streamlit_folium._component_func
    # La marque suit la fonction : elle survit au rechargement à chaud de ce module-ci.
    if not getattr(composant, "hors_ligne", False):
        module_streamlit_folium._component_func = _hors_ligne(composant)  # type: ignore[attr-defined]
