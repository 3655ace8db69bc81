"""Jouer les fichiers étranges et hostiles du corpus, quand il est à côté du dépôt.

Chaque fichier a son verdict, son message et sa limite de temps et de mémoire. Le corpus n'est pas
livré avec le projet : sans lui, il ne reste ici qu'un cas, pour que le banc d'essai lui-même soit
éprouvé.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ctg_data.controle import Controle, controler
from ctg_data.lecture import lire

RACINE = Path(__file__).resolve().parent.parent
CORPUS = RACINE.parent / "shared" / "corpus"
VERDICTS = {"accepter": "accepte", "normaliser": "normalise", "refuser": "refuse"}
SECONDES_MAX, MEGAOCTETS_MAX = 2.0, 300
JARGON = ("Traceback", "Error", "None", "codec", "Unexpected", "nan,", "invalid ")
TEMOIN = {
    "file": "temoin.csv",
    "layer": "validation",
    "do": "normaliser",
    "expect": '{"rows": 1, "codes": ["01001"], "cell": [0, "places", 2101]}',
}
OCTETS_DU_TEMOIN = b"code;places\n1001;2 101\n"
# Un fichier qui n'a rien dedans, ou rien qui se situe, n'a ni ligne ni objet à montrer.
SANS_LIEU = (
    "vide",
    "ce n'est pas un",
    "c'est un",
    "compressé",
    "pointeur",
    "classeur",
    "archive",
    "fichier Excel",
    "aucune ligne",
    "aucun contour",
    "contours",
    "points",
    "collection",
    "propriété",
    "système",
    "clé écrite",
    "features",
    "JSON",
)


def manifeste() -> list[dict[str, str]]:
    chemin = CORPUS / "MANIFEST.csv"
    if not chemin.is_file():
        return [TEMOIN]
    with chemin.open(encoding="utf-8", newline="") as fichier:
        return [TEMOIN, *(li for li in csv.DictReader(fichier) if li["layer"] != "chaînes")]


LIGNES = manifeste()


def nom(ligne: dict[str, str]) -> str:
    return ligne["file"]


def octets_de(ligne: dict[str, str]) -> bytes:
    return OCTETS_DU_TEMOIN if ligne is TEMOIN else (CORPUS / ligne["file"]).read_bytes()


def jouer(ligne: dict[str, str]) -> Controle:
    return controler(octets_de(ligne), Path(ligne["file"]).name, etape=ligne["layer"])


@pytest.mark.parametrize("ligne", LIGNES, ids=nom)
def test_le_verdict_est_celui_du_manifeste(ligne: dict[str, str]) -> None:
    controle = jouer(ligne)
    assert controle.verdict == VERDICTS[ligne["do"]], [a.message for a in controle.anomalies]


@pytest.mark.parametrize("ligne", [li for li in LIGNES if li["do"] == "refuser"], ids=nom)
def test_un_refus_dit_ou_et_quoi_ecrire(ligne: dict[str, str]) -> None:
    erreurs = [a for a in jouer(ligne).anomalies if a.erreur]
    assert erreurs
    for erreur in erreurs:
        assert erreur.correction.endswith((".", "?", "…"))
        assert not [mot for mot in JARGON if mot in erreur.constat + erreur.correction]
        situee = erreur.ligne is not None or erreur.objet is not None
        assert situee or any(mot in erreur.regle for mot in SANS_LIEU), erreur.message


@pytest.mark.parametrize("ligne", [li for li in LIGNES if li["do"] == "normaliser"], ids=nom)
def test_une_reparation_se_dit(ligne: dict[str, str]) -> None:
    anomalies = jouer(ligne).anomalies
    assert anomalies and not [a for a in anomalies if a.erreur]
    assert all(a.constat.endswith(".") for a in anomalies)


def lus(ligne: dict[str, str]) -> pd.DataFrame:
    """Rendre ce qui a été lu : la table typée, ou le tableau de texte à l'étape de lecture."""
    controle = jouer(ligne)
    if controle.contours is not None:
        return controle.contours
    if ligne["layer"] == "validation":
        return next(iter(controle.tables.values()))
    tableau = lire(octets_de(ligne), Path(ligne["file"]).name).tableaux[0]
    return pd.DataFrame(list(tableau.lignes), columns=list(tableau.entete))


