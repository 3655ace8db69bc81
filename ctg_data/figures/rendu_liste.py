"""Dessiner un classement pour l'écran : une liste de barres, lisible au clavier et à la loupe.

Un graphique redessiné à chaque geste coûterait plus que le reste de la page ; une liste suit la
taille du texte, se parcourt à la touche Tab et se lit à voix haute.
"""

from __future__ import annotations

from typing import Any

from ctg_data.figures.modele import Barre, Barres
from ctg_data.textes import INSECABLE

# Part de l'étendue laissée aux valeurs écrites au bout des barres.
PLACE_VALEUR = 0.32


def lister(figure: Barres) -> dict[str, Any]:
    """Rendre le classement en positions (% de la largeur) : rangs, zéro, repère de référence."""
    valeurs = [b.valeur for b in figure.barres if b.valeur is not None]
    bornes = [*valeurs, figure.reference or 0, 0]
    etendue = (max(bornes) - min(bornes)) or 1
    debut = min(bornes) - (PLACE_VALEUR * etendue if min(bornes) < 0 else 0)
    fin = max(bornes) + PLACE_VALEUR * etendue

    def position(valeur: float) -> float:
        return round(100 * (valeur - debut) / (fin - debut), 2)

    repere = figure.reference
    return {
        "rangs": [
            {
                "code": barre.cle,
                "nom": barre.nom,
                "texte": barre.texte,
                "titre": "\n".join(barre.survol),
                "lu": f"{barre.nom}{INSECABLE}: {barre.texte}",
                "couleur": barre.couleur,
                "incertaine": barre.incertaine,
                "choisie": barre.cle == figure.choisie,
                **_barre(barre, position),
            }
            for barre in figure.barres
        ],
        "repere": None if repere is None else [position(repere), figure.texte_reference],
    }


def _barre(barre: Barre, position: Any) -> dict[str, float | bool]:
    """Placer une barre entre zéro et sa valeur ; sans valeur, seul le texte se montre, à zéro."""
    zero, bout = position(0), position(barre.valeur or 0)
    depart, arrivee = sorted((zero, bout))
    return {"depart": depart, "largeur": round(arrivee - depart, 2), "negative": bout < zero}
