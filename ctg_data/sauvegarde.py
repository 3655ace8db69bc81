"""Sauvegarder toute la donnée de l'utilisateur en une archive, et la restaurer tout ou rien.

L'archive est un zip : `manifeste.json` (liste, tailles, empreintes), puis les fichiers sous
`donnees/`. Une restauration vérifie tout avant de toucher à quoi que ce soit ; ce qui existait est
gardé dans un dossier daté, à côté.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import json
import os
import re
import shutil
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from ctg_data.anomalies import Anomalie, abreger
from ctg_data.bascule import PREPARATION
from ctg_data.depot import terminer
from ctg_data.dossiers import A_CHARGER
from ctg_data.ecriture import (
    VERROU,
    ErreurEcriture,
    basculer,
    ecrire,
    expliquer,
    synchroniser,
    verrou,
)
from ctg_data.territoire import lister
from ctg_data.textes import compte

FORMAT = "boussole-ctg-sauvegarde"
VERSION = 1
MANIFESTE = "manifeste.json"
RACINE = "donnees/"
MANIFESTE_MAX = 50_000_000
FICHIERS_MAX = 100_000
TAILLE_MAX = 4_000_000_000
RAPPORT_MAX = 200
BLOC = 1 << 20
AVANT = "avant_restauration_"
_ATELIER = ".restauration"
_JOURNAL = ".restauration.json"
# Noms que Windows refuse, ou qui y désignent autre chose qu'un fichier.
_RESERVES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_INTERDITS = frozenset('<>:"|?*\\')


@dataclass(frozen=True)
class Bilan:
    """Porter ce qui a été sauvegardé ou restauré.

    `territoires` : noms des dossiers de territoire ; `fichiers`, `octets` : nombre et taille ;
    `quand` : date de la sauvegarde (ISO) ; `ancien` : dossier où l'existant a été gardé.
    """

    territoires: tuple[str, ...]
    fichiers: int
    octets: int
    quand: str
    ancien: Path | None = None

    @property
    def phrase(self) -> str:
        """Écrire le bilan en une phrase."""
        return (
            f"{compte(len(self.territoires), 'territoire')}, {compte(self.fichiers, 'fichier')}, "
            f"sauvegarde du {self.quand[:10]}"
        )


# --- Sauvegarder --------------------------------------------------------------------------------


def sauvegarder(donnees: Path, sortie: IO[bytes], quand: dt.datetime) -> Bilan:
    """Écrire dans `sortie` l'archive de toutes les données de l'utilisateur.

    Les dépôts interrompus sont d'abord terminés, et personne n'écrit pendant la copie. Les liens et
    les sauvegardes gardées d'une restauration n'y sont pas. Lève ErreurEcriture si le dossier est
    vide ou illisible.
    """
    terminer_restauration(donnees)
    for dossier in lister([donnees / "territoires"]).values():
        terminer(dossier)
    with verrou(donnees):
        chemins = sorted(c for e in donnees.iterdir() if not _reserve(e.name) for c in _a_garder(e))
        if not chemins:
            conseil = "Créez un territoire ou déposez un fichier d'abord."
            raise ErreurEcriture(Anomalie(donnees.name, "rien à sauvegarder", conseil))
        with zipfile.ZipFile(sortie, "w", zipfile.ZIP_DEFLATED) as archive:
            fichiers = {
                nom: _copier(chemin, archive, _membre(RACINE + nom, quand))
                for chemin in chemins
                for nom in [chemin.relative_to(donnees).as_posix()]
            }
            manifeste = {
                "format": FORMAT,
                "version": VERSION,
                "quand": quand.isoformat(timespec="seconds"),
                "fichiers": fichiers,
            }
            texte = json.dumps(manifeste, ensure_ascii=False, indent=1)
            archive.writestr(_membre(MANIFESTE, quand), texte)
    return _bilan(manifeste)


def _a_garder(entree: Path) -> Iterator[Path]:
    """Parcourir les fichiers ordinaires, sans liens ni restes d'une écriture interrompue."""
    if entree.is_symlink() or _provisoire(entree.name):
        return
    if entree.is_dir():
        for dedans in entree.iterdir():
            yield from _a_garder(dedans)
    elif entree.is_file():
        yield entree


