"""Lire un CSV déclaré (UTF-8, point-virgule) en gardant le numéro de chaque ligne."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

from ctg_data.anomalies import Anomalie, abreger

SEPARATEUR = ";"
# Une cellule plus longue signale un guillemet jamais refermé, pas une donnée.
LONGUEUR_MAX = 32_767


@dataclass(frozen=True)
class Tableau:
    """Porter un fichier lu : en-tête, lignes de texte et leurs numéros (en-tête = ligne 1)."""

    fichier: str
    entete: tuple[str, ...]
    lignes: tuple[tuple[str, ...], ...]
    numeros: tuple[int, ...]


def lire_csv(octets: bytes, fichier: str) -> tuple[Tableau | None, list[Anomalie]]:
    """Lire les octets d'un CSV déclaré.

    Rend le tableau (None s'il est illisible) et toutes les anomalies de structure : encodage,
    guillemets, en-tête vide ou doublé, lignes qui n'ont pas le nombre de colonnes de l'en-tête.
    """
    try:
        texte = octets.decode("utf-8-sig")
    except UnicodeDecodeError as faute:
        return None, [_encodage(octets, faute, fichier)]
    if "\x00" in texte:
        return None, [_octet_nul(texte, fichier)]
    try:
        rangees, numeros = _rangees(texte)
    except csv.Error as faute:
        return None, [Anomalie(fichier, f"lecture impossible ({faute})", _GUILLEMETS)]
    if not rangees:
        return None, [Anomalie(fichier, "fichier vide", "Écrivez l'en-tête et au moins une ligne.")]
    entete = tuple(cellule.strip() for cellule in rangees[0])
    anomalies = _entete(entete, fichier) + _largeurs(rangees, numeros, entete, fichier)
    tableau = Tableau(fichier, entete, tuple(rangees[1:]), tuple(numeros[1:]))
    return (None if anomalies else tableau), anomalies


_GUILLEMETS = "Vérifiez les guillemets, puis enregistrez en « CSV UTF-8 (point-virgule) »."


def _rangees(texte: str) -> tuple[list[tuple[str, ...]], list[int]]:
    csv.field_size_limit(LONGUEUR_MAX)
    lecteur = csv.reader(io.StringIO(texte, newline=""), delimiter=SEPARATEUR, strict=True)
    rangees, numeros, debut = [], [], 1
    for rangee in lecteur:
        if any(cellule.strip() for cellule in rangee):
            rangees.append(tuple(rangee))
            numeros.append(debut)
        debut = lecteur.line_num + 1
    return rangees, numeros


def _encodage(octets: bytes, faute: UnicodeDecodeError, fichier: str) -> Anomalie:
    avant = octets[: faute.start].decode("utf-8-sig", "replace")
    ligne = avant.count("\n") + 1
    rang = avant.rsplit("\n", 1)[-1].count(SEPARATEUR)
    entete = octets.split(b"\n", 1)[0].decode("utf-8-sig", "replace").strip().split(SEPARATEUR)
    colonne = entete[rang] if ligne > 1 and rang < len(entete) else None
    return Anomalie(
        fichier,
        "caractère illisible : le fichier n'est pas en UTF-8",
        "Dans le tableur : Enregistrer sous, « CSV UTF-8 (délimité par des points-virgules) ».",
        ligne,
        colonne,
        f"octet 0x{octets[faute.start]:02X}",
    )


def _octet_nul(texte: str, fichier: str) -> Anomalie:
    ligne = texte[: texte.index("\x00")].count("\n") + 1
    return Anomalie(fichier, "octet nul dans le texte", "Enregistrez en « CSV UTF-8 ».", ligne)


def _entete(entete: tuple[str, ...], fichier: str) -> list[Anomalie]:
    fautes = []
    for rang, nom in enumerate(entete):
        if not nom:
            regle = f"la colonne {rang + 1} n'a pas de nom"
            fautes.append(Anomalie(fichier, regle, "Nommez-la ou supprimez-la.", 1))
        elif nom in entete[:rang]:
            fautes.append(
                Anomalie(fichier, "nom de colonne en double", "Gardez une seule colonne.", 1, nom)
            )
    return fautes


def _largeurs(
    rangees: list[tuple[str, ...]], numeros: list[int], entete: tuple[str, ...], fichier: str
) -> list[Anomalie]:
    attendu = len(entete)
    return [
        Anomalie(
            fichier,
            f"{len(rangee)} colonnes au lieu de {attendu}",
            f"Séparez les cellules par « {SEPARATEUR} » et protégez par des guillemets "
            "celles qui en contiennent.",
            numero,
            valeur=abreger(SEPARATEUR.join(rangee)),
        )
        for rangee, numero in zip(rangees[1:], numeros[1:], strict=True)
        if len(rangee) != attendu
    ]
