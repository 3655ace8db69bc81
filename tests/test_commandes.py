"""Tenir ses données en ligne de commande : chaque commande, chaque code de sortie, sans trace."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ctg_data import __main__ as ligne
from ctg_data import examen
from ctg_data.commandes import commun
from ctg_data.commandes.analyseur import en_francais
from ctg_data.commandes.importer import AUTEUR, CONTOURS_MAX
from ctg_data.depot import historique, original
from ctg_data.dossiers import dossier_donnees
from ctg_data.exports.gabarits import gabarit
from ctg_data.lecture import familles
from ctg_data.territoire import EMBARQUES, FICHE, charger

RACINE = Path(__file__).resolve().parent.parent
CHEMINS = RACINE.parent / "shared" / "corpus" / "strings" / "chemins.txt"
# Les pires, pour les machines qui n'ont pas la liste entière.
HOSTILES = ["../../etc/passwd", "/etc/passwd", "C:\\x", "CON", "nom.", "..", ".", "", "a\0.csv"]
HOSTILES += ["-rf", "$(id)", "a\nb", "\x1b[2J", "é" * 300, "\udcff", "=1+1", "naissances.csv"]
HOSTILES += CHEMINS.read_text("utf-8").splitlines() if CHEMINS.is_file() else []
HOSTILES = sorted(set(HOSTILES))
NAISSANCES = "CODGEO;LIBGEO;NAISD21;NAISD22\n30258;Saint-Gilles;201;198\n30047;Bellegarde;80;81\n"
COMMUNES = ("30258", "30047")


@pytest.fixture(autouse=True)
def ailleurs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Travailler dans un dossier vide, avec des données vides."""
    travail = tmp_path / "travail" / "ici"
    travail.mkdir(parents=True)
    monkeypatch.chdir(travail)
    monkeypatch.setenv("CTG_DONNEES", str(tmp_path / "donnees"))
    return travail


@pytest.fixture
def donnees(tmp_path: Path) -> Path:
    """Créer un territoire de deux communes et rendre le dossier des données."""
    assert lancer("creer", "Essai", "--communes", *COMMUNES) == 0
    return tmp_path / "donnees"


def lancer(*arguments: str) -> int:
    """Exécuter une commande dans ce processus et rendre son code de sortie."""
    try:
        return ligne.main(arguments)
    except SystemExit as sortie:
        assert isinstance(sortie.code, int)
        return sortie.code


def ecrire(nom: str, texte: str | bytes = NAISSANCES) -> str:
    Path(nom).write_bytes(texte if isinstance(texte, bytes) else texte.encode())
    return nom


def fichiers(dossier: Path) -> dict[str, bytes]:
    """Rendre les octets de tous les fichiers d'un dossier, verrou exclu."""
    presents = [f for f in dossier.rglob("*") if f.is_file() and f.name != ".verrou"]
    return {f.relative_to(dossier).as_posix(): f.read_bytes() for f in sorted(presents)}


def en_processus(*arguments: str, **environnement: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "ctg_data", *arguments],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(RACINE), **environnement},
        timeout=120,
        check=False,
    )


# --- Créer, lister ------------------------------------------------------------------------------


