"""Reconnaître un fichier public à son en-tête, quel que soit son nom."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence

from ctg_data.lecture.familles.fiches import catalogue
from ctg_data.lecture.familles.modele import Famille, Mesure, Reconnaissance, correspond

_AN = re.compile(r"(?:19|20)\d\d")
# « geo2025 » est la géographie du fichier, non son millésime.
_ANNEE = re.compile(r"(?<!\d)(?<!geo)((?:19|20)\d\d)(?!\d)", re.IGNORECASE)


def reconnaitre(entete: Sequence[str], fichier: str = "") -> Reconnaissance | None:
    """Dire à quelle famille publique appartient un en-tête ; None si à aucune.

    Les colonnes se cherchent par leur nom : ni l'ordre, ni la casse, ni une colonne de plus ne
    comptent. Entre deux familles, celle qui exige le plus de colonnes l'emporte. Le nom du fichier
    ne sert qu'au millésime, quand les colonnes ne le disent pas.
    """
    noms = [nettoyer(nom) for nom in entete]
    possibles = [f for f in catalogue().values() if _signe(f, noms)]
    if not possibles:
        return None
    famille = max(possibles, key=lambda f: len(f.signature))
    annee = annee_du_nom(fichier)
    dites = [_annee_de(m, nom) for m in famille.mesures if m.colonne for nom in noms]
    vues = [a for a in dites if a is not None]
    # Une colonne d'année dit mieux que le nom du fichier : le millésime viendra des lignes.
    par_lignes = colonne_du_role(famille, "annee", noms) is not None
    millesime = max(vues, default=None if par_lignes else annee)
    return Reconnaissance(
        famille,
        None if millesime is None else str(millesime),
        _colonnes(famille, entete, noms),
        annee,
    )


def nettoyer(nom: str) -> str:
    """Ôter d'un nom de colonne ce qui n'en est pas : BOM, guillemets égarés, blancs."""
    return " ".join(nom.replace("\ufeff", "").replace('"', "").split())


def annee_du_nom(fichier: str) -> int | None:
    """Lire l'année dans un nom de fichier (la première, hors géographie) ; None sans année."""
    trouvee = _ANNEE.search(fichier)
    return int(trouvee[1]) if trouvee else None


def annee_lue(texte: str) -> int | None:
    """Lire l'année d'une cellule (AAAA, AAAA-MM, JJ/MM/AAAA) ; None sans année."""
    trouvee = _AN.search(str(texte))
    return int(trouvee[0]) if trouvee else None


def annee_courte(texte: str) -> int:
    """Lire une année à deux chiffres : 21 est 2021, 99 est 1999."""
    return dt.datetime.strptime(texte, "%y").year


def colonne_du_role(famille: Famille, role: str, noms: Sequence[str]) -> int | None:
    """Rendre le rang de la colonne qui tient un rôle, dans l'ordre des motifs de la fiche."""
    return premiere(famille.roles.get(role, ()), noms)


def premiere(motifs: Iterable[str], noms: Sequence[str]) -> int | None:
    """Rendre le rang de la première colonne qui satisfait l'un des motifs."""
    for motif in motifs:
        for rang, nom in enumerate(noms):
            if correspond(motif, nom):
                return rang
    return None


def colonnes_de_mesure(mesure: Mesure, noms: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """Lister les colonnes de valeur d'une mesure : rang et groupes du motif."""
    trouvees = []
    for rang, nom in enumerate(noms):
        if mesure.colonne and (accord := correspond(mesure.colonne, nom)):
            trouvees.append((rang, accord.groupdict(default="")))
    return trouvees


def _signe(famille: Famille, noms: Sequence[str]) -> bool:
    exigees = all(premiere([motif], noms) is not None for motif in famille.signature)
    return exigees and premiere(famille.sauf, noms) is None


def _annee_de(mesure: Mesure, nom: str) -> int | None:
    accord = correspond(mesure.colonne, nom)
    an = accord.groupdict().get("an") if accord else None
    return annee_courte(an) if an else None


def _colonnes(famille: Famille, entete: Sequence[str], noms: Sequence[str]) -> dict[str, str]:
    """Dire le rôle de chaque colonne lue : code, annee, valeur… puis chaque mesure."""
    roles = {r: colonne_du_role(famille, r, noms) for r in famille.roles}
    for nom, niveau in famille.niveaux.items():
        roles |= {f"code_{nom}": premiere(niveau.code, noms)}
    lues = {r: entete[rang] for r, rang in roles.items() if rang is not None}
    for mesure in famille.mesures:
        for rang, _ in colonnes_de_mesure(mesure, noms):
            lues.setdefault(f"valeur:{noms[rang]}", entete[rang])
    return lues
