"""Porter ce qui a été lu : des tableaux de texte aux lignes numérotées, et leurs anomalies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from ctg_data.anomalies import Anomalie

# Au-delà, une cellule n'entre plus dans un tableur et un tableau n'est plus un tableau de communes.
CELLULE_MAX = 32_767
COLONNES_MAX = 10_000
# Une somme de colonnes ou de lignes plus grande se lit en flux (lecture des fichiers nationaux).
CELLULES_MAX = 20_000_000


@dataclass(frozen=True)
class Tableau:
    """Porter un tableau lu : en-tête, lignes de texte et leurs numéros.

    Les numéros sont ceux d'un tableur : un saut de ligne dans une cellule n'en ajoute pas.
    `feuille` : la feuille d'un classeur, le fichier d'une archive. `classeur` : les cellules
    viennent d'un tableur, qui écrit toujours ses nombres avec un point. `defauts` : cellules
    sans valeur sûre, par (rang de ligne, rang de colonne), avec la règle qu'elles enfreignent.
    """

    fichier: str
    entete: tuple[str, ...]
    lignes: tuple[tuple[str, ...], ...]
    numeros: tuple[int, ...]
    ligne_entete: int = 1
    feuille: str = ""
    classeur: bool = False
    defauts: Mapping[tuple[int, int], str] = field(default_factory=lambda: MappingProxyType({}))

    def garder(self, rangs: Sequence[int]) -> Tableau:
        """Rendre le tableau réduit à quelques lignes, par leur rang."""
        nouveaux = {ancien: nouveau for nouveau, ancien in enumerate(rangs)}
        return replace(
            self,
            lignes=tuple(self.lignes[i] for i in rangs),
            numeros=tuple(self.numeros[i] for i in rangs),
            defauts={(nouveaux[r], c): d for (r, c), d in self.defauts.items() if r in nouveaux},
        )


@dataclass(frozen=True)
class Rangees:
    """Porter des rangées brutes, avant qu'on y cherche un en-tête.

    `defauts` : comme dans Tableau, mais par (numéro de ligne, rang de colonne). `separateur` :
    celui d'un fichier texte.
    """

    fichier: str
    lignes: tuple[tuple[str, ...], ...]
    numeros: tuple[int, ...]
    feuille: str = ""
    classeur: bool = False
    defauts: Mapping[tuple[int, int], str] = field(default_factory=lambda: MappingProxyType({}))
    separateur: str = ";"


@dataclass(frozen=True)
class Lecture:
    """Porter un fichier lu : un tableau par feuille utile, ou des contours, et les anomalies.

    `contours` : les octets d'un fichier de contours (GeoJSON ou GeoPackage), à confier à
    `ctg_data.lecture.contours` ; son nom est celui du fichier dans son archive.
    """

    fichier: str
    nature: str
    tableaux: tuple[Tableau, ...] = ()
    contours: tuple[tuple[str, bytes], ...] = ()
    anomalies: tuple[Anomalie, ...] = ()

    @property
    def lisible(self) -> bool:
        """Dire si rien n'a empêché la lecture."""
        return not any(a.erreur for a in self.anomalies)
