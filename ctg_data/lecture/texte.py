"""Découper un texte en rangées : séparateur trouvé, guillemets exigés, lignes numérotées."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections import Counter

from ctg_data.anomalies import Anomalie
from ctg_data.lecture.modele import CELLULE_MAX, CELLULES_MAX, Rangees
from ctg_data.lecture.noms import connus
from ctg_data.lecture.signatures import Refus
from ctg_data.textes import compte, nombre

SEPARATEURS = {";": "points-virgules", ",": "virgules", "\t": "tabulations", "|": "barres"}
_ECHANTILLON = 200
_SEP = re.compile(r'"?sep=(.)"?[ \t;,|]*(\r\n|\r|\n)', re.IGNORECASE)
_PROTEGE = re.compile(r'"[^"]*"?')
# Échappements d'un terminal, contrôles, codets isolés ; tabulation et fins de ligne restent.
_CONTROLES = re.compile(
    "\x1b\\[[0-9;]*[A-Za-z]"
    "|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]"
)
# Largeurs nulles et retournements de sens : un code qui en porte ne se compare plus.
_INVISIBLES = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def decouper(texte: str, fichier: str) -> tuple[Rangees, list[Anomalie]]:
    """Découper un texte en rangées ; lève Refus à un guillemet fautif ou une cellule géante."""
    texte, annonce = _separateur_annonce(texte)
    separateur = annonce or separateur_de(texte)
    lignes, numeros = _rangees(texte, separateur, decalage=1 if annonce else 0)
    if sum(map(len, lignes)) > CELLULES_MAX:
        conseil = "Ne gardez que les communes et les colonnes utiles."
        raise Refus(f"plus de {nombre(CELLULES_MAX)} cellules", conseil)
    _refuser_geante(lignes, numeros)
    anomalies = _note_separateur(lignes, separateur, fichier)
    if "\r" in texte:
        anomalies += _note_fins_de_ligne(texte, fichier)
    if _CONTROLES.search(texte) or _INVISIBLES.search(texte):
        lignes, nettoyage = _nettoyer(lignes, fichier)
        anomalies += nettoyage
        pleines = [i for i, li in enumerate(lignes) if any(c.strip() for c in li)]
        lignes, numeros = [lignes[i] for i in pleines], [numeros[i] for i in pleines]
    return Rangees(fichier, tuple(lignes), tuple(numeros), separateur=separateur), anomalies


def _note_separateur(
    lignes: list[tuple[str, ...]], separateur: str, fichier: str
) -> list[Anomalie]:
    """Dire un séparateur inattendu ; la virgule est la norme hors de nos propres tables."""
    attendu = separateur == ";" or not any(len(li) > 1 for li in lignes)
    if attendu or (separateur == "," and max(map(connus, lignes[:40]), default=0) < 2):
        return []
    regle = f"colonnes séparées par des {SEPARATEURS[separateur]}, lues telles quelles"
    return [Anomalie(fichier, regle, "", gravite="information")]


def _note_fins_de_ligne(texte: str, fichier: str) -> list[Anomalie]:
    """Dire des fins de ligne d'ancien Mac ou mélangées ; les autres vont de soi."""
    hors = _PROTEGE.sub("", texte)
    restes = hors.replace("\r\n", "")
    sortes = [fin for fin in ("\r", "\n") if fin in restes] + ["\r\n"] * ("\r\n" in hors)
    if sortes == ["\r"]:
        regle = "fins de ligne d'ancien Mac (retour chariot seul) lues"
    elif len(sortes) > 1:
        regle = "fins de ligne de plusieurs systèmes mélangées, lues"
    else:
        return []
    return [Anomalie(fichier, regle, "", gravite="information")]


def _refuser_geante(lignes: list[tuple[str, ...]], numeros: list[int]) -> None:
    for ligne, numero in zip(lignes, numeros, strict=True):
        if max(map(len, ligne)) > CELLULE_MAX:
            regle = f"cellule de plus de {nombre(CELLULE_MAX)} caractères"
            conseil = "Raccourcissez-la : un tableur n'en lit pas tant."
            raise Refus(regle, conseil, numero)


