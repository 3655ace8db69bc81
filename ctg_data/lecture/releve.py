"""Relever les fautes et les réparations d'un fichier de contours, objet par objet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NoReturn

from ctg_data.anomalies import Anomalie, Gravite
from ctg_data.lecture.signatures import Refus
from ctg_data.textes import INSECABLE, compte, enumeration

_ILLISIBLES = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]+")

_REMARQUES_MAX = 10


class ErreurContours(ValueError):
    """Refuser des contours en disant toutes les fautes, chacune avec sa réparation.

    `anomalies` les porte toutes ; le texte de l'erreur en écrit dix au plus.
    """

    def __init__(self, anomalies: Iterable[Anomalie]) -> None:
        self.anomalies = tuple(anomalies)
        super().__init__(_texte(self.anomalies, maximum=10))


def _texte(anomalies: Sequence[Anomalie], maximum: int) -> str:
    lignes = [a.message for a in anomalies[:maximum]]
    reste = len(anomalies) - maximum
    if reste > 0:
        lignes.append(f"Et {compte(reste, 'autre faute', 'autres fautes')}.")
    return "\n".join(lignes)


class Releve:
    """Accumuler les fautes d'un fichier de contours et ce qui y a été réparé."""

    def __init__(self, fichier: str) -> None:
        self.fichier = lisible(fichier)
        self.fautes: list[Anomalie] = []
        self.avertissements: list[Anomalie] = []
        self._notes: dict[tuple[str, Gravite], dict[str, None]] = {}

    @property
    def remarques(self) -> list[str]:
        """Écrire une phrase par sorte de réparation à vérifier : « 01001 : contour refermé. »."""
        notes = [self._phrase(*note) for note in self._notes if note[1] == "avertissement"]
        reste = len(self.avertissements) - _REMARQUES_MAX
        suite = [f"Et {compte(reste, 'autre remarque', 'autres remarques')}."] if reste > 0 else []
        return [*notes, *(a.constat for a in self.avertissements[:_REMARQUES_MAX]), *suite]

    @property
    def anomalies(self) -> list[Anomalie]:
        """Rendre les fautes, les avertissements, puis chaque sorte de réparation."""
        return [*self.fautes, *self.avertissements] + [
            Anomalie(
                self.fichier, self._phrase(quoi, gravite).removesuffix("."), "", gravite=gravite
            )
            for quoi, gravite in self._notes
        ]

    def _phrase(self, quoi: str, gravite: Gravite) -> str:
        ou = [o for o in self._notes[quoi, gravite] if o]
        return f"{enumeration(ou, maximum=3)}{INSECABLE}: {quoi}." if ou else f"{quoi}."

    def noter(self, ou: str, quoi: str, gravite: Gravite = "avertissement") -> None:
        """Retenir une réparation : où (une commune, ou rien) et quoi."""
        self._notes.setdefault((quoi, gravite), {})[ou] = None

    def refuser(self, refus: Refus, objet: int | None = None, commune: str = "") -> None:
        """Retenir une faute, celle d'un objet ou de tout le fichier."""
        situee = replace(refus.anomalie(self.fichier), objet=objet, commune=commune)
        self.fautes.append(situee)

    def avertir(self, refus: Refus, objet: int, commune: str) -> None:
        """Retenir ce qui demande un regard sur un objet, sans l'écarter."""
        situe = replace(refus.anomalie(self.fichier), objet=objet, commune=commune)
        self.avertissements.append(replace(situe, gravite="avertissement"))

    def arreter(self, refus: Refus) -> NoReturn:
        """Refuser tout le fichier, sur-le-champ."""
        self.refuser(refus)
        raise ErreurContours(self.fautes)

    def verifier(self) -> None:
        """Lever ErreurContours si une faute a été retenue, dans l'ordre des objets."""
        if self.fautes:
            raise ErreurContours(sorted(self.fautes, key=lambda a: a.objet or 0))


def lisible(texte: str) -> str:
    """Ôter les caractères de contrôle d'un texte, et le borner."""
    return _ILLISIBLES.sub(" ", texte).strip()[:200]