def _provisoire(nom: str) -> bool:
    return nom == VERROU or nom.startswith((_ATELIER, PREPARATION, ".creation-", ".copie-"))


def _copier(chemin: Path, archive: zipfile.ZipFile, membre: zipfile.ZipInfo) -> dict[str, Any]:
    """Copier un fichier dans l'archive et décrire ce qui a été copié, exactement."""
    somme, taille = hashlib.sha256(), 0
    with chemin.open("rb") as source, archive.open(membre, "w", force_zip64=True) as cible:
        while bloc := source.read(BLOC):
            somme.update(bloc)
            taille += len(bloc)
            cible.write(bloc)
    return {"taille": taille, "sha256": somme.hexdigest()}


def _membre(nom: str, quand: dt.datetime) -> zipfile.ZipInfo:
    membre = zipfile.ZipInfo(nom, (quand.year, quand.month, quand.day, 0, 0, 0))
    membre.compress_type = zipfile.ZIP_DEFLATED
    return membre


def _bilan(manifeste: Mapping[str, Any], ancien: Path | None = None) -> Bilan:
    fichiers = manifeste["fichiers"]
    parties = [PurePosixPath(nom).parts for nom in fichiers]
    return Bilan(
        tuple(sorted({p[1] for p in parties if p[0] == "territoires" and len(p) > 2})),
        len(fichiers),
        sum(f["taille"] for f in fichiers.values()),
        manifeste["quand"],
        ancien,
    )


# --- Restaurer ----------------------------------------------------------------------------------


def restaurer(archive: IO[bytes], donnees: Path, quand: dt.datetime) -> Bilan:
    """Remplacer les données de l'utilisateur par celles d'une sauvegarde, tout ou rien.

    L'archive est vérifiée en entier (chemins, tailles, empreintes) avant que rien ne bouge.
    L'existant est gardé dans `avant_restauration_<date>`. Lève ErreurEcriture, et ne change rien,
    si l'archive n'est pas une sauvegarde saine ou si le disque refuse.
    """
    terminer_restauration(donnees)
    with verrou(donnees):
        atelier = donnees / _ATELIER
        shutil.rmtree(atelier, ignore_errors=True)
        try:
            manifeste = _extraire(archive, atelier)
            ancien = _nom_libre(donnees, f"{AVANT}{quand:%Y-%m-%d_%H%M%S}")
            _declarer(donnees, atelier, ancien)
        except OSError as faute:
            raise expliquer(faute, donnees.name) from faute
        finally:
            if not (donnees / _JOURNAL).exists():
                shutil.rmtree(atelier, ignore_errors=True)
        _finir(donnees)
    garde = donnees / ancien
    return _bilan(manifeste, garde if garde.is_dir() else None)


def terminer_restauration(donnees: Path) -> None:
    """Finir une restauration qu'une coupure a interrompue ; ne fait rien s'il n'y en a pas."""
    if (donnees / _JOURNAL).is_file():
        with verrou(donnees):
            _finir(donnees)


def verifier(archive: IO[bytes]) -> Bilan:
    """Vérifier une sauvegarde en entier, sans rien écrire, et dire ce qu'elle contient.

    Lève ErreurEcriture en disant ce qui ne va pas.
    """
    with _ouvrir(archive) as ouverte:
        manifeste = _manifeste(ouverte)
        _controler_membres(ouverte, manifeste)
        for nom, attendu in manifeste["fichiers"].items():
            for _ in _lire_membre(ouverte, nom, attendu):
                pass
    return _bilan(manifeste)


def _extraire(archive: IO[bytes], atelier: Path) -> dict[str, Any]:
    """Écrire à côté tous les fichiers d'une archive, chacun vérifié."""
    with _ouvrir(archive) as ouverte:
        manifeste = _manifeste(ouverte)
        _controler_membres(ouverte, manifeste)
        atelier.mkdir()
        for nom, attendu in manifeste["fichiers"].items():
            cible = atelier.joinpath(*PurePosixPath(nom).parts)
            cible.parent.mkdir(parents=True, exist_ok=True)
            with cible.open("xb") as fichier:
                for bloc in _lire_membre(ouverte, nom, attendu):
                    fichier.write(bloc)
                fichier.flush()
                os.fsync(fichier.fileno())
        for dossier in [atelier, *(d for d in atelier.rglob("*") if d.is_dir())]:
            synchroniser(dossier)
    return manifeste