def _separateur_annonce(texte: str) -> tuple[str, str]:
    """Ôter la ligne « sep=; » qu'Excel comprend, et rendre le séparateur qu'elle annonce."""
    trouve = _SEP.match(texte)
    if trouve is None or trouve[1] not in SEPARATEURS:
        return texte, ""
    return texte[trouve.end() :], trouve[1]


def separateur_de(texte: str) -> str:
    """Choisir le séparateur : celui des noms de colonnes connus, sinon le plus régulier."""
    debut = "".join(texte[:200_000].splitlines(keepends=True)[:_ECHANTILLON])
    return max(SEPARATEURS, key=lambda s: _merite(debut, s))


def _merite(texte: str, separateur: str) -> tuple[int, bool, float, int]:
    try:
        lecteur = csv.reader(io.StringIO(texte, newline=""), delimiter=separateur)
        rangees = [r for r in lecteur if any(c.strip() for c in r)]
    except csv.Error:
        return 0, False, 0.0, 0
    largeurs = Counter(len(r) for r in rangees if len(r) > 1)
    if not largeurs:
        return 0, False, 0.0, 0
    largeur, fois = max(largeurs.items(), key=lambda paire: (paire[1], paire[0]))
    reconnus = max(connus(r) for r in rangees[:40])
    return reconnus if reconnus > 1 else 0, len(rangees[0]) > 1, fois / len(rangees), largeur


def _rangees(texte: str, separateur: str, decalage: int) -> tuple[list[tuple[str, ...]], list[int]]:
    """Lire toutes les rangées qui portent quelque chose, avec leur numéro dans le tableur."""
    lecteur = csv.reader(io.StringIO(texte, newline=""), delimiter=separateur, strict=True)
    rangees, numeros, numero = [], [], decalage
    try:
        for numero, rangee in enumerate(lecteur, 1 + decalage):
            if any(rangee) and any(cellule.strip() for cellule in rangee):
                rangees.append(tuple(rangee))
                numeros.append(numero)
    except csv.Error as faute:
        raise _faute_csv(str(faute), numero + 1) from None
    return rangees, numeros


def _faute_csv(faute: str, ligne: int) -> Refus:
    if "field limit" in faute:
        regle = f"cellule de plus de {nombre(CELLULE_MAX)} caractères, ou guillemet jamais refermé"
        return Refus(regle, "Raccourcissez-la, ou refermez le guillemet ouvert.", ligne)
    conseil = 'Doublez les guillemets d\'un texte (« "" »), puis enregistrez en « CSV UTF-8 ».'
    fin = " : il n'est jamais refermé" if "end of data" in faute else ""
    return Refus(f"guillemet mal placé ou jamais refermé{fin}", conseil, ligne)


def _nettoyer(
    lignes: list[tuple[str, ...]], fichier: str
) -> tuple[list[tuple[str, ...]], list[Anomalie]]:
    """Ôter les caractères de contrôle et invisibles, en comptant les cellules touchées."""
    propres = [tuple(propre(c) for c in ligne) for ligne in lignes]
    touchees = sum(
        a != b
        for avant, apres in zip(lignes, propres, strict=True)
        for a, b in zip(avant, apres, strict=True)
    )
    return propres, note_nettoyage(touchees, fichier)


def note_nettoyage(touchees: int, fichier: str) -> list[Anomalie]:
    """Dire combien de cellules portaient des caractères de contrôle ; rien si aucune."""
    if not touchees:
        return []
    regle = (
        f"{compte(touchees, 'cellule nettoyée', 'cellules nettoyées')} de caractères de contrôle"
    )
    return [Anomalie(fichier, regle, "", gravite="information")]


def propre(cellule: str) -> str:
    """Rendre une cellule sans caractère de contrôle ni invisible, accents recomposés."""
    if cellule.isascii() and cellule.isprintable():
        return cellule
    sans_controle = unicodedata.normalize("NFC", _CONTROLES.sub("", cellule))
    # Une cellule faite d'invisibles seuls n'est pas vide : elle reste telle qu'on l'a écrite.
    return _INVISIBLES.sub("", sans_controle) or sans_controle
