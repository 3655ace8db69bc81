"""Dire une faute de données de façon qu'on puisse la réparer."""

from __future__ import annotations

from dataclasses import dataclass

from ctg_data.textes import INSECABLE


@dataclass(frozen=True)
class Anomalie:
    """Situer une faute : fichier, ligne, colonne, règle enfreinte, valeur trouvée, correction.

    `ligne` compte depuis 1, en-tête compris, comme dans un tableur. Une erreur écarte la table
    entière (mieux vaut pas de chiffre qu'un chiffre faux) ; un avertissement la laisse servir.
    """

    fichier: str
    regle: str
    correction: str
    ligne: int | None = None
    colonne: str | None = None
    valeur: str | None = None
    erreur: bool = True

    @property
    def lieu(self) -> str:
        """Écrire où se trouve la faute : « naissances.csv, ligne 4, colonne « annee » »."""
        morceaux = [self.fichier]
        if self.ligne is not None:
            morceaux.append(f"ligne{INSECABLE}{self.ligne}")
        if self.colonne is not None:
            morceaux.append(f"colonne «{INSECABLE}{self.colonne}{INSECABLE}»")
        return ", ".join(morceaux)

    @property
    def message(self) -> str:
        """Écrire la faute et sa réparation en deux phrases."""
        trouve = (
            ""
            if self.valeur is None
            else f" (trouvé{INSECABLE}: «{INSECABLE}{self.valeur}{INSECABLE}»)"
        )
        return f"{self.lieu}{INSECABLE}: {self.regle}{trouve}. {self.correction}"


def abreger(valeur: object, longueur: int = 60) -> str:
    """Raccourcir une valeur trouvée pour qu'elle tienne dans un message."""
    texte = str(valeur)
    return texte if len(texte) <= longueur else texte[: longueur - 1] + "…"
