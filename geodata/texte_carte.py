"""Faire entrer un texte dans une carte Folium sans qu'il y soit jamais exécuté.

Folium écrit les textes dans du JavaScript, Leaflet les pose en HTML, et branca compile une seconde
fois comme gabarit Jinja le script déjà rendu : un nom de commune comme `{{ 7*7 }}` s'exécuterait
sur le serveur. Deux barrières indépendantes : `texte_carte` pour chaque texte, `blinder_branca`
une fois au démarrage.
"""

import re
import unicodedata
from typing import Any

import branca.element
import pandas as pd
from jinja2 import Template

# HTML : & < > " ' =   JavaScript : ` $ \   Jinja : { } % #
# _ et ( : streamlit_folium récrit des morceaux du script (« alert(coords); », suffixes de noms).
_ENTITES = {ord(c): f"&#{ord(c)};" for c in "&<>\"'=`$\\{}%#_("}
# Un saut de ligne vaut une espace ; les autres contrôles et les moitiés de paires disparaissent.
_BLANCS = dict.fromkeys(map(ord, "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"), " ")
_CONTROLES = {
    point: None
    for point in [*range(0xA0), *range(0xD800, 0xE000)]
    if unicodedata.category(chr(point)) in {"Cc", "Cs"}
}
_NETTOYAGE: dict[int, str | None] = {**_CONTROLES, **_BLANCS}


def texte_carte(valeur: object, longueur_max: int = 200) -> str:
    """Encoder un texte pour Folium : toute valeur affichée sur une carte passe par ici.

    Le navigateur rend mot pour mot le texte d'origine, sans ses contrôles et coupé par « … »
    au-delà de `longueur_max` caractères. Une valeur manquante (None, NaN, NaT) donne "".
    Vaut pour un contenu HTML (infobulle, étiquette, propriété GeoJSON, nom de couche, légende),
    pas pour un nom de propriété, une classe ou un style : ceux-là sont écrits par nous.
    Lève ValueError si `longueur_max` n'est pas positif.
    """
    if longueur_max < 1:
        raise ValueError("longueur_max doit être positif.")
    if pd.api.types.is_scalar(valeur) and pd.isna(valeur):
        return ""
    texte = str(valeur).translate(_NETTOYAGE)
    if len(texte) > longueur_max:
        texte = texte[: longueur_max - 1] + "…"
    return texte.translate(_ENTITES)


# Les gabarits que branca écrit elle-même et doit encore pouvoir exécuter.
_GABARITS_DE_BRANCA = {branca.element.Div().html._template_str}
# Renvoi d'un style vers un objet (motif de remplissage), que Folium laisse au second rendu.
_RENVOI = re.compile(r"\{\{'([a-z_]+_[0-9a-z_]+)'\}\}")


class _TexteRendu:
    """Imite un gabarit Jinja dont le texte est déjà définitif."""

    def __init__(self, texte: str) -> None:
        self._texte = _RENVOI.sub(r"\1", texte)

    def render(self, *args: Any, **kwargs: Any) -> str:
        return self._texte


def _gabarit(source: str) -> Template | _TexteRendu:
    return Template(source) if source in _GABARITS_DE_BRANCA else _TexteRendu(source)


def blinder_branca() -> None:
    """Rendre littéral le second rendu de branca, pour tout le processus ; idempotent.

    branca compile le texte de chaque élément, à sa création comme au sortir d'un cache, par le nom
    `Template` de son module : c'est lui qu'on remplace. Les gabarits de classe, compilés à
    l'import, ne changent pas. Lève RuntimeError si une version de branca échappe à ce remplacement.
    """
    branca.element.Template = _gabarit  # type: ignore[misc, assignment]
    if branca.element.Element("{{ 7 * 7 }}").render() != "{{ 7 * 7 }}":
        raise RuntimeError("branca a changé : son second rendu Jinja n'est plus neutralisé.")
