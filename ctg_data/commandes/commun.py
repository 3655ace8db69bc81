"""Partager ce dont plusieurs commandes ont besoin : codes de sortie, textes, territoires."""

from __future__ import annotations

import argparse
import sys
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path

from ctg_data.anomalies import Anomalie
from ctg_data.controle import Controle
from ctg_data.depot import terminer
from ctg_data.dossiers import TERRITOIRES, dossier_donnees
from ctg_data.lecture import familles
from ctg_data.sauvegarde import terminer_restauration
from ctg_data.territoire import EMBARQUES, lire_fiche, lister
from ctg_data.textes import INSECABLE, cle_de_tri, compte, enumeration

REUSSI, REFUSE, MAUVAIS_USAGE = 0, 1, 2
VERDICTS = {"accepte": "accepté", "normalise": "accepté, avec remarques", "refuse": "refusé"}
FORMATS = ("texte", "json")


class MauvaisUsage(Exception):
    """Dire qu'une commande est mal employée : elle s'arrête avec le code 2."""


def dire(texte: str, erreur: bool = False) -> None:
    """Écrire un texte à l'écran, sans les caractères qui commandent un terminal."""
    sur = "".join(c if c == "\n" or unicodedata.category(c) != "Cc" else " " for c in texte)
    print(sur, file=sys.stderr if erreur else sys.stdout, flush=True)


def dire_anomalies(anomalies: Iterable[Anomalie], erreur: bool = True) -> None:
    """Écrire des anomalies, une par ligne."""
    for anomalie in anomalies:
        dire(anomalie.message, erreur)


# --- Où sont les données ------------------------------------------------------------------------


def ajouter_donnees(commande: argparse.ArgumentParser) -> None:
    """Ajouter à une commande l'option qui dit où sont les données."""
    aide = "dossier de vos données (sinon CTG_DONNEES, sinon le vôtre, Boussole CTG)"
    commande.add_argument("--donnees", type=Path, metavar="DOSSIER", help=aide)


def donnees_de(choix: argparse.Namespace) -> Path:
    """Rendre le dossier des données, une restauration interrompue étant d'abord terminée.

    Lève MauvaisUsage si ce n'est pas un dossier, ErreurEcriture si le système refuse.
    """
    donnees = dossier_donnees() if choix.donnees is None else choix.donnees
    if donnees.exists() and not donnees.is_dir():
        raise MauvaisUsage(f"Ce n'est pas un dossier{INSECABLE}: {donnees}.")
    terminer_restauration(donnees)
    return donnees


def territoires_de(donnees: Path) -> dict[str, Path]:
    """Lister les territoires livrés et ceux de l'utilisateur, qui l'emportent."""
    return lister([EMBARQUES, donnees / TERRITOIRES])


def trouver(nom: str, donnees: Path) -> Path:
    """Rendre le dossier d'un territoire, par le nom de son dossier ou son nom affiché.

    Le nom est cherché parmi ceux qui existent, jamais collé à un chemin. Lève MauvaisUsage s'il
    n'est à aucun territoire, ou à plusieurs.
    """
    connus = territoires_de(donnees)
    if nom in connus:
        return _a_jour(connus[nom])
    affiches = [d for d in connus.values() if _cle(lire_fiche(d)[0].nom) == _cle(nom)]
    if len(affiches) == 1:
        return _a_jour(affiches[0])
    quoi = "Plusieurs territoires ont ce nom" if affiches else "Territoire inconnu"
    liste = enumeration(sorted(d.name for d in affiches) or sorted(connus))
    raise MauvaisUsage(f"{quoi}. Territoires{INSECABLE}: {liste}.")


def _cle(nom: str) -> str:
    return " ".join(cle_de_tri(nom).split())


def _a_jour(dossier: Path) -> Path:
    terminer(dossier)
    return dossier


def exiger_fichiers(chemins: Iterable[Path]) -> None:
    """Lever MauvaisUsage si l'un de ces fichiers n'existe pas."""
    absents = [str(f) for f in chemins if not _est_un_fichier(f)]
    if absents:
        raise MauvaisUsage(f"Fichier introuvable{INSECABLE}: {enumeration(absents)}.")


def _est_un_fichier(chemin: Path) -> bool:
    try:
        return chemin.is_file()
    except OSError:  # Un nom trop long, un disque débranché.
        return False


# --- Montrer ------------------------------------------------------------------------------------


def progression(fichier: str) -> Callable[[float], bool]:
    """Rendre ce qui montre la part lue d'un fichier, sur un terminal seulement."""
    vue = -1

    def montrer(part: float) -> bool:
        nonlocal vue
        pourcent = int(part * 100)
        if sys.stderr.isatty() and pourcent != vue:
            vue = pourcent
            fin = "\n" if pourcent >= 100 else ""
            print(f"\r{ascii(fichier)[1:-1]} {pourcent} %", end=fin, file=sys.stderr, flush=True)
        return True

    return montrer


def en_texte(resultat: Controle) -> str:
    """Écrire un contrôle pour un lecteur : le verdict, ce qui est reconnu, puis les anomalies."""
    lignes = [f"{resultat.fichier}{INSECABLE}: {VERDICTS[resultat.verdict]}"]
    if resultat.reconnu:
        lignes.append(f"  Reconnu{INSECABLE}: {reconnu(resultat)}")
    for anomalie in resultat.anomalies:
        conseil = f" {anomalie.correction}" if anomalie.correction else ""
        lignes.append(f"  {anomalie.gravite}{INSECABLE}: {anomalie.constat}{conseil}")
    return "\n".join(lignes)


def reconnu(resultat: Controle) -> str:
    """Écrire ce qu'un fichier est et contient : « filosofi 2021 (Insee), 8 lignes… »."""
    details = [compte(resultat.lignes, "ligne"), compte(resultat.communes, "commune")]
    if resultat.valeurs_secretes:
        details.append(compte(resultat.valeurs_secretes, "valeur secrète", "valeurs secrètes"))
    qui = f" ({resultat.producteur})" if resultat.producteur else ""
    quand = f" {resultat.millesime}" if resultat.millesime else ""
    famille = familles.catalogue().get(resultat.reconnu or "")
    titre = famille.titre if famille else resultat.reconnu
    return f"{titre}{quand}{qui}, {', '.join(details)}"