def promesses() -> Iterator[Any]:
    for ligne in LIGNES:
        for cle, attendu in json.loads(ligne["expect"] or "{}").items():
            # À l'étape de lecture, un GeoJSON n'est pas encore une table.
            if cle != "features" or ligne["layer"] == "validation":
                yield pytest.param(ligne, cle, attendu, id=f"{ligne['file']}-{cle}")


@pytest.mark.parametrize(("ligne", "cle", "attendu"), list(promesses()))
def test_le_contenu_est_celui_promis(ligne: dict[str, str], cle: str, attendu: Any) -> None:
    table = lus(ligne)
    if cle in ("rows", "features"):
        assert len(table) == attendu
    elif cle == "codes":
        assert list(table["code_commune"]) == attendu
    elif cle == "records":
        assert table.to_dict("records") == attendu
    elif cle == "null":
        assert pd.isna(table.loc[attendu[0], attendu[1]])
    else:
        assert cle == "cell" and table.loc[attendu[0], attendu[1]] == attendu[2]


# Un processus neuf par lot : ses secondes et sa mémoire de pointe sont celles de ses fichiers.
SONDE = """
import json, sys, time
from pathlib import Path
from ctg_data.controle import controler
for chemin, etape in json.loads(sys.argv[1]):
    debut = time.perf_counter()
    controler(Path(chemin).read_bytes(), Path(chemin).name, etape=etape)
    duree = time.perf_counter() - debut
    pointe = 0
    statut = Path("/proc/self/status")
    if statut.is_file():
        ligne = next(li for li in statut.read_text().splitlines() if li.startswith("VmHWM"))
        pointe = int(ligne.split()[1]) // 1024
    print(json.dumps([chemin, duree, pointe]))
"""


def test_aucun_fichier_ne_prend_plus_de_deux_secondes_ni_de_300_mo(tmp_path: Path) -> None:
    temoin = tmp_path / "temoin.csv"
    temoin.write_bytes(OCTETS_DU_TEMOIN)
    fichiers = [
        (str(temoin if li is TEMOIN else CORPUS / li["file"]), li["layer"]) for li in LIGNES
    ]
    sortie = subprocess.run(
        [sys.executable, "-c", SONDE, json.dumps(fichiers)],
        cwd=RACINE,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    mesures = [json.loads(li) for li in sortie.splitlines()]
    assert len(mesures) == len(fichiers)
    assert [m for m in mesures if m[1] > SECONDES_MAX or m[2] > MEGAOCTETS_MAX] == []


# --- Chaînes hostiles ---------------------------------------------------------------------------


def chaines() -> list[str]:
    chemin = CORPUS / "strings" / "blns.json"
    connues = json.loads(chemin.read_text("utf-8")) if chemin.is_file() else []
    return [*connues, "=cmd|' /C calc'!A0", "{{7*7}}", "\u202eabc", "Ａ\ufeff", '"; DROP TABLE x']


def test_une_chaine_hostile_n_arrete_jamais_le_controle() -> None:
    assert len(chaines()) in (5, 520)
    for chaine in chaines():
        cellule = '"' + chaine.replace('"', '""') + '"'
        octets = f"code_commune;commune;places\n01001;{cellule};12\n".encode("utf-8", "replace")
        controle = controler(octets, "hostile.csv")
        assert all(a.constat for a in controle.anomalies)
        if controle.verdict != "refuse":
            assert list(controle.tables["synthese_communale"]["places"]) == [12]
        sous_ce_nom = controler(OCTETS_DU_TEMOIN, chaine)
        assert sous_ce_nom.verdict in VERDICTS.values()


def test_un_nom_de_territoire_hostile_est_inconnu(capsys: pytest.CaptureFixture[str]) -> None:
    from ctg_data.__main__ import main

    chemin = CORPUS / "strings" / "chemins.txt"
    noms = chemin.read_text("utf-8").splitlines() if chemin.is_file() else []
    for hostile in [*noms, "../costieres_camargue", "/etc", ""]:
        if not hostile.startswith("-"):
            assert main(["controler", str(RACINE / "README.md"), "--territoire", hostile]) == 2
            assert capsys.readouterr().err.startswith("Territoire inconnu.")
