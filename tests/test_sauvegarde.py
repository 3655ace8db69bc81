"""Sauvegarder et restaurer : tout y est, rien d'hostile n'entre, l'existant est gardé."""

from __future__ import annotations

import datetime as dt
import errno
import hashlib
import io
import json
import os
import shutil
import signal
import stat
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from ctg_data import sauvegarde
from ctg_data.creation import composer, creer
from ctg_data.depot import appliquer, historique, revenir
from ctg_data.ecriture import ErreurEcriture
from ctg_data.sauvegarde import restaurer, sauvegarder, terminer_restauration, verifier
from ctg_data.territoire import charger, lister

QUAND = dt.datetime(2026, 11, 22, 9, 30, tzinfo=dt.UTC)


def deposer(dossier: Path, annee: int) -> None:
    table = pd.DataFrame(
        [["30258", annee, 170, "officiel", "Insee, état civil"]],
        columns=["code_commune", "annee", "naissances", "statut", "source"],
    )
    appliquer(dossier, {"naissances": table}, b"original", "n.csv", {}, "Camille", QUAND)


@pytest.fixture
def donnees(tmp_path: Path) -> Path:
    """Remplir un dossier de données : deux territoires, des dépôts, un registre."""
    racine = tmp_path / "Boussole CTG"
    deposer(creer(racine / "territoires", composer("Un", ["30258"])), 2023)
    creer(racine / "territoires", composer("Deux", ["2A004"]))
    (racine / "registres").mkdir()
    (racine / "registres" / "plan d'actions.sqlite").write_bytes(bytes(range(256)))
    return racine


def contenu(donnees: Path) -> dict[str, bytes]:
    """Rendre tous les fichiers d'un dossier de données, verrou et anciens exclus."""
    return {
        f.relative_to(donnees).as_posix(): f.read_bytes()
        for f in sorted(donnees.rglob("*"))
        if f.is_file() and f.name != ".verrou" and "avant_restauration" not in str(f)
    }


def archive_de(donnees: Path) -> io.BytesIO:
    sortie = io.BytesIO()
    sauvegarder(donnees, sortie, QUAND)
    sortie.seek(0)
    return sortie


# --- Aller et revenir ---------------------------------------------------------------------------


def test_une_sauvegarde_se_restaure_ailleurs_a_l_identique(donnees: Path, tmp_path: Path) -> None:
    sortie = io.BytesIO()
    bilan = sauvegarder(donnees, sortie, QUAND)
    assert bilan.territoires == ("deux", "un") and bilan.fichiers == len(contenu(donnees))
    assert bilan.phrase == "2\u00a0territoires, " + f"{bilan.fichiers}\u00a0fichiers, " + (
        "sauvegarde du 2026-11-22"
    )
    assert verifier(sortie) == bilan
    ailleurs = tmp_path / "neuf"
    rendu = restaurer(sortie, ailleurs, QUAND)
    assert rendu == bilan and rendu.ancien is None
    assert contenu(ailleurs) == contenu(donnees)
    un = lister([ailleurs / "territoires"])["un"]
    assert charger(un).anomalies == ()
    # L'historique revient avec le reste : un dépôt d'avant peut encore être défait.
    revenir(un, historique(un)[0].identifiant, "Camille", QUAND)
    assert "naissances" not in charger(un).tables


def test_l_existant_est_garde_sous_un_nom_date(donnees: Path) -> None:
    archive, ancien = archive_de(donnees), contenu(donnees)
    deposer(donnees / "territoires" / "un", 2024)
    creer(donnees / "territoires", composer("Trois", ["01001"]))
    (donnees / "notes.txt").write_text("à garder", "utf-8")
    avant = contenu(donnees)
    bilan = restaurer(archive, donnees, QUAND)
    assert contenu(donnees) == ancien
    assert bilan.ancien == donnees / "avant_restauration_2026-11-22_093000"
    garde = {f.relative_to(bilan.ancien).as_posix() for f in bilan.ancien.rglob("*") if f.is_file()}
    assert garde == set(avant)
    # Une deuxième restauration à la même seconde ne recouvre pas la première.
    assert restaurer(archive, donnees, QUAND).ancien.name.endswith("_093000_2")
    # Les anciens ne gonflent pas la sauvegarde suivante.
    assert verifier(archive_de(donnees)).fichiers == len(ancien)


def test_deux_sauvegardes_du_meme_etat_sont_pareilles(donnees: Path) -> None:
    assert archive_de(donnees).getvalue() == archive_de(donnees).getvalue()