def test_creer_par_codes_ou_par_noms(donnees: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert charger(donnees / "territoires" / "essai").territoire.communes == ("30047", "30258")
    assert lancer("creer", "Pays d'Uzès", "--communes", "Blauzac", "30334") == 0
    cree = charger(donnees / "territoires" / "pays_d_uzes")
    assert (cree.territoire.nom, cree.territoire.communes) == ("Pays d'Uzès", ("30041", "30334"))
    sortie = capsys.readouterr().out
    assert "pays_d_uzes" in sortie and "txcouv_pe_com (Cnaf)" in sortie


def test_creer_par_epci(tmp_path: Path) -> None:
    assert lancer("creer", "Rhodanien", "--epci", "200034692") == 0
    assert (
        len(charger(tmp_path / "donnees" / "territoires" / "rhodanien").territoire.communes) == 44
    )


def test_creer_refuse_ce_qui_est_inconnu_ou_deja_la(
    donnees: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    avant = fichiers(donnees)
    assert lancer("creer", "Autre", "--communes", "30258", "30999") == 1
    assert "30999" in capsys.readouterr().err
    assert lancer("creer", "essai", "--communes", "30258") == 1
    assert "porte déjà ce nom" in capsys.readouterr().err
    assert lancer("creer", "Autre", "--epci", "123") == 2
    assert "Siren" in capsys.readouterr().err
    assert fichiers(donnees) == avant


def test_territoires_dit_ce_qui_est_livre_et_ce_qui_est_a_soi(
    donnees: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert lancer("territoires", "--format", "json") == 0
    etats = {e["code"]: e for e in map(json.loads, capsys.readouterr().out.splitlines())}
    assert etats["gard_rhodanien"]["origine"] == "livre"
    assert etats["essai"] == {
        "code": "essai",
        "nom": "Essai",
        "communes": ["30047", "30258"],
        "dossier": str(donnees / "territoires" / "essai"),
        "origine": "utilisateur",
        "tables": {"communes": 2},
        "fautes": [],
    }
    assert lancer("territoires") == 0
    assert "Essai (essai, à vous)" in capsys.readouterr().out


def test_territoires_dit_les_fautes(donnees: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (donnees / "territoires" / "essai" / FICHE).write_text("nom = ", "utf-8")
    capsys.readouterr()
    assert lancer("territoires", "--format", "json") == 0
    (essai,) = [
        e for e in map(json.loads, capsys.readouterr().out.splitlines()) if e["code"] == "essai"
    ]
    assert len(essai["fautes"]) == 1 and FICHE in essai["fautes"][0]


def test_l_option_donnees_l_emporte_sur_la_variable(tmp_path: Path) -> None:
    autre = tmp_path / "autre"
    assert lancer("creer", "Essai", "--communes", "30258", "--donnees", str(autre)) == 0
    assert (autre / "territoires" / "essai" / FICHE).is_file()
    assert not (tmp_path / "donnees").exists()
    assert lancer("territoires", "--donnees", ecrire("fichier.txt")) == 2


def test_sans_variable_les_donnees_sont_dans_le_dossier_personnel(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert dossier_donnees() == tmp_path / "donnees"
    monkeypatch.setenv("CTG_DONNEES", "")
    assert dossier_donnees() == Path.home() / "Boussole CTG"


# --- Contrôler ----------------------------------------------------------------------------------


def test_controler_rend_le_code_du_pire_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    bon, mauvais = ecrire("base_naissances_2022.csv"), ecrire("b.csv", "a;b\n1;2\n")
    assert lancer("controler", bon) == 0
    assert "Reconnu\u00a0: Naissances" in capsys.readouterr().out
    assert lancer("controler", bon, mauvais, "--format", "json") == 1
    objets = [json.loads(li) for li in capsys.readouterr().out.splitlines()]
    assert [o["verdict"] == "refuse" for o in objets] == [False, True]
    assert objets[0]["reconnu"] == "naissances_large"
    assert lancer("controler", "absent.csv") == 2
    assert "absent.csv" in capsys.readouterr().err


def test_controler_avec_un_territoire_par_son_nom_affiche(
    donnees: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fichier = ecrire("n_2022.csv", NAISSANCES + "01001;L'Abergement-Clémenciat;7;8\n")
    capsys.readouterr()
    assert lancer("controler", fichier, "--territoire", "ESSAI", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["communes"] == 2
    assert lancer("controler", fichier, "--territoire", "essais") == 2
    assert "costieres_camargue, essai et gard_rhodanien" in capsys.readouterr().err


# --- Importer -----------------------------------------------------------------------------------


def test_importer_depose_et_garde_l_original(
    donnees: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fichier = ecrire("base_naissances_2022.csv")
    assert lancer("importer", fichier, "--territoire", "essai", "--auteur", "Camille") == 0
    dossier = donnees / "territoires" / "essai"
    table = charger(dossier).tables["naissances"]
    assert sorted(table["naissances"]) == [80, 81, 198, 201]
    (pose,) = historique(dossier)
    assert (pose.auteur, pose.fichier) == ("Camille", fichier)
    assert (
        pose.provenance["famille"] == "naissances_large"
        and pose.provenance["producteur"] == "Insee"
    )
    assert pose.provenance["millesime"] == "2022" and pose.provenance["licence"]
    assert original(dossier, pose.identifiant) == NAISSANCES.encode()
    assert "4\u00a0lignes ajoutées" in capsys.readouterr().out
    assert lancer("importer", fichier, "--territoire", "essai") == 0
    assert "Rien ne change" in capsys.readouterr().out and len(historique(dossier)) == 1


def test_simuler_dit_tout_et_n_ecrit_rien(
    donnees: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    avant = fichiers(donnees)
    fichier = ecrire("base_naissances_2022.csv")
    assert lancer("importer", fichier, "--territoire", "essai", "--simuler") == 0
    sortie = capsys.readouterr().out
    assert "4\u00a0lignes ajoutées" in sortie and "rien n'a été écrit" in sortie
    assert fichiers(donnees) == avant


def test_un_fichier_refuse_arrete_tout_l_import(
    donnees: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    avant = fichiers(donnees)
    bon, mauvais = ecrire("base_naissances_2022.csv"), ecrire("b.csv", "a;b\n1;2\n")
    assert lancer("importer", bon, mauvais, "--territoire", "essai") == 1
    sortie = capsys.readouterr().out
    assert "b.csv\u00a0: refusé" in sortie and "Rien n'a été écrit." in sortie
    assert fichiers(donnees) == avant


def test_remplacer_retire_les_autres_lignes(donnees: Path) -> None:
    assert lancer("importer", ecrire("n_2022.csv"), "--territoire", "essai") == 0
    neuf = ecrire("n_2023.csv", "CODGEO;LIBGEO;NAISD23\n30258;Saint-Gilles;160\n")
    assert lancer("importer", neuf, "--territoire", "essai") == 0
    dossier = donnees / "territoires" / "essai"
    assert len(charger(dossier).tables["naissances"]) == 5
    assert lancer("importer", neuf, "--territoire", "essai", "--remplacer") == 0
    assert list(charger(dossier).tables["naissances"]["naissances"]) == [160]
    assert [d.auteur for d in historique(dossier)] == [AUTEUR] * 3


def test_un_territoire_livre_est_copie_et_jamais_touche(tmp_path: Path) -> None:
    livre = fichiers(EMBARQUES)
    fichier = ecrire("base_naissances_2007.csv", NAISSANCES.replace("NAISD2", "NAISD0"))
    assert lancer("importer", fichier, "--territoire", "Costières Camargue") == 0
    copie = tmp_path / "donnees" / "territoires" / "costieres_camargue"
    assert {2001, 2002} <= set(charger(copie).tables["naissances"]["annee"])
    assert fichiers(EMBARQUES) == livre


def test_importer_un_gabarit_non_rempli_est_refuse(
    donnees: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    avant = fichiers(donnees)
    fichier = ecrire("g.xlsx", gabarit("naissances", {"30258": "Saint-Gilles"}))
    assert lancer("importer", fichier, "--territoire", "essai") == 1
    assert "refusé" in capsys.readouterr().out and fichiers(donnees) == avant


def test_un_fichier_national_est_filtre_et_son_extrait_garde(
    donnees: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examen, "NATIONAL_MO", 0)
    ailleurs = "".join(f"{c};X;1;2\n" for c in ("01001", "75056", "59350"))
    fichier = ecrire("base_naissances_2022.csv", NAISSANCES + ailleurs)
    assert lancer("importer", fichier, "--territoire", "essai") == 0
    dossier = donnees / "territoires" / "essai"
    assert len(charger(dossier).tables["naissances"]) == 4
    (pose,) = historique(dossier)
    extrait = original(dossier, pose.identifiant)
    assert extrait is not None and b"30258" in extrait and b"75056" not in extrait


def test_un_gros_fichier_inconnu_est_controle_d_un_bloc_ou_refuse(
    donnees: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(examen, "NATIONAL_MO", 0)
    sien = "code_commune;annee;naissances;statut;source\n30258;2022;5;local;Mairie\n"
    assert lancer("importer", ecrire("a.csv", sien), "--territoire", "essai") == 0
    monkeypatch.setattr(examen, "TAILLE_MAX_MO", 0)
    assert lancer("importer", ecrire("b.csv", sien), "--territoire", "essai") == 1
    assert "non reconnu" in capsys.readouterr().out
    assert lancer("controler", "b.csv") == 1
    assert "Dites pour quel territoire" in capsys.readouterr().out


def carre(code: str, est: float) -> dict[str, object]:
    points = [[est, 43], [est + 0.1, 43], [est + 0.1, 43.1], [est, 43.1], [est, 43]]
    contour = {"type": "Polygon", "coordinates": [points]}
    return {"type": "Feature", "properties": {"code": code, "nom": code}, "geometry": contour}


def contours(*codes: str) -> str:
    objets = [carre(code, 4 + 0.1 * rang) for rang, code in enumerate(codes)]
    return json.dumps({"type": "FeatureCollection", "features": objets})


def test_importer_des_contours_pose_ceux_du_territoire(
    donnees: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    dossier = donnees / "territoires" / "essai"
    assert lancer("importer", ecrire("c.geojson", contours("30258")), "--territoire", "essai") == 1
    assert "30047" in capsys.readouterr().out
    assert not (dossier / "essai.geojson").exists()
    tous = ecrire("c.geojson", contours(*COMMUNES, "30028"))
    assert lancer("importer", tous, "--territoire", "essai") == 0
    assert codes_des_contours(dossier) == {*COMMUNES, "30028"}
    assert CONTOURS_MAX > 100
    monkeypatch.setattr("ctg_data.commandes.importer.CONTOURS_MAX", 2)
    assert lancer("importer", tous, "--territoire", "essai") == 0
    assert codes_des_contours(dossier) == set(COMMUNES)


def codes_des_contours(dossier: Path) -> set[str]:
    lus = json.loads((dossier / f"{dossier.name}.geojson").read_text("utf-8"))
    return {objet["properties"]["code"] for objet in lus["features"]}


# --- Sauvegarder, restaurer ---------------------------------------------------------------------


def test_sauvegarder_puis_restaurer_rend_les_memes_fichiers(
    donnees: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lancer("importer", ecrire("n_2022.csv"), "--territoire", "essai") == 0
    avant = fichiers(donnees)
    assert lancer("sauvegarder", "a.zip") == 0
    assert "Sauvegardé dans a.zip\u00a0: 1\u00a0territoire" in capsys.readouterr().out
    assert lancer("creer", "Autre", "--communes", "30028") == 0
    assert lancer("restaurer", "a.zip") == 0
    assert "sont gardées dans" in capsys.readouterr().out
    apres = fichiers(donnees)
    assert {n: o for n, o in apres.items() if not n.startswith("avant_restauration_")} == avant
    assert any("autre/territoire.toml" in n for n in apres)


def test_sauvegarder_sans_nom_en_choisit_un_date(donnees: Path, ailleurs: Path) -> None:
    assert lancer("sauvegarder") == 0
    (archive,) = ailleurs.iterdir()
    assert re.fullmatch(r"boussole_ctg_\d{4}-\d\d-\d\d_\d{6}\.zip", archive.name)
    assert zipfile.is_zipfile(archive)


def test_sauvegarder_refuse_d_ecraser_ou_de_se_recopier(donnees: Path, ailleurs: Path) -> None:
    ecrire("a.zip", "à garder")
    assert lancer("sauvegarder", "a.zip") == 2
    assert Path("a.zip").read_text("utf-8") == "à garder"
    assert lancer("sauvegarder", str(donnees / "b.zip")) == 2
    assert lancer("sauvegarder", "absent/b.zip") == 2
    assert [f.name for f in ailleurs.iterdir()] == ["a.zip"]


def test_sauvegarder_sans_donnees_est_refuse(
    ailleurs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lancer("sauvegarder", "a.zip") == 1
    assert "rien à sauvegarder" in capsys.readouterr().err
    assert list(ailleurs.iterdir()) == []


def test_restaurer_refuse_ce_qui_n_est_pas_une_sauvegarde(
    donnees: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    avant = fichiers(donnees)
    assert lancer("restaurer", ecrire("a.zip", "pas un zip")) == 1
    assert "ce n'est pas une sauvegarde" in capsys.readouterr().err
    assert lancer("restaurer", "absente.zip") == 2
    assert fichiers(donnees) == avant


# --- Usage et fautes ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "phrase"),
    [
        ([], "Il manque COMMANDE"),
        (["bidule"], "COMMANDE\u00a0: 'bidule' n'est pas l'un de"),
        (["creer", "x"], "Il faut l'une des options --communes --epci"),
        (["creer", "x", "--epci"], "--epci attend une valeur"),
        (["creer", "x", "--communes"], "--communes attend au moins une valeur"),
        (["creer", "x", "--communes", "1", "--epci", "2"], "--epci ne va pas avec --communes"),
        (["importer", "x"], "Il manque --territoire"),
        (["restaurer"], "Il manque ARCHIVE"),
        (["territoires", "--bidule"], "Option ou valeur inconnue «\u00a0--bidule\u00a0»"),
        (["importer", "x", "--simuler=1"], "--simuler n'attend pas de valeur"),
    ],
)
def test_un_mauvais_usage_est_dit_en_francais(
    arguments: list[str], phrase: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lancer(*arguments) == 2
    erreur = capsys.readouterr().err
    assert erreur.startswith(phrase) and "Usage\u00a0: python -m ctg_data" in erreur


def test_une_faute_inconnue_de_l_analyseur_reste_dite() -> None:
    assert en_francais("boom") == "Ligne de commande mal formée (boom)"


def test_l_aide_est_en_francais(capsys: pytest.CaptureFixture[str]) -> None:
    assert lancer("--aide") == 0
    aide = capsys.readouterr().out
    for commande in ("controler", "importer", "sauvegarder", "restaurer", "territoires", "creer"):
        assert commande in aide
    assert not re.search(r"usage:|show this help|positional", aide)


@pytest.mark.parametrize(
    ("faute", "dite"),
    [
        (OSError(28, "No space left"), "le disque est plein"),
        (MemoryError(), "La mémoire manque"),
        (KeyboardInterrupt(), "Interrompu"),
        (ZeroDivisionError("détail"), "Faute de l'outil (ZeroDivisionError)"),
    ],
)
def test_aucune_faute_ne_laisse_de_trace(
    faute: BaseException,
    dite: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def casser(*_: object) -> None:
        raise faute

    monkeypatch.setattr(commun, "dossier_donnees", casser)
    assert lancer("territoires") == 1
    assert dite in capsys.readouterr().err


# --- Noms hostiles ------------------------------------------------------------------------------


@pytest.mark.parametrize("nom", HOSTILES, ids=ascii)
def test_un_nom_de_territoire_hostile_ne_sort_pas_du_dossier(
    nom: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lancer("creer", nom, "--communes", "30258") in (0, 1, 2)
    dehors = {f.name for f in tmp_path.iterdir()} - {"travail", "donnees"}
    assert not dehors and not list((tmp_path / "travail").rglob("*.*"))
    territoires = tmp_path / "donnees" / "territoires"
    crees = [d.name for d in territoires.glob("*")]
    assert all(re.fullmatch(r"[a-z0-9_]+", d) for d in crees)
    bon = ecrire("n_2022.csv")
    capsys.readouterr()
    assert lancer("importer", bon, "--territoire", f"{nom}?") == 2
    sortie = capsys.readouterr()
    assert "Traceback" not in sortie.err and "\x1b" not in sortie.out + sortie.err


@pytest.mark.parametrize("nom", HOSTILES, ids=ascii)
def test_un_nom_de_fichier_hostile_est_dit_introuvable(
    nom: str, donnees: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    avant = fichiers(donnees)
    faux = f"{nom}.absent"
    for commande in (["controler", faux], ["importer", faux, "--territoire", "essai"]):
        assert lancer(*commande) == 2
    assert lancer("restaurer", faux) == 2
    assert fichiers(donnees) == avant
    sortie = capsys.readouterr()
    assert "Traceback" not in sortie.err and "\x1b" not in sortie.out + sortie.err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows refuse ces noms de fichier")
@pytest.mark.parametrize("nom", [h for h in HOSTILES if not set(h) & {"/", "\0"}], ids=ascii)
def test_un_fichier_au_nom_hostile_s_importe_sans_y_croire(
    nom: str, donnees: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chemin = Path.cwd() / f"{nom}_2022.csv"
    try:
        chemin.write_bytes(NAISSANCES.encode())
    except OSError:
        assert len(os.fsencode(chemin.name)) > 255
        return
    assert lancer("importer", str(chemin), "--territoire", "essai", f"--auteur={nom}.") == 0
    dossier = donnees / "territoires" / "essai"
    (pose,) = historique(dossier)
    gardes = {f.name for f in (dossier / "depots" / pose.identifiant).iterdir() if f.is_file()}
    assert gardes == {"original.csv", "provenance.json"}
    assert "\x1b" not in capsys.readouterr().out
    assert charger(dossier).anomalies == ()


# --- Pour de vrai -------------------------------------------------------------------------------


def test_en_processus_les_codes_et_les_sorties(tmp_path: Path) -> None:
    lu = en_processus("territoires", "--format", "json", PYTHONIOENCODING="ascii")
    assert lu.returncode == 0 and lu.stderr == b""
    noms = [json.loads(li)["nom"] for li in lu.stdout.decode("utf-8").splitlines()]
    assert noms == ["Costières Camargue", "Gard rhodanien"]
    refuse = en_processus("controler", ecrire("b.csv", "a;b\n1;2\n"))
    assert refuse.returncode == 1 and b"Traceback" not in refuse.stderr
    usage = en_processus("creer")
    assert usage.returncode == 2 and usage.stderr.decode("utf-8").startswith("Il manque NOM")


def test_en_processus_un_lecteur_parti_ne_fait_pas_de_trace() -> None:
    tube, bout = os.pipe()
    os.close(tube)
    commande = [sys.executable, "-m", "ctg_data", "territoires"]
    lance = subprocess.run(
        commande,
        stdout=bout,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(RACINE)},
        timeout=120,
        check=False,
    )
    os.close(bout)
    assert lance.stderr == b""


def test_une_annulation_d_un_fichier_national_se_propage(
    donnees: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examen, "NATIONAL_MO", 0)
    chemin = Path(ecrire("base_naissances_2022.csv"))
    with pytest.raises(familles.Annulation):
        examen.examiner(chemin, frozenset(COMMUNES), progression=lambda part: False)