def _refus(regle: str, valeur: str | None = None) -> ErreurEcriture:
    conseil = "Choisissez un fichier écrit par la page Données, « Sauvegarder ». Rien n'a changé."
    trouve = None if valeur is None else abreger(valeur)
    return ErreurEcriture(Anomalie("sauvegarde", regle, conseil, valeur=trouve))


def _ouvrir(archive: IO[bytes]) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(archive)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, OverflowError):
        raise _refus("ce n'est pas une sauvegarde (archive zip illisible)") from None


def _manifeste(archive: zipfile.ZipFile) -> dict[str, Any]:
    """Lire le manifeste et vérifier sa forme."""
    membres = [m for m in archive.infolist() if m.filename == MANIFESTE]
    if len(membres) != 1 or membres[0].file_size > MANIFESTE_MAX:
        raise _refus("ce n'est pas une sauvegarde de cet outil (pas de manifeste)")
    try:
        brut = json.loads(b"".join(_blocs(archive, membres[0])).decode("utf-8"))
    except (ValueError, RecursionError):
        raise _refus("manifeste illisible") from None
    if not isinstance(brut, dict) or brut.get("format") != FORMAT:
        raise _refus("ce n'est pas une sauvegarde de cet outil (autre format)")
    if brut.get("version") != VERSION:
        raise _refus("sauvegarde d'une autre version de l'outil", str(brut.get("version")))
    fichiers = brut.get("fichiers")
    if not (isinstance(brut.get("quand"), str) and isinstance(fichiers, dict) and fichiers):
        raise _refus("manifeste incomplet")
    if not all(_bien_decrit(f) for f in fichiers.values()):
        raise _refus("manifeste incomplet")
    return brut


def _bien_decrit(fichier: object) -> bool:
    return (
        isinstance(fichier, dict)
        and isinstance(fichier.get("taille"), int)
        and fichier["taille"] >= 0
        and isinstance(fichier.get("sha256"), str)
    )


def _controler_membres(archive: zipfile.ZipFile, manifeste: Mapping[str, Any]) -> None:
    """Vérifier que les fichiers sont ceux du manifeste, aux chemins sûrs et aux tailles bornées."""
    fichiers = manifeste["fichiers"]
    membres = [m for m in archive.infolist() if m.filename != MANIFESTE]
    if len(membres) > FICHIERS_MAX or sum(f["taille"] for f in fichiers.values()) > TAILLE_MAX:
        raise _refus("sauvegarde démesurée")
    if sorted(m.filename for m in membres) != sorted(RACINE + nom for nom in fichiers):
        raise _refus("les fichiers ne sont pas ceux du manifeste")
    for nom in fichiers:
        if not _chemin_sur(nom):
            raise _refus("chemin de fichier interdit", nom)
    replies = {unicodedata.normalize("NFC", nom).casefold() for nom in fichiers}
    if len(replies) < len(fichiers):
        raise _refus("deux fichiers de même nom, à la casse près")
    for membre in membres:
        _controler_membre(membre, fichiers[membre.filename.removeprefix(RACINE)])


def _controler_membre(membre: zipfile.ZipInfo, attendu: Mapping[str, Any]) -> None:
    if membre.flag_bits & 0x1:
        raise _refus("archive chiffrée", membre.filename)
    genre = stat.S_IFMT(membre.external_attr >> 16)
    if genre not in (0, stat.S_IFREG):
        raise _refus("ce n'est pas un fichier ordinaire (lien)", membre.filename)
    if membre.file_size != attendu["taille"]:
        raise _refus("taille inattendue", membre.filename)
    if membre.file_size > RAPPORT_MAX * max(membre.compress_size, 1) + BLOC:
        raise _refus("fichier comprimé démesuré", membre.filename)


def _chemin_sur(nom: str) -> bool:
    """Dire si un chemin reste dans le dossier, sur tous les systèmes."""
    parties = nom.split("/")
    controles = any(unicodedata.category(c) in ("Cc", "Cs") for c in nom)
    return (
        bool(nom)
        and len(nom) <= 400
        and not controles
        and not any(c in _INTERDITS for c in nom)
        and all(p and p not in (".", "..") and p == p.rstrip(". ") for p in parties)
        and not any(_RESERVES.fullmatch(p) for p in parties)
        and not (_provisoire(parties[0]) or parties[0].startswith(AVANT))
    )


