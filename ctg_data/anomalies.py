"""Dire une faute de données de façon qu'on puisse la réparer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ctg_data.textes import INSECABLE

Gravite = Literal["erreur", "avertissement", "information"]
GRAVITES: tuple[Gravite, ...] = ("erreur", "avertissement", "information")


@dataclass(frozen=True)
class Anomalie:
    """Situer une faute : fichier, ligne, colonne, règle enfreinte, valeur trouvée, correction.

    `ligne` compte depuis 1, en-tête compris, comme dans un tableur ; `objet` compte depuis 1 les
    objets d'un fichier de contours, et `commune` dit le code de celui-là. Une erreur écarte la
    table entière (mieux vaut pas de chiffre qu'un chiffre faux) ; un avertissement la laisse
    servir et demande un regard ; une information dit ce qui a été compris ou réparé sans risque.
    """

    fichier: str
    regle: str
    correction: str
    ligne: int | None = None
    colonne: str | None = None
    valeur: str | None = None
    gravite: Gravite = "erreur"
    objet: int | None = None
    commune: str = ""

    @property
    def erreur(self) -> bool:
        """Dire si la faute écarte la table."""
        return self.gravite == "erreur"

    @property
    def lieu(self) -> str:
        """Écrire où se trouve la faute : « naissances.csv, ligne 4, colonne « annee » »."""
        return ", ".join([self.fichier, *self._reperes()])

    def _reperes(self) -> list[str]:
        morceaux = []
        if self.objet is not None:
            commune = f" ({self.commune})" if self.commune else ""
            morceaux.append(f"objet n°{INSECABLE}{self.objet}{commune}")
        if self.ligne is not None:
            morceaux.append(f"ligne{INSECABLE}{self.ligne}")
        if self.colonne is not None:
            morceaux.append(f"colonne «{INSECABLE}{self.colonne}{INSECABLE}»")
        return morceaux

    @property
    def constat(self) -> str:
        """Écrire la faute sans le nom du fichier : « Ligne 4, colonne « annee » : … »."""
        reperes = ", ".join(self._reperes())
        phrase = f"{reperes}{INSECABLE}: {self.regle}" if reperes else self.regle
        return f"{phrase[0].upper()}{phrase[1:]}{self._trouve}."

    @property
    def message(self) -> str:
        """Écrire la faute et sa réparation en deux phrases."""
        phrases = f"{self.lieu}{INSECABLE}: {self.regle}{self._trouve}. {self.correction}"
        return phrases.rstrip()

    @property
    def _trouve(self) -> str:
        if self.valeur is None:
            return ""
        return f" (trouvé{INSECABLE}: «{INSECABLE}{self.valeur}{INSECABLE}»)"


def abreger(valeur: object, longueur: int = 60) -> str:
    """Raccourcir une valeur trouvée pour qu'elle tienne dans un message."""
    texte = str(valeur)
    return texte if len(texte) <= longueur else texte[: longueur - 1] + "…"