def test_un_lien_n_est_pas_suivi(donnees: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret", "utf-8")
    avant = len(contenu(donnees))
    (donnees / "lien.txt").symlink_to(tmp_path / "secret.txt")
    (donnees / "dossier").symlink_to(tmp_path)
    assert verifier(archive_de(donnees)).fichiers == avant


def test_un_dossier_vide_n_a_rien_a_sauvegarder(tmp_path: Path) -> None:
    with pytest.raises(ErreurEcriture, match="rien à sauvegarder"):
        sauvegarder(tmp_path / "vide", io.BytesIO(), QUAND)


# --- Refuser ------------------------------------------------------------------------------------


def forger(
    fichiers: dict[str, bytes],
    retoucher: Callable[[dict], object] = lambda manifeste: None,
    membres: dict[str, bytes] | None = None,
) -> io.BytesIO:
    """Forger une archive : un manifeste juste, retouché, et des membres (ceux du manifeste)."""
    manifeste = {
        "format": sauvegarde.FORMAT,
        "version": sauvegarde.VERSION,
        "quand": QUAND.isoformat(),
        "fichiers": {
            nom: {"taille": len(octets), "sha256": hashlib.sha256(octets).hexdigest()}
            for nom, octets in fichiers.items()
        },
    }
    retoucher(manifeste)
    sortie = io.BytesIO()
    with zipfile.ZipFile(sortie, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifeste.json", json.dumps(manifeste))
        for nom, octets in (
            {f"donnees/{n}": o for n, o in fichiers.items()} | (membres or {})
        ).items():
            archive.writestr(nom, octets)
    sortie.seek(0)
    return sortie


def refuse(archive: io.BytesIO, donnees: Path, regle: str) -> None:
    """Vérifier qu'une archive est refusée, par la vérification et la restauration, sans rien."""
    avant = contenu(donnees)
    for action in (lambda: verifier(archive), lambda: restaurer(archive, donnees, QUAND)):
        with pytest.raises(ErreurEcriture, match=regle):
            action()
    assert contenu(donnees) == avant
    assert {e.name for e in donnees.iterdir()} <= {".verrou", "territoires", "registres"}


@pytest.mark.parametrize(
    "nom",
    [
        "../x",
        "territoires/../../x",
        "/etc/passwd",
        "C:/x",
        "a\\..\\b",
        "a//b",
        "a/./b",
        "",
        "con",
        "territoires/nul.csv",
        "a/b. ",
        "a\x00b",
        "a\nb",
        "x" * 401,
        "~$x?",
        ".restauration.json",
        ".verrou",
        "avant_restauration_2026/x",
    ],
)
def test_un_chemin_hostile_est_refuse(donnees: Path, nom: str) -> None:
    refuse(forger({nom: b"x"}), donnees, "chemin de fichier interdit|pas ceux du manifeste")


@pytest.mark.parametrize(
    ("octets", "regle"),
    [
        (b"", "ce n'est pas une sauvegarde"),
        (b"PK\x03\x04" + b"x" * 50, "ce n'est pas une sauvegarde"),
        (b"%PDF-1.7", "ce n'est pas une sauvegarde"),
    ],
)
def test_un_fichier_quelconque_est_refuse(donnees: Path, octets: bytes, regle: str) -> None:
    refuse(io.BytesIO(octets), donnees, regle)


@pytest.mark.parametrize(
    ("retouche", "regle"),
    [
        ({"format": "autre"}, "autre format"),
        ({"version": 99}, "autre version"),
        ({"fichiers": {}}, "manifeste incomplet"),
        ({"fichiers": []}, "manifeste incomplet"),
        ({"fichiers": {"a": {"taille": -1, "sha256": "x"}}}, "manifeste incomplet"),
        ({"fichiers": {"a": {"taille": 1, "sha256": "0" * 64}}}, "empreinte inattendue"),
        ({"fichiers": {"a": {"taille": 2, "sha256": "0" * 64}}}, "taille inattendue"),
        ({"fichiers": {"b": {"taille": 1, "sha256": "0" * 64}}}, "pas ceux du manifeste"),
        ({"fichiers": {"a": {"taille": 10**13, "sha256": "0" * 64}}}, "démesurée"),
        ({"quand": 3}, "manifeste incomplet"),
    ],
)
def test_un_manifeste_fautif_est_refuse(donnees: Path, retouche: dict, regle: str) -> None:
    refuse(forger({"a": b"x"}, lambda manifeste: manifeste.update(retouche)), donnees, regle)


def test_un_zip_sans_manifeste_ou_avec_un_fichier_de_trop_est_refuse(donnees: Path) -> None:
    sans = io.BytesIO()
    with zipfile.ZipFile(sans, "w") as archive:
        archive.writestr("donnees/a", b"x")
    refuse(sans, donnees, "pas de manifeste")
    refuse(forger({"a": b"x"}, membres={"donnees/b": b"y"}), donnees, "pas ceux du manifeste")
    refuse(forger({"a": b"x"}, membres={"autre": b"y"}), donnees, "pas ceux du manifeste")


def test_deux_noms_egaux_a_la_casse_pres_sont_refuses(donnees: Path) -> None:
    refuse(forger({"Notes.csv": b"x", "notes.csv": b"y"}), donnees, "à la casse près")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_un_membre_en_double_est_refuse(donnees: Path) -> None:
    archive = forger({"a": b"x"})
    with zipfile.ZipFile(archive, "a") as ouverte:
        ouverte.writestr("donnees/a", b"y")
    archive.seek(0)
    refuse(archive, donnees, "pas ceux du manifeste")


def test_une_bombe_est_refusee_sans_etre_ouverte(donnees: Path) -> None:
    refuse(forger({"a": bytes(20_000_000)}), donnees, "comprimé démesuré")


def test_une_taille_mentie_est_refusee(donnees: Path) -> None:
    archive = forger({"a": b"x" * 5000}).getvalue()
    # Le répertoire central annonce un octet de moins que le contenu réel.
    court = archive.replace((5000).to_bytes(4, "little"), (4999).to_bytes(4, "little"))
    assert court != archive
    refuse(io.BytesIO(court), donnees, "taille inattendue|abîmé")


def test_un_lien_dans_l_archive_est_refuse(donnees: Path) -> None:
    octets = b"/etc/passwd"
    sortie = io.BytesIO()
    with zipfile.ZipFile(sortie, "w") as archive, zipfile.ZipFile(forger({"a": octets})) as saine:
        archive.writestr("manifeste.json", saine.read("manifeste.json"))
        membre = zipfile.ZipInfo("donnees/a")
        membre.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(membre, octets)
    sortie.seek(0)
    refuse(sortie, donnees, "lien")


def test_une_archive_abimee_est_refusee_a_tout_octet(donnees: Path) -> None:
    saine = archive_de(donnees).getvalue()
    for rang in range(40, len(saine), max(1, len(saine) // 25)):
        abimee = bytearray(saine)
        abimee[rang] ^= 0xFF
        try:
            verifier(io.BytesIO(bytes(abimee)))
        except ErreurEcriture:
            refuse(io.BytesIO(bytes(abimee)), donnees, ".")
    for longueur in (0, 10, len(saine) // 2, len(saine) - 1):
        refuse(io.BytesIO(saine[:longueur]), donnees, "ce n'est pas une sauvegarde")


# --- Couper -------------------------------------------------------------------------------------


def test_un_disque_plein_ne_change_rien(donnees: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive, avant = archive_de(donnees), contenu(donnees)

    def fsync(descripteur: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(ErreurEcriture, match="le disque est plein"):
        restaurer(archive, donnees, QUAND)
    assert contenu(donnees) == avant and not (donnees / ".restauration").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="os.fork n'existe pas sous Windows")
def test_un_kill_9_a_chaque_geste_laisse_l_ancien_ou_le_restaure(
    donnees: Path, tmp_path: Path
) -> None:
    archive = archive_de(donnees)
    restaure = contenu(donnees)
    deposer(donnees / "territoires" / "un", 2024)
    (donnees / "notes.txt").write_text("à garder", "utf-8")
    ancien = contenu(donnees)
    vus, rang, code = [], 0, -signal.SIGKILL
    while code == -signal.SIGKILL:
        rang += 1
        essai = tmp_path / f"essai{rang}"
        shutil.copytree(donnees, essai)
        fils = os.fork()
        if fils == 0:
            _tuer_au(rang)
            restaurer(archive, essai, QUAND)
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(fils, 0)[1])
        archive.seek(0)
        terminer_restauration(essai)
        vus.append(contenu(essai) == restaure)
        if vus[-1]:
            (garde,) = essai.glob("avant_restauration_*")
            assert contenu_brut(garde) == ancien
        else:
            assert {n: o for n, o in contenu(essai).items() if ".restauration/" not in n} == ancien
        # La vie continue, et le ménage se fait.
        restaurer(archive, essai, QUAND)
        assert contenu(essai) == restaure
        shutil.rmtree(essai)
    assert vus == sorted(vus) and rang > 20 and vus.count(True) >= 4


def contenu_brut(dossier: Path) -> dict[str, bytes]:
    return {
        f.relative_to(dossier).as_posix(): f.read_bytes()
        for f in sorted(dossier.rglob("*"))
        if f.is_file()
    }


def _tuer_au(rang: int) -> None:
    """Se tuer juste avant le énième geste fait au disque."""
    faits = [0]

    def garder(vrai: Callable) -> Callable:
        def geste(*arguments, **options):
            faits[0] += 1
            if faits[0] == rang:
                os.kill(os.getpid(), signal.SIGKILL)
            return vrai(*arguments, **options)

        return geste

    for nom in ("replace", "rename", "unlink", "rmdir", "mkdir", "fsync"):
        setattr(os, nom, garder(getattr(os, nom)))


@pytest.mark.parametrize(
    "journal",
    [
        "",
        "[]",
        '{"ancien": "x", "sortants": [], "entrants": []}',
        '{"ancien": "avant_restauration_x", "sortants": ["../x"], "entrants": []}',
    ],
)
def test_un_journal_hostile_est_refuse(donnees: Path, journal: str) -> None:
    (donnees / ".restauration.json").write_text(journal, "utf-8")
    avant = contenu(donnees)
    with pytest.raises(ErreurEcriture, match="journal de restauration abîmé"):
        terminer_restauration(donnees)
    assert contenu(donnees) == avant
