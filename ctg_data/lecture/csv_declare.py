"""Lire un CSV déclaré (UTF-8, point-virgule) en gardant le numéro de chaque ligne."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass

from ctg_data.anomalies import Anomalie, abreger
from ctg_data.textes import INSECABLE, compte

SEPARATEUR = ";"
AUTRES_SEPARATEURS = {",": "des virgules", "\t": "des tabulations", "|": "des barres verticales"}
MARQUES_UTF16 = (b"\xff\xfe", b"\xfe\xff")

_ENREGISTRER = (
    "Dans le tableur : Enregistrer sous, « CSV UTF-8 (délimité par des points-virgules) »."
)
_FIN_DE_LIGNE = re.compile(r"\r\n|\r|\n")
_PROTEGE = re.compile(r'"[^"]*"?')


@dataclass(frozen=True)
class Tableau:
    """Porter un fichier lu : en-tête, lignes de texte et leurs numéros.

    Les numéros sont ceux d'un tableur : un saut de ligne dans une cellule n'en ajoute pas.
    """

    fichier: str
    entete: tuple[str, ...]
    lignes: tuple[tuple[str, ...], ...]
    numeros: tuple[int, ...]
    ligne_entete: int = 1


def lire_csv(octets: bytes, fichier: str) -> tuple[Tableau | None, list[Anomalie]]:
    """Lire les octets d'un CSV déclaré ; ne lève jamais.

    Rend le tableau (None s'il est illisible) et toutes les anomalies de structure : encodage,
    guillemets, séparateur, en-tête vide ou doublé, lignes qui n'ont pas le nombre de colonnes de
    l'en-tête.
    """
    try:
        texte = octets.decode("utf-8-sig").lstrip("\ufeff")
    except UnicodeDecodeError as faute:
        return None, [_encodage(octets, faute.start, fichier)]
    if "\x00" in texte:
        return None, [_octet_nul(texte, fichier)]
    rangees, numeros, fautes = _rangees(texte, fichier)
    if not fautes and not rangees:
        fautes = [Anomalie(fichier, "fichier vide", "Écrivez l'en-tête et au moins une ligne.")]
    if fautes:
        return None, fautes
    entete = tuple(cellule.strip() for cellule in rangees[0])
    fautes = _separateur(entete, numeros[0], fichier) or [
        *_entete(entete, numeros[0], fichier),
        *_largeurs(rangees, numeros, fichier),
    ]
    tableau = Tableau(fichier, entete, tuple(rangees[1:]), tuple(numeros[1:]), numeros[0])
    return (None if fautes else tableau), fautes


def _rangees(texte: str, fichier: str) -> tuple[list[tuple[str, ...]], list[int], list[Anomalie]]:
    """Découper en rangées non vides ; un guillemet fautif arrête la lecture et dit sa ligne."""
    lecteur = csv.reader(io.StringIO(texte, newline=""), delimiter=SEPARATEUR, strict=True)
    rangees, numeros, numero = [], [], 0
    try:
        for numero, rangee in enumerate(lecteur, 1):
            if any(cellule.strip() for cellule in rangee):
                rangees.append(tuple(rangee))
                numeros.append(numero)
    except csv.Error:
        regle = "guillemet mal placé ou jamais refermé"
        conseil = 'Doublez les guillemets d\'un texte (« "" »), puis enregistrez en « CSV UTF-8 ».'
        return rangees, numeros, [Anomalie(fichier, regle, conseil, numero + 1)]
    return rangees, numeros, []


def _encodage(octets: bytes, debut: int, fichier: str) -> Anomalie:
    if octets.startswith(MARQUES_UTF16) or b"\x00" in octets[:debut]:
        return Anomalie(fichier, "le fichier est en UTF-16, pas en UTF-8", _ENREGISTRER)
    ligne, rang = _position(octets[:debut].decode("utf-8-sig", "replace"))
    entete = _FIN_DE_LIGNE.split(octets.decode("utf-8-sig", "replace"), maxsplit=1)[0]
    noms = [nom.strip(' "') for nom in entete.split(SEPARATEUR)]
    colonne = noms[rang] if ligne > 1 and rang < len(noms) else None
    regle = "caractère illisible : le fichier n'est pas en UTF-8"
    return Anomalie(fichier, regle, _ENREGISTRER, ligne, colonne, f"octet 0x{octets[debut]:02X}")


def _octet_nul(texte: str, fichier: str) -> Anomalie:
    ligne, _ = _position(texte[: texte.index("\x00")])
    regle = "octet nul : fichier abîmé, ou en UTF-16"
    return Anomalie(fichier, regle, _ENREGISTRER, ligne, valeur="octet 0x00")


def _position(avant: str) -> tuple[int, int]:
    """Rendre la ligne (depuis 1) et le rang de colonne (depuis 0) où un texte s'arrête."""
    lignes = _FIN_DE_LIGNE.split(_PROTEGE.sub("", avant))
    return len(lignes), lignes[-1].count(SEPARATEUR)


def _separateur(entete: tuple[str, ...], ligne: int, fichier: str) -> list[Anomalie]:
    if len(entete) > 1:
        return []
    regle = "les colonnes sont séparées par {}, pas par des points-virgules"
    return [
        Anomalie(fichier, regle.format(nom), _ENREGISTRER, ligne, valeur=abreger(entete[0]))
        for signe, nom in AUTRES_SEPARATEURS.items()
        if signe in entete[0]
    ][:1]


def _entete(entete: tuple[str, ...], ligne: int, fichier: str) -> list[Anomalie]:
    fautes = []
    for rang, nom in enumerate(entete):
        if not nom:
            regle = f"la colonne {rang + 1} n'a pas de nom"
            fautes.append(Anomalie(fichier, regle, "Nommez-la ou supprimez-la.", ligne))
        elif nom in entete[:rang]:
            conseil = "Gardez une seule colonne."
            fautes.append(Anomalie(fichier, "nom de colonne en double", conseil, ligne, nom))
    return fautes


def _largeurs(rangees: list[tuple[str, ...]], numeros: list[int], fichier: str) -> list[Anomalie]:
    attendu = len(rangees[0])
    conseil = (
        f"Séparez les cellules par «{INSECABLE}{SEPARATEUR}{INSECABLE}» et protégez par des "
        "guillemets celles qui en contiennent."
    )
    return [
        Anomalie(
            fichier,
            f"{compte(len(rangee), 'colonne')} au lieu de {attendu}",
            conseil,
            numero,
            valeur=abreger(SEPARATEUR.join(rangee)),
        )
        for rangee, numero in zip(rangees[1:], numeros[1:], strict=True)
        if len(rangee) != attendu
    ]