def _lire_membre(archive: zipfile.ZipFile, nom: str, attendu: Mapping[str, Any]) -> Iterator[bytes]:
    """Lire un fichier par blocs, et refuser s'il n'est pas celui que dit le manifeste."""
    somme = hashlib.sha256()
    for bloc in _blocs(archive, archive.getinfo(RACINE + nom)):
        somme.update(bloc)
        yield bloc
    if somme.hexdigest() != attendu["sha256"]:
        raise _refus("fichier abîmé (empreinte inattendue)", nom)


def _blocs(archive: zipfile.ZipFile, membre: zipfile.ZipInfo) -> Iterator[bytes]:
    """Lire un membre par blocs, sans dépasser la taille qu'il annonce."""
    lus = 0
    try:
        with archive.open(membre) as fichier:
            while bloc := fichier.read(BLOC):
                lus += len(bloc)
                if lus > membre.file_size:
                    raise _refus("fichier plus gros qu'annoncé", membre.filename)
                yield bloc
    except (zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError, zlib.error):
        raise _refus("fichier abîmé dans l'archive", membre.filename) from None


def _nom_libre(donnees: Path, nom: str) -> str:
    candidats = (nom if rang == 1 else f"{nom}_{rang}" for rang in itertools.count(1))
    return next(c for c in candidats if not (donnees / c).exists())


def _declarer(donnees: Path, atelier: Path, ancien: str) -> None:
    """Poser le journal : dès lors la restauration ira à son terme."""
    actuels = [e.name for e in donnees.iterdir() if not _reserve(e.name)]
    journal = {
        "ancien": ancien,
        "sortants": sorted(actuels),
        "entrants": sorted(e.name for e in atelier.iterdir()),
    }
    ecrire(atelier / _JOURNAL, json.dumps(journal, ensure_ascii=False).encode())
    basculer(atelier / _JOURNAL, donnees / _JOURNAL)


def _reserve(nom: str) -> bool:
    return _provisoire(nom) or nom.startswith(AVANT) or nom == A_CHARGER


def _finir(donnees: Path) -> None:
    try:
        _basculer_tout(donnees)
    except OSError as faute:
        conseil = (
            "Fermez les fichiers de vos territoires ouverts ailleurs : la restauration se "
            "terminera à la prochaine ouverture. Rien n'est perdu."
        )
        regle = "la restauration a été interrompue"
        raise ErreurEcriture(Anomalie(donnees.name, regle, conseil)) from faute


def _basculer_tout(donnees: Path) -> None:
    """Écarter l'existant et mettre le restauré à sa place ; chaque geste peut être refait."""
    journal = _lire_journal(donnees)
    atelier, ancien = donnees / _ATELIER, donnees / journal["ancien"]
    for nom in journal["sortants"]:
        # Présent à la fois dehors et dans l'atelier (ou sorti du manifeste) : c'est l'existant.
        encore = nom not in journal["entrants"] or (atelier / nom).exists()
        if encore and (donnees / nom).exists() and not (ancien / nom).exists():
            ancien.mkdir(exist_ok=True)
            (donnees / nom).rename(ancien / nom)
    for nom in journal["entrants"]:
        if (atelier / nom).exists():
            (atelier / nom).rename(donnees / nom)
    synchroniser(donnees)
    shutil.rmtree(atelier, ignore_errors=True)
    (donnees / _JOURNAL).unlink()


def _lire_journal(donnees: Path) -> dict[str, Any]:
    try:
        journal = json.loads((donnees / _JOURNAL).read_text("utf-8"))
        noms = [journal["ancien"], *journal["sortants"], *journal["entrants"]]
        if journal["ancien"].startswith(AVANT) and all(Path(n).name == n for n in noms):
            return journal
    except (ValueError, TypeError, KeyError, AttributeError):
        pass
    conseil = f"Ôtez {_JOURNAL} du dossier des données, puis restaurez de nouveau."
    raise ErreurEcriture(Anomalie(donnees.name, "journal de restauration abîmé", conseil))
